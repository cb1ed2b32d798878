"""The keys at the foot: those that apply where the focus is, on one line, each to be clicked."""

from __future__ import annotations

from pathlib import Path

import pytest
from explorer_support import Explorer, explorer

from fwbill_tui.demo.generator import write_csv
from fwbill_tui.tui.screens.confirm import ConfirmScreen
from fwbill_tui.tui.screens.help import HelpScreen
from fwbill_tui.tui.screens.sort_dialog import SortDialog
from fwbill_tui.tui.widgets.facets import FacetPanel
from fwbill_tui.tui.widgets.key_bar import KeyBar


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "usage.csv"
    write_csv(path, 1000)
    return path


def shown(seen: Explorer) -> str:
    return seen.app.screen.query_one(KeyBar).render_line(0).text


async def test_hints_follow_the_focus(export: Path) -> None:
    async with explorer(export) as seen:
        assert shown(seen).startswith(" / search  t type  m model  d dates")
        await seen.press("m")
        assert " space toggle " in shown(seen)
        assert " / search " not in shown(seen), "letters narrow the facet"
        assert " ? help " in shown(seen)
        assert " esc back " in shown(seen)
        await seen.press("k")
        assert " esc clear " in shown(seen)
        await seen.press("escape")
        assert " esc back " in shown(seen)
        await seen.press("escape", "slash")
        assert " / search " not in shown(seen)
        assert " f1 help " in shown(seen)
        await seen.press("escape")
        await seen.pilot.press("e")
        await seen.until(lambda: " ↵ Export " in shown(seen))


async def test_question_mark_helps_in_a_facet_too(export: Path) -> None:
    async with explorer(export) as seen:
        await seen.press("m")
        await seen.pilot.press("question_mark")
        await seen.until(lambda: isinstance(seen.app.screen, HelpScreen))
        await seen.pilot.press("escape")
        assert seen.app.screen.focused is seen.part(FacetPanel)


@pytest.mark.parametrize("width", [30, 50, 80, 120])
async def test_no_hint_is_cut_and_help_is_always_there(export: Path, width: int) -> None:
    async with explorer(export, size=(width, 24)) as seen:
        text = shown(seen)
        assert len(text) == width
        assert text.rstrip().endswith("? help")
        known = {(hint.shown, hint.does) for hint in seen.app.screen.query_one(KeyBar).hints}
        assert {tuple(part.split(" ", 1)) for part in text.strip().split("  ")} <= known


async def test_a_click_presses_the_key(export: Path) -> None:
    async with explorer(export) as seen:
        at = shown(seen).index("s sort")
        await seen.pilot.click(KeyBar, offset=(at + 1, 0))
        await seen.until(lambda: isinstance(seen.app.screen, SortDialog))


async def test_a_change_of_focus_builds_no_widgets(export: Path) -> None:
    async with explorer(export) as seen:
        before = {id(widget) for widget in seen.app.screen.walk_children()}
        for _ in range(3):
            await seen.press("m", "escape", "slash", "escape")
        assert {id(widget) for widget in seen.app.screen.walk_children()} == before


async def test_the_answers_of_a_question_are_called_as_on_its_buttons(export: Path) -> None:
    async with explorer(export) as seen:
        for yes, no in (("Replace", "Keep"), ("Quit", "Go on writing")):
            seen.app.push_screen(question := ConfirmScreen("Well?", yes=yes, no=no))
            await seen.pilot.pause()
            keys = question.active_bindings
            assert (keys["y"].binding.description, keys["n"].binding.description) == (yes, no)
            await seen.pilot.press("escape")
