"""A few threads that work through numbered tasks and end when told to."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Generic, Self, TypeVar

Result = TypeVar("Result")
_POLL = 0.05
_LONGEST_FAREWELL = 0.2


class Crew(Generic[Result]):
    """Runs `work(number)` for each number below `tasks` in threads of its own; a context manager.

    Leaving it sets `stop`, on which `work` is to return or raise soon, and waits for the threads. A thread that is stuck
    all the same (connecting and looking up a host name cannot be interrupted) is hardly waited for, and ends by itself.
    """

    def __init__(self, work: Callable[[int], Result], tasks: int, *, workers: int, stop: threading.Event) -> None:
        self._work = work
        self._tasks = tasks
        self._stop = stop
        self._waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._ended: queue.SimpleQueue[tuple[int, Result | BaseException]] = queue.SimpleQueue()
        for number in range(tasks):
            self._waiting.put(number)
        self._threads = [
            threading.Thread(target=self._run, name=f"fwbill-window-{worker}", daemon=True)
            for worker in range(min(workers, tasks))
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        deadline = time.monotonic() + _LONGEST_FAREWELL
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def results(self, *, idle: Callable[[], None]) -> Iterator[tuple[int, Result | BaseException]]:
        """Each task's number with what it returned or raised, as they end. `idle` is called some 20 times a second, and
        before each result; what it raises ends the iteration."""
        for _ in range(self._tasks):
            while True:
                idle()
                try:
                    ended = self._ended.get(timeout=_POLL)
                except queue.Empty:
                    continue
                break
            yield ended

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                number = self._waiting.get_nowait()
            except queue.Empty:
                return
            try:
                result: Result | BaseException = self._work(number)
            except BaseException as error:  # it is the caller's, who judges it
                result = error
            self._ended.put((number, result))
