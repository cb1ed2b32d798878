"""Threads that work while a screen is drawn."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress

_STEPS = 5
"""Of niceness: a third of the share of a core that a thread of the screen has while both want it."""


def after_the_screen() -> None:
    """Let the threads of the screen go before the calling one and those that it starts, as Polars' own, where cores are few.

    Linux counts niceness by thread and has new threads inherit it (setpriority(2), "C library/kernel differences");
    elsewhere it is that of the whole process, and is left as it is.
    """
    if sys.platform == "linux":
        thread = threading.get_native_id()
        with suppress(OSError):  # where a sandbox forbids it, the screen is drawn a little later
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + _STEPS)
