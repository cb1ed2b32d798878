"""Grouping, drilling down, ranges, columns and saving, by keys."""

from __future__ import annotations

import csv
import errno
import os
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from explorer_support import Explorer, explorer
from textual.geometry import Region
from textual.strip import Strip

from fwbill_tui.demo.generator import write_csv
from fwbill_tui.tui.screens.confirm import ConfirmScreen
from fwbill_tui.tui.screens.row_detail import RowDetailScreen
from fwbill_tui.tui.widgets.chart import UsageChart
from fwbill_tui.tui.widgets.facets import FacetPanel
from fwbill_tui.tui.widgets.key_bar import KeyBar
from fwbill_tui.tui.widgets.save_line import SaveLine
from fwbill_tui.tui.widgets.totals import TotalsPanel
from fwbill_tui.tui.widgets.usage_table import HEADER, UsageTable
from fwbill_tui.usage.query import NEWEST_FIRST, Query, SortKey
from fwbill_tui.usage.ranges import parse_range

ROWS = 1500


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "usage.csv"
    write_csv(path, ROWS)
    return path


@pytest.fixture(scope="module")
def rows(export: Path) -> list[dict[str, str]]:
    with export.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files are saved into the current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


async def test_group_drill_down_and_back(export: Path, rows: list[dict[str, str]]) -> None:
    async with explorer(export) as seen:
        await seen.pilot.press("g", "u", "enter")
        await seen.settle()
        grouped = seen.query
        assert grouped.group_by == ("user",)
        counts = Counter(row["email"] for row in rows)
        assert dict(zip(seen.column("user"), seen.column("events"), strict=True)) == counts
        assert seen.column("events") == sorted(counts.values(), reverse=True)
        await seen.press("down", "enter")
        user = seen.query.chosen("user")[0]
        assert seen.query.group_by == ()
        assert set(seen.column("email")) == {user}
        assert seen.part(UsageTable).total_rows == counts[user]
        await seen.press("escape")
        assert seen.query == grouped
        await seen.press("escape")
        assert seen.query == Query()


async def test_groups_by_two_keys_sorted_by_a_measure(export: Path) -> None:
    async with explorer(export) as seen:
        await seen.pilot.press("g", "m", "d", "enter")
        await seen.settle()
        assert seen.query.group_by == ("model", "day")
        names = [column.name for column in seen.part(UsageTable).columns]
        await seen.press(*["right"] * (names.index("completion_tokens") + 1), "s")
        values = seen.column("completion_tokens")
        assert values == sorted(values, reverse=True)  # type: ignore[type-var]
        day = seen.column("day")[0]
        await seen.press("enter")
        shown = {moment.date() for moment in seen.column("start_time")}  # type: ignore[attr-defined]
        assert shown == {day}


async def test_the_chart_turns_to_other_measures_and_dimensions(export: Path, rows: list[dict[str, str]]) -> None:
    def added_up(measure: str) -> float:
        return sum(float(row[measure] or 0) for row in rows)

    async with explorer(export) as seen:
        chart, table = seen.part(UsageChart), seen.part(UsageTable)
        await seen.press("down", "down", "down")
        before, query = table.cursor, seen.query
        found = {}
        for _ in range(6):
            assert chart.series is not None
            found[chart.series.measure] = sum(map(sum, chart.series.values))
            await seen.press("v")
        assert chart.series.measure == "total_tokens"
        names = ("prompt_tokens", "cached_prompt_tokens", "completion_tokens", "accelerator_seconds")
        assert found == pytest.approx({
            "total_tokens": added_up("prompt_tokens") + added_up("completion_tokens"), "events": ROWS,
            **{name: added_up(name) for name in names},
        })  # fmt: skip
        await seen.press("v", "V", "V")
        assert (chart.series.measure, chart.series.dimension) == ("prompt_tokens", "email")
        users = {row["email"] for row in rows}
        assert {name for name in chart.series.names if name is not None} <= users
        assert sum(map(sum, chart.series.values)) == added_up("prompt_tokens")
        assert (table.cursor, seen.query) == (before, query)
        await seen.press("slash", *"dedicated")
        assert chart.series.measure == "accelerator_seconds"  # there are no prompts
        assert "GPU h per 2 days by user" in "\n".join(chart.render_line(y).text for y in range(chart.size.height))
        await seen.press("escape", "escape")
        assert chart.series.measure == "prompt_tokens"


