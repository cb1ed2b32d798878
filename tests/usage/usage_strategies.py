"""Events and queries for property tests: few rows, few labels, and every awkward value among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import polars as pl
from hypothesis import strategies as st
from usage_reference import COLUMN, Event, Reference, Term

from fwbill_tui.usage.answers import Series
from fwbill_tui.usage.building import LedgerBuilder
from fwbill_tui.usage.ledger import Ledger
from fwbill_tui.usage.names import COLUMNS
from fwbill_tui.usage.query import MEASURE_CONDITIONS, Condition, Query, QueryError, SortKey, TimeRange
from fwbill_tui.usage.schema import Batch, EventTypes

ZONES = (
    "UTC", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Cairo",
)  # fmt: skip
# Around days on which clocks change: New York, Lord Howe (by half an hour), Cairo (at midnight); Apia lost 2011-12-30.
CHANGES = [
    datetime(2026, 3, 8, 7, tzinfo=UTC), datetime(2026, 11, 1, 6, tzinfo=UTC), datetime(2026, 4, 4, 15, tzinfo=UTC),
    datetime(2026, 10, 3, 15, 30, tzinfo=UTC), datetime(2026, 4, 23, 22, tzinfo=UTC), datetime(2011, 12, 30, 10, tzinfo=UTC),
]  # fmt: skip
LABELS: dict[str, list[str | None]] = {
    "usage_type": ["TEXT", "EMBEDDING", "text"],
    "base_model_name": ["accounts/fireworks/models/kimi-k3", "accounts/acme/models/Kimi-K3", "kimi[1]", "a*b", "x/", None],
    "model_bucket": ["Kimi K3", "größe", "ÉTÉ", None],
    "email": ["ana@acme.dev", "Bo@acme.dev", "12:30", None],
    "accelerator_type": ["H100", "b200", None],
    "tag": ["blue", "Blue/sky", "a*b", "acme", None],
    "note": ["free text", "FREE", "k.3", "acme", "kimi", "12:30", None],
}
VALUES = ["kimi-k3", "*", "*kimi*", "?100", "kimi[1]", "kimi[0-9]", "a*b", "[", "nothing", "", "Text", "x", "blue", "FREE"]
WORDS = ["kimi", "K3", "acme", "a*b", "12:30", "É", "k.3", "[1]", "größe", "zzz", "@", "free"]
REGEXES = ["^kimi", "k[23]$", "ki.i|text", r"\d\d", "(acme|x)/", "^$", "b.*e"]
BIG = st.integers(-(2**63), 2**63 - 1)
SMALL = st.integers(-3, 40)


def counts(*, most: int | None = None) -> st.SearchStrategy[int | None]:
    if most is not None:
        return st.one_of(st.none(), SMALL, SMALL, st.sampled_from([0, most, -most, most // 2 + 1]))
    return st.one_of(st.none(), SMALL, SMALL, SMALL, st.sampled_from([0, 2**53, 2**53 + 1]))


@st.composite
def instants(draw: st.DrawFn) -> datetime:
    """Near the change of some clock, on a whole quarter hour or not."""
    at = draw(st.sampled_from(CHANGES)) + timedelta(minutes=15 * draw(st.integers(-130, 130)))
    return at + draw(st.sampled_from([timedelta(0), timedelta(0), timedelta(seconds=1), timedelta(minutes=7, microseconds=-1)]))


@st.composite
def event_lists(draw: st.DrawFn, *, further: Sequence[str] = (), most: int = 25, big: bool = False) -> list[Event]:
    """Half of the lists have counts that fit 32 bits, though their sums do not."""
    measure = st.one_of(counts(), BIG) if big else counts(most=draw(st.sampled_from([None, 2**31 - 1])))
    event = st.fixed_dictionaries(
        {
            "start_time": instants(),
            "end_time": st.none() | instants(),
            **{column: st.sampled_from(LABELS[column]) for column in ("usage_type", "base_model_name", "model_bucket")},
            **{column: st.sampled_from(LABELS[column]) for column in ("email", "accelerator_type", *further)},
            "parameter_count": st.none() | BIG,
            "prompt_tokens": measure,
            "completion_tokens": measure,
            "cached_prompt_tokens": measure,
            "uncached_prompt_tokens": measure,
            # Multiples of a quarter add up exactly in any order.
            "accelerator_seconds": st.none() | st.sampled_from([0.0, -0.0, 0.25, 3600.0, -1.75, 1e9]),
        }
    )
    events = draw(st.lists(event, max_size=most))
    if events and draw(st.booleans()):
        events += [dict(events[0])]  # identical events are legitimate
    return events


@st.composite
def ranges(draw: st.DrawFn) -> TimeRange:
    edges = [draw(st.none() | instants()) for _ in range(2)]
    if draw(st.booleans()):  # whole local days
        clock = ZoneInfo(draw(st.sampled_from(ZONES)))
        edges = [
            edge and edge.astimezone(clock).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC) for edge in edges
        ]
    if None not in edges:
        edges.sort()
    try:
        return TimeRange(*edges)
    except QueryError:
        return TimeRange(edges[0])


def conditions() -> st.SearchStrategy[Condition]:
    numbers = st.one_of(SMALL, st.sampled_from([0.5, 2.0**53, 2**53 + 1, 2.5, -1.5, 2**64, -(2.0**70), 3600.0]))
    return st.builds(Condition, st.sampled_from(MEASURE_CONDITIONS), st.sampled_from(["<", "<=", "=", "!=", ">=", ">"]), numbers)


@st.composite
def searches(draw: st.DrawFn, further: Sequence[str] = ()) -> list[Term]:
    columns = ["usage_type", "base_model_name", "model_bucket", "email", "accelerator_type", *further]
    terms = []
    for _ in range(draw(st.sampled_from([0, 0, 1, 1, 2, 3]))):
        regex = draw(st.integers(0, 3)) == 0
        text = draw(st.sampled_from(REGEXES if regex else WORDS))
        column = draw(st.none() | st.sampled_from(columns))
        terms.append(Term(text, column, draw(st.booleans()), regex))
    return terms


def written(draw: st.DrawFn, terms: Sequence[Term]) -> str:
    """A search line that means these terms, with quotes and scopes spelled in different ways."""
    scopes = {column: name.upper() if name == "user" else name for name, column in COLUMN.items()} | {"usage_type": "Type"}
    words = []
    for term in terms:
        scope = "" if term.column is None else scopes.get(term.column, term.column) + ":"
        body = f"/{term.text.replace('/', chr(92) + '/')}/" if term.regex else term.text
        if not term.regex and (" " in body or draw(st.booleans())):
            body = f'"{body}"'
        words.append(("-" if term.negative else "") + scope + body)
    return draw(st.sampled_from([" ", "  "])).join(words)


@st.composite
def queries(draw: st.DrawFn, *, further: Sequence[str] = (), groups: Sequence[str] = ()) -> tuple[Query, list[Term]]:
    """A query and the search terms that its search line was written from."""
    dimensions = ["usage_type", "model", "bucket", "user", "accelerator", *further]
    query = Query(range=draw(ranges()), time_zone=draw(st.sampled_from(ZONES)))
    for change in (Query.choose, Query.exclude):
        for dimension in draw(st.lists(st.sampled_from(dimensions), max_size=2, unique=True)):
            known = [label or "" for label in LABELS[COLUMN.get(dimension, dimension)]]
            values = draw(st.lists(st.sampled_from(known) | st.sampled_from(VALUES), min_size=1, max_size=3))
            query = change(query, dimension, values)
    terms = draw(searches(further))
    keys = st.builds(SortKey, st.sampled_from([*COLUMNS, *further, *groups]), st.booleans())
    return (
        replace(
            query,
            search=written(draw, terms),
            where=tuple(draw(st.lists(conditions(), max_size=1))),
            sort=tuple(draw(st.lists(keys, max_size=4))),
            group_by=tuple(draw(st.lists(st.sampled_from(groups), min_size=1, max_size=2, unique=True))) if groups else (),
        ),
        terms,
    )


def frame_of(events: Sequence[Event], types: EventTypes, further: Sequence[str] = ()) -> pl.DataFrame:
    """A typed frame, as a reader would make it."""
    typed = types.frame_schema(further)
    plain = {name: pl.String() if isinstance(dtype, pl.Categorical) else dtype for name, dtype in typed.items()}
    rows = [{name: event.get(name) for name in typed} for event in events]
    return pl.DataFrame(rows, schema=plain, orient="row").cast(dict(typed))


def ledger_of(events: Sequence[Event], further: Sequence[str] = (), *, cuts: Sequence[int] = (), **limits: int) -> Ledger:
    """The ledger of events that come in batches, cut at these rows. Only batches that need a further column have it."""
    builder = LedgerBuilder(types := EventTypes(), **limits)
    edges = sorted({0, len(events), *(cut for cut in cuts if cut < len(events))})
    for start, end in pairwise(edges):
        part = events[start:end]
        present = [name for name in further if any(event.get(name) is not None for event in part)]
        builder.add(Batch(frame_of(part, types, present)))
    return builder.build()


@st.composite
def cases(draw: st.DrawFn, *, grouped: bool = False, big: bool = False) -> tuple[Ledger, Reference, Query, list[Term]]:
    """Events in a ledger and in the reference, and a query with its search terms.

    `tag` is a dictionary column, in the rollup or not; `note` is free text.
    """
    further = draw(st.sampled_from([(), ("tag",), ("note",), ("tag", "note")]))
    events = draw(event_lists(further=further, big=big))
    cuts = draw(st.lists(st.integers(0, 25), max_size=2))
    limits = {"most_labels": 10, "most_rolled": draw(st.sampled_from([10, 0]))}
    if "tag" in further:
        events = [*events, {**_FILLER, "tag": "blue"}]
    if "note" in further:
        events = [*events, *({**_FILLER, "note": f"note {number}"} for number in range(11))]
    ledger = ledger_of(events, further, cuts=cuts, **limits)
    dimensions = tuple(name for name in further if name != "note")
    groups = [*COLUMN, *dimensions, "hour", "hour", "day", "month"] if grouped else []
    query, terms = draw(queries(further=further, groups=groups))
    return ledger, Reference(events, further, free=("note",)), query, terms


_FILLER: Event = {**dict.fromkeys(COLUMNS), "start_time": CHANGES[0], "usage_type": "TEXT"}


def bucket_totals(series: Series) -> list[float]:
    """The measure per bucket over all names."""
    return [sum(column) for column in zip(*series.values, strict=True)] if series.values else [0] * len(series.starts)
