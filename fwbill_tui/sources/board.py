"""The progress of several windows that threads report to, passed on at a rate a screen can follow."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from fwbill_tui.sources.source import FINAL_STATES, Progress, WindowProgress
from fwbill_tui.usage.query import TimeRange

_INTERVAL = 0.05


class Board:
    """The state of every window. What changes within 50 ms of the last report is reported with the next, or by `flush`.

    `flush` is to be called now and then also when nothing happens: it counts down what windows wait for.
    """

    def __init__(self, windows: Iterable[TimeRange], report: Callable[[Progress], None]) -> None:
        self._windows = [WindowProgress(window) for window in windows]
        self._report = report
        self._lock = threading.Lock()
        self._reporting = threading.Lock()
        self._reported_at = 0.0
        self._dirty = True
        self._pauses: dict[int, _Pause] = {}

    @property
    def windows(self) -> tuple[WindowProgress, ...]:
        """All windows as they are now."""
        with self._lock:
            return tuple(self._windows)

    @property
    def anything_came(self) -> bool:
        """Whether any byte or event of any window has come, or a window has ended without any."""
        return any(window.bytes_done or window.events or window.state == "done" for window in self.windows)

    def update(self, number: int, *, problem: str = "", **changes: Any) -> None:
        """Change fields of a window's progress; a problem not named again is over. A window that ended stays as it is."""
        with self._lock:
            if self._windows[number].state in FINAL_STATES:
                return
            self._pauses.pop(number, None)
            self._windows[number] = self._windows[number]._replace(problem=problem, **changes)
            self._dirty = True
        self.flush()

    def waiting(self, number: int, seconds: float, reason: str) -> None:
        """A window waits so long before it tries again; the seconds left are counted down until its next update."""
        self.update(number)
        with self._lock:
            if self._windows[number].state not in FINAL_STATES:
                self._pauses[number] = _Pause(reason, time.monotonic() + seconds)
        self.flush()

    def cancel_rest(self) -> None:
        """Mark every window that has not ended as cancelled."""
        with self._lock:
            self._pauses.clear()
            for number, window in enumerate(self._windows):
                if window.state not in FINAL_STATES:
                    self._windows[number] = window._replace(state="cancelled", problem="")
                    self._dirty = True

    def flush(self, *, now: bool = False) -> None:
        """Report what is new, if it is time for that; `now`: even if it is not. Reports never overlap."""
        with self._reporting:
            self._count_down()
            if not self._dirty or (not now and time.monotonic() - self._reported_at < _INTERVAL):
                return
            with self._lock:
                windows, self._dirty = tuple(self._windows), False
            self._reported_at = time.monotonic()
            self._report(_progress(windows))

    def _count_down(self) -> None:
        with self._lock:
            for number, pause in self._pauses.items():
                problem = pause.said(time.monotonic())
                if self._windows[number].problem != problem:
                    self._windows[number] = self._windows[number]._replace(problem=problem)
                    self._dirty = True


@dataclass(frozen=True, slots=True)
class _Pause:
    """Why a window waits, and until when by the monotonic clock."""

    reason: str
    until: float

    def said(self, now: float) -> str:
        """The seconds stand first, where a narrow screen has room."""
        return f"trying again in {max(0, math.ceil(self.until - now))} s: {self.reason}"


def _progress(windows: tuple[WindowProgress, ...]) -> Progress:
    totals = [window.bytes_total for window in windows]
    known = None if None in totals else sum(total or 0 for total in totals)
    return Progress(windows, sum(window.bytes_done for window in windows), known)
