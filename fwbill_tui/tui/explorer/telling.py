"""How the explorer's threads tell it what they have."""

from __future__ import annotations

from contextlib import suppress

from textual._context import NoActiveAppError
from textual.message import Message
from textual.widget import Widget


def tell(target: Widget, message: Message) -> None:
    """Post a message to a widget, from a thread; where the widget is gone by now, nobody is left to be told."""
    with suppress(NoActiveAppError):
        target.post_message(message)
