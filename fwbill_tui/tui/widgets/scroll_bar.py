"""Scroll bars that are painted as strips at once.

Textual renders its own by way of Rich, three milliseconds for the height of a screen: more than all the rows beside it.
"""

from __future__ import annotations

from itertools import groupby

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.css.styles import RulesMap
from textual.scrollbar import ScrollBarRender
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions, Visual


class StripScrollBar(ScrollBarRender, Visual):
    """Looks and takes the mouse as Textual's own. Made known by `ScrollBar.renderer = StripScrollBar`."""

    def render_strips(self, width: int, height: int | None, style: Style, options: RenderOptions) -> list[Strip]:
        """The bar in `height` lines of `width` cells."""
        colors = self.style if isinstance(self.style, RichStyle) else RichStyle.parse(self.style)
        bar = self.render_bar(
            size=(height or 0) if self.vertical else width,
            virtual_size=self.virtual_size,
            window_size=self.window_size,
            position=self.position,
            thickness=self.thickness,
            vertical=self.vertical,
            **{name: color for name, color in (("back_color", colors.bgcolor), ("bar_color", colors.color)) if color is not None},
        )
        ground = style.rich_style
        runs = [(Segment(text[:width], own and ground + own), len(list(run))) for (text, own, _), run in groupby(bar.segments)]
        if self.vertical:
            return [strip for segment, lines in runs for strip in [Strip([segment], width)] * lines]
        line = Strip([Segment(segment.text * times, segment.style) for segment, times in runs if segment.text != "\n"], width)
        return [line] * (height or 1)

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:
        """All the width for a horizontal bar."""
        return self.thickness if self.vertical else container_width

    def get_height(self, rules: RulesMap, width: int) -> int:
        """The thickness of a horizontal bar; a vertical one takes what it gets."""
        return 1 if self.vertical else self.thickness
