"""Sort keys as whole numbers, so that several of them fit into one and labels are sorted without their text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import polars as pl

from fwbill_tui.usage.labels import Labels
from fwbill_tui.usage.query import SortKey

_SECOND = 1_000_000  # microseconds
_NARROW_LABELS = 1 << 8
_FEW_ROWS = 1 << 16
"""So few are sorted sooner than looked at."""
_SAMPLE = 1 << 12
_FEW_VALUES = 64
_NEVER_FIT = 64

Counted = Sequence[tuple[Any, int]]
"""Values in the order of a key, with their frequencies in a sample."""


class Code(NamedTuple):
    """A sort key as whole numbers, null where the key is null; or as the fractions or texts that it has.

    `span` is the least and the largest of whole numbers, None of others. `few` are the values of a sample of many rows when
    these were few, else empty; the other rows may have further values.
    """

    values: pl.Series
    descending: bool
    span: tuple[int, int] | None
    few: Counted = ()

    def gathered(self, rows: pl.Series) -> Code:
        """The same of all rows in another order."""
        return self._replace(values=self.values.gather(rows))

    @property
    def bits(self) -> int:
        """How many bits a place (see `places`) takes; too many to fit beside anything where there are none."""
        if self.span is None:
            return _NEVER_FIT
        low, high = self.span
        return (high - low + bool(self.values.null_count())).bit_length()

    def places(self, column: pl.Expr) -> pl.Expr:
        """Of a column that holds `values`, whole numbers of at most 62 bits: Int64 from 0 in the order of the key, null as the
        largest."""
        assert self.span is not None
        low, high = self.span
        whole = column.cast(pl.Int64)
        moved = pl.lit(high, pl.Int64) - whole if self.descending else whole - pl.lit(low, pl.Int64)
        return moved.fill_null(high - low + 1) if self.values.null_count() else moved


def code_of(values: pl.Series, key: SortKey, labels: Labels | None) -> Code | None:
    """The code that sorts a column; None if all its values are equal, or null."""
    if values.null_count() == len(values):
        return None
    whole = values
    if labels is not None:
        ranks = labels.ranks()
        whole = (ranks.cast(pl.UInt8) if len(ranks) <= _NARROW_LABELS else ranks).gather(values.to_physical().cast(pl.UInt32))
    elif values.dtype.is_temporal():
        whole = _seconds(values.to_physical())
    span = (int(whole.min()), int(whole.max())) if whole.dtype.is_integer() else None  # type: ignore[arg-type]
    if span and span[0] == span[1] and not whole.null_count():
        return None
    return Code(whole, key.descending, span, _few_values(whole, descending=key.descending))


def _seconds(times: pl.Series) -> pl.Series:
    """Microseconds as seconds (Int32) where all are whole ones that fit: in so few bits there is room for other codes."""
    time = pl.col("time")
    second = (time // _SECOND).cast(pl.Int32, strict=False)
    split = times.to_frame("time").lazy().select(second.alias("time"), whole=time % _SECOND == 0).collect(engine="streaming")
    seconds = split.get_column("time")
    return seconds if split.get_column("whole").all() and seconds.null_count() == times.null_count() else times


def _few_values(values: pl.Series, *, descending: bool) -> Counted:
    if len(values) <= _FEW_ROWS:
        return ()
    sample = values.alias("value").gather_every(len(values) // _SAMPLE | 1).drop_nulls().value_counts(name="rows")
    return sample.sort("value", descending=descending).rows() if sample.height <= _FEW_VALUES else ()
