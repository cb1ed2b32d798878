"""The threads that Polars works in, beside a screen that must not wait for them."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress

_BEHIND = 5
"""How much nicer they are than the process: where a thread of Python's wants the same core, they get a quarter of it."""
_NICEST = 19


def start_behind_screen() -> None:
    """Start Polars' threads, at a lower priority than Python's.

    Where they keep all cores busy, as a sort of ten million rows does, a thread that has Python's lock would wait for a core,
    and the screen for that thread. Does nothing where they run already, and on systems on which only processes have priorities.
    """
    if sys.platform == "linux":
        starting = threading.Thread(target=_start, name="fwbill-engine", daemon=True)
        starting.start()
        starting.join()


def _start() -> None:
    with suppress(OSError):
        own = os.getpriority(os.PRIO_PROCESS, os.getpid())
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), min(own + _BEHIND, _NICEST))
    import polars as pl

    # A thread has the priority of the one that starts it.
    pl.LazyFrame({"": [0]}).select(pl.all() + 1).collect(engine="streaming")
