"""A rollup in the explorer: rows are groups, totals are those of their events, single events are not asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from explorer_support import Explorer, explorer

from fwbill_tui.demo.generator import write_csv
from fwbill_tui.sources.files import FileSource
from fwbill_tui.sources.launch import Launch
from fwbill_tui.sources.loading import load
from fwbill_tui.tui.app import FwbillApp
from fwbill_tui.tui.screens.boxed import Note
from fwbill_tui.tui.screens.explorer import ExplorerScreen
from fwbill_tui.tui.screens.login import LoginScreen
from fwbill_tui.tui.screens.open_files import OpenFilesScreen
from fwbill_tui.tui.screens.row_detail import RowDetailScreen
from fwbill_tui.tui.widgets.status import NoticeLine, StatusLine
from fwbill_tui.tui.widgets.totals import TotalsPanel
from fwbill_tui.usage.query import EVERYTHING, Query

ROWS = 1500


@pytest.fixture
def rollup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "usage.csv", ROWS)
    load(FileSource(["usage.csv"]), [EVERYTHING]).ledger.rollup(Query()).write_parquet("hours.parquet")
    return tmp_path / "hours.parquet"


async def test_a_rollup_is_explored_as_events_are(rollup: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    groups = pl.read_parquet(rollup)
    app = FwbillApp(Launch(query=Query(), inputs=(str(rollup),), rollup=True))
    async with app.run_test(size=(140, 40), notifications=True) as pilot:
        seen = Explorer(app, pilot)
        await seen.until(lambda: isinstance(app.screen, ExplorerScreen) and app.screen._provenance is not None)
        await seen.settle()
        assert len(seen.column("events")) == groups.height
        assert seen.part(TotalsPanel).totals.events == ROWS
        assert seen.part(StatusLine).standing.events == ROWS
        assert seen.part(StatusLine).standing.source.endswith("hours.parquet (rollup)")

        await seen.press("slash", *"kimi", "enter")
        kimi = groups.filter(pl.col("base_model_name").str.contains("kimi") | pl.col("model_bucket").str.contains("(?i)kimi"))
        assert seen.part(TotalsPanel).totals.events == kimi.get_column("events").sum()
        assert len(seen.column("events")) == kimi.height

        await seen.pilot.press("enter")
        await seen.until(lambda: isinstance(app.screen, RowDetailScreen))
        assert app.screen.heading == "Group of usage events"
        await seen.press("escape")

        await seen.pilot.press("ctrl+s")
        await seen.until(lambda: len(list(rollup.parent.glob("fwbill-*.csv"))) == 1)
        (saved,) = rollup.parent.glob("fwbill-*.csv")
        assert pl.read_csv(saved).get_column("events").sum() == kimi.get_column("events").sum()
        assert pl.read_csv(saved).columns[0] == "bucket"
        copied: list[str] = []
        monkeypatch.setattr(FwbillApp, "copy_to_clipboard", lambda _, text: copied.append(text))
        await seen.press("Y")
        assert copied[0].splitlines() == saved.read_text().splitlines()[:2]


async def test_a_condition_on_single_events_is_refused_in_words(rollup: Path) -> None:
    app = FwbillApp(Launch(query=Query(), inputs=(str(rollup),), rollup=True))
    async with app.run_test(size=(140, 40), notifications=True) as pilot:
        seen = Explorer(app, pilot)
        await seen.until(lambda: isinstance(app.screen, ExplorerScreen) and app.screen._provenance is not None)
        await seen.settle()
        table = seen.screen.query_one("UsageTable")
        cell = next(index for index, column in enumerate(table.columns) if column.name == "prompt_tokens")  # type: ignore[attr-defined]
        await seen.press(*["right"] * (cell + 1))
        await seen.pilot.press("f")
        await seen.until(lambda: any("no single events" in notice for notice in seen.part(NoticeLine).notices))
        await seen.press("z")
        assert not seen.part(NoticeLine).notices


async def test_a_time_zone_that_cuts_its_buckets_is_taken_back(rollup: Path) -> None:
    async with explorer(rollup, launch=Launch(query=Query(), inputs=(str(rollup),), rollup=True)) as seen:
        seen.screen.ask(replace(seen.query, time_zone="Asia/Kolkata"))
        await seen.until(lambda: any(note.title == "Not this time zone" for note in seen.app._notifications))
        await seen.settle()
        assert seen.query.time_zone == "UTC"
        assert seen.part(StatusLine).standing.range.endswith("UTC")


async def test_a_rollup_is_opened_on_screen_and_what_is_none_leaves_the_old_one_there(rollup: Path) -> None:
    (rollup.parent / "foreign.csv").write_text("a,b,c\n1,2,3\n")
    async with explorer(rollup.parent / "usage.csv") as seen:
        before = seen.screen

        async def choose(name: str) -> None:
            await seen.pilot.press("ctrl+l", "o")
            await seen.until(lambda: isinstance(seen.app.screen, OpenFilesScreen))
            await seen.pilot.pause(0.2)
            await seen.pilot.press(*name)
            await seen.pilot.pause(0.3)
            await seen.pilot.press("enter")

        await choose("foreign.csv")
        await seen.until(lambda: isinstance(seen.app.screen, LoginScreen))
        assert "not a usage export" in "\n".join(str(note.render()) for note in seen.app.screen.query(Note))
        await seen.pilot.press("escape")
        await seen.until(lambda: seen.app.screen is before)
        assert seen.part(TotalsPanel).totals.events == ROWS

        await choose("hours.parquet")
        await seen.until(lambda: isinstance(seen.app.screen, ExplorerScreen) and seen.app.screen is not before)
        await seen.until(lambda: seen.screen._provenance is not None)
        await seen.settle()
        assert seen.part(StatusLine).standing.source.endswith("hours.parquet (rollup)")
        assert seen.part(TotalsPanel).totals.events == ROWS
