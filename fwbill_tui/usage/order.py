"""Sorting and filtering as vectors of row numbers. The frame of events is never copied.

A sort turns keys into whole numbers where it can (`sort_codes`), sorts by as many of them at once as fit into 64 bits with
a row's place (`sort_pass`), and takes keys that do not fit together in several stable passes, the last key first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from fwbill_tui.usage.labels import Labels
from fwbill_tui.usage.query import SortKey
from fwbill_tui.usage.sort_codes import Code, code_of
from fwbill_tui.usage.sort_pass import room_for, sorted_rows

_FEW = 8
"""Fewer rows than one in so many are picked by number rather than by a mask."""
_FIRST_LOOK = 1 << 16
"""Rows among which the first of a mask are looked for to begin with."""
_RARE = 100
_FEW_LABELS = 6
"""Up to so many labels, picking the rows of each is faster than ranking all."""


def mask(frame: pl.DataFrame, condition: pl.Expr) -> pl.Series:
    """Whether a condition holds, per row of a frame: Boolean, in one chunk, also for a condition without columns."""
    holds = frame.select(condition.alias("mask")).to_series()
    if len(holds) != frame.height:
        holds = holds.new_from_index(0, frame.height)
    return holds.rechunk()


def rows_where(mask: pl.Series) -> pl.Series:
    """The row numbers (UInt32, ascending) at which a mask is true."""
    true = mask.sum()
    if min(true, len(mask) - true) * _RARE < len(mask):
        return mask.arg_true()  # faster where it need not look at every bit, and ten times as slow where it has to
    return natural_order(len(mask)).filter(mask)


def first_rows_where(mask: pl.Series, count: int) -> pl.Series:
    """The first `count` of `rows_where`. Mostly they are near the beginning, and the rest need not be looked at."""
    end = _FIRST_LOOK
    while end < len(mask) and mask[:end].sum() < count:
        end *= 8
    return rows_where(mask[:end]).head(count)


def natural_order(height: int) -> pl.Series:
    """The row numbers of a frame as it stands."""
    return pl.int_range(height, dtype=pl.UInt32, eager=True)


def arg_sort(frame: pl.DataFrame, keys: Sequence[SortKey], labels: Mapping[str, Labels]) -> pl.Series:
    """Row numbers (UInt32) in the order of the keys: stable, nulls last in both directions.

    Labels and text compare by code point, as Polars compares strings.
    """
    while keys and frame.get_column(keys[0].column).null_count() == frame.height:
        keys = keys[1:]
    if keys and 2 * frame.get_column(keys[0].column).null_count() > frame.height:
        return _nulls_aside(frame, keys, labels)
    room = room_for(frame.height)
    order, keys = _order_at_hand(frame, keys)
    if order is None and len(keys) == 1 and (of := labels.get(keys[0].column)) and len(of.codes) <= _FEW_LABELS:
        return _picked(frame.get_column(keys[0].column), of, descending=keys[0].descending)
    found = (code_of(frame.get_column(key.column), key, labels.get(key.column)) for key in keys)
    codes = [code for code in found if code is not None]
    for group in _passes(codes, room):
        order = sorted_rows(order, group if order is None else [code.gathered(order) for code in group])
    return natural_order(frame.height) if order is None else order


def arg_sort_where(shown: pl.Series, frame: pl.DataFrame, keys: Sequence[SortKey], labels: Mapping[str, Labels]) -> pl.Series:
    """The row numbers at which a mask is true, in the order of the keys, as `arg_sort` has it."""
    rows = rows_where(shown)
    if not keys:
        return rows
    columns = frame.select({key.column for key in keys})
    subset = columns.select(pl.all().gather(rows)) if len(rows) < frame.height // _FEW else columns.filter(shown)
    return rows.gather(arg_sort(subset, keys, labels))


def _picked(values: pl.Series, labels: Labels, *, descending: bool) -> pl.Series:
    """The order of a column of few labels: the rows of one label after the other."""
    codes, rows = values.to_physical(), natural_order(len(values))
    solid = [code for label in labels.values if (code := labels.codes[label]) is not None]
    parts = [rows.filter(codes == code) for code in (reversed(solid) if descending else solid)]
    return pl.concat([rows.clear(), *parts, *([rows.filter(codes.is_null())] if codes.null_count() else [])], rechunk=True)


def _nulls_aside(frame: pl.DataFrame, keys: Sequence[SortKey], labels: Mapping[str, Labels]) -> pl.Series:
    """The order when most rows are null in the first key: only the others are sorted by it."""
    there = frame.get_column(keys[0].column).is_not_null()
    return arg_sort_where(there, frame, keys, labels).append(arg_sort_where(~there, frame, keys[1:], labels))


def _order_at_hand(frame: pl.DataFrame, keys: Sequence[SortKey]) -> tuple[pl.Series | None, Sequence[SortKey]]:
    """An order (None: the natural one) that makes the last key superfluous, and the keys that are left.

    Events mostly come sorted by time, and sorting by time is what is asked for most.
    """
    if not keys:
        return None, keys
    values = frame.get_column(keys[-1].column)
    if not values.dtype.is_temporal() or values.null_count() or not values.is_sorted():
        return None, keys
    return (_reversed_runs(values.to_physical()) if keys[-1].descending else None), keys[:-1]


def _reversed_runs(values: pl.Series) -> pl.Series:
    """The stable descending order of values that ascend: runs of equal values from the last to the first."""
    height = len(values)
    values = values.rechunk()
    row = pl.int_range(height, dtype=pl.Int32, eager=True)
    first = row.filter((values != values.shift(1)).fill_null(value=True))
    after = first.shift(-1, fill_value=height)
    before = (after.shift(-1) - 1).fill_null(0)  # the row before a run in the result: the last one of the run behind it
    # `pl.repeat` would hold up Python, and with it the screen, while it fills its memory (Polars 2.1).
    step = pl.Series([1], dtype=pl.Int32).new_from_index(0, height)
    step = step.scatter((height - after).cast(pl.UInt32, wrap_numerical=True), first - before)
    return step.cum_sum().cast(pl.UInt32, wrap_numerical=True)


def _passes(codes: Sequence[Code], room: int) -> list[list[Code]]:
    """Codes grouped into passes, least significant pass first: several codes in one pass fit `room` bits."""
    passes: list[list[Code]] = []
    used = room + 1
    for code in reversed(codes):
        if used + code.bits > room:
            passes.append([])
            used = 0
        passes[-1].insert(0, code)
        used += code.bits
    return passes
