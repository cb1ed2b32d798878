"""Bars drawn with block characters."""

from __future__ import annotations

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


def compact(value: float) -> str:
    """A quantity in at most five characters, for axes and legends: `812`, `41.2 k`, `3.21 M`, `512 M`, `1.2 B`."""
    for factor, unit in ((1e18, " E"), (1e15, " P"), (1e12, " T"), (1e9, " B"), (1e6, " M"), (1e3, " k")):
        if abs(value) >= factor:
            scaled = value / factor
            digits = 2 if abs(scaled) < 10 else 1 if abs(scaled) < 100 else 0
            text = f"{scaled:.{digits}f}"
            return (text.rstrip("0").rstrip(".") if "." in text else text) + unit
    return f"{value:.0f}" if value == int(value) else f"{value:.1f}"


def percent(part: float, whole: float) -> str:
    """`32%`. Some is never `0%`, and not all of it is never `100%`; '' without a whole."""
    if not whole:
        return ""
    share = part / whole
    if 0 < share < 0.01:
        return "<1%"
    return ">99%" if 0.99 < share < 1 else f"{round(share * 100)}%"
