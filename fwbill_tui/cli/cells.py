"""Text measured in terminal columns, without Rich: the command line starts in a fraction of its import."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

ELLIPSIS = "…"
GAP = "  "
_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def display_width(text: str) -> int:
    """Columns a terminal takes for the text: two for a wide character, none for a combining mark."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def cut(text: str, room: int) -> str:
    """The text in at most `room` columns, with an ellipsis where something is left out."""
    if display_width(text) <= room:
        return text
    kept, used = [], 0
    for character in text:
        used += _columns(character)
        if used > room - 1:
            break
        kept.append(character)
    return "".join(kept) + ELLIPSIS


def size_text(size: float) -> str:
    """Bytes as a person reads them, in units of a thousand: `999 bytes`, `41.2 kB`."""
    unit = 0
    while size >= 1000 and unit < len(_UNITS) - 1:
        size /= 1000
        unit += 1
    return f"{size:.0f} {_UNITS[unit]}" if not unit or size >= 100 else f"{size:.1f} {_UNITS[unit]}"


def aligned(rows: Sequence[Sequence[str]], keys: int) -> list[str]:
    """Rows as lines: the first `keys` columns to the left, numbers to the right."""
    widths = [max(map(display_width, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = []
        for at, (cell, wide) in enumerate(zip(row, widths, strict=True)):
            blank = " " * (wide - display_width(cell))
            cells.append(cell + blank if at < keys else blank + cell)
        lines.append(GAP.join(cells).rstrip())
    return lines


def _columns(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
