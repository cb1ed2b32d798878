"""Sorting and filtering as vectors of row indices. The frame of events is never copied.

A sort turns every key into an unsigned integer of as few bits as it needs (nulls largest, descending mirrored), packs
keys and row number into one 64-bit integer and sorts that: stable by construction, and several times faster than an
arg-sort by several columns. Keys that do not fit together are sorted in stable passes, the last key first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from fwbill_tui.usage.labels import Labels
from fwbill_tui.usage.query import SortKey

_SECOND = 1_000_000  # microseconds


@dataclass(frozen=True, slots=True)
class _Packed:
    """A sort key as UInt64 codes and the number of bits they take."""

    codes: pl.Series
    bits: int


def mask(frame: pl.DataFrame, condition: pl.Expr) -> pl.Series:
    """Whether a condition holds, per row of a frame: Boolean, in one chunk, also for a condition without columns."""
    holds = frame.select(condition.alias("mask")).to_series()
    if len(holds) != frame.height:
        holds = pl.repeat(bool(holds[0]), frame.height, dtype=pl.Boolean, eager=True)
    return holds.rechunk()


def rows_where(mask: pl.Series) -> pl.Series:
    """The row numbers (UInt32, ascending) at which a mask is true."""
    return mask.arg_true().cast(pl.UInt32)


def natural_order(height: int) -> pl.Series:
    """The row numbers of a frame as it stands."""
    return pl.int_range(height, dtype=pl.UInt32, eager=True)


def arg_sort(frame: pl.DataFrame, keys: Sequence[SortKey], labels: Mapping[str, Labels]) -> pl.Series:
    """Row numbers (UInt32) in the order of the keys: stable, nulls last in both directions.

    Labels and text compare by code point, as Polars compares strings.
    """
    height = frame.height
    row_bits = max(height - 1, 1).bit_length()
    room = 64 - row_bits
    order, keys = _order_at_hand(frame, keys)
    for group in _passes([_pack(frame.get_column(key.column), key, labels.get(key.column), room) for key in keys], room):
        packed: pl.Series | None = None
        for key in group:
            codes = key.codes if order is None else key.codes.gather(order)
            packed = codes if packed is None else packed * (1 << key.bits) + codes
        if packed is None:
            continue
        rows = pl.int_range(height, dtype=pl.UInt64, eager=True)
        placed = (packed * (1 << row_bits) + rows).sort()
        positions = (placed & ((1 << row_bits) - 1)).cast(pl.UInt32)
        order = positions if order is None else order.gather(positions)
    return natural_order(height) if order is None else order


def _order_at_hand(frame: pl.DataFrame, keys: Sequence[SortKey]) -> tuple[pl.Series | None, Sequence[SortKey]]:
    """An order (None: the natural one) that makes the last key superfluous, and the keys that are left.

    Events mostly come sorted by time, and sorting by time is what is asked for most.
    """
    if not keys:
        return None, keys
    values = frame.get_column(keys[-1].column)
    if not values.dtype.is_temporal() or values.null_count() or not values.is_sorted():
        return None, keys
    return (_reversed_runs(values) if keys[-1].descending else None), keys[:-1]


def _reversed_runs(values: pl.Series) -> pl.Series:
    """The stable descending order of values that ascend: runs of equal values from the last to the first."""
    value, row = pl.col("value"), pl.col("row")
    first = pl.when(value.ne_missing(value.shift(1))).then(row).forward_fill()
    last = pl.when(value.ne_missing(value.shift(-1))).then(row).backward_fill()
    rows = pl.DataFrame({"value": values, "row": natural_order(len(values))})
    return rows.select((first + (last - row)).alias("row")).to_series().reverse()


def _passes(keys: list[_Packed], room: int) -> list[list[_Packed]]:
    """Keys grouped into passes that fit `room` bits, least significant pass first."""
    passes: list[list[_Packed]] = []
    used = room + 1
    for key in reversed(keys):
        if key.bits == 0:
            continue
        if used + key.bits > room:
            passes.append([])
            used = 0
        passes[-1].insert(0, key)
        used += key.bits
    return passes


def _pack(values: pl.Series, key: SortKey, labels: Labels | None, room: int) -> _Packed:
    if labels is not None:
        codes = values.to_physical().cast(pl.UInt32)
        whole = labels.ranks().gather(codes) if codes.null_count() < len(codes) else codes
    elif isinstance(values.dtype, pl.Datetime):
        whole = values.to_physical()
        seconds = whole // _SECOND
        if (seconds * _SECOND == whole).all(ignore_nulls=True):
            whole = seconds
    elif values.dtype.is_integer() or values.dtype == pl.Date:
        whole = values.to_physical()
    else:
        whole = values.rank("dense")
    packed = _shifted(whole, descending=key.descending)
    return packed if packed.bits <= room else _shifted(values.rank("dense"), descending=key.descending)


def _shifted(whole: pl.Series, *, descending: bool) -> _Packed:
    """Integers moved to start at 0, mirrored when descending, with null as the largest."""
    low, high = whole.min(), whole.max()
    if low is None or high is None:
        return _Packed(pl.repeat(0, len(whole), dtype=pl.UInt64, eager=True), 0)
    span = int(high) - int(low)  # type: ignore[arg-type]
    if span >= 1 << 62:
        return _Packed(whole.cast(pl.UInt64, strict=False), 65)  # too wide to subtract safely; the caller ranks instead
    moved = (high - whole) if descending else (whole - low)
    nulls = whole.null_count()
    codes = moved.cast(pl.UInt64)
    if nulls:
        codes = codes.fill_null(span + 1)
    return _Packed(codes, (span + (1 if nulls else 0)).bit_length())
