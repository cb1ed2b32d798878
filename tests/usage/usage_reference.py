"""Usage events asked the slow, obvious way: lists of dicts, loops, `fnmatch` and `zoneinfo`.

Nothing here is shared with the engine, so that a test which compares the two can fail. An event is a dict by column
name; a missing or None value is an empty cell.
"""

from __future__ import annotations

import fnmatch
import operator
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from fwbill_tui.usage.query import Condition, Query, SortKey

Event = dict[str, Any]
COLUMN = {
    "usage_type": "usage_type", "model": "base_model_name", "bucket": "model_bucket", "user": "email",
    "accelerator": "accelerator_type",
}  # fmt: skip
TOKENS = ("prompt_tokens", "cached_prompt_tokens", "uncached_prompt_tokens", "completion_tokens")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, "=": operator.eq, "!=": operator.ne, ">=": operator.ge, ">": operator.gt,
}  # fmt: skip


@dataclass(frozen=True)
class Term:
    """A word of a search, before it is written down."""

    text: str
    column: str | None = None
    negative: bool = False
    regex: bool = False

    def holds(self, event: Event, texts: Iterable[str]) -> bool:
        pattern = self.text if self.regex else re.escape(self.text)
        cells = [event.get(column) for column in texts if self.column in (None, column)]
        return any(cell and re.search(pattern, cell, re.IGNORECASE) for cell in cells) is not self.negative


class Reference:
    """All answers about some events. `texts` are the columns that are searched; of these, `free` are no dimensions."""

    def __init__(self, events: Sequence[Event], further: Sequence[str] = (), free: Sequence[str] = ()) -> None:
        self.events = list(events)
        self.texts = (*COLUMN.values(), *further)
        self.free = set(free)
        self.dimensions = {**COLUMN, **{name: name for name in further if name not in free}}

    # -- which events ------------------------------------------------------------------------------------------------
    def labels(self, column: str) -> set[str]:
        return {event.get(column) or "" for event in self.events}

    def named(self, column: str, value: str) -> set[str]:
        if column in self.free or value in self.labels(column):
            return {value}
        solid = self.labels(column) - {""}
        found = {label for label in solid if _segment(label).casefold() == value.casefold()}
        if not found and set(value) & set("*?["):
            found = {
                label for label in solid
                if any(fnmatch.fnmatchcase(text.casefold(), value.casefold()) for text in (label, _segment(label)))
            }  # fmt: skip
        return found

    def shown(self, query: Query, terms: Sequence[Term] = (), *, but: str | None = None) -> list[int]:
        """Row numbers of the events that pass, in their order; choices on the dimension `but` do not count."""
        rows = [row for row, event in enumerate(self.events) if _within(query, event["start_time"])]
        for choices, wanted in ((query.only, True), (query.without, False)):
            for dimension, values in choices:
                if dimension == but:
                    continue
                column = COLUMN.get(dimension, dimension)
                named = set().union(*(self.named(column, value) for value in values))
                rows = [row for row in rows if ((self.events[row].get(column) or "") in named) is wanted]
        rows = [row for row in rows if all(satisfies(self.events[row], condition) for condition in query.where)]
        return [row for row in rows if all(term.holds(self.events[row], self.texts) for term in terms)]

    # -- answers -----------------------------------------------------------------------------------------------------
    def sums(self, rows: Iterable[int]) -> dict[str, Any]:
        events = [self.events[row] for row in rows]
        sums: dict[str, Any] = {"events": len(events)}
        for name in TOKENS:
            sums[name] = sum(event.get(name) or 0 for event in events)
        sums["total_tokens"] = sums["prompt_tokens"] + sums["completion_tokens"]
        sums["accelerator_seconds"] = sum((event.get("accelerator_seconds") or 0.0 for event in events), 0.0)
        return sums

    def facets(self, query: Query, terms: Sequence[Term] = ()) -> dict[str, list[tuple[str, int, bool, bool]]]:
        answer = {}
        for dimension, column in self.dimensions.items():
            counts = dict.fromkeys(self.labels(column), 0)
            for row in self.shown(query, terms, but=dimension):
                counts[self.events[row].get(column) or ""] += 1
            chosen, excluded = (
                set().union(*(self.named(column, value) for value in dict(choices).get(dimension, ())))
                for choices in (query.only, query.without)
            )
            values = [(label, count, label in chosen, label in excluded) for label, count in counts.items()]
            answer[dimension] = sorted(values, key=lambda value: (-value[1], value[0]))
        return answer

    def key(self, name: str, event: Event, zone: str) -> Any:
        if name == "hour":
            return hour_start(event["start_time"], zone)
        if name in ("day", "month"):
            day = event["start_time"].astimezone(ZoneInfo(zone)).date()
            return day.replace(day=1) if name == "month" else day
        return event.get(COLUMN.get(name, name)) or None

    def groups(self, query: Query, terms: Sequence[Term] = ()) -> dict[tuple[Any, ...], dict[str, Any]]:
        groups = defaultdict(list)
        for row in self.shown(query, terms):
            groups[tuple(self.key(name, self.events[row], query.time_zone) for name in query.group_by)].append(row)
        return {key: self.sums(rows) for key, rows in groups.items()}

    def order(self, query: Query, terms: Sequence[Term] = ()) -> list[int]:
        keys = [SortKey(COLUMN.get(key.column, key.column), key.descending) for key in query.sort]
        return sorted_rows(self.events, self.shown(query, terms), keys)


def sorted_rows(events: Sequence[Event], rows: Sequence[int], keys: Sequence[SortKey]) -> list[int]:
    """Stable, nulls last in both directions: one stable sort per key, the last one first."""
    ordered = list(rows)
    for key in reversed(keys):
        values = {row: events[row].get(key.column) for row in ordered}
        solid = [row for row in ordered if values[row] is not None]
        empty = [row for row in ordered if values[row] is None]
        solid.sort(key=values.__getitem__, reverse=key.descending)
        ordered = solid + empty
    return ordered


def satisfies(event: Event, condition: Condition) -> bool:
    if condition.measure == "total_tokens":
        parts = [event.get(name) for name in ("prompt_tokens", "completion_tokens")]
        value = None if parts == [None, None] else sum(part or 0 for part in parts)
    else:
        value = event.get(condition.measure)
    if value is None:
        return condition.operator == "!="
    return _COMPARE[condition.operator](value, condition.value)


@cache
def hour_start(instant: datetime, zone: str) -> datetime:
    """The first instant (UTC) since which the clock has shown this hour with this offset, found by walking back."""
    clock = ZoneInfo(zone)

    def shown(moment: datetime) -> tuple[date, int, timedelta | None]:
        local = moment.astimezone(clock)
        return local.date(), local.hour, local.utcoffset()

    moment = instant.astimezone(UTC).replace(second=0, microsecond=0)
    while shown(moment - timedelta(minutes=1)) == shown(instant):
        moment -= timedelta(minutes=1)
    return moment


def _segment(label: str) -> str:
    return label.rstrip("/").split("/")[-1] or label


def _within(query: Query, moment: datetime) -> bool:
    start, end = query.range.start, query.range.end
    return (start is None or moment >= start) and (end is None or moment < end)