async def test_the_chart_of_nothing_is_not_turned(export: Path) -> None:
    async with explorer(export) as seen:
        await seen.press("slash", *"nothing-has-this", "enter", "v")
        assert [toast.message for toast in seen.app._notifications] == ["there is nothing to chart"]
        await seen.press("escape")
        assert seen.part(UsageChart).series.measure == "total_tokens"


async def test_the_chart_is_not_turned_unseen(export: Path) -> None:
    async with explorer(export, size=(80, 24)) as seen:
        before = seen.part(UsageChart).series
        await seen.press("v", "V")
        assert seen.part(UsageChart).series == before
        assert {toast.message for toast in seen.app._notifications} == {"the chart needs a window of 30 lines"}


async def test_a_range_is_typed_and_shifted(export: Path, rows: list[dict[str, str]]) -> None:
    days = sorted({row["start_time"][:10] for row in rows})
    first, last = days[10], days[12]
    async with explorer(export) as seen:
        await seen.pilot.press("d")
        await seen.pilot.pause()
        line: Any = seen.app.screen.query_one("#range")
        line.focus()
        line.value = f"{first}..{last}"
        await seen.pilot.press("enter")
        await seen.settle()
        assert seen.part(TotalsPanel).totals.events == sum(first <= row["start_time"][:10] <= last for row in rows)
        await seen.press("left_square_bracket")
        assert seen.part(TotalsPanel).totals.events == sum(days[7] <= row["start_time"][:10] <= days[9] for row in rows)
        await seen.press("right_square_bracket")
        await seen.press("right_square_bracket")
        assert seen.part(TotalsPanel).totals.events == sum(days[13] <= row["start_time"][:10] <= days[15] for row in rows)


