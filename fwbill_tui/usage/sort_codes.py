"""Sort keys as whole numbers, so that sorting never compares text, times or fractions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from fwbill_tui.usage.labels import Labels
from fwbill_tui.usage.query import SortKey

_SECOND = 1_000_000  # microseconds
_ALL_BUT_SIGN = (1 << 63) - 1
_NARROW_LABELS = 1 << 8
_FEW_ROWS = 1 << 16
"""So few are sorted sooner than looked at."""
_SAMPLE = 1 << 12
_FEW_VALUES = 64

Counted = Sequence[tuple[int, int]]
"""Values in the order of a key, with their frequencies in a sample."""


@dataclass(frozen=True, slots=True)
class Code:
    """A sort key, or a part of one, as whole numbers from `low` to `high`; null where the key is null.

    `few` are the values of a sample of many rows when these were few, else empty; the other rows may have further values.
    """

    values: pl.Series
    low: int
    high: int
    descending: bool
    few: Counted = ()

    @classmethod
    def of(cls, values: pl.Series, *, descending: bool) -> Code | None:
        """The code of whole numbers of any width up to Int64; None when there is none, as then it sorts nothing."""
        low, high = values.min(), values.max()
        if low is None or high is None:
            return None
        few = _few_values(values, descending=descending)
        return cls(values, int(low), int(high), descending, few)  # type: ignore[arg-type]

    def gathered(self, rows: pl.Series) -> Code:
        """The same of all rows in another order."""
        return replace(self, values=self.values.gather(rows))

    @property
    def bits(self) -> int:
        """How many bits a place (see `places`) takes."""
        return (self.high - self.low + bool(self.values.null_count())).bit_length()

    def places(self, column: pl.Expr) -> pl.Expr:
        """Of a column that holds `values`: Int64 from 0 in the order of the key, null as the largest. At most 62 bits."""
        whole = column.cast(pl.Int64)
        moved = pl.lit(self.high, pl.Int64) - whole if self.descending else whole - pl.lit(self.low, pl.Int64)
        return moved.fill_null(self.high - self.low + 1) if self.values.null_count() else moved


def codes_of(values: pl.Series, key: SortKey, labels: Labels | None, most_bits: int) -> list[Code]:
    """The codes that sort a column, the most significant first; none if all values are equal.

    Each takes at most so many bits, or has few values.
    """
    if values.null_count() == len(values):
        return []
    if labels is not None:
        ranks = labels.ranks()
        whole = (ranks.cast(pl.UInt8) if len(ranks) <= _NARROW_LABELS else ranks).gather(values.to_physical().cast(pl.UInt32))
    elif values.dtype in (pl.Int64, pl.Int32) or values.dtype.is_temporal():
        whole = values.to_physical()
    elif values.dtype == pl.Float64:
        whole = _ordered_bits(values)
    else:
        whole = values.rank("dense")
    step = _SECOND if isinstance(values.dtype, pl.Datetime) and values.dtype.time_unit == "us" else 1 << (most_bits - 1)
    return _cut(whole, step, descending=key.descending, most_bits=most_bits)


def _cut(whole: pl.Series, step: int, *, descending: bool, most_bits: int) -> list[Code]:
    """Numbers as one code, or cut in parts that are narrow enough: times of whole seconds have only one part that differs."""
    code = Code.of(whole, descending=descending)
    if code is None or code.bits == 0:
        return []
    if code.bits <= most_bits or code.few:
        return [code]
    above = (whole - code.low).reinterpret(dtype=pl.UInt64)  # right even where the difference does not fit Int64
    parts = (above // step, above % step)
    return [code for part in parts for code in _cut(part, 1 << (most_bits - 1), descending=descending, most_bits=most_bits)]


def _few_values(values: pl.Series, *, descending: bool) -> Counted:
    if len(values) <= _FEW_ROWS:
        return ()
    sample = values.gather_every(len(values) // _SAMPLE | 1).drop_nulls().value_counts(name="rows")
    return sample.sort(values.name, descending=descending).rows() if sample.height <= _FEW_VALUES else ()


def _ordered_bits(values: pl.Series) -> pl.Series:
    """Numbers (Float64) as Int64 that compare as they do: equal zeros, NaN as the largest. Far faster than ranking them."""
    value = pl.col("value")
    same = pl.when(value == 0).then(0.0).when(value.is_nan()).then(float("nan")).otherwise(value)
    bits = same.reinterpret(dtype=pl.Int64)
    mirrored = pl.when(bits < 0).then(bits.xor(pl.lit(_ALL_BUT_SIGN, pl.Int64))).otherwise(bits)
    return values.to_frame("value").select(mirrored.alias("value")).to_series()
