"""Keys typed ahead of the screen: each finds the screen as the key, or the click, before it left it.

Textual (8.2) sends a key to the part that has the focus when the key is read; its action follows later, after the key has
come up through all parts around it. Of keys that arrive together, as pasted or sent by a script, those behind one that opens
a dialog or moves the focus would go to what had the focus before. Keys that only move take effect, and are painted, at once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from textual.app import App
from textual.dom import DOMNode
from textual.errors import NoWidget
from textual.events import Callback, InputEvent, Key, MouseEvent, MouseMove, Paste
from textual.message_pump import MessagePump

from fwbill_tui.tui.screens.painting import PaintedOnce

PATIENCE = 0.5
"""Seconds after which the next key is sent on in any case: what the one before it was sent to may be gone."""

_MOVES = ("move", "page", "first", "last", "to(", "step", "cursor_", "scroll_")
"""How actions begin that leave the focus where it is. A held arrow key is not to wait for its own paintings."""


class KeysInOrder:
    """Holds keys back while a key, or a click, is under way that may lead elsewhere."""

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._waiting: deque[Key | Paste] = deque()
        self._ahead: InputEvent | None = None
        self._late: asyncio.TimerHandle | None = None

    async def send(self, event: Key | Paste, send: Callable[[Key | Paste], Awaitable[None]]) -> None:
        """Have the app send on what was typed, now or when it is its turn."""
        if self._ahead is not None:
            self._waiting.append(event)
            return
        target = self._app.focused or self._app.screen
        if isinstance(event, Key) and await self._moves(event, target):
            return
        leads_on = isinstance(event, Key) and not _stays(event, target)
        await send(event)
        if leads_on:
            assert isinstance(event, Key)
            self._hold(event, target)

    def behind(self, event: MouseEvent) -> None:
        """Keys that come behind a click or a turn of the wheel, which was sent on just now, wait for what it does."""
        if isinstance(event, MouseMove) or isinstance(self._ahead, Key):
            return
        target: DOMNode | None = self._app.mouse_captured
        if target is None:
            try:
                target, _ = self._app.get_widget_at(event.x, event.y)
            except NoWidget:
                return
        self._hold(event, target)

    def _hold(self, event: InputEvent, target: DOMNode) -> None:
        """Hold keys back until an event that was sent to a part has done its work."""
        if self._late is not None:
            self._late.cancel()
        self._ahead = event
        self._late = asyncio.get_running_loop().call_later(PATIENCE, self._go_on, event)
        # What is put into the queues that it goes through comes behind it. Its action may send messages the same way.
        way = [node for node in target.ancestors_with_self if isinstance(node, MessagePump)]
        self._follow(event, deque([*way, *way, self._app]))

    async def _moves(self, key: Key, target: DOMNode) -> bool:
        """Move within the part that has the focus, if that is what a key does there, and paint it.

        Neither the parts around it nor, by way of their queues, the next frame is waited for: that takes longer than the move.
        """
        if not self._app.app_focus or not (move := _move(key, target)) or not await self._app.run_action(move, target):
            return False
        if isinstance(self._app.screen, PaintedOnce):
            self._app.screen.paint_soon()
        return True

    def _follow(self, event: InputEvent, way: deque[DOMNode]) -> None:
        """Go through the queues of a way, then through that of the screen that is open in the end."""

        def step() -> None:
            while way:
                if way.popleft().post_message(Callback(step)):  # by `call_later`, its signature would be read each time (8.2)
                    return
            if not self._app.screen.call_later(self._go_on, event):
                self._go_on(event)

        step()

    def _go_on(self, event: InputEvent) -> None:
        """The way is free. Until the app's own turn, keys that it has in its queue come behind those that wait."""
        if self._ahead is event:
            self._app.call_later(self._send_waiting, event)

    async def _send_waiting(self, event: InputEvent) -> None:
        if self._ahead is not event:
            return
        self._ahead = None
        if self._late is not None:
            self._late.cancel()
        waiting, self._waiting = self._waiting, deque()
        for key in waiting:
            await self._app.on_event(key)


def _move(key: Key, target: DOMNode) -> str:
    """The action by which a key moves within the part that has the focus; none if it does not.

    Where letters are typed, they take effect before a key that moves, which goes all the way: there it comes in its turn.
    """
    for binding in target._bindings.key_to_bindings.get(key.key, ()):
        if binding.action.startswith(_MOVES) and not target.check_consume_key("a", "a"):
            return binding.action
    return ""


def _stays(key: Key, target: DOMNode) -> bool:
    """Whether a key is typed into the part that has the focus, or would move within it."""
    return target.check_consume_key(key.key, key.character) or bool(_move(key, target))
