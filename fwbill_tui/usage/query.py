"""Query: one immutable value that says what is shown. Every screen, command and saved view speaks through it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal, NamedTuple, Self

from fwbill_tui.usage.names import column_of

Operator = Literal["<", "<=", "=", "!=", ">=", ">"]
_NUMBER = r"[+-]?(?:[0-9][0-9_]*(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_CONDITION = re.compile(rf"\s*([A-Za-z_][\w.]*)\s*(<=|>=|!=|==|=|<|>)\s*({_NUMBER})\s*")
_LONGEST_CONDITION = 200
_NAME = re.compile(r'\s*(?:"((?:[^"]|"")*)"\s*|([^",]*))(?=,|$)', re.DOTALL)
MEASURE_CONDITIONS = (
    "prompt_tokens", "cached_prompt_tokens", "uncached_prompt_tokens", "completion_tokens", "total_tokens",
    "accelerator_seconds", "parameter_count",
)  # fmt: skip


class QueryError(ValueError):
    """A query that cannot be understood; the message says which part and what would be right."""


class NoSingleEventsError(QueryError):
    """Sums per day cannot answer that; single events can."""


@dataclass(frozen=True, slots=True)
class TimeRange:
    """A half-open stretch of time, `start <= start_time < end`, in UTC; None leaves that side open."""

    start: datetime | None = None
    end: datetime | None = None

    def __post_init__(self) -> None:
        for edge in (self.start, self.end):
            if edge is not None and edge.tzinfo is not UTC:
                raise QueryError("a range's edges are UTC times")
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise QueryError("the range is empty: its end is not after its start")

    def meets(self, other: TimeRange) -> bool:
        """Whether the two have an instant in common."""
        before = self.end is not None and other.start is not None and self.end <= other.start
        after = self.start is not None and other.end is not None and self.start >= other.end
        return not (before or after)


EVERYTHING = TimeRange()


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on a measure of single events, such as `prompt_tokens>1000`. An empty cell satisfies `!=` alone."""

    measure: str
    operator: Operator
    value: int | float

    def __post_init__(self) -> None:
        if isinstance(self.value, float) and not math.isfinite(self.value):
            raise QueryError(f"{self.measure} can only be compared with a finite number")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `prompt_tokens>=1000`. Raises QueryError with what would be right."""
        match = _CONDITION.fullmatch(text)
        if not match or len(text) > _LONGEST_CONDITION:
            said = repr(text[:_LONGEST_CONDITION])
            raise QueryError(f"cannot read the condition {said}: write a measure, one of < <= = != >= >, and a number")
        measure, operator, number = match.groups()
        if measure not in MEASURE_CONDITIONS:
            raise QueryError(f"{measure!r} is not a measure: use one of {', '.join(MEASURE_CONDITIONS)}")
        number = number.replace("_", "")
        value: int | float = int(number) if number.lstrip("+-").isdigit() else float(number)
        return cls(measure, "=" if operator == "==" else operator, value)  # type: ignore[arg-type]

    def __str__(self) -> str:
        return f"{self.measure}{self.operator}{self.value}"


class SortKey(NamedTuple):
    """One sort key: a column of the events, or in a grouped view a group key or a measure. Nulls are last always."""

    column: str
    descending: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `-completion_tokens` (descending) or `model`."""
        descending = text.startswith("-")
        name = text[1:] if text.startswith(("+", "-")) else text
        if not name.strip():
            raise QueryError(f"cannot read the sort key {text!r}: write a column, with - before it for descending")
        return cls(column_of(name), descending)


Choice = tuple[str, tuple[str, ...]]
"""A dimension and the values chosen of it, sorted; '' stands for an empty cell."""


def turned(keys: tuple[SortKey, ...], column: str, *, further: bool) -> tuple[SortKey, ...]:
    """The sort keys after one more turn of a column: descending, then ascending, then off.

    `further` keeps the other keys and their order; otherwise the column is the only key.
    """
    before = next((key for key in keys if key.column == column), None)
    if before is None:
        return (*(keys if further else ()), SortKey(column, descending=True))
    after = (SortKey(column),) if before.descending else ()
    place = keys.index(before)
    return (*keys[:place], *after, *keys[place + 1 :]) if further else after


