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
            x, y, width, _ = shown
            if not crop.overlaps(shown):
                continue
            end = x + width
            lines = [y for y in shown.line_range if y in open_at and any(x <= cut < end for cut in open_at[y])]
            if not lines:
                continue
            first = lines[0]
            strips = widget.render_lines(Region(x - region.x, first - region.y, width, lines[-1] - first + 1))
            for y, strip in zip(range(first, first + len(strips)), strips, strict=True):
                if (still_open := open_at.get(y)) is None:
                    continue
                ends = cuts[y][bisect_left(cuts[y], x) + 1 : bisect_left(cuts[y], end) + 1]
                begin = x
                for stop, piece in zip(ends, strip.divide([cut - x for cut in ends]), strict=False):
                    if begin in still_open:
                        still_open.remove(begin)
                        chops[y][begin] = piece
                    begin = stop
                if not still_open:
                    del open_at[y]
        return cast("Sequence[Mapping[int, Strip]]", chops)
