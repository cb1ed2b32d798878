"""The line that says, on a terminal, what a fetch waits for, and counts down; it is gone when the fetch goes on."""

from __future__ import annotations

import sys
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Self

from fwbill_tui.cli.cells import cut
from fwbill_tui.cli.output import PROGRAM
from fwbill_tui.cli.streams import give_up
from fwbill_tui.usage.literal import literal

if TYPE_CHECKING:
    from fwbill_tui.sources.source import Progress

_CLEAR = "\r\x1b[K"
_WAITS = ("waiting", "exporting", "downloading", "reading")


_PATIENCE = 1.0
"""Seconds after which it is said that something is waited for."""


class WaitLine:
    """Takes the progress of a load; a context manager, which leaves no line behind. Without a terminal nothing is said."""

    def __init__(self, doing: str = "loading") -> None:
        """`doing` is said after a second, until there is progress to tell."""
        self._terminal = sys.stderr.isatty()
        self._shown = ""
        self._doing, self._wait = doing, ""
        self._late = self._ended = False
        self._lock = threading.Lock()
        self._timer = threading.Timer(_PATIENCE, self._be_late)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        if self._terminal:
            self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._timer.cancel()
        with self._lock:
            self._ended = True
            self._show("")

    def __call__(self, progress: Progress) -> None:
        """Told by any thread."""
        windows = progress.windows
        waits = [window.problem for window in windows if window.problem and window.state in _WAITS]
        done = sum(window.state == "done" for window in windows)
        with self._lock:
            if windows:
                self._doing = f"{done} of {len(windows)} windows"
            elif progress.bytes_total:
                self._doing = f"{progress.bytes_done / progress.bytes_total:.0%} read"
            self._wait = waits[0] if waits else ""
            self._say()

    def _be_late(self) -> None:
        with self._lock:
            self._late = True
            self._say()

    def _say(self) -> None:
        if not self._ended:
            self._show(f"{self._doing}; {self._wait}" if self._wait else f"{self._doing} …" if self._late else "")

    def _show(self, text: str) -> None:
        if not self._terminal or text == self._shown:
            return
        import shutil

        self._shown = text
        line = cut(literal(f"{PROGRAM}: {text}"), shutil.get_terminal_size().columns - 1) if text else ""
        try:
            sys.stderr.write(f"{_CLEAR}{line}")
            sys.stderr.flush()
        except OSError:  # the terminal is gone, the work goes on
            self._terminal = False
            give_up(sys.stderr)
