"""A widget that paints its own lines, with its styles at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from rich.segment import Segment
from rich.style import Style
from textual.containers import Horizontal, Vertical
from textual.filter import ANSIToTruecolor
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

if TYPE_CHECKING:
    _Mixed = Widget
else:
    _Mixed = object  # Textual takes default styles from the first base that is a widget, and only from there on (8.2)


class Painted(_Mixed):
    """Mixed into a widget. Keeps the styles of its parts until theme, focus or classes change, and its lines until a refresh.

    Textual works `rich_style` out anew at every call, up to the root of the tree; a line is painted in microseconds.
    """

    PART: ClassVar[str] = ""
    """What the names of its component classes begin with: `facets` for `facets--title`."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        self._kept: dict[int, Strip] = {}
        self._kept_size = Size(0, 0)
        self._styles_of_parts: dict[str, Style] = {}
        super().__init__(id=id, classes=classes)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._styles_of_parts.clear()
        self._kept.clear()

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Paint again, all of it or some lines."""
        if repaint and not regions:
            self._kept.clear()
        for region in regions:
            for y in region.line_range:
                self._kept.pop(y, None)
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def is_kept(self, crop: Region) -> bool:
        """Whether these lines are still as they were painted."""
        return self.outer_size == self._kept_size and all(y in self._kept for y in crop.line_range)

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines as `render_line` gives them, between the padding.

        Textual takes each through steps for borders, tints and system colours, twice as long as painting it. A widget
        that has a border, or padding above or below, is left to it.
        """
        top, right, bottom, left = padding = self.styles.padding
        if self.styles.gutter != padding or top or bottom:
            return super().render_lines(crop)
        size = self.outer_size
        if size != self._kept_size:
            self._kept_size = size
            self._kept.clear()
        kept, strips = self._kept, []
        for y in crop.line_range:
            strip = kept.get(y)
            if strip is None:
                strip = kept[y] = self._padded(self.render_line(y), size.width, left, right)
            strips.append(strip)
        if crop.column_span != (0, size.width):
            return [strip.crop(*crop.column_span) for strip in strips]
        return strips

    def _padded(self, strip: Strip, width: int, left: int, right: int) -> Strip:
        ground = self.ground
        strip = strip.adjust_cell_length(width - left - right, ground)
        if left or right:
            strip = Strip([Segment(" " * left, ground), *strip, Segment(" " * right, ground)], width)
        for line_filter in self.get_line_filters():
            if not isinstance(line_filter, ANSIToTruecolor):  # colours of themes are true ones
                strip = strip.apply_filter(line_filter, self.background_colors[1])
        return strip

    def part(self, name: str) -> Style:
        """The style of a component class."""
        style = self._styles_of_parts.get(name)
        if style is None:
            style = self._styles_of_parts[name] = self.get_component_rich_style(f"{self.PART}--{name}")
        return style

    @property
    def ground(self) -> Style:
        """The style of the widget itself."""
        style = self._styles_of_parts.get("")
        if style is None:
            style = self._styles_of_parts[""] = self.rich_style
        return style


class Plain(Painted):
    """Mixed into what holds other widgets: there is nothing but its ground to paint."""

    def render_line(self, y: int) -> Strip:
        return Strip.blank(self.outer_size.width, self.ground)


class Columns(Plain, Horizontal):
    """Widgets side by side."""


class Rows(Plain, Vertical):
    """Widgets one below the other."""
