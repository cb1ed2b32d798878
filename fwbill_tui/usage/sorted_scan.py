"""Sorting more rows than memory holds: in parts that follow each other, each small enough to be sorted by itself.

A sample of the first key says where to cut. The rows of a part are found by a condition on that key, so files whose rows
come in the order of time are read once for a sort by time, and other sorts read the key's column once for each part.
A value that is too frequent for one part is a part of its own, sorted by the keys that follow.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from functools import reduce
from typing import Any, NamedTuple

import polars as pl

from fwbill_tui.usage import order
from fwbill_tui.usage.labels import EMPTY, Labels
from fwbill_tui.usage.query import SortKey

_SAMPLE = 100_000
_BATCH = 200_000


Rows = Callable[[pl.Expr | None], pl.LazyFrame]
"""Reads rows under a condition (None: all of them), in their order."""


class _Part(NamedTuple):
    """The rows under a condition on the first key; about `rows` of them. `equal`: they all have the same value."""

    condition: pl.Expr
    rows: int
    equal: bool


def sorted_frames(
    rows: Rows,
    keys: Sequence[SortKey],
    labels: Mapping[str, Labels],
    *,
    height: int,
    most: int,
    where: pl.Expr | None = None,
) -> Generator[pl.DataFrame, None, None]:
    """The rows in the order of the keys, as `order.arg_sort` has it, in frames of at most about `most` rows.

    `rows` reads them under one more condition, of which `where` is part always; `height` is how many there are then, or a
    good estimate; `labels` are those of the dictionary columns. Without keys the rows come as they stand.
    """
    if not keys:
        yield from rows(where).collect_batches(chunk_size=_BATCH, maintain_order=True)
        return
    if height <= most:
        yield _sorted(rows(where), keys, labels)
        return
    key, *others = keys
    for part in _parts(rows(where), key, labels.get(key.column), height, most):
        within = part.condition if where is None else where & part.condition
        if part.equal:
            yield from sorted_frames(rows, others, labels, height=part.rows, most=most, where=within)
        else:
            yield _sorted(rows(within), keys, labels)


def _sorted(rows: pl.LazyFrame, keys: Sequence[SortKey], labels: Mapping[str, Labels]) -> pl.DataFrame:
    there = list(rows.collect_batches(chunk_size=_BATCH, maintain_order=True))
    frame = pl.concat(there) if there else rows.collect()
    return frame[order.arg_sort(frame, keys, labels)]


def _parts(rows: pl.LazyFrame, key: SortKey, labels: Labels | None, height: int, most: int) -> list[_Part]:
    """Parts of the rows in the order of one key: every row is in one of them, and most parts have nearly `most` rows."""
    step = max(1, height // _SAMPLE) | 1  # odd, so that rows that alternate are met alike
    sample = rows.select(key.column).gather_every(step).collect().to_series()
    if labels is not None:
        sample = sample.cast(pl.String)
    counted = sample.alias("value").drop_nulls().value_counts(name="sampled").sort("value")
    values, counts = counted.get_column("value"), [sampled * step for sampled in counted.get_column("sampled")]
    domain = _Domain(key.column, values.dtype, labels)
    parts: list[_Part] = []
    nulls = _Part(pl.col(key.column).is_null(), sample.null_count() * step, equal=True)
    after: int | None = None  # the position of the value that the part now growing begins behind
    size = 0
    for position, count in enumerate(counts):
        if count > most:
            parts.append(_Part(domain.between(values, after, position, last_in=False), size, equal=False))
            parts.append(_Part(domain.equal(values, position), count, equal=True))
            after, size = position, 0
            continue
        if size and size + count > most:
            parts.append(_Part(domain.between(values, after, position - 1, last_in=True), size, equal=False))
            after, size = position - 1, 0
        size += count
    parts.append(_Part(domain.between(values, after, None, last_in=True), size, equal=False))
    if key.descending:
        parts.reverse()
    return [part for part in (*parts, nulls) if not part.condition.meta.eq(pl.lit(value=False))]


class _Domain(NamedTuple):
    """Conditions on the values of one column, in their order."""

    column: str
    dtype: pl.DataType
    labels: Labels | None

    def equal(self, values: pl.Series, position: int) -> pl.Expr:
        """Rows that have one value."""
        return self._where([("==", values[position])])

    def between(self, values: pl.Series, after: int | None, last: int | None, *, last_in: bool) -> pl.Expr:
        """Rows that have a value behind that at `after` (None: any), up to that at `last` (None: any)."""
        edges = [] if after is None else [(">", values[after])]
        if last is not None:
            edges.append(("<=" if last_in else "<", values[last]))
        return self._where(edges)

    def _where(self, edges: list[tuple[str, Any]]) -> pl.Expr:
        if self.labels is not None:
            solid = [label for label in self.labels.values if label != EMPTY]
            return self.labels.condition([label for label in solid if all(_holds(label, *edge) for edge in edges)])
        column = pl.col(self.column)
        if not edges:
            return column.is_not_null()
        return reduce(pl.Expr.and_, (_compared(column, sign, pl.lit(value, dtype=self.dtype)) for sign, value in edges))


def _holds(label: str, sign: str, edge: str) -> bool:
    return {"==": label == edge, ">": label > edge, "<": label < edge, "<=": label <= edge}[sign]


def _compared(column: pl.Expr, sign: str, edge: pl.Expr) -> pl.Expr:
    return {"==": column == edge, ">": column > edge, "<": column < edge, "<=": column <= edge}[sign]
