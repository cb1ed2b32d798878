"""A widget that paints its own lines, with its styles at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.style import Style
from textual.widget import Widget

if TYPE_CHECKING:
    _Mixed = Widget
else:
    _Mixed = object  # Textual takes default styles from the first base that is a widget, and only from there on (8.2)


class Painted(_Mixed):
    """Mixed into a widget. Keeps the styles of its parts until theme, focus or classes change.

    Textual works `rich_style` out anew at every call, up to the root of the tree; a line is painted in microseconds.
    """

    PART: ClassVar[str] = ""
    """What the names of its component classes begin with: `facets` for `facets--title`."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._styles_of_parts: dict[str, Style] = {}

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._styles_of_parts.clear()

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
