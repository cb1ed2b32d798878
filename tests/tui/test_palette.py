"""The command palette and the help: every action once, and ctrl+c as what it does now."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from explorer_support import explorer
from textual.widgets import Input

from fwbill_tui.demo.generator import write_csv
from fwbill_tui.tui.screens.help import live_help
from fwbill_tui.tui.screens.login import LoginScreen
from fwbill_tui.tui.screens.row_detail import RowDetailScreen
from fwbill_tui.tui.widgets.status import NoticeLine
from fwbill_tui.tui.widgets.usage_table import UsageTable


async def test_each_action_is_listed_once_and_an_account_is_found_by_its_name(tmp_path: Path) -> None:
    write_csv(tmp_path / "usage.csv", 1000)
    async with explorer(tmp_path / "usage.csv") as seen:
        titles = [command.title for command in seen.app.get_system_commands(seen.app.screen)]
        assert [title for title, times in Counter(titles).items() if times > 1] == []
        assert {"Cell left", "Help", "Quit", "First row"} <= set(titles)
        assert "Copy selected text" not in titles
        await seen.pilot.press("ctrl+p")
        await seen.pilot.press(*"switch account")
        await seen.pilot.pause(0.5)
        await seen.pilot.press("enter")
        await seen.until(lambda: isinstance(seen.app.screen, LoginScreen))


async def test_notices_can_be_read_to_their_end(tmp_path: Path) -> None:
    write_csv(tmp_path / "usage.csv", 1000)
    async with explorer(tmp_path / "usage.csv", (80, 24)) as seen:
        assert "Notices in full" not in [command.title for command in seen.app.get_system_commands(seen.app.screen)]
        long = "a reason that goes on and on, " * 30 + "to its very end"
        seen.part(NoticeLine).notices = (long,)
        await seen.pilot.pause()
        assert seen.part(NoticeLine).region.height == 4
        assert seen.part(UsageTable).region.height > 10
        await seen.pilot.click(NoticeLine)
        await seen.until(lambda: isinstance(seen.app.screen, RowDetailScreen))
        await seen.pilot.press("Y")
        await seen.until(lambda: seen.app.clipboard == f"⚠: {long}")
        await seen.pilot.press("escape")
        (notices,) = [one for one in seen.app.get_system_commands(seen.screen) if one.title == "Notices in full"]
        notices.callback()
        await seen.until(lambda: isinstance(seen.app.screen, RowDetailScreen))


async def test_ctrl_c_quits_unless_text_is_selected(tmp_path: Path) -> None:
    write_csv(tmp_path / "usage.csv", 1000)
    async with explorer(tmp_path / "usage.csv") as seen:

        def listed() -> dict[str, str]:
            groups = live_help(seen.app.screen)
            return {key: f"{group.title}: {does}" for group in groups for keys, does in group.rows for key in keys.split()}

        assert listed()["^c"] == "Everywhere: quit"
        await seen.press("slash", *"kimi")
        assert listed()["^c"] == "Everywhere: quit"
        seen.screen.query_one("#search", Input).action_select_all()
        assert listed()["^c"] == "Text line: copy selected text"
        await seen.press("ctrl+c")
        assert seen.app.clipboard == "kimi"
        await seen.press("end")
        await seen.pilot.press("ctrl+c")
        assert seen.app.return_code == 0


@pytest.mark.parametrize("keys", [["d", "end"], ["e"], ["g"], ["c"], ["enter"], ["f1"], ["ctrl+p"], ["slash", "k"], ["m"]])
@pytest.mark.parametrize("quit_key", ["ctrl+q", "ctrl+c"])
async def test_both_keys_quit_wherever_one_is(tmp_path: Path, keys: list[str], quit_key: str) -> None:
    write_csv(tmp_path / "usage.csv", 1000)
    async with explorer(tmp_path / "usage.csv") as seen:
        for key in keys:
            await seen.pilot.press(key)
        await seen.pilot.pause(0.1)
        assert seen.app.return_code is None
        await seen.pilot.press(quit_key)
        assert seen.app.return_code == 0
