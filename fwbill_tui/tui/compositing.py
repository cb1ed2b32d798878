"""Putting a screen together from what its parts paint.

Textual (8.2) has every part give all of its lines when any of them is to be painted, those of the parts that others cover, too:
for a cursor that moves, dozens of lines of the table, and as many of the three boxes below it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from typing import cast

from textual._compositor import Compositor
from textual.geometry import Region
from textual.strip import Strip


class FrontCompositor(Compositor):
    """Asks each part for the lines of it that will be seen, and for no others."""

    def _render_chops(self, crop: Region, is_rendered_line: Callable[[int], bool]) -> Sequence[Mapping[int, Strip]]:
        """The pieces of every line, from one cut to the next, by where they begin; None where none was asked for."""
        cuts = self.cuts
        chops: list[dict[int, Strip | None]] = [dict.fromkeys(line[:-1]) for line in cuts]
        left, right = crop.column_span
        open_at = {
            y: {cut for cut, end in zip(cuts[y], cuts[y][1:], strict=False) if cut < right and end > left}
            for y in crop.line_range
            if is_rendered_line(y)
        }
        for widget, (region, clip) in self.visible_widgets.items():
            if not open_at:
                break
            shown = region.intersection(clip)
            begin, end = shown.column_span
            there = range(shown.y, shown.bottom)
            lines = [y for y, still in open_at.items() if y in there and any(begin <= cut < end for cut in still)]
            if not lines:
                continue
            first = lines[0]
            part = Region(begin - region.x, first - region.y, shown.width, lines[-1] - first + 1)
            for y, strip in enumerate(widget.render_lines(part), first):
                if y in open_at:
                    _take(strip, begin, end, cuts[y], open_at[y], chops[y])
                    if not open_at[y]:
                        del open_at[y]
        return cast("Sequence[Mapping[int, Strip]]", chops)


def _take(strip: Strip, begin: int, end: int, cuts: list[int], still_open: set[int], line: dict[int, Strip | None]) -> None:
    """Put the pieces of a strip, which reaches from one cut to another, where nothing before it was put."""
    starts = cuts[bisect_left(cuts, begin) : bisect_left(cuts, end)]
    ends = [*starts[1:], end]
    for start, piece in zip(starts, strip.divide([stop - begin for stop in ends]), strict=False):
        if start in still_open:
            still_open.remove(start)
            line[start] = piece