NEWEST_FIRST = (SortKey("start_time", descending=True),)


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked of the usage events: hashable and comparable.

    Values of one dimension are alternatives; dimensions, search and conditions must all hold. A value names a label
    exactly, or else by its last path segment, or else as a glob (`*kimi*`), the latter two without regard to case.
    """

    range: TimeRange = EVERYTHING
    time_zone: str = "UTC"
    only: tuple[Choice, ...] = ()
    without: tuple[Choice, ...] = ()
    search: str = ""
    where: tuple[Condition, ...] = ()
    sort: tuple[SortKey, ...] = NEWEST_FIRST
    group_by: tuple[str, ...] = ()
    columns: tuple[str, ...] | None = None
    """Columns in the order shown; None: those that are not empty throughout, in the order in which they are read best."""

    def __post_init__(self) -> None:
        # Whatever the order in which values were chosen, the query is the same value.
        object.__setattr__(self, "only", _normal(self.only))
        object.__setattr__(self, "without", _normal(self.without))

    # -- reading -----------------------------------------------------------------------------------------------------
    def chosen(self, dimension: str) -> tuple[str, ...]:
        """The values of a dimension that are asked for; () when it is not restricted."""
        return dict(self.only).get(dimension, ())

    def excluded(self, dimension: str) -> tuple[str, ...]:
        """The values of a dimension that are left out."""
        return dict(self.without).get(dimension, ())

    @property
    def filtered(self) -> bool:
        """Whether anything but the range restricts the events."""
        return bool(self.only or self.without or self.search.strip() or self.where)

    # -- changing: each returns a new query --------------------------------------------------------------------------
    def choose(self, dimension: str, values: Iterable[str]) -> Query:
        """Ask for these values of a dimension; none lifts the restriction. A chosen value is no longer excluded."""
        chosen = set(values)
        left_out = set(self.excluded(dimension)) - chosen
        return replace(self, only=_with(self.only, dimension, chosen)).exclude(dimension, left_out)

    def exclude(self, dimension: str, values: Iterable[str]) -> Query:
        """Leave out these values of a dimension; none lifts the exclusion."""
        return replace(self, without=_with(self.without, dimension, values))

    def toggle(self, dimension: str, value: str) -> Query:
        """Choose a value, or take the choice back."""
        return self.choose(dimension, set(self.chosen(dimension)) ^ {value})

    def clear_filters(self) -> Query:
        """Everything within the range, as it is sorted, grouped and laid out now."""
        return replace(self, only=(), without=(), search="", where=())


def split_names(text: str) -> tuple[str, ...]:
    """The names in a flag value, `a,b`, quoted as in CSV where need be; spaces around a name left out. Raises QueryError."""
    names, position = [], 0
    while text.strip():
        match = _NAME.match(text, position)
        if match is None:
            raise QueryError(f"cannot read the list {text!r}: write names with a comma between them, quoted as in CSV")
        names.append(match[2].strip() if match[1] is None else match[1].replace('""', '"'))
        position = match.end() + 1
        if match.end() == len(text):
            break
    return tuple(names)


def _with(choices: tuple[Choice, ...], dimension: str, values: Iterable[str]) -> tuple[Choice, ...]:
    return (*(choice for choice in choices if choice[0] != dimension), (dimension, tuple(values)))


def _normal(choices: Iterable[Choice]) -> tuple[Choice, ...]:
    """Each dimension once, with its values once; everything sorted, nothing empty."""
    merged: dict[str, set[str]] = {}
    for dimension, values in choices:
        merged.setdefault(dimension, set()).update(values)
    return tuple((dimension, tuple(sorted(merged[dimension]))) for dimension in sorted(merged) if merged[dimension])
