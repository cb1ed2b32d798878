"""Work that ctrl+c and SIGTERM end cleanly."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TYPE_CHECKING, TypeVar

from fwbill_tui.cli.exits import INTERRUPTED, SIGNALS_SAID, TERMINATED, Interrupted, Terminated
from fwbill_tui.cli.output import say

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")
_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
_HEARING = 0.1
"""Seconds after which a signal is heard at the latest."""


_GRACE = 3.0
"""Seconds that the work has to clean up in, once it was told to stop."""


def interruptible(work: Callable[[threading.Event], T]) -> T:
    """What `work` gives. When the user or the system stops us, its event is set, and it has cleaned up when we return.

    The work has a thread of its own: the main thread alone hears signals, and does not while a library computes. Work
    that does not end in `_GRACE` seconds, as it waits for the other end of a pipe, is cut off, and the program with it; a
    second signal does so at once.
    """
    from concurrent.futures import ThreadPoolExecutor  # a tenth of the start of a command that needs none of it

    stop = threading.Event()
    with _termination_raises(), ThreadPoolExecutor(max_workers=1, thread_name_prefix="work") as pool:
        done = pool.submit(work, stop)
        try:
            _wait(done)
            return done.result()
        except KeyboardInterrupt:
            _end(done, stop, INTERRUPTED)
            raise Interrupted from None  # click would answer a KeyboardInterrupt with lines of its own
        except Terminated:
            _end(done, stop, TERMINATED)
            raise


def _wait(done: Future[T], seconds: float = math.inf) -> bool:
    """Whether the work ended in time."""
    from concurrent.futures import wait

    until = time.monotonic() + seconds
    # Polars' own handler lets system calls go on after ctrl+c, so that a long wait would not hear of it.
    while not done.done() and time.monotonic() < until:
        wait([done], timeout=_HEARING)
    return done.done()


def _end(done: Future[T], stop: threading.Event, code: int) -> None:
    """Let the work clean up; end the program here where it does not, as no thread can be ended from outside."""
    stop.set()
    try:
        if _wait(done, _GRACE):
            return
    except (KeyboardInterrupt, Terminated):
        pass
    for number in _SIGNALS:  # the end is near: nothing is to come between it and what is removed
        signal.signal(number, signal.SIG_IGN)
    from fwbill_tui import owned_folder  # late: most commands have no such folder

    owned_folder.remove_all()
    say(SIGNALS_SAID[code])
    sys.stderr.flush()
    os._exit(code)


@contextlib.contextmanager
def _termination_raises() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # What is ignored (nohup) stays ignored.
    before = {number: signal.signal(number, _raise) for number in _SIGNALS[1:] if signal.getsignal(number) is signal.SIG_DFL}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _raise(_number: int, _frame: FrameType | None) -> None:
    raise Terminated
