"""Scroll bars that are painted as strips at once, and anew only where they look different.

Textual renders its own by way of Rich, three milliseconds for the height of a screen: more than all the rows beside it; and
it paints all of the bar whenever the position changes, by one row of ten million, too.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, ClassVar, Self

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.css.styles import RulesMap
from textual.geometry import Region
from textual.scrollbar import ScrollBar, ScrollBarRender
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions, Visual
from textual.widget import Widget

from fwbill_tui.tui.widgets.painted import Painted

if TYPE_CHECKING:
    _Mixed = Widget
else:
    _Mixed = object  # Textual takes default styles from the first base that is a widget, and only from there on (8.2)


class StripScrollBar(ScrollBarRender, Visual):
    """Looks and takes the mouse as Textual's own. Made known by `ScrollBar.renderer = StripScrollBar`."""

    def strips(self, width: int, height: int, ground: RichStyle) -> list[Strip]:
        """The bar in `height` lines of `width` cells; `ground` is what lies below it."""
        colors = self.style if isinstance(self.style, RichStyle) else RichStyle.parse(self.style)
        bar = self.render_bar(
            size=height if self.vertical else width,
            virtual_size=self.virtual_size,
            window_size=self.window_size,
            position=self.position,
            thickness=self.thickness,
            vertical=self.vertical,
            **{name: color for name, color in (("back_color", colors.bgcolor), ("bar_color", colors.color)) if color is not None},
        )
        runs = [(Segment(text[:width], own and ground + own), len(list(run))) for (text, own, _), run in groupby(bar.segments)]
        if self.vertical:
            return [strip for segment, lines in runs for strip in [Strip([segment], width)] * lines]
        line = Strip(Segment(segment.text * times, segment.style) for segment, times in runs if segment.text != "\n")
        return [line.adjust_cell_length(width, ground)] * (height or 1)  # as `SteadyScrollBar._bar`: it may be too long

    def render_strips(self, width: int, height: int | None, style: Style, options: RenderOptions) -> list[Strip]:
        """What Textual asks for."""
        return self.strips(width, height or 0, style.rich_style)

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:
        """All the width for a horizontal bar."""
        return self.thickness if self.vertical else container_width

    def get_height(self, rules: RulesMap, width: int) -> int:
        """The thickness of a horizontal bar; a vertical one takes what it gets."""
        return 1 if self.vertical else self.thickness


class SteadyScrollBar(Painted, ScrollBar):
    """Painted again where it looks different: hardly ever, as the cursor goes down a long table."""

    renderer: ClassVar[type[ScrollBarRender]] = StripScrollBar

    def __init__(self, **named: Any) -> None:
        self._seen: list[Strip] = []
        self._colors: object = None
        super().__init__(**named)

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Paint again what has changed. A bar that is gone may still be told to move, by an animation that is not over."""
        if regions or not repaint or layout or recompose or not self.is_attached or len(self._seen) != self.size.height:
            return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)
        before, self._seen = self._seen, self._bar()
        changed = [y for y, (old, new) in enumerate(zip(before, self._seen, strict=True)) if old is not new and old != new]
        return super().refresh(*(Region(0, y, self.size.width, 1) for y in changed)) if changed else self

    def render_lines(self, crop: Region) -> list[Strip]:
        """The bar, in the colours of now: they are its parent's, and a bar that is hidden is not told of others."""
        if (colors := self._painter().style) != self._colors:
            self._colors = colors
            self.notify_style_update()
        return super().render_lines(crop)

    def notify_style_update(self) -> None:
        """Paint in the new colours."""
        super().notify_style_update()
        self._seen = []

    def render_line(self, y: int) -> Strip:
        """One line of the bar."""
        if len(self._seen) != self.size.height:
            self._seen = self._bar()
        return self._seen[y] if y < len(self._seen) else Strip.blank(self.outer_size.width, self.ground)

    def _painter(self) -> StripScrollBar:
        bar = self.render()
        assert isinstance(bar, StripScrollBar)
        return bar

    def _bar(self) -> list[Strip]:
        """A strip for each line. Textual's bar is too long or too short while rows change: until its position has followed."""
        width, height = self.size
        strips = self._painter().strips(width, height, self.ground)[:height]
        return strips + [Strip.blank(width, self.ground)] * (height - len(strips))


class SteadyBars(_Mixed):
    """Mixed into what scrolls up and down, before other widgets."""

    @property
    def vertical_scrollbar(self) -> ScrollBar:
        """The bar at the right, made when it is first asked for."""
        if self._vertical_scrollbar is None:
            self._vertical_scrollbar = bar = SteadyScrollBar(
                vertical=True, name="vertical", thickness=self.scrollbar_size_vertical
            )
            bar.display = False
            self.app._start_widget(self, bar)
        return self._vertical_scrollbar

    def watch_scroll_x(self, old_value: float, new_value: float) -> None:
        """Have the bar follow while it is hidden, too: Textual (8.2) tells only one that is shown, and once."""
        super().watch_scroll_x(old_value, new_value)
        if self._horizontal_scrollbar is not None:
            self._horizontal_scrollbar.position = new_value

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """As `watch_scroll_x`."""
        super().watch_scroll_y(old_value, new_value)
        if self._vertical_scrollbar is not None:
            self._vertical_scrollbar.position = new_value
