"""A summary as a table, as one JSON object, or as CSV."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from fwbill_tui.cli.cells import GAP, aligned, cut, display_width
from fwbill_tui.cli.inputs import Usage, shown_range
from fwbill_tui.export.formats import SUM_DECIMALS, csv_text, readable_groups
from fwbill_tui.usage.answers import Totals
from fwbill_tui.usage.literal import literal
from fwbill_tui.usage.names import TOKEN_MEASURES, last_segment
from fwbill_tui.usage.query import TimeRange
from fwbill_tui.usage.ranges import describe

if TYPE_CHECKING:
    from fwbill_tui.sources.source import Provenance
    from fwbill_tui.usage.ledger import Ledger

_MEASURES = ("events", *TOKEN_MEASURES, "total_tokens", "accelerator_seconds")
_HEADINGS: Mapping[str, str] = {
    "events": "events",
    "prompt_tokens": "prompt",
    "cached_prompt_tokens": "cached",
    "uncached_prompt_tokens": "uncached",
    "completion_tokens": "completion",
    "total_tokens": "total",
    "accelerator_seconds": "accel. hours",
}
_LEAST_FIRST = ("uncached_prompt_tokens", "total_tokens", "cached_prompt_tokens", "prompt_tokens", "completion_tokens")
"""What a narrow terminal leaves out of the table, the first of these first."""
_READABLE_KEY = 20
_SHORTEST_KEY = 4


def as_json(usage: Usage) -> str:
    """One object: range, source, totals and groups. Counts are exact; times are RFC 3339; an empty cell is null.

    A sum that is infinite or not a number is null too: JSON has neither.
    """
    ledger, query, provenance = usage.ledger, usage.query, usage.loaded.provenance
    covered = shown_range(usage)
    groups: list[dict[str, Any]] = []
    if query.group_by:
        for row in readable_groups(ledger.groups(query)).iter_rows(named=True):
            key = {name: _plain(row[name]) for name in query.group_by}
            groups.append({"key": key, **{name: _finite(row[name]) for name in _MEASURES}})
    totals = ledger.totals(query)
    answer = {
        "range": {"start": _rfc3339(covered.start), "end": _rfc3339(covered.end), "time_zone": query.time_zone},
        "source": {
            "kind": provenance.kind,
            "events": ledger.event_count,
            "rejected": ledger.rejected,
            "complete": usage.complete,
            **({} if provenance.kind == "files" else _about_account(ledger, provenance)),
        },
        "totals": {name: _finite(value) for name, value in _sums(totals).items()},
        "groups": groups,
    }
    return json.dumps(answer, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def as_csv(usage: Usage) -> str:
    """The groups, one a line, or the totals as the only line."""
    import polars as pl

    if usage.query.group_by:
        return csv_text(readable_groups(usage.ledger.groups(usage.query)))
    totals = usage.ledger.totals(usage.query)
    return csv_text(pl.DataFrame([_sums(totals)]))


def as_table(usage: Usage, width: int | None) -> str:
    """The same for people, at most `width` columns wide (None: as wide as it gets), with totals below."""
    ledger, query = usage.ledger, usage.query
    shown, whole = ledger.totals(query), ledger.whole(query)
    counted = f"{whole.events:,} {ledger.row_names[whole.events != 1]}"
    if query.filtered:
        counted = f"{shown.events:,} of {counted}"
    partial = "" if usage.complete else ", partial: some of what was asked for is missing"
    covered = describe(_whole_seconds(shown_range(usage)), query.time_zone)
    if account := usage.loaded.provenance.account:
        covered = f"{literal(account)} · {covered}"
    if not whole.events:
        return f"{covered}\nno usage in this range{partial}\n"
    lines = [covered, counted + partial, ""]
    if query.group_by:
        groups = readable_groups(ledger.groups(query))
        lines += _grouped(query.group_by, groups.rows(named=True), shown, width, _headings(ledger))
    else:
        lines += _single(shown, whole, query.filtered, _headings(ledger))
    return "\n".join(lines) + "\n"


def _about_account(ledger: Ledger, provenance: Provenance) -> dict[str, Any]:
    """Whose usage it is, at what grain the rows are, how many of what counts as events are sums per day, what else to know."""
    about = {"account": provenance.account, "grain": provenance.grain}
    return {**about, "day_sums": ledger.day_sums, "notes": list(provenance.notes)}


def _headings(ledger: Ledger) -> Mapping[str, str]:
    """The measures for people; what is counted is called by its name."""
    return {**_HEADINGS, "events": ledger.row_names[1]}


def _single(shown: Totals, whole: Totals, filtered: bool, headings: Mapping[str, str]) -> list[str]:
    rows = [["", "shown", "all"]] if filtered else []
    for name, heading in headings.items():
        numbers = [_number(name, getattr(totals, name)) for totals in ((shown, whole) if filtered else (shown,))]
        rows.append([f"{heading} tokens" if name.endswith("_tokens") else heading, *numbers])
    return aligned(rows, keys=1)


def _grouped(
    keys: Sequence[str], groups: list[dict[str, Any]], totals: Totals, width: int | None, headings: Mapping[str, str]
) -> list[str]:
    measures = [name for name in headings if name == "events" or any(row[name] for row in groups)]
    leavable = [name for name in _LEAST_FIRST if name in measures]
    names = [_names(key, [row[key] for row in groups]) for key in keys]
    columns = [[literal(key), *column] for key, column in zip(keys, names, strict=True)]
    for at, column in enumerate(columns):
        column.append("" if at else "total")
    wides = [max(map(display_width, column)) for column in columns]
    while True:
        numbers = [[headings[name] for name in measures]]
        numbers += [[_number(name, row[name]) for name in measures] for row in groups]
        numbers.append([_number(name, getattr(totals, name)) for name in measures])
        taken = sum(max(map(len, column)) + len(GAP) for column in zip(*numbers, strict=True))
        room = None if width is None else width - taken - len(GAP) * (len(keys) - 1)
        if room is None or room >= sum(min(wide, _READABLE_KEY) for wide in wides) or not leavable:
            break
        measures.remove(leavable.pop(0))
    if room is not None:
        columns = [[cut(cell, share) for cell in column] for column, share in zip(columns, _shares(wides, room), strict=True)]
    rows = [[*cells, *counts] for cells, counts in zip(zip(*columns, strict=True), numbers, strict=True)]
    return aligned(rows, keys=len(keys))


def _shares(wides: list[int], room: int) -> list[int]:
    """The room of each key column: what it needs where the others leave it, else an equal part."""
    shares, left = list(wides), room
    for place, at in enumerate(sorted(range(len(wides)), key=wides.__getitem__)):
        shares[at] = max(_SHORTEST_KEY, min(wides[at], left // (len(wides) - place)))
        left -= shares[at]
    return shares


def _names(key: str, values: list[object]) -> list[str]:
    """Group keys as text: the last segment of a model's name where that tells it from the others, whole otherwise."""
    texts = ["(empty)" if value in {None, ""} else str(_plain(value)) for value in values]
    if key != "model":
        return list(map(literal, texts))
    short = {text: last_segment(text) for text in texts}
    seen = Counter(short.values())
    return [literal(short[text] if seen[short[text]] == 1 else text) for text in texts]


def _number(name: str, value: float) -> str:
    return f"{value / 3600:,.2f}" if name == "accelerator_seconds" else f"{value:,}"


def _sums(totals: Totals) -> dict[str, float]:
    return {name: round(getattr(totals, name), SUM_DECIMALS) for name in _MEASURES}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value


def _whole_seconds(span: TimeRange) -> TimeRange:
    """The range with an end that falls between two seconds, as just after the last event, put at the later one."""
    if span.end is None or not span.end.microsecond:
        return span
    return TimeRange(span.start, span.end.replace(microsecond=0) + timedelta(seconds=1))


def _rfc3339(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat().replace("+00:00", "Z")
