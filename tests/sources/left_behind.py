"""Which of our threads still run, when they have been given a moment to end by themselves."""

from __future__ import annotations

import threading
import time


def threads(*prefixes: str) -> list[str]:
    """The names of running threads that begin so ("fwbill" unless said), after at most five seconds of waiting for none."""
    deadline = time.monotonic() + 5
    while True:
        left = [thread.name for thread in threading.enumerate() if thread.name.startswith(prefixes or ("fwbill",))]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.01)
