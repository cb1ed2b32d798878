"""The threads that Polars works in, beside a screen that must not wait for them."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress

_NICENESS = 5
"""Of 19: where a thread of 0 wants the same core, one of 5 gets a quarter of it."""


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
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
    import polars as pl

    # A thread has the priority of the one that starts it.
    pl.LazyFrame({"": [0]}).select(pl.all() + 1).collect(engine="streaming")
