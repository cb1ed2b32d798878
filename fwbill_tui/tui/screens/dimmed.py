"""The screen under a dialog, dimmed.

Textual sends it through Rich and works every colour out anew, several times while a dialog opens. Few styles are on a
screen; here each is dimmed once.
"""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.css.styles import RulesMap
from textual.renderables.background_screen import BackgroundScreen
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions, Visual

Dimmings = dict[RichStyle | None, RichStyle]
"""Styles as they are, and dimmed."""


class Dimmed(Visual):
    """What `under` shows, in its colours; without what the mouse could do there."""

    def __init__(self, under: BackgroundScreen, dimmings: Dimmings) -> None:
        """`dimmings` is what is known already of the colours under the same dialog."""
        self._screen, self._color = under.screen, under.color
        self._dimmings = dimmings

    def render_strips(self, width: int, height: int | None, style: Style, options: RenderOptions) -> list[Strip]:
        """The whole screen, a strip for each of its lines."""
        known, ground = self._dimmings, style.rich_style
        strips = []
        for strip in self._screen._compositor.render_strips():
            segments = []
            for text, own, _ in strip:
                if own not in known:
                    known[own] = self._dim(own, ground)
                segments.append(Segment(text, known[own]))
            strips.append(Strip(segments, strip.cell_length))
        return strips

    def _dim(self, style: RichStyle | None, ground: RichStyle) -> RichStyle:
        (segment,) = BackgroundScreen.process_segments([Segment(" ", style)], self._color)
        return ground + segment.style

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:
        """All there is."""
        return container_width

    def get_height(self, rules: RulesMap, width: int) -> int:
        """That of the screen."""
        return int(self._screen.size.height)
