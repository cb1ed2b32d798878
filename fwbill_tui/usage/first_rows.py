"""The first rows of a sort without sorting the rest: what a screen shows, long before the whole order is there.

A sample says which value of the first key is good enough. One look at that column finds the rows that are as good or
better, and these few are sorted. The sample decides how many rows are looked at, never which are the first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import ceil
from typing import Any

import polars as pl

from fwbill_tui.usage.labels import Labels
from fwbill_tui.usage.order import arg_sort, arg_sort_where, first_rows_where, natural_order
from fwbill_tui.usage.query import SortKey

_FEW_ROWS = 1 << 16
"""So few rows are sorted as they are."""
_MUCH = 4
"""So many times the rows that are asked for are sorted as they are, too."""
_SAMPLE = 1 << 15
_SPARE = 4
"""Rows of the sample beyond twice the share that is asked for, so that the first guess is nearly always enough."""


def first_rows(
    frame: pl.DataFrame,
    keys: Sequence[SortKey],
    labels: Mapping[str, Labels],
    count: int,
    shown: pl.Series | None = None,
) -> pl.Series:
    """The first `count` row numbers (UInt32) of `order.arg_sort`, of those rows for which the mask `shown` is true."""
    height = frame.height if shown is None else int(shown.sum())
    count = min(count, height)
    if not keys:
        return natural_order(count) if shown is None else first_rows_where(shown, count)
    if height <= _FEW_ROWS or count == height:
        sorted_ = arg_sort(frame, keys, labels) if shown is None else arg_sort_where(shown, frame, keys, labels)
        return sorted_.head(count)

    def joined(ahead: pl.Series, behind: pl.Series) -> pl.Series:
        """The first of all `ahead`, of which there are too few, and of those `behind`, who are equal in the first key."""
        sure = int(ahead.sum())
        rest = first_rows(frame, keys[1:], labels, count - sure, behind)
        return first_rows(frame, keys, labels, sure, ahead).append(rest)

    values = Values(frame.get_column(keys[0].column), keys[0], labels.get(keys[0].column))
    for edge in values.edges(count / height, shown):
        candidates = both(values.up_to(edge), shown)
        found = candidates.sum()
        if found < count:
            continue
        level = values.equal(edge)
        ahead = candidates & ~level
        if ahead.sum() >= count:
            return arg_sort_where(ahead, frame, keys, labels).head(count)
        if found <= max(_FEW_ROWS, _MUCH * count):
            return arg_sort_where(candidates, frame, keys, labels).head(count)
        return joined(ahead, both(level, shown))
    there = both(values.there(), shown)
    if there.sum() >= count:
        return arg_sort_where(there, frame, keys, labels).head(count)
    return joined(there, both(~values.there(), shown))


class Values:
    """A column in the order of one key: masks of the rows that come before a value, without nulls."""

    def __init__(self, values: pl.Series, key: SortKey, labels: Labels | None) -> None:
        coded = labels is not None or values.dtype.is_temporal()
        self._values = values.to_physical() if coded else values
        self._descending = key.descending
        self._ranks = None if labels is None else labels.ranks()

    def edges(self, share: float, shown: pl.Series | None) -> Iterator[Any]:
        """Values that are further and further behind: about that share of the rows shown, and some more, come before."""
        sample = self.sample(shown)
        place = _SPARE + ceil(2 * share * len(sample))
        while place < len(sample):
            yield sample[place]
            place *= 4
        if len(sample):
            yield sample[-1]

    def sample(self, shown: pl.Series | None) -> pl.Series:
        """Values of some of the rows shown, in the order of the key; labels as their ranks."""
        step = len(self._values) // _SAMPLE | 1  # odd, so that rows that alternate are met alike
        sample = self._values.gather_every(step)
        if shown is not None:
            sample = sample.filter(shown.gather_every(step))
        return self._ranked(sample.drop_nulls()).sort(descending=self._descending)

    def of(self, row: int) -> Any:
        """The value of a row, as `sample` has it; None where there is none."""
        return self._ranked(self._values[row : row + 1])[0]

    def before(self, sample: pl.Series, value: Any) -> pl.Series:
        """Whether each value of a sample comes before one."""
        mask: pl.Series = sample > value if self._descending else sample < value
        return mask

    def _ranked(self, values: pl.Series) -> pl.Series:
        return values if self._ranks is None else self._ranks.gather(values.cast(pl.UInt32))

    def up_to(self, edge: Any) -> pl.Series:
        """The rows that come before those of a value, and these."""
        if self._ranks is not None:
            return self._coded(self._ranks >= edge if self._descending else self._ranks <= edge)
        mask: pl.Series = self._values >= edge if self._descending else self._values <= edge
        return mask.fill_null(value=False)

    def equal(self, edge: Any) -> pl.Series:
        """The rows that have a value."""
        if self._ranks is not None:
            return self._coded(self._ranks == edge)
        mask: pl.Series = self._values == edge
        return mask.fill_null(value=False)

    def there(self) -> pl.Series:
        """The rows that have any value."""
        return self._values.is_not_null()

    def _coded(self, wanted: pl.Series) -> pl.Series:
        codes = wanted.arg_true().cast(self._values.dtype)
        inside = self._values == codes[0] if len(codes) == 1 else self._values.is_in(codes.implode())
        return inside.fill_null(value=False)


def both(mask: pl.Series, shown: pl.Series | None) -> pl.Series:
    """A mask of the rows shown."""
    return mask if shown is None else mask & shown
