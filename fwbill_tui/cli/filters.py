"""The filter flags, the same words for every command, and the Query they make."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

from fwbill_tui.cli.flags import COLUMNS, DIMENSIONS, FILTER_FLAGS
from fwbill_tui.cli.options import F, option_of

if TYPE_CHECKING:
    from fwbill_tui.usage.query import Choice, Query, SortKey, TimeRange

T = TypeVar("T")
_UNDECODED = re.compile(r"[\ud800-\udfff]")
_CHOICE = re.compile(r'(?:"((?:[^"]|"")*)"|([^="][^=]*))=(.*)', re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterFlags:
    """The filter flags as they were typed."""

    range: str | None
    start_time: str | None
    end_time: str | None
    time_zone: str | None
    usage_type: tuple[str, ...]
    model: tuple[str, ...]
    user: tuple[str, ...]
    bucket: tuple[str, ...]
    accelerator: tuple[str, ...]
    only: tuple[str, ...]
    without: tuple[str, ...]
    search: str | None
    where: tuple[str, ...]
    sort: str | None
    group_by: str | None
    columns: str | None = None

    def query(self, *, default_sort: tuple[SortKey, ...] | None = None, of_account: bool = False) -> Query:
        """The Query they ask for. Raises UsageError, which names the flag that cannot be understood.

        `of_account`: nobody knows when an account's usage began, so a range needs a start. An end time alone has firectl's, the
        gateway's own: 24 hours before it.
        """
        from fwbill_tui.usage.query import NEWEST_FIRST, Condition, Query, SortKey, split_names
        from fwbill_tui.usage.zones import zone_name

        if self.columns is not None and self.group_by:
            raise click.UsageError("--columns cannot apply with --group-by: a group has its keys and all measures")
        unsorted = NEWEST_FIRST if default_sort is None else default_sort
        time_zone = _read("--time-zone", zone_name, self.time_zone) or "UTC"
        if self.search is not None:
            from fwbill_tui.usage.search import refuse_unfinished  # brings Polars with it

            _read("--search", refuse_unfinished, self.search)
        columns = self._columns()
        sort = _read("--sort", lambda text: tuple(map(SortKey.parse, split_names(text))), self.sort)
        query = Query(
            range=self._of_account(self._range(time_zone)) if of_account else self._range(time_zone),
            time_zone=time_zone,
            only=self._only(),
            search=self.search or "",
            where=tuple(filter(None, (_read("--where", Condition.parse, text) for text in self.where))),
            sort=unsorted if sort is None else sort,
            group_by=self._group_by(),
            columns=columns,
        )
        for dimension, values in _choices("--without", self.without):
            query = query.exclude(dimension, values)
        return query

    def _range(self, time_zone: str) -> TimeRange:
        from datetime import UTC, datetime

        from fwbill_tui.usage.query import TimeRange
        from fwbill_tui.usage.ranges import parse_instant, parse_range
        from fwbill_tui.usage.zones import local_date

        if self.range is not None:
            if self.start_time is not None or self.end_time is not None:
                raise click.UsageError("--range cannot apply with --start-time or --end-time: give the one or the others")
            today = local_date(datetime.now(UTC), time_zone)
            read = _read("--range", lambda text: parse_range(text, today=today, time_zone=time_zone), self.range)
            return read or TimeRange()
        start = _read("--start-time", lambda text: parse_instant(text, time_zone=time_zone), self.start_time)
        end = _read("--end-time", lambda text: parse_instant(text, time_zone=time_zone), self.end_time)
        return _read("--end-time", lambda _: TimeRange(start, end), "") or TimeRange()

    def _of_account(self, wanted: TimeRange) -> TimeRange:
        from datetime import timedelta

        from fwbill_tui.usage.query import TimeRange

        if wanted.start is None and self.range is not None:
            raise click.UsageError(f"--range: {self.range!r} has no first day, which an account needs: write 2026-01-01..today")
        return TimeRange(wanted.end - timedelta(days=1), wanted.end) if wanted.start is None and wanted.end else wanted

    def _only(self) -> tuple[Choice, ...]:
        named = [(dimension, getattr(self, dimension)) for dimension in DIMENSIONS if getattr(self, dimension)]
        merged: dict[str, set[str]] = {}
        for dimension, values in (*named, *_choices("--only", self.only)):
            merged.setdefault(dimension, set()).update(values)
        return tuple(sorted((dimension, tuple(sorted(values))) for dimension, values in merged.items()))

    def _columns(self) -> tuple[str, ...] | None:
        from fwbill_tui.usage.names import column_of
        from fwbill_tui.usage.query import split_names

        names = _read("--columns", split_names, self.columns)
        if names is None:
            return None
        columns = tuple(map(column_of, names))
        if not columns:
            raise click.UsageError("--columns names no column: write some, such as start_time,user")
        twice = next((column for at, column in enumerate(columns) if column in columns[:at]), None)
        if twice is not None:
            raise click.UsageError(f"--columns names the column {twice!r} more than once")
        return columns

    def _group_by(self) -> tuple[str, ...]:
        from fwbill_tui.usage.query import split_names

        if self.group_by is not None and not self.group_by.strip():
            raise click.UsageError("--group-by takes one or two different dimensions, such as model,day")
        names = tuple(_dimension(name) for name in _read("--group-by", split_names, self.group_by) or ())
        if len(names) > 2 or len(set(names)) < len(names):
            raise click.UsageError("--group-by takes one or two different dimensions, such as model,day")
        return names


def filter_flags(*, columns: bool = False) -> Callable[[F], F]:
    """Give a command the filter flags; it gets them as one `FilterFlags` named `filters`."""
    options = [option_of(flag) for flag in (*FILTER_FLAGS, *([COLUMNS] if columns else []))]
    names = [field.name for field in fields(FilterFlags)]

    def decorate(function: F) -> F:
        @wraps(function)
        def command(*args: Any, **values: Any) -> Any:
            flags = FilterFlags(**{name: _as_text(name, values.pop(name)) for name in names if name in values})
            return function(*args, filters=flags, **values)

        for add in reversed(options):
            command = add(command)
        return command  # type: ignore[return-value]

    return decorate


def _as_text(name: str, value: Any) -> Any:
    """What a flag was given, as text. Bytes that are none in this locale are UTF-8, as usage is. Raises UsageError."""
    if isinstance(value, tuple):
        return tuple(_as_text(name, each) for each in value)
    if value is None or _UNDECODED.search(value) is None:
        return value
    try:
        return os.fsencode(value).decode()
    except UnicodeError:
        raise click.UsageError(f"--{name.replace('_', '-')}: cannot read {value!r}: it is not UTF-8") from None


def _choices(flag: str, texts: tuple[str, ...]) -> list[Choice]:
    """`DIM=VALUE`, the dimension quoted as in CSV when it has a `=` of its own."""
    chosen: dict[str, set[str]] = {}
    for text in texts:
        match = _CHOICE.fullmatch(text)
        if match is None:
            raise click.UsageError(f"{flag}: cannot read {text!r}: write DIMENSION=VALUE, such as user=ana@acme.dev")
        name = match[2] if match[1] is None else match[1].replace('""', '"')
        chosen.setdefault(_dimension(name), set()).add(match[3])
    return [(dimension, tuple(sorted(values))) for dimension, values in chosen.items()]


def _dimension(name: str) -> str:
    """A dimension by its name, its column's name, or spelled with a dash as its flag is."""
    from fwbill_tui.usage.names import dimension_of

    dashless = name.replace("-", "_")
    return dashless if dashless in DIMENSIONS else dimension_of(name)


def _read(flag: str, reader: Callable[[str], T], text: str | None) -> T | None:
    from fwbill_tui.usage.query import QueryError

    if text is None:
        return None
    try:
        return reader(text)
    except QueryError as error:
        raise click.UsageError(f"{flag}: {error}") from None
