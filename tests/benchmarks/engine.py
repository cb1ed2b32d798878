"""What a Ledger answers, beside plain Polars on the same events in the same process."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import polars as pl

from fwbill_tui.usage.building import LedgerBuilder
from fwbill_tui.usage.ledger import Ledger
from fwbill_tui.usage.names import COLUMNS
from fwbill_tui.usage.query import Query, SortKey
from tests.benchmarks import child, floors, ours
from tests.benchmarks.data import Cache
from tests.benchmarks.figures import Figure, Goal, Results, Sample, interleaved

SECTION = "The engine (one process)"
WORDS = ("k", "ki", "kim", "kimi", "a", "an", "ana", "g", "glm", "s", "sup", "m", "mini", "d", "deep")
_SORTED = tuple(column for column in COLUMNS if column != "end_time")
_THREE = ("base_model_name", "email", "completion_tokens")
_SCREEN = 50


def measure(results: Results, cache: Cache, rows: int, repeats: int) -> None:
    """Run `answers` in a process of its own and add what it found."""
    for found in child.run("engine.answers", cache.parquet(rows), repeats, work=cache.work).returned:
        floor = Sample.of(found["floor"]) if found["floor"] else None
        goals = tuple(Goal(of, limit) for of, limit in found["goals"])
        figure = Figure(SECTION, found["name"], "ms", Sample.of(found["ours"]), floor, found["floor_name"], goals, rows)
        results.add(figure)


def answers(path: str, repeats: str) -> list[dict[str, Any]]:
    """All figures of a file, in milliseconds; each has `name`, `ours`, `floor`, `floor_name` and `goals`."""
    loaded = ours.opened(path)
    return _Answers(loaded.ledger, loaded.builder, int(repeats)).all()


class _Answers:
    """One file's figures."""

    def __init__(self, ledger: Ledger, builder: LedgerBuilder, repeats: int) -> None:
        self._ledger, self._builder, self._repeats = ledger, builder, repeats
        self._events = ledger.events
        self._found: list[dict[str, Any]] = []

    def all(self) -> list[dict[str, Any]]:
        """Everything, one after the other."""
        self._summaries()
        self._groups()
        self._orders()
        return self._found

    def _fresh(self) -> Ledger:
        """A ledger of the same events that has answered nothing yet."""
        return self._builder.build()

    def _add(self, name: str, own: Sample, floor: Sample | None = None, floor_name: str = "", *goals: tuple[str, float]) -> None:
        values = floor.values if floor else ()
        self._found.append({"name": name, "ours": own.values, "floor": values, "floor_name": floor_name, "goals": goals})

    def _summaries(self) -> None:
        ledger, events = self._ledger, self._events
        ledger.facets(Query())
        ledger.series(Query())

        def each(name_: str, answer: Callable[[Query], object], condition: bool) -> None:
            def floor(word: str) -> object:
                labels = events.get_column("base_model_name").unique().cast(pl.String)
                inside = labels.filter(labels.str.contains(word)).cast(events.schema["base_model_name"])
                return floors.totals(events, pl.col("base_model_name").is_in(inside.implode()))

            name = "totals of the events, by plain Polars" if condition else ""
            one, other = [], []
            for word in WORDS:
                one.append(_ms(partial(answer, Query(search=word))))
                if condition:
                    other.append(_ms(partial(floor, word)))
            self._add(f"{name_} after a letter", Sample.of(one), Sample.of(other) if other else None, name)

        each("totals", ledger.totals, True)
        each("facets", ledger.facets, False)
        each("series", ledger.series, False)

        def summary(word: str) -> None:
            query = Query(search=word)
            for answer in (ledger.totals, ledger.whole, ledger.facets, ledger.series):
                answer(query)

        together = Sample.of(_ms(partial(summary, word)) for word in WORDS)
        self._add("totals, facets and series together after a letter", together, None, "", ("p95", 33))
        whole = self._fresh()
        whole.order(Query())
        rows = Sample.of(_ms(partial(whole.order, Query(search=word))) for word in WORDS)
        self._add("row order after a letter", rows, None, "", ("p95", 100))

        def first(word: str) -> None:
            whole.first_rows(Query(search=word), _SCREEN)

        self._add("first rows after a letter", Sample.of(_ms(partial(first, word)) for word in WORDS))

    def _groups(self) -> None:
        for dimensions, goal in ((("model",), 33.0), (("model", "user"), 60.0), (("day", "model"), 60.0)):
            columns = [{"model": "base_model_name", "user": "email", "day": "day"}[name] for name in dimensions]
            some = self._events.with_columns(pl.col("start_time").dt.date().alias("day")) if "day" in columns else self._events

            def cold(dimensions: tuple[str, ...] = dimensions) -> float:
                ledger = self._fresh()
                return _ms(lambda: ledger.groups(Query(group_by=dimensions)))

            def plain(some: pl.DataFrame = some, columns: list[str] = columns) -> float:
                return _ms(lambda: floors.groups(some, columns))

            one, other = interleaved(self._repeats, cold, plain)
            self._add(f"group by {', '.join(dimensions)}, first time", one, other, "plain group_by", ("median", goal))

    def _order_ms(self, work: Callable[[], object]) -> float:
        """Milliseconds of making a whole order, with memory for it at hand.

        Fresh memory costs as much as some orders do, and otherwise goes to whichever comes first of those measured in turn.
        """
        pl.int_range(self._events.height, dtype=pl.UInt32, eager=True)
        return _ms(work)

    def _orders(self) -> None:
        for column in _SORTED:
            query = Query(sort=(SortKey(column, descending=True),))
            values = floors.by_label(self._events.get_column(column))
            able = [way for way in floors.ARG_SORTS if _works(way, values)]

            def order(query: Query = query) -> float:
                ledger = self._fresh()
                return self._order_ms(lambda: ledger.order(query))

            ways = [partial(self._order_ms, partial(way, values)) for way in able]
            one, *others = interleaved(self._repeats, order, *ways)
            best = min(range(len(able)), key=lambda index: others[index].median)
            name = able[best].__name__.replace("_", " ")
            self._add(f"whole order by {column}", one, others[best], name, ("ratio", 1.5), ("median", 500))

        def first(column: str) -> float:
            ledger, query = self._fresh(), Query(sort=(SortKey(column, descending=True),))
            return _ms(partial(ledger.first_rows, query, _SCREEN))

        for column in _SORTED:
            one, other = interleaved(
                self._repeats, partial(first, column), partial(_ms, partial(floors.first_rows, self._events, column, _SCREEN))
            )
            self._add(f"first screen by {column}", one, other, "sort().head()", ("median", 60))
        three = Query(sort=tuple(SortKey(column, descending=True) for column in _THREE))
        times = Sample.of(_ms(partial(self._fresh().order, three)) for _ in range(self._repeats))
        self._add("whole order by three keys", times, None, "", ("median", 1000))


def _works(way: Callable[[pl.Series], pl.Series], values: pl.Series) -> bool:
    try:
        way(values)
    except (OverflowError, AssertionError, pl.exceptions.PolarsError):
        return False
    return True


def _ms(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1e3
