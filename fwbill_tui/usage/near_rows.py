"""The rows around one row of a sort, without sorting the rest: what a screen shows that stays on an event.

As `first_rows` does, a sample says which values of the first key are near the row's. The rows between these are sorted, and
those before them counted. Where too many rows have near values, only those of the same value are looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import NamedTuple

import polars as pl

from fwbill_tui.usage.first_rows import Values, both
from fwbill_tui.usage.labels import Labels
from fwbill_tui.usage.order import arg_sort_where, natural_order, rows_where
from fwbill_tui.usage.query import SortKey

_FEW_ROWS = 1 << 16
"""So few rows are sorted as soon as a part of them."""
_MOST_ROWS = 1 << 17
_SPARE = 4
"""Rows of the sample beyond the share that is asked for, on either side."""


class NearRows(NamedTuple):
    """A stretch of a sort: the row numbers (UInt32) that stand from `begin` on, and where among all the row stands."""

    rows: pl.Series
    begin: int
    position: int


def near_rows(
    frame: pl.DataFrame,
    keys: Sequence[SortKey],
    labels: Mapping[str, Labels],
    row: int,
    around: int,
    shown: pl.Series | None = None,
) -> NearRows | None:
    """A row of `order.arg_sort` and about `around` rows or more on either side of it: fewer where the first key changes.

    Of those rows only for which the mask `shown` is true, as it is for `row`. None where sorting all is as good.
    """
    height = frame.height if shown is None else int(shown.sum())
    if height <= _FEW_ROWS:
        return None
    if not keys:
        position = row if shown is None else int(shown[:row].sum())
        begin, end = max(0, position - around), position + around + 1
        rows = natural_order(min(end, height)) if shown is None else rows_where(shown)
        return NearRows(rows[begin:end], begin, position)
    values = Values(frame.get_column(keys[0].column), keys[0], labels.get(keys[0].column))
    value = values.of(row)
    if value is None:
        return _behind(values.there(), ~values.there(), frame, keys[1:], labels, row, around, shown)
    sample = values.sample(shown)
    place = int(values.before(sample, value).sum())
    step = _SPARE + ceil(around * len(sample) / height)
    within = both(values.there() if place + step >= len(sample) else values.up_to(sample[place + step]), shown)
    begin = 0
    if place - step >= 0:
        first = sample[place - step]
        before = both(values.up_to(first) & ~values.equal(first), shown)
        begin = int(before.sum())
        within = within & ~before
    if within.sum() > _MOST_ROWS:
        level = values.equal(value)
        return _behind(values.up_to(value) & ~level, level, frame, keys[1:], labels, row, around, shown)
    rows = arg_sort_where(within, frame, keys, labels)
    index = rows.index_of(row)
    return None if index is None else NearRows(rows, begin, begin + index)


def _behind(
    ahead: pl.Series,
    level: pl.Series,
    frame: pl.DataFrame,
    keys: Sequence[SortKey],
    labels: Mapping[str, Labels],
    row: int,
    around: int,
    shown: pl.Series | None,
) -> NearRows | None:
    """Those around a row among the rows of a level, which have one value of a key, behind all rows that are ahead of it."""
    near = near_rows(frame, keys, labels, row, around, both(level, shown))
    begin = int(both(ahead, shown).sum())
    return None if near is None else NearRows(near.rows, begin + near.begin, begin + near.position)
