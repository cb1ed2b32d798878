"""When garbage is looked for: not while a key waits, and not among what stays.

What a closed screen leaves is bound up in cycles, which a full collection alone finds. That looks at everything that was made
since the heap was last frozen, with the event loop standing still; what was frozen is freed only once nothing refers to it.
"""

from __future__ import annotations

import asyncio
import gc
from contextvars import Context
from typing import Any
from weakref import WeakSet

from textual.app import App
from textual.screen import Screen

_SETTLED = 0.1
"""Seconds after which what a closed screen leaves is garbage. Collected at once it takes some ten milliseconds, that of a
hundred dialogs together most of a second."""
_MUCH = 10_000
"""Objects that take some five milliseconds to look through. They are not frozen each time: styles of parts that are frozen
in use are never freed."""

_passing: WeakSet[Screen[Any]] = WeakSet()


def will_pass(screen: Screen[Any]) -> None:
    """Freeze nothing before this screen is gone."""
    _passing.add(screen)


def collect_soon(app: App[Any]) -> None:
    """Collect what a screen leaves that has just been closed.

    Not by a timer of Textual's (8.2): a timer's message names who set it, and the app's loop holds its last message.
    """
    asyncio.get_running_loop().call_later(_SETTLED, collect, app, context=Context())


def collect(app: App[Any]) -> None:
    """Collect garbage. Once much is left, that stays and is not looked through again, unless some of it will pass."""
    gc.collect()
    if len(gc.get_objects()) > _MUCH and not _passing and not any(screen.query("Toast") for screen in app.screen_stack):
        gc.freeze()
