"""Filters from facets and cells: short names, empty cells, cells that are no filter; and dialogs where there is no room."""

from __future__ import annotations

from pathlib import Path

import pytest
from explorer_support import Explorer, explorer

from fwbill_tui.demo.generator import write_csv
from fwbill_tui.tui.screens.export_dialog import ExportDialog
from fwbill_tui.tui.widgets.facets import FacetPanel
from fwbill_tui.tui.widgets.totals import TotalsPanel
from fwbill_tui.tui.widgets.usage_table import UsageTable
from fwbill_tui.usage.query import Query

HEADER = (
    "email,start_time,end_time,usage_type,accelerator_type,accelerator_seconds,base_model_name,model_bucket,parameter_count,"
    "prompt_tokens,completion_tokens"
)
ROWS = (
    "a@x.dev,2026-10-10 23:30:00 UTC,2026-10-11 00:40:00 UTC,TEXT_COMPLETION_INFERENCE_USAGE,,,a/models/m,M,1,714,5",
    "a@x.dev,2026-10-11 01:00:00 UTC,2026-10-11 01:00:00 UTC,TEXT_COMPLETION_INFERENCE_USAGE,,,a/models/m,M,1,10,5",
    "b@x.dev,2026-10-11 02:00:00 UTC,2026-10-11 03:00:00 UTC,DEDICATED_DEPLOYMENT_USAGE,NVIDIA_H100_80GB,3600,a/models/n,N,1,,",
)


@pytest.fixture
def few(tmp_path: Path) -> Path:
    path = tmp_path / "few.csv"
    path.write_text("\n".join((HEADER, *ROWS)) + "\n")
    return path


async def to_cell(seen: Explorer, column: str, value: object) -> None:
    names = [one.name for one in seen.part(UsageTable).columns]
    await seen.press("escape", "home", *["down"] * seen.column(column).index(value), *["right"] * (names.index(column) + 1))


@pytest.mark.parametrize("named", ["kimi-k3", "KIMI-K3", "*kimi-k3"])
async def test_a_facet_takes_back_what_a_short_name_chose(tmp_path: Path, named: str) -> None:
    write_csv(tmp_path / "usage.csv", 1000)
    async with explorer(tmp_path / "usage.csv", query=Query().choose("model", [named])) as seen:
        everything = seen.part(TotalsPanel).whole.events
        (chosen,) = (value.value for value in seen.part(FacetPanel).facets["model"].values if value.chosen)
        await seen.press("m", *"kimi-k3", "exclamation_mark")
        assert seen.query.chosen("model") == ()
        assert seen.query.excluded("model") == (chosen,)
        assert 0 < seen.part(TotalsPanel).totals.events < everything
        await seen.press("delete", "space")
        assert seen.query.chosen("model") == (chosen,)
        await seen.press("space")
        assert seen.query.only == ()
        assert seen.part(TotalsPanel).totals.events == everything


async def test_a_space_on_a_value_chosen_by_its_short_name_unchooses_it(tmp_path: Path) -> None:
    write_csv(tmp_path / "usage.csv", 1000)
    async with explorer(tmp_path / "usage.csv", query=Query().choose("model", ["kimi-k3"])) as seen:
        await seen.press("m", *"kimi-k3", "space")
        assert seen.query.only == ()
        assert seen.part(TotalsPanel).totals == seen.part(TotalsPanel).whole


async def test_without_rows_like_a_number_those_without_number_stay(few: Path) -> None:
    async with explorer(few) as seen:
        await to_cell(seen, "prompt_tokens", 714)
        await seen.press("F")
        assert sorted(seen.column("prompt_tokens"), key=str) == [10, None]
        assert seen.part(TotalsPanel).totals.accelerator_seconds == 3600
        await seen.press("z")
        await to_cell(seen, "prompt_tokens", 714)
        await seen.press("f")
        assert seen.column("prompt_tokens") == [714]


@pytest.mark.parametrize(("column", "key", "said"), [
    ("end_time", "f", "told by their start"), ("start_time", "F", "cannot be left out"), ("prompt_tokens", "f", "has no number"),
])  # fmt: skip
async def test_a_cell_that_is_no_filter_says_so(few: Path, column: str, key: str, said: str) -> None:
    async with explorer(few) as seen:
        before = seen.query
        value = None if column == "prompt_tokens" else seen.column(column)[0]
        await to_cell(seen, column, value)
        await seen.pilot.press(key)
        await seen.pilot.pause()
        assert seen.query == before
        assert [said in note.message for note in seen.app._notifications] == [True]


async def test_nothing_is_exported_of_a_search_that_cannot_be_read(few: Path) -> None:
    async with explorer(few) as seen:
        await seen.pilot.press("slash", *"/(/", "enter")
        await seen.until(lambda: bool(seen.screen._problem))
        await seen.pilot.press("e")
        await seen.pilot.pause()
        assert not isinstance(seen.app.screen, ExportDialog)
        assert any("regular expression" in note.message for note in seen.app._notifications)


@pytest.mark.parametrize("key", ["g", "c", "s", "e", "d", "question_mark", "ctrl+p"])
async def test_a_terminal_without_room_for_a_dialog_does_not_end_the_program(few: Path, key: str) -> None:
    async with explorer(few) as seen:
        await seen.pilot.press(key)
        await seen.pilot.pause()
        for size in ((120, 4), (8, 24), (5, 3), (1, 1), (120, 36)):
            await seen.pilot.resize_terminal(*size)
            await seen.pilot.press("down", "pagedown", "pageup", "up")
            await seen.pilot.pause()
        await seen.pilot.press("escape")
        assert seen.app.is_running
        assert seen.app.return_code in (None, 0)
