"""The screen under a dialog, dimmed.

Textual sends it through Rich and works every colour out anew, several times while a dialog opens. Few styles are on a
screen; here each is dimmed once.
"""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.renderables.background_screen import BackgroundScreen
from textual.strip import Strip


class Dimming:
    """How styles look with a colour over them."""

    def __init__(self, color: Color) -> None:
        self.color = color
        self._known: dict[Style | None, Style] = {}

    def lines(self, under: BackgroundScreen, ground: Style) -> list[Strip]:
        """What `under` shows, in its colours, a strip for each of its lines; without what the mouse could do there."""
        known, strips = self._known, []
        for strip in under.screen._compositor.render_strips():
            segments = []
            for text, style, _ in strip:
                if style not in known:
                    known[style] = self._dim(style, ground)
                segments.append(Segment(text, known[style]))
            strips.append(Strip(segments, strip.cell_length))
        return strips

    def _dim(self, style: Style | None, ground: Style) -> Style:
        (segment,) = BackgroundScreen.process_segments([Segment(" ", style)], self.color)
        return ground + segment.style
