"""A dialog that opens for the first time finds its modules and styles ready."""

from __future__ import annotations

from pathlib import Path

from explorer_support import explorer

from fwbill_tui.demo.generator import write_csv
from fwbill_tui.tui import warming
from fwbill_tui.tui.screens.explorer import ExplorerScreen


async def test_no_dialog_brings_styles_that_are_not_known(tmp_path: Path) -> None:
    write_csv(path := tmp_path / "usage.csv", 1000)
    async with explorer(path) as seen:
        await seen.until(lambda: "OptionList" in seen.app.stylesheet.rules_map)
        known, rules = set(seen.app.stylesheet.source), seen.app.stylesheet.rules_map
        for key in ("d", "question_mark", "enter", "g", "c", "e"):
            await seen.pilot.press(key)
            await seen.until(lambda: not isinstance(seen.app.screen, ExplorerScreen))
            await seen.pilot.pause(0.1)
            assert set(seen.app.stylesheet.source) == known
            assert seen.app.stylesheet.rules_map is rules
            await seen.pilot.press("escape")
            await seen.until(lambda: isinstance(seen.app.screen, ExplorerScreen))


async def test_new_styles_do_not_have_the_others_parsed_anew(tmp_path: Path) -> None:
    write_csv(path := tmp_path / "usage.csv", 1000)
    async with explorer(path) as seen:
        stylesheet = seen.app.stylesheet
        await seen.until(lambda: "OptionList" in stylesheet.rules_map)
        before = list(stylesheet.rules)
        stylesheet.parse()
        assert len(before) == len(stylesheet.rules)
        assert all(one is other for one, other in zip(before, stylesheet.rules, strict=True))


async def test_a_second_load_does_not_have_the_rules_found_anew(tmp_path: Path) -> None:
    write_csv(path := tmp_path / "usage.csv", 1000)
    async with explorer(path) as seen:
        stylesheet = seen.app.stylesheet
        await seen.until(lambda: "OptionList" in stylesheet.rules_map)
        rules = stylesheet.rules_map
        warming.take_in(stylesheet, warming.prepare(stylesheet))
        assert stylesheet.rules_map is rules
