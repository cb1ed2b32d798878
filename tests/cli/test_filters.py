"""The flags and the Query say the same: whatever a Query holds, its flags read back to it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from fwbill_tui.cli.filters import DIMENSIONS, FilterFlags, filter_flags
from fwbill_tui.usage.names import COLUMNS, DIMENSION_COLUMNS, column_of, dimension_of
from fwbill_tui.usage.query import MEASURE_CONDITIONS, NEWEST_FIRST, Condition, Query, SortKey, TimeRange, split_names


def read(flags: Sequence[str]) -> Query:
    """The Query that a command with all filter flags gets. Raises UsageError."""
    got: list[Query] = []

    @click.command
    @filter_flags(columns=True)
    def command(filters: FilterFlags) -> None:
        got.append(filters.query())

    command.main(list(flags), prog_name="fwbill", standalone_mode=False)
    return got[0]


# -- to flags and back -------------------------------------------------------------------------------------------------
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
NAMES = TEXT.filter(lambda name: name.strip() and column_of(name) == name and dimension_of(name) == name)
DIMENSION = st.sampled_from(DIMENSIONS) | NAMES.filter(lambda name: name.replace("-", "_") not in DIMENSIONS)
CHOICES = st.dictionaries(DIMENSION, st.sets(TEXT, min_size=1, max_size=3), max_size=3)
EDGES = st.datetimes(datetime(1970, 1, 2), datetime(2999, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
NUMBERS = st.integers(-(10**15), 10**15) | st.floats(allow_nan=False, allow_infinity=False)
CONDITIONS = st.builds(
    Condition, st.sampled_from(MEASURE_CONDITIONS), st.sampled_from(["<", "<=", "=", "!=", ">=", ">"]), NUMBERS
)
COLUMN = st.sampled_from(COLUMNS) | NAMES


@st.composite
def queries(draw: Any) -> Query:
    start, end = draw(st.none() | EDGES), draw(st.none() | EDGES)
    if start is not None and end is not None and start >= end:
        start = None
    group_by = draw(st.lists(DIMENSION | st.sampled_from(["hour", "day", "month"]), max_size=2, unique=True))
    query = Query(
        range=TimeRange(start, end),
        time_zone=draw(st.sampled_from(["UTC", "America/New_York", "Pacific/Apia"])),
        search=draw(st.sampled_from(["", "kimi -x", "/a.*b/", '"two words" model:kimi', "--help"])),
        where=tuple(draw(st.lists(CONDITIONS, max_size=2))),
        sort=tuple(draw(st.lists(st.builds(SortKey, COLUMN, st.booleans()), max_size=3))),
        group_by=tuple(group_by),
        columns=None if group_by else draw(st.none() | st.lists(COLUMN, min_size=1, max_size=4, unique=True).map(tuple)),
    )
    for dimension, values in draw(CHOICES).items():
        query = query.choose(dimension, values)
    for dimension, values in draw(CHOICES).items():
        query = query.exclude(dimension, values)
    return query


def flags_of(query: Query) -> list[str]:
    flags: list[str] = []
    for flag, edge in (("--start-time", query.range.start), ("--end-time", query.range.end)):
        if edge is not None:
            flags += [flag, edge.isoformat().replace("+00:00", "Z")]
    if query.time_zone != "UTC":
        flags += ["--time-zone", query.time_zone]
    for dimension, values in query.only:
        known = dimension in DIMENSION_COLUMNS
        for value in values:
            flags.append(f"--{dimension.replace('_', '-')}={value}" if known else f"--only={quoted(dimension)}={value}")
    flags += [f"--without={quoted(dimension)}={value}" for dimension, values in query.without for value in values]
    if query.search:
        flags.append(f"--search={query.search}")
    flags += [f"--where={condition}" for condition in query.where]
    if query.sort != NEWEST_FIRST:
        signs = ["-" if key.descending else "+" if key.column.startswith(("+", "-")) else "" for key in query.sort]
        flags.append("--sort=" + joined([f"{sign}{key.column}" for sign, key in zip(signs, query.sort, strict=True)]))
    if query.group_by:
        flags.append("--group-by=" + joined(query.group_by))
    if query.columns is not None:
        flags.append("--columns=" + joined(query.columns))
    return flags


def joined(names: Sequence[str]) -> str:
    return ",".join(map(quoted, names))


def quoted(name: str) -> str:
    if name and name == name.strip() and not set(name) & set('",='):
        return name
    return '"' + name.replace('"', '""') + '"'


@given(queries())
@settings(deadline=None)
def test_flags_read_back_to_the_same_query(query: Query) -> None:
    assert read(flags_of(query)) == query


@given(st.lists(TEXT))
def test_lists_of_names_read_back(names: list[str]) -> None:
    assert split_names(joined(names)) == tuple(names)


# -- what people type --------------------------------------------------------------------------------------------------
def test_every_dimension_has_its_flag() -> None:
    assert set(DIMENSIONS) == set(DIMENSION_COLUMNS)


def test_repeated_values_are_alternatives_and_names_may_be_columns() -> None:
    query = read(["--user", "a", "--user", "b", "--only", "email=c", "--only", "usage-type=T", "--without", "base_model_name=m"])
    assert query.only == (("usage_type", ("T",)), ("user", ("a", "b", "c")))
    assert query.without == (("model", ("m",)),)


def test_a_value_may_hold_commas_equal_signs_and_nothing() -> None:
    query = read(["--user", "Ops, EU", "--only", "team=a=b", "--without", "user="])
    assert query.only == (("team", ("a=b",)), ("user", ("Ops, EU",)))
    assert query.without == (("user", ("",)),)


def test_times_without_an_offset_are_in_the_zone() -> None:
    query = read(["--time-zone", "asia/kolkata", "--start-time", "2026-10-01", "--end-time", "2026-10-02T00:00:00Z"])
    assert query.time_zone == "Asia/Kolkata"
    assert query.range == TimeRange(datetime(2026, 9, 30, 18, 30, tzinfo=UTC), datetime(2026, 10, 2, tzinfo=UTC))


def test_a_range_includes_its_last_day() -> None:
    assert read(["--range", "2026-10"]).range == TimeRange(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))


def test_sort_and_columns_take_the_names_of_dimensions() -> None:
    query = read(["--sort", "-completion_tokens, model", "--columns", "start_time,user"])
    assert query.sort == (SortKey("completion_tokens", True), SortKey("base_model_name"))
    assert query.columns == ("start_time", "email")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--range", "7d", "--start-time", "2026-10-01"], "--range cannot apply with"),
        (["--range", "7d", "--end-time", "2026-10-01"], "--range cannot apply with"),
        (["--range", "7d", "--range", "8d"], "given more than once"),
        (["--search", "a", "--search", "b"], "given more than once"),
        (["--range", "sometime"], "--range: cannot read"),
        (["--start-time", "yesterdayish"], "--start-time: cannot read"),
        (["--start-time", "2026-10-02", "--end-time", "2026-10-01"], "--end-time: the range is empty"),
        (["--time-zone", "Mars"], "--time-zone: no time zone"),
        (["--where", "prompt_tokens~5"], "--where: cannot read"),
        (["--where", "price>5"], "--where: 'price' is not a measure"),
        (["--search", "/(/"], "--search:"),
        (["--search", "k" * 120_000], "--search: the search is too long"),
        (["--search", "\udcff"], r"--search: cannot read '\udcff': it is not UTF-8"),
        (["--user", "ana", "--user", "b\udcff"], r"--user: cannot read 'b\udcff': it is not UTF-8"),
        (["--usage-type", "\ud800"], r"--usage-type: cannot read '\ud800': it is not UTF-8"),
        (["--only", "user"], "--only: cannot read 'user'"),
        (["--group-by", "model,user,day"], "one or two"),
        (["--group-by", "model,base_model_name"], "one or two"),
        (["--group-by", "model", "--columns", "email"], "--columns cannot apply"),
        (["--sort", "-"], "--sort: cannot read"),
        (["--columns", 'a"b'], "--columns: cannot read"),
        (["--columns", ""], "--columns names no column"),
        (["--columns", "email,start_time,email"], "--columns names the column 'email' more than once"),
        (["--columns", "email,user"], "--columns names the column 'email' more than once"),
        (["--group-by", " "], "one or two"),
    ],
)
def test_what_cannot_apply_or_be_read_names_its_flag(flags: list[str], said: str) -> None:
    with pytest.raises(click.UsageError) as caught:
        read(flags)
    assert said in caught.value.format_message()
    assert "\n" not in caught.value.format_message()


def test_a_command_without_columns_refuses_them() -> None:
    @click.command
    @filter_flags()
    def command(filters: FilterFlags) -> None:
        filters.query()

    assert CliRunner().invoke(command, ["--columns", "email"]).exit_code == 2
