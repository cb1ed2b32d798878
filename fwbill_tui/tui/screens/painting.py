"""Screens that are painted no more often than they must be.

A screen that is shown is laid out twice and painted three times by Textual (8.2): after each layout what has moved, and
in the end all of it, on the loop without a pause. What widgets paint anew for one key can come in several paintings too.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Any

from textual._context import visible_screen_stack
from textual.events import ScreenResume
from textual.geometry import Size
from textual.messages import Update
from textual.screen import UPDATE_PERIOD, Screen

from fwbill_tui.tui.compositing import FrontCompositor

_TURNS = 3
"""Turns of the loop in which what is ready is heard: a message, then a timer, then the task that waits for the timer."""

if TYPE_CHECKING:
    _Mixed = Screen[Any]
else:
    _Mixed = object  # Textual takes default styles from the first base that is a node, and only from there on (8.2)


class PaintedOnce(_Mixed):
    """Mixed into a screen."""

    def __init__(self, *content: Any, **named: Any) -> None:
        super().__init__(*content, **named)
        self._compositor = FrontCompositor()
        self._painted_at = 0.0

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """`ctrl+c` copies only where text is selected: everywhere else it quits."""
        return bool(self.selections) if action == "copy_text" else True

    def on_screen_resume(self, event: ScreenResume) -> None:
        """All of it will be painted: know that before it is laid out.

        Its parts had their styles when they were mounted; it was itself, before its own styles were read.
        """
        self.refresh()
        if event.refresh_styles:
            self.app.stylesheet.apply(self)
            event.refresh_styles = False

    def _screen_resized(self, size: Size) -> None:
        """Lay out for another size. Textual does it whenever a dialog over it gets its own."""
        if size != self._compositor.size:
            super()._screen_resized(size)

    def on_update(self, message: Update) -> None:
        """A part has something to paint, unless that was taken in already."""
        if not message.widget._repaint_regions:
            message.stop()
            message.prevent_default()

    def paint(self) -> None:
        """Paint at once what parts have to paint. Else each of them says so first, and then all wait for the next frame."""
        if self is self.app.screen and not self._layout_required and not self.app._batch_count:
            self._compositor_refresh()

    async def paint_after_keys(self) -> None:
        """Paint some turns of the loop later: what led here took as long as that will, and keys that came meanwhile go first."""
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        if self.is_current:  # it may have been closed meanwhile
            self.paint()

    def paint_soon(self) -> None:
        """Paint at once, unless that was done less than a frame ago: what comes faster is painted together."""
        if monotonic() - self._painted_at >= UPDATE_PERIOD:
            self.paint()

    def _compositor_refresh(self) -> None:
        self._painted_at = monotonic()
        if self is self.app.screen:
            if self._repaint_required:
                return  # all of it is painted in a moment
            # In one go, what parts have to paint that are still to come and say so.
            self._compositor.update_widgets({part for part in self._compositor.visible_widgets if part._repaint_regions})
        super()._compositor_refresh()


class PaintedInTurns(PaintedOnce):
    """Mixed into a screen. When all of it is painted, its parts are painted first, each in a turn of the loop: keys come between.

    What they painted they keep, and then all is put together at once.
    """

    _in_turns: bool = False

    def _compositor_refresh(self) -> None:
        if self is not self.app.screen or self._size.region not in self._compositor._dirty_regions:
            super()._compositor_refresh()
        elif not self._in_turns:
            self._in_turns = True
            self.run_worker(self._paint_in_turns(), group="painting")

    async def _paint_in_turns(self) -> None:
        try:
            for part, (region, clip) in list(self._compositor.visible_widgets.items()):
                await asyncio.sleep(0)
                if not self.is_current:
                    return
                visible_screen_stack.set(self.app._background_screens)
                part.render_lines(region.intersection(clip).translate(-region.offset))
            await asyncio.sleep(0)
            super()._compositor_refresh()
        finally:
            self._in_turns = False


class BlankScreen(PaintedOnce, Screen[None]):
    """What lies below the login: nothing, laid out once."""
