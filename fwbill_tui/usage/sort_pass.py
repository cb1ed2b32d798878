"""One stable pass of a sort: rows in the order of one code, or of several that fit into 64 bits together with a row's place.

Packing codes and place into one integer and sorting that is stable by construction, and several times faster than a sort by
several columns. Codes of few different values are not sorted at all: the rows of each value are picked out, in their order.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from fwbill_tui.usage.sort_codes import Code, Counted


def room_for(height: int) -> int:
    """How many bits of codes fit beside the places of so many rows."""
    return 63 - _place_bits(height)


def sorted_rows(rows: pl.Series | None, codes: Sequence[Code]) -> pl.Series:
    """Rows (None: those from 0 on), of which each has a value in each code, in the order of the codes.

    Several codes take no more bits than there is `room_for`.
    """
    height = len(codes[0].values)
    if len(codes) == 1:
        (code,) = codes
        named = pl.int_range(height, dtype=pl.UInt32, eager=True) if rows is None else rows
        if code.few:
            return pl.concat(_parted(named, code.values, code.few, descending=code.descending), rechunk=True)
        return _sorted(named, code.values, descending=code.descending)
    bits = _place_bits(height)
    packed = pl.lit(0, pl.Int64)
    for number, code in enumerate(codes):
        packed = packed * (1 << code.bits) + code.places(pl.col(str(number)))
    packed = packed * (1 << bits) + pl.col("place").cast(pl.Int64)
    frame = pl.LazyFrame([code.values.alias(str(number)) for number, code in enumerate(codes)]).with_row_index("place")
    placed = frame.select(packed.alias("packed")).collect(engine="streaming").to_series()
    # In one thread: in two, Polars takes longer (290 ms against 210 for ten million), and the screen needs the other core.
    places = placed.sort(multithreaded=False).cast(pl.UInt32, wrap_numerical=True) & ((1 << bits) - 1)
    return places if rows is None else rows.gather(places)


def _sorted(rows: pl.Series, values: pl.Series, *, descending: bool) -> pl.Series:
    """The rows in the order of their values. The streaming engine's stable sort takes half the time of every other one."""
    frame = pl.LazyFrame([values.alias("value"), rows.alias("row")])
    sorted_ = frame.sort("value", descending=descending, nulls_last=True, maintain_order=True, multithreaded=False)
    return sorted_.select("row").collect(engine="streaming").to_series().rechunk()


def _parted(rows: pl.Series, values: pl.Series, counted: Counted, *, descending: bool) -> list[pl.Series]:
    """The rows in parts that follow each other, by a sample of their values.

    Values that the sample missed are sorted by themselves, so that a wrong guess costs time only.
    """
    if values.null_count():
        there = values.is_not_null()
        solid = _parted(rows.filter(there), values.filter(there), counted, descending=descending)
        return [*solid, rows.filter(~there)]
    if rows.is_empty():
        return []
    if not counted:
        return [_sorted(rows, values, descending=descending)]
    if len(counted) == 1:
        ((value, _),) = counted
        equal = values == value
        if equal.all():
            return [rows]
        before, after = values < value, values > value
        if descending:
            before, after = after, before
        missed = [_parted(rows.filter(some), values.filter(some), (), descending=descending) for some in (before, after)]
        return [*missed[0], rows.filter(equal), *missed[1]]
    half = _middle([count for _, count in counted])
    pivot = counted[half - 1][0]
    first = values >= pivot if descending else values <= pivot
    halves = ((first, counted[:half]), (~first, counted[half:]))
    return [part for some, of in halves for part in _parted(rows.filter(some), values.filter(some), of, descending=descending)]


def _middle(counts: Sequence[int]) -> int:
    """How many of the first counts make up about half of all, leaving some on both sides."""
    total, before, best = sum(counts), 0, 1
    least = total
    for number, count in enumerate(counts[:-1], start=1):
        before += count
        if (off := abs(2 * before - total)) < least:
            least, best = off, number
    return best


def _place_bits(height: int) -> int:
    return max(height - 1, 1).bit_length()
