"""A widget that paints its own lines, with its styles at hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

from rich.segment import Segment
from rich.style import Style
from textual._border import get_box
from textual.containers import Horizontal, Vertical
from textual.filter import ANSIToTruecolor
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.style import Style as VisualStyle
from textual.widget import Widget

if TYPE_CHECKING:
    _Mixed = Widget
else:
    _Mixed = object  # Textual takes default styles from the first base that is a widget, and only from there on (8.2)


class Line(Strip):
    """A line as the screen takes it, freed as soon as nothing keeps it.

    Textual's own that was not cut notes itself down in itself (8.2).
    """

    __slots__ = ()

    def divide(self, cuts: Iterable[int]) -> Sequence[Strip]:
        cuts = list(cuts)
        return [self] if cuts == [self.cell_length] else super().divide(cuts)


class Painted(_Mixed):
    """Mixed into a widget. Keeps the styles of its parts until theme, focus or classes change, and its lines until a refresh.

    Textual works `rich_style` out anew at every call, up to the root of the tree; a line is painted in microseconds.
    """

    PART: ClassVar[str] = ""
    """What the names of its component classes begin with: `facets` for `facets--title`."""

    def __init__(self, *content: Any, **named: Any) -> None:
        self._kept: dict[int, Strip] = {}
        self._kept_size = Size(0, 0)
        self._styles_of_parts: dict[str, Style] = {}
        self._kept_sides: tuple[tuple[Segment, ...], tuple[Segment, ...]] | None = None
        super().__init__(*content, **named)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._styles_of_parts.clear()
        self._kept_sides = None
        self._kept.clear()

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Paint again, all of it or some lines."""
        if repaint and not regions:
            self._kept.clear()
        for region in regions:
            for y in region.translate(self.content_offset).line_range:
                self._kept.pop(y, None)
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def on_unmount(self) -> None:
        """Let go of the lines at once: a widget that is gone is freed later, and all that it keeps would be looked through."""
        self._kept.clear()

    def is_kept(self, crop: Region) -> bool:
        """Whether these lines are still as they were painted."""
        return self.outer_size == self._kept_size and all(y in self._kept for y in crop.line_range)

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines as `render_line` gives them, between the padding and the sides of a border.

        Textual takes each through steps for borders, tints and system colours, twice as long as painting it. The upper and
        the lower edge of a border are left to it, and a widget that has padding above or below.
        """
        top, _, bottom, _ = self.styles.padding
        if top or bottom:
            return super().render_lines(crop)
        size = self.outer_size
        above, _, below, _ = self.styles.border.spacing
        edges = {*range(above), *range(size.height - below, size.height)}
        if size != self._kept_size:
            self._kept_size = size
            self._kept.clear()
        kept, strips = self._kept, []
        for y in crop.line_range:
            strip = kept.get(y)
            if strip is None:
                if y in edges:
                    (strip,) = super().render_lines(Region(0, y, size.width, 1))
                    strip = Line(strip, size.width)
                else:
                    strip = self.render_line(y - above)
                    if not isinstance(strip, Line) or strip.cell_length != size.width:
                        strip = self.line(strip)
                kept[y] = strip
            strips.append(strip)
        if crop.column_span != (0, size.width):
            return [strip.crop(*crop.column_span) for strip in strips]
        return strips

    def line(self, strip: Strip) -> Line:
        """What `render_line` painted, between padding and sides. It may give it that way itself, to have it kept as it is."""
        width = self.outer_size.width
        return Line(self._padded(strip, width), width)

    def _padded(self, strip: Strip, width: int) -> Strip:
        ground, sides, (_, right, _, left) = self.ground, self._sides, self.styles.padding
        strip = strip.adjust_cell_length(width - left - right - len(sides[0]) - len(sides[1]), ground)
        if left or right or sides[0] or sides[1]:
            pad = Segment(" " * left, ground), Segment(" " * right, ground)
            strip = Strip([*sides[0], pad[0], *strip, pad[1], *sides[1]], width)
        for line_filter in self.get_line_filters():
            if not isinstance(line_filter, ANSIToTruecolor):  # colours of themes are true ones
                strip = strip.apply_filter(line_filter, self.background_colors[1])
        return strip

    @property
    def _sides(self) -> tuple[tuple[Segment, ...], tuple[Segment, ...]]:
        """What stands left and right of every line between the edges of the border: one cell, or nothing."""
        if self._kept_sides is None:
            under, own = self.background_colors
            inner, outer = VisualStyle(background=under + own), VisualStyle(background=under)
            _, (right, right_color), _, (left, left_color) = self.styles.border
            lines = (VisualStyle(foreground=under + color.multiply_alpha(self.opacity)) for color in (left_color, right_color))
            (_, at_left, _), (_, at_right, _) = (
                get_box(kind, inner, outer, line) for kind, line in zip((left, right), lines, strict=True)
            )
            self._kept_sides = (at_left[0],) if left else (), (at_right[2],) if right else ()
        return self._kept_sides

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
