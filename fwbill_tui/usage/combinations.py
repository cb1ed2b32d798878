"""Few combinations of labels as Python values, and what is added up from them.

A step of Polars takes a tenth to half of a millisecond however little there is to do, and the answer to one letter of a search
took twenty of them. Most accounts have some dozens of combinations: sums over those are quicker here, by a factor of five.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, TypeAlias

import polars as pl

from fwbill_tui.usage.answers import Totals
from fwbill_tui.usage.labels import EMPTY
from fwbill_tui.usage.names import MEASURES, TOKEN_MEASURES
from fwbill_tui.usage.predicate import Predicate
from fwbill_tui.usage.rollup import EVENTS

MOST = 1000
"""Of more combinations, Polars is as quick."""
MOST_CELLS = 50_000
"""The same with combinations times days or hours."""
_QUICK_CELLS = 10_000
"""Adding up so many takes three milliseconds, and working them out for the first time ten."""

Amounts: TypeAlias = Sequence[Sequence[float]]
"""Of each combination, a measure per bucket of time."""


class Combinations:
    """The rows of a cube: a rollup without time, one row for each combination of the label `columns`."""

    def __init__(self, cube: pl.DataFrame, columns: Sequence[str]) -> None:
        self.cube = cube
        self._columns = columns
        self._place = "place"
        while self._place in cube.columns:  # a further column may have any name
            self._place += "_"
        self._placed = cube.with_row_index(self._place)
        labels = [pl.col(name).cast(pl.String).fill_null(EMPTY) for name in columns]
        rows = cube.select(*labels, EVENTS, *MEASURES).rows()
        values = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in (*columns, EVENTS, *MEASURES)]
        self._labels: dict[str, list[str]] = dict(zip(columns, values, strict=False))
        self._sums: dict[str, list[Any]] = dict(zip((EVENTS, *MEASURES), values[len(columns) :], strict=True))
        self._amounts: dict[Hashable, Amounts | None] = {}
        self._found: tuple[Predicate, dict[str | None, list[int]]] | None = None

    @property
    def quick(self) -> bool:
        """Whether all there is to add up, over time too, was looked at already, and is added up in less than a frame."""
        known = list(self._amounts.values())  # another thread may add to them
        if not known or None in known:
            return False
        return len(self._placed) * max((len(rows[0]) for rows in known if rows), default=0) <= _QUICK_CELLS

    def where(self, predicate: Predicate, *, but: str | None = None) -> list[int]:
        """The places of the combinations under all conditions on labels, leaving out those on the column `but`."""
        kept = self._found
        if kept is None or kept[0] is not predicate:
            self._found = kept = predicate, {}
        found = kept[1]
        but = but if but in predicate.by_column else None
        if but not in found:
            # In Python: a query, however small, waits for Polars' threads, which may be at a sort of all events.
            places = list(range(len(self._placed)))
            for condition in predicate.spelled:
                if but is None or condition.own != but:
                    places = condition.kept(places, self._labels)
            found[but] = places
        return found[but]

    def totals(self, places: Sequence[int]) -> Totals:
        """The sums of some of them."""
        whole = {name: sum(map(self._sums[name].__getitem__, places)) for name in (EVENTS, *TOKEN_MEASURES)}
        return Totals(**whole, accelerator_seconds=sum(map(self._sums["accelerator_seconds"].__getitem__, places), 0.0))

    def counts(self, column: str, places: Sequence[int]) -> dict[str, int]:
        """The events of some of them, by the labels of a column."""
        counts: dict[str, int] = {}
        labels, events = self._labels[column], self._sums[EVENTS]
        for place in places:
            counts[labels[place]] = counts.get(labels[place], 0) + events[place]
        return counts

    def over_time(
        self, buckets: Mapping[object, int], facts: Callable[[], pl.DataFrame], start: pl.Expr, value: pl.Expr, key: Hashable
    ) -> Amounts | None:
        """A measure of each combination in each bucket of time; None where that is more than can be added up here.

        It is worked out once per `key`, from `facts`: one row for each combination and bucket in which there is something, of
        which `start` is the start of the bucket and `value` the measure. `buckets` says by its start which one a bucket is.
        """
        if key not in self._amounts:
            fit = len(self._placed) * len(buckets) <= MOST_CELLS
            self._amounts[key] = self._spread(buckets, facts(), start, value) if fit else None
        return self._amounts[key]

    def _spread(self, buckets: Mapping[object, int], facts: pl.DataFrame, start: pl.Expr, value: pl.Expr) -> Amounts:
        amounts: list[list[float]] = [[0] * len(buckets) for _ in range(len(self._placed))]
        found = facts.join(self._placed.select(self._place, *self._columns), on=self._columns, nulls_equal=True)
        for place, begin, amount in found.select(self._place, start.alias("start"), value.alias("value")).iter_rows():
            if (bucket := buckets.get(begin)) is not None:
                amounts[place][bucket] += amount
        return amounts

    def by_label(self, column: str, places: Sequence[int], amounts: Amounts) -> dict[str, list[float]]:
        """What `over_time` says of some of them, added up by the labels of a column."""
        labels = self._labels[column]
        together: dict[str, list[Sequence[float]]] = {}
        for place in places:
            together.setdefault(labels[place], []).append(amounts[place])
        return {label: added(rows) for label, rows in together.items()}


def added(rows: Sequence[Sequence[float]]) -> list[float]:
    """Rows of the same length, added up."""
    return list(rows[0]) if len(rows) == 1 else [sum(cells) for cells in zip(*rows, strict=True)]
