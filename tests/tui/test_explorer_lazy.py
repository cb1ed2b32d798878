"""The explorer on events that stay on disk: the first rows of every view, sums of all, and files with everything."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import polars as pl
import pytest
from explorer_support import Explorer

from fwbill_tui.demo.generator import write_csv
from fwbill_tui.sources.launch import Launch
from fwbill_tui.tui.app import FwbillApp
from fwbill_tui.tui.screens.explorer import ExplorerScreen
from fwbill_tui.tui.screens.row_detail import RowDetailScreen
from fwbill_tui.tui.widgets.save_line import SaveLine
from fwbill_tui.tui.widgets.status import NoticeLine, StatusLine
from fwbill_tui.tui.widgets.totals import TotalsPanel
from fwbill_tui.tui.widgets.usage_table import UsageTable
from fwbill_tui.usage import lazy_ledger
from fwbill_tui.usage.query import Query

ROWS, PAGE = 2000, 300


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(lazy_ledger, "PAGE", PAGE)
    monkeypatch.setenv("TMPDIR", str(tmp_path))


@asynccontextmanager
async def on_disk(path: Path) -> AsyncIterator[Explorer]:
    app = FwbillApp(Launch(query=Query(), inputs=(str(path),), lazy=True))
    async with app.run_test(size=(160, 40), notifications=True) as pilot:
        seen = Explorer(app, pilot)
        await seen.until(lambda: isinstance(app.screen, ExplorerScreen) and app.screen._provenance is not None)
        await seen.settle()
        yield seen


def notices(seen: Explorer) -> str:
    line = seen.part(NoticeLine)
    return " · ".join((*line.notices, *line.notes))


async def test_shows_the_first_rows_and_the_sums_of_all(tmp_path: Path) -> None:
    write_csv(path := tmp_path / "usage.csv", ROWS)
    newest = sorted(pl.read_csv(path, infer_schema_length=None).get_column("start_time"), reverse=True)
    async with on_disk(path) as seen:
        assert "streamed from disk" in seen.part(StatusLine).standing.source
        assert f"the first {PAGE} of 2,000 rows, sorted by start ▼; sums are of all" in notices(seen)
        assert "the events stay on disk (as asked for)" in notices(seen)
        assert str(tmp_path) in notices(seen), "where the rows of a CSV file are kept"
        assert seen.part(TotalsPanel).totals.events == ROWS
        assert seen.part(UsageTable).total_rows == PAGE
        assert [f"{time:%Y-%m-%d %H:%M:%S} UTC" for time in seen.column("start_time")] == newest[:PAGE]
        await seen.press("end")
        assert seen.part(UsageTable).cursor == PAGE - 1


async def test_filters_sorts_groups_and_details_work(tmp_path: Path) -> None:
    write_csv(path := tmp_path / "usage.csv", ROWS)
    async with on_disk(path) as seen:
        await seen.press("slash", *"embed", "enter")
        found = seen.part(TotalsPanel).totals.events
        assert 0 < found < PAGE
        assert len(seen.column("usage_type")) == found
        assert "the first" not in notices(seen)
        await seen.press("right", "right", "f")
        assert seen.query.only, "the cell's value is asked for"
        assert len(set(seen.column("usage_type"))) == 1
        await seen.press("x", "escape")
        seen.screen.sort_by("prompt_tokens", further=False)
        await seen.settle()
        prompts = [count for count in seen.column("prompt_tokens") if count is not None]
        assert prompts == sorted(prompts, reverse=True)  # type: ignore[type-var]
        assert "sorted by prompt ▼" in notices(seen)
        seen.screen.group_by(("model",))
        await seen.settle()
        assert sum(seen.column("events")) == ROWS  # type: ignore[arg-type]
        assert "the first" not in notices(seen)
        first = seen.column("events")[0]
        await seen.press("enter")
        assert seen.part(TotalsPanel).totals.events == first
        await seen.pilot.press("enter")
        await seen.until(lambda: isinstance(seen.app.screen, RowDetailScreen))


async def test_saves_all_rows_not_only_those_on_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_csv(path := tmp_path / "usage.csv", ROWS)
    times = sorted(pl.read_csv(path, infer_schema_length=None).get_column("start_time"), reverse=True)
    async with on_disk(path) as seen:
        await seen.pilot.press("ctrl+s")
        await seen.until(lambda: len(list(tmp_path.glob("*.csv"))) == 2 and not seen.part(SaveLine).name_written)
    saved = next(file for file in tmp_path.glob("*.csv") if file != path)
    assert pl.read_csv(saved, infer_schema_length=None).get_column("start_time").to_list() == times


async def test_a_file_that_is_gone_is_said_and_the_sums_stay(tmp_path: Path) -> None:
    write_csv(tmp_path / "usage.csv", ROWS)
    pl.read_csv(tmp_path / "usage.csv", infer_schema_length=None).with_columns(
        pl.col("start_time", "end_time").str.to_datetime("%Y-%m-%d %H:%M:%S UTC", time_zone="UTC")
    ).write_parquet(path := tmp_path / "usage.parquet")
    async with on_disk(path) as seen:
        path.unlink()
        seen.screen.sort_by("prompt_tokens", further=False)
        await seen.until(lambda: "cannot be read from disk any more" in notices(seen))
        assert seen.part(TotalsPanel).totals.events == ROWS
