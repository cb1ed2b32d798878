"""Work that ctrl+c and SIGTERM end cleanly."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TypeVar

from fwbill_tui.cli.exits import Interrupted, Terminated

T = TypeVar("T")
_HEARING = 0.1
"""Seconds after which a signal is heard at the latest."""


def interruptible(work: Callable[[threading.Event], T]) -> T:
    """What `work` gives. When the user or the system stops us, its event is set, and it has cleaned up when we return.

    The work has a thread of its own: the main thread alone hears signals, and does not while a library computes.
    """
    from concurrent.futures import ThreadPoolExecutor, wait  # a tenth of the start of a command that needs none of it

    stop = threading.Event()
    with _termination_raises(), ThreadPoolExecutor(max_workers=1, thread_name_prefix="work") as pool:
        done = pool.submit(work, stop)
        try:
            # Polars' own handler lets system calls go on after ctrl+c, so that an endless wait would not hear of it.
            while not wait([done], timeout=_HEARING).done:
                pass
            return done.result()
        except KeyboardInterrupt:
            stop.set()
            raise Interrupted from None  # click would answer a KeyboardInterrupt with lines of its own
        except BaseException:
            stop.set()
            raise


@contextlib.contextmanager
def _termination_raises() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    # What is ignored (nohup) stays ignored.
    before = {number: signal.signal(number, _raise) for number in numbers if signal.getsignal(number) is signal.SIG_DFL}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _raise(_number: int, _frame: FrameType | None) -> None:
    raise Terminated
