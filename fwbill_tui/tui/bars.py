"""Bars drawn with block characters."""

from __future__ import annotations

from collections.abc import Sequence

EIGHTHS_UP = " ▁▂▃▄▅▆▇█"
_EIGHTHS_RIGHT = " ▏▎▍▌▋▊▉█"


def share_bar(value: float, most: float, width: int) -> str:
    """A horizontal bar of `width` cells for `value` out of `most`; anything above zero is at least a sliver."""
    if width <= 0 or most <= 0 or value <= 0:
        return " " * width
    eighths = max(1, round(value / most * width * 8))
    whole, rest = divmod(eighths, 8)
    bar = "█" * whole + (_EIGHTHS_RIGHT[rest] if rest else "")
    return bar[:width].ljust(width)


_UNITS = ((1e18, " E"), (1e15, " P"), (1e12, " T"), (1e9, " B"), (1e6, " M"), (1e3, " k"))
_BYTE_UNITS = ((1e18, " EB"), (1e15, " PB"), (1e12, " TB"), (1e9, " GB"), (1e6, " MB"), (1e3, " kB"))

_ROUNDED_UP = 0.9995
"""Of a unit: from there on three digits say `1 M`, not `1000 k`."""


def compact(value: float, units: Sequence[tuple[float, str]] = _UNITS) -> str:
    """A quantity in few characters, for axes and legends: `0.008`, `812`, `41.2 k`, `3.21 M`, `512 M`, `1.2 B`."""
    for factor, unit in units:
        if abs(value) >= factor * _ROUNDED_UP:
            scaled = value / factor
            digits = 2 if abs(scaled) < 10 else 1 if abs(scaled) < 100 else 0
            text = f"{scaled:.{digits}f}"
            return (text.rstrip("0").rstrip(".") if "." in text else text) + unit
    if value == int(value):
        return f"{value:.0f}"
    return f"{value:.1f}".removesuffix(".0") if abs(value) >= 0.1 else f"{value:.1g}"  # some is never 0


def compact_bytes(count: int) -> str:
    """A size: `194 B`, `41.2 kB`, `1.86 GB`."""
    return f"{count} B" if count < _BYTE_UNITS[-1][0] else compact(count, _BYTE_UNITS)


def percent(part: float, whole: float) -> str:
    """`32%`. Some is never `0%`, and not all of it is never `100%`; '' without a whole."""
    if not whole:
        return ""
    share = part / whole
    if 0 < share < 0.01:
        return "<1%"
    return ">99%" if 0.99 < share < 1 else f"{round(share * 100)}%"
