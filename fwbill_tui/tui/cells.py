"""How values look in a table cell: text for each kind of column, cut and padded to a width in terminal cells."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from rich.cells import cell_len, chop_cells, split_graphemes

from fwbill_tui.usage.literal import literal
from fwbill_tui.usage.names import last_segment

if TYPE_CHECKING:
    import polars as pl

Kind = Literal["time", "hour", "day", "month", "usage_type", "path", "label", "text", "count", "seconds"]
"""What a column holds. `time` to `month` are instants in UTC, or dates; `path` is a resource name."""

NUMBERS = frozenset[Kind](("count", "seconds"))
"""Kinds that are aligned at the right and never cut."""

ELLIPSIS = "…"
LONGEST = 512
"""Characters of a value that a cell looks at; no terminal is wider, and a value can be a whole file."""

_TIME_FORMATS = {"time": "%Y-%m-%d %H:%M:%S%.f", "hour": "%Y-%m-%d %H:%M", "day": "%Y-%m-%d", "month": "%Y-%m"}
_USAGE_TYPE = re.compile(r"([A-Z][A-Z0-9_]*?)(?:_INFERENCE)?_USAGE")


def texts(values: pl.Series, kind: Kind, time_zone: str) -> list[str]:
    """The cell texts of a slice of a column; an empty cell is ''. Every text is literal: one line, safe to show."""
    import polars as pl  # late: screens without a table are painted before it is there

    if kind in _TIME_FORMATS and values.dtype.is_temporal():
        if isinstance(values.dtype, pl.Datetime):
            values = values.dt.convert_time_zone(time_zone)
        elif kind != "month":
            kind = "day"
        shown = values.dt.strftime(_TIME_FORMATS[kind])
        if kind == "hour":
            shown += _offsets_where_told_twice(values, time_zone)
        return ["" if text is None else text for text in shown.to_list()]
    if values.dtype.is_numeric():
        number = seconds if values.dtype.is_float() else count
        return ["" if value is None else number(value) for value in values.to_list()]
    read = {"path": path, "usage_type": usage_type}.get(kind, label)
    return [read(text) if text else "" for text in values.cast(pl.String).to_list()]


def _offsets_where_told_twice(times: pl.Series, time_zone: str) -> pl.Series:
    """` +0100` for times that the clocks of their zone show twice, in the night in which they are put back; else nothing."""
    naive = times.dt.replace_time_zone(None)
    first, last = (naive.dt.replace_time_zone(time_zone, ambiguous=which) for which in ("earliest", "latest"))
    return times.dt.strftime(" %z").set(first == last, "")


def count(value: int) -> str:
    """`1,204,331`."""
    return f"{value:,}"


def seconds(value: float) -> str:
    """`7,200.25`: two decimals, so that a column lines up, and more only for what would look like nothing."""
    text = f"{value:,.2f}"
    return f"{value:.2g}" if value and text in {"0.00", "-0.00"} else text


def label(text: str) -> str:
    """A value as it is, made safe to show."""
    return literal(text[:LONGEST])


def path(text: str) -> str:
    """The last segment of a resource name: `kimi-k3` for `accounts/fireworks/models/kimi-k3`."""
    return label(last_segment(text))


def usage_type(text: str) -> str:
    """`Text completion` for `TEXT_COMPLETION_INFERENCE_USAGE`; a name of another make stays as it is."""
    named = _USAGE_TYPE.fullmatch(text)
    return named[1].replace("_", " ").capitalize() if named else label(text)


def width(text: str) -> int:
    """Terminal cells that a text takes."""
    return len(text) if text.isascii() else cell_len(text)


def wrapped(text: str, cells: int) -> list[str]:
    """The text in lines of at most so many cells, between its words where that goes; none for an empty text."""
    lines: list[str] = []
    for word in text.split():
        if lines and width(f"{lines[-1]} {word}") <= cells:
            lines[-1] += f" {word}"
        else:
            lines += [word] if width(word) <= cells else chop_cells(word, max(2, cells))
    return lines


def fit(text: str, cells: int, *, right: bool = False) -> str:
    """The text in exactly so many terminal cells: padded, at the left if `right`, or cut with an ellipsis.

    A wide character that would stand across the edge is left out whole. The text is literal (see `label`).
    """
    if text.isascii():
        if len(text) > cells:
            return text[: cells - 1] + ELLIPSIS if cells > 0 else ""
        return text.rjust(cells) if right else text.ljust(cells)
    if cells <= 0:
        return ""
    spans, taken = split_graphemes(text)
    if taken > cells:
        end, taken = 0, 1
        for _, stop, size in spans:
            if taken + size > cells:
                break
            end, taken = stop, taken + size
        text = text[:end] + ELLIPSIS
    padding = " " * (cells - taken)
    return padding + text if right else text + padding