class Noon(datetime):
    """A clock that stands still."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Noon:
        return cls(2026, 11, 22, 12, tzinfo=tz)


async def test_before_the_month_to_date_comes_the_whole_month_before(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fwbill_tui.tui.screens.explorer.datetime", Noon)
    async with explorer(export) as seen:
        for range_, before in (("2026-11-01..2026-11-22", "2026-10"), ("2026-11-01..2026-11-21", "2026-10-11..2026-10-31")):
            seen.screen.ask(replace(seen.query, range=parse_range(range_, today=Noon.now().date(), time_zone="UTC")))
            await seen.press("left_square_bracket")
            assert seen.query.range == parse_range(before, today=Noon.now().date(), time_zone="UTC")


async def test_ctrl_s_saves_exactly_the_rows_and_columns_shown(export: Path, folder: Path) -> None:
    async with explorer(export) as seen:
        await seen.press("m", *"kimi-k3", "enter")
        names = [column.name for column in seen.part(UsageTable).columns]
        await seen.press(*["right"] * (names.index("completion_tokens") + 1), "s")
        shown = {name: seen.column(name) for name in ("completion_tokens", "email", "start_time")}
        await seen.pilot.press("ctrl+s")
        await seen.until(lambda: bool(list(folder.glob("*.csv"))))
        (path,) = folder.glob("*.csv")
        saved = read(path)
        assert path.name.startswith("fwbill-")
        assert "kimi-k3" in path.name
        assert list(saved[0]) == [column.name for column in seen.part(UsageTable).columns]
        assert [row["email"] for row in saved] == shown["email"]
        counts = [row["completion_tokens"] for row in saved]
        assert [int(count) if count else None for count in counts] == shown["completion_tokens"]
        times = [datetime.strptime(row["start_time"], "%Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC) for row in saved]
        assert times == shown["start_time"]
        await seen.until(lambda: not seen.part(SaveLine).has_class("running"))
        assert [path.name for path in folder.iterdir()] == [path.name]


async def test_an_existing_file_is_asked_about(export: Path, folder: Path) -> None:
    async with explorer(export) as seen:
        await seen.pilot.press("ctrl+s")
        await seen.until(lambda: bool(list(folder.glob("*.csv"))))
        (path,) = folder.glob("*.csv")
        path.write_text("mine")
        await seen.until(lambda: not seen.part(SaveLine).has_class("running"))
        await seen.pilot.press("ctrl+s")
        await seen.until(lambda: isinstance(seen.app.screen, ConfirmScreen))
        await seen.pilot.press("escape")
        assert path.read_text() == "mine"
        await seen.pilot.press("ctrl+s")
        await seen.until(lambda: isinstance(seen.app.screen, ConfirmScreen))
        await seen.pilot.press("y")
        await seen.until(lambda: path.read_text() != "mine")
        assert len(read(path)) == ROWS


async def test_a_message_takes_the_place_of_the_one_of_its_kind(export: Path) -> None:
    async with explorer(export) as seen:
        for number in range(3):
            seen.app.notify(f"file {number}", title="Saved", timeout=600)
            seen.app.notify("cell copied", timeout=600)
        seen.app.notify("row copied", timeout=600)
        await seen.until(lambda: len(seen.app._notifications) > 0 and bool(seen.app.screen.query("Toast")))
        await seen.pilot.pause()
        assert {toast.message for toast in seen.app._notifications} == {"file 2", "cell copied", "row copied"}
        assert len(seen.app._notifications) == len(seen.app.screen.query("Toast")) == 3


async def test_a_message_leaves_the_keys_and_buttons_of_a_dialog_in_sight(export: Path) -> None:
    async with explorer(export, size=(80, 24)) as seen:
        seen.app.notify("400,000 events", title="Saved", timeout=600)
        seen.app.notify("the disk is full", title="Not saved", severity="error", timeout=600)
        await seen.until(lambda: len(seen.app.screen.query("Toast")) == 2)
        await seen.pilot.press("e")
        await seen.until(lambda: bool(seen.app.screen.query("ExportDialog Toast")))
        await seen.pilot.pause()
        (toast,) = seen.app.screen.query("Toast")
        assert toast.region
        assert not toast.region.overlaps(seen.app.screen.query_one("#foot").region)
        assert [said.title for said in seen.app._notifications] == ["Not saved"], "the other was read"


async def test_events_keep_their_order_through_groups_and_back(export: Path) -> None:
    async with explorer(export) as seen:
        seen.screen.sort_by("prompt_tokens", further=False)
        await seen.settle()
        sort, prompts = seen.query.sort, seen.column("prompt_tokens")
        await seen.press("g", "m", "enter")
        assert seen.query.group_by == ("model",)
        await seen.press("enter")
        assert seen.query.group_by == ()
        assert seen.query.sort == sort
        await seen.press("escape", "escape")
        assert (seen.query.group_by, seen.query.sort) == ((), sort)
        assert seen.column("prompt_tokens") == prompts


async def test_hours_of_days_come_in_time(export: Path) -> None:
    async with explorer(export) as seen:
        seen.screen.group_by(("day", "hour"))
        await seen.settle()
        hours = seen.column("hour")
        assert len(hours) > 24
        assert hours == sorted(hours)


async def test_a_maximized_table_says_what_it_is_of_and_how_to_leave(export: Path) -> None:
    async with explorer(export, size=(80, 24)) as seen:
        await seen.press("slash", *"kimi", "enter")
        seen.screen.maximize(seen.part(UsageTable))
        await seen.pilot.pause()
        shown = [type(part).__name__ for part in seen.screen._compositor.visible_widgets]
        assert {"StatusLine", "FilterChips", "KeyBar", "UsageTable"} <= set(shown)
        assert not {"TotalsPanel", "FacetPanel", "SearchBox"} & set(shown)


async def test_a_picture_is_saved_where_the_program_was_started(export: Path, folder: Path) -> None:
    async with explorer(export) as seen:
        (picture,) = [one for one in seen.app.get_system_commands(seen.screen) if one.title == "Screenshot"]
        picture.callback()
        await seen.until(lambda: len(list(folder.glob("fwbill-*.svg"))) == 1)
        (path,) = folder.glob("fwbill-*.svg")
        assert path.read_text().startswith("<svg")
        assert path.stat().st_mode & 0o777 == 0o600


async def test_a_search_in_numbers_says_that_they_are_not_searched(export: Path) -> None:
    async with explorer(export, size=(80, 24)) as seen:
        await seen.press("slash", *"uncached_prompt_tokens:33", "enter")
        said = "No events match: uncached_prompt_tokens is no label; f filters by a cell."
        assert said in seen.part(UsageTable).render_line(HEADER + 1).text


async def test_what_came_through_a_pipe_is_not_read_again(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with explorer(export) as seen:
        source = seen.screen._source
        monkeypatch.setattr(type(source), "repeatable", False)
        await seen.press("r")
        assert not seen.screen._loader.running
        assert {toast.message for toast in seen.app._notifications} == {"what came through a pipe cannot be read again"}
        assert seen.part(TotalsPanel).partial == ""


async def test_groups_are_saved_as_groups(export: Path, folder: Path) -> None:
    async with explorer(export) as seen:
        await seen.pilot.press("g", "m", "enter")
        await seen.settle()
        await seen.pilot.press("ctrl+s")
        await seen.until(lambda: bool(list(folder.glob("*.csv"))))
        (path,) = folder.glob("*.csv")
        saved = read(path)
        assert [row["model"] for row in saved] == seen.column("model")
        assert sum(int(row["events"]) for row in saved) == ROWS


async def test_the_dialog_exports_parquet_of_everything(export: Path, folder: Path) -> None:
    async with explorer(export) as seen:
        await seen.press("m", *"kimi-k3", "enter")
        await seen.pilot.press("e")
        await seen.pilot.pause()
        for part, value in (("#scope", "range"), ("#columns", "all"), ("#format", "parquet")):
            choice: Any = seen.app.screen.query_one(part)
            choice.value = value
        await seen.pilot.pause()
        line: Any = seen.app.screen.query_one("#path")
        line.focus()
        await seen.pilot.press("enter")
        await seen.until(lambda: bool(list(folder.glob("*.parquet"))))
        (path,) = folder.glob("*.parquet")
        assert pl.read_parquet(path).height == ROWS


async def test_a_full_disk_is_said(export: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async with explorer(export) as seen:
        monkeypatch.setattr(os, "fsync", full)
        await seen.pilot.press("ctrl+s")
        await seen.until(lambda: any("disk" in str(toast.message) for toast in seen.app._notifications))
        assert list(folder.iterdir()) == []


async def test_columns_are_hidden_and_everything_about_a_row_is_shown(export: Path) -> None:
    async with explorer(export) as seen:
        before = [column.name for column in seen.part(UsageTable).columns]
        await seen.pilot.press("c", "down", "space", "enter")
        await seen.settle()
        assert [column.name for column in seen.part(UsageTable).columns] == [before[0], *before[2:]]
        await seen.pilot.press("enter")
        await seen.until(lambda: isinstance(seen.app.screen, RowDetailScreen))
        details = {field.label: field.value for field in seen.app.screen._fields}  # type: ignore[attr-defined]
        assert set(before) <= set(details)
        assert details["base_model_name"].startswith("accounts/")


async def test_another_theme_reaches_every_part(export: Path) -> None:
    async with explorer(export) as seen:
        parts = [seen.part(kind) for kind in (TotalsPanel, UsageChart, FacetPanel, KeyBar)]
        before = [part.render_line(1 if part.size.height > 1 else 0) for part in parts]
        seen.app.theme = "textual-light"
        await seen.settle()
        for part, was in zip(parts, before, strict=True):
            now = part.render_line(1 if part.size.height > 1 else 0)
            assert now.text == was.text
            assert now != was


@pytest.mark.parametrize("theme", ["fwbill-light", "ansi-light", "dracula"])
async def test_the_theme_of_the_environment_is_there_from_the_beginning(
    export: Path, theme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def painted(seen: Explorer) -> list[Strip]:
        return [
            strip for part in (UsageTable, FacetPanel, KeyBar) for strip in seen.part(part).render_lines(Region(0, 0, 60, 20))
        ]

    async with explorer(export) as seen:
        seen.app.theme = theme
        await seen.pilot.pause(0.1)
        chosen = painted(seen)
    monkeypatch.setenv("FWBILL_THEME", theme)
    async with explorer(export) as seen:
        assert seen.app.theme == theme
        assert painted(seen) == chosen
        assert not seen.app._notifications


async def test_a_theme_that_is_not_there_is_named(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FWBILL_THEME", "[b]nice")
    async with explorer(export) as seen:
        assert seen.app.theme == "fwbill-dark"
        assert any("no theme is called [b]nice: use one of" in note.message for note in seen.app._notifications)


@pytest.mark.parametrize("theme", ["fwbill-dark", "fwbill-light", "ansi-dark", "ansi-light"])
async def test_without_colours_everything_can_be_read(export: Path, theme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with explorer(export) as seen:
        seen.app.theme = theme
        await seen.pilot.pause(0.1)
        styles = [style for line in seen.app.screen._compositor.render_strips() for text, style, _ in line if text.strip()]
        assert styles
        for style in styles:
            assert style is not None
            assert style.color is not None
            assert style.color.is_default or style.color != style.bgcolor


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Query(columns=("foo",)), "no column 'foo'"),
        (Query(columns=("total_tokens", "foo")), "no column 'total_tokens'"),
        (Query(sort=(SortKey("foo"),)), "cannot sort by 'foo'"),
        (Query(only=(("foo", ("1",)),)), "no dimension 'foo'"),
    ],
)
async def test_what_the_events_do_not_have_is_said_and_the_rest_is_shown(export: Path, asked: Query, said: str) -> None:
    async with explorer(export, query=asked) as seen:
        assert any(said in note.message for note in seen.app._notifications)
        names = [column.name for column in seen.part(UsageTable).columns]
        assert "start_time" in names
        assert "foo" not in names
        assert seen.query.sort == NEWEST_FIRST


async def test_a_search_in_a_column_that_is_not_there_says_so(export: Path) -> None:
    async with explorer(export) as seen:
        await seen.press("slash", *"nosuch:abc", "enter")
        assert "there is no column nosuch" in seen.part(UsageTable).render_line(HEADER + 1).text
        await seen.press("x", "slash", *"model:abc", "enter")
        assert "x in the table clears the filters" in seen.part(UsageTable).render_line(HEADER + 1).text


async def test_a_sum_of_a_group_is_no_filter(export: Path) -> None:
    async with explorer(export, query=Query(group_by=("model",))) as seen:
        await seen.press("right", "right", "right", "f", "F")
        assert seen.part(UsageTable).cursor_cell is not None
        assert not seen.query.filtered
        assert any("sum of a group" in note.message for note in seen.app._notifications)


async def test_a_group_is_found_again_on_the_line_that_it_was_left_from(export: Path) -> None:
    async with explorer(export, (100, 30), query=Query(group_by=("model", "user"))) as seen:
        table = seen.part(UsageTable)
        await seen.press("down", "down", "down", "enter")
        assert not seen.query.group_by
        await seen.press("down", "escape")
        assert (table.cursor, table.top) == (3, 0)


async def test_columns_are_as_wide_as_they_were_when_filters_are_lifted(tmp_path: Path) -> None:
    path = tmp_path / "usage.csv"
    rows = [f"2026-10-{day:02} 10:00:00 UTC,{'TEXT' if day > 2 else 'A_VERY_LONG_TYPE_OF_USAGE'},1" for day in range(31, 0, -1)]
    path.write_text("\n".join(["start_time,usage_type,prompt_tokens", *rows * 5]) + "\n")

    def widths(table: UsageTable) -> list[int]:
        return [slot.width for slot in table._slots]

    async with explorer(path, (60, 24)) as seen:
        table = seen.part(UsageTable)
        before = widths(table)
        await seen.press("slash", *"long", "enter")
        assert widths(table) > before
        await seen.press("x")
        assert widths(table) == before
