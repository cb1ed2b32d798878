"""The line that says, on a terminal, what a fetch waits for, and counts down; it is gone when the fetch goes on."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

from fwbill_tui.cli.cells import cut
from fwbill_tui.cli.output import PROGRAM
from fwbill_tui.usage.literal import literal

if TYPE_CHECKING:
    from fwbill_tui.sources.source import Progress

_CLEAR = "\r\x1b[K"
_WAITS = ("waiting", "exporting", "downloading", "reading")


class WaitLine:
    """Takes the progress of a load; a context manager, which leaves no line behind. Without a terminal nothing is said."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._shown = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._show("")

    def __call__(self, progress: Progress) -> None:
        """Told by any thread, one at a time."""
        waits = [window.problem for window in progress.windows if window.problem and window.state in _WAITS]
        done = sum(window.state == "done" for window in progress.windows)
        self._show(f"{done} of {len(progress.windows)} windows; {waits[0]}" if waits else "")

    def _show(self, text: str) -> None:
        if not self._terminal or text == self._shown:
            return
        import shutil

        self._shown = text
        line = cut(literal(f"{PROGRAM}: {text}"), shutil.get_terminal_size().columns - 1) if text else ""
        sys.stderr.write(f"{_CLEAR}{line}")
        sys.stderr.flush()
