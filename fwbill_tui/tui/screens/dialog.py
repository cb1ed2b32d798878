"""Boxed screens over another one, which is seen dimmed."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.renderables.background_screen import BackgroundScreen
from textual.screen import ModalScreen, ScreenResultType
from textual.strip import Strip

from fwbill_tui.tui.screens.boxed import BOXED_BINDINGS, Boxed
from fwbill_tui.tui.screens.dimmed import Dimming
from fwbill_tui.tui.screens.painting import PaintedInTurns
from fwbill_tui.tui.widgets.painted import Painted


class Dialog(Painted, PaintedInTurns, Boxed, ModalScreen[ScreenResultType]):
    """A box over what lies below. It dismisses with its result, or with None on `esc`."""

    BINDINGS: ClassVar[list[BindingType]] = [*BOXED_BINDINGS, Binding("escape", "cancel", "Cancel", key_display="esc")]

    def __init__(self) -> None:
        super().__init__()
        self._dimming: Dimming | None = None
        self._below: list[Strip] = []

    def render_lines(self, crop: Region) -> list[Strip]:
        """What lies below, dimmed."""
        if not self.is_kept(crop):
            under = self.render()
            if not isinstance(under, BackgroundScreen):
                return super(Painted, self).render_lines(crop)
            if self._dimming is None or self._dimming.color != under.color:
                self._dimming = Dimming(under.color)
            self._below = self._dimming.lines(under, self.visual_style.rich_style)
        lines = super().render_lines(crop)
        self._below = []
        return lines

    def render_line(self, y: int) -> Strip:
        return self._below[y] if y < len(self._below) else Strip.blank(self.size.width, self.ground)

    def action_cancel(self) -> None:
        """Leave without a result."""
        self.dismiss(None)
