"""When garbage is looked for: not while a key waits, and not among what stays.

What a closed screen leaves is bound up in cycles, which a full collection alone finds. That looks at everything that was made
since the heap was last frozen, with the event loop standing still; what was frozen is freed only once nothing refers to it.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from contextvars import Context
from typing import Any
from weakref import WeakSet

from textual._styles_cache import StylesCache
from textual.app import App
from textual.screen import Screen

_SETTLED = 0.1
"""Seconds after which what a closed screen leaves is garbage. Collected at once it takes some ten milliseconds, that of a
hundred dialogs together most of a second."""
_PATIENCE = 5.0
"""Seconds after which garbage is no longer looked for on purpose."""
_MUCH = 15_000
"""Blocks of memory with some 9,000 objects, which take some five milliseconds to look through. They are not frozen each time:
styles of parts that are frozen in use are never freed. Objects are not counted one by one: listing them all gives other threads'
half-made ones away, which Python refuses to finish then."""

_passing: WeakSet[Screen[Any]] = WeakSet()
_blocks_frozen = 0
"""How many blocks there were when the heap was last frozen."""


def will_pass(screen: Screen[Any]) -> None:
    """Freeze nothing before this screen is gone."""
    _passing.add(screen)


def let_go(app: App[Any]) -> None:
    """Free what a screen leaves that has just been closed, in a moment.

    Textual (8.2) keeps the last thousand widgets' lines behind a cache of two colours. And a message of a timer of its own names
    who set it, and the app's loop holds its last message.
    """
    if forget := getattr(StylesCache.get_inner_outer, "cache_clear", None):
        forget()
    _collect_in(_SETTLED, app)


def _collect_in(seconds: float, app: App[Any]) -> None:
    asyncio.get_running_loop().call_later(seconds, collect, app, seconds, context=Context())


def collect(app: App[Any], waited: float = _SETTLED) -> None:
    """Collect garbage. Once much is left, that stays and is not looked through again, unless some of it will pass.

    What is still in use somewhere, though its screen has ended, is looked for again after some time, and later once more.
    """
    gc.collect()
    if waited < _PATIENCE and any(not screen.is_running for screen in _passing):
        _collect_in(10 * waited, app)
    if sys.getallocatedblocks() - _blocks_frozen > _MUCH and not any(screen.query("Toast") for screen in app.screen_stack):
        freeze()


def freeze(shown: Screen[Any] | None = None) -> None:
    """What is there now stays, unless some of it will pass; a screen that is `shown` may stay, too."""
    global _blocks_frozen
    if all(screen is shown for screen in _passing):
        gc.freeze()
        _blocks_frozen = sys.getallocatedblocks()


def thaw() -> None:
    """Look through everything again."""
    global _blocks_frozen
    gc.unfreeze()
    _blocks_frozen = 0
