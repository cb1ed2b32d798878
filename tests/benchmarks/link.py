"""What goes over a terminal link: bytes written per key press, and how it feels over a slow one.

`python -m tests.benchmarks.link SECONDS COMMAND…` runs a command in a terminal of its own whose keys and output each
arrive half of SECONDS late.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
import tty
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

from tests.benchmarks import screen
from tests.benchmarks.data import Cache, environment
from tests.benchmarks.figures import Figure, Results, Sample
from tests.benchmarks.terminal import Terminal

SECTION = "Over a link"
ROUND_TRIP = 0.1
_SIZE = struct.pack("HHHH", 48, 160, 0, 0)
_KEYS = {
    "arrow": b"\x1b[B", "page down": b"\x1b[6~", "end": b"\x1b[F", "home": b"\x1b[H", "cell right": b"\x1b[C", "sort": b"s",
    "search": b"/", "letter": b"k", "letter again": b"i", "letter back": b"\x7f",
}  # fmt: skip
_SYNCHRONISED = re.compile(rb"\x1b\[\?2026\$p")


class Spawned:
    """A command on a pseudo-terminal of 160 x 48 whose output is only counted."""

    def __init__(self, command: Sequence[str], env: dict[str, str], cwd: str) -> None:
        pid, self._fd = pty.fork()
        if not pid:
            os.chdir(cwd)
            os.execvpe(command[0], list(command), {**env, "TERM": "xterm-256color", "COLORTERM": "truecolor"})
        self._pid = pid
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, _SIZE)

    def count(self, keys: bytes = b"", *, calm: float = 0.4, limit: float = 4.0) -> int:
        """Send keys and count the bytes written until nothing has come for `calm` seconds (a cursor blinks every 0.5)."""
        if keys:
            os.write(self._fd, keys)
        total, until = 0, time.monotonic() + limit
        while time.monotonic() < until and select.select([self._fd], [], [], calm)[0]:
            data = os.read(self._fd, 1 << 16)
            if _SYNCHRONISED.search(data):
                os.write(self._fd, b"\x1b[?2026;2$y")  # as terminals answer that can show a frame at once
            total += len(data)
        return total

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        os.close(self._fd)
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)


def measure(results: Results, cache: Cache, rows: int, repeats: int) -> None:
    """Bytes per key of the explorer and of the bare table, then the slow link."""
    path, env = str(cache.parquet(rows)), environment(cache.work)
    ours = [sys.executable, "-m", "fwbill_tui", path]
    bare = [sys.executable, str(screen.BARE), "table", path, "117", "28"]
    with Spawned(ours, env, str(cache.work)) as one, Spawned(bare, env, str(cache.work)) as other:
        first = one.count(calm=5.0, limit=60), other.count(calm=2.0, limit=60)
        shown = [Sample.of([size]) for size in first]
        results.add(Figure(SECTION, "bytes until everything is shown", "B", shown[0], shown[1], "bare table", rows=rows))
        for name, keys in _KEYS.items():
            times = repeats if name in ("arrow", "page down") else 1
            counts = [one.count(keys) for _ in range(times)]
            comparable = name in ("arrow", "page down", "end", "home")
            floor = Sample.of([other.count(keys) for _ in range(times)]) if comparable else None
            results.add(Figure(SECTION, f"bytes per key: {name}", "B", Sample.of(counts), floor, "bare table", rows=rows))
        idle = Sample.of([one.count(calm=limit, limit=limit) / limit for limit in (3.0,)])
        results.add(Figure(SECTION, "bytes per second while the search waits for a letter", "B", idle, rows=rows))
    slow = [sys.executable, "-m", "tests.benchmarks.link", str(ROUND_TRIP), *ours]
    with Terminal(slow, env=env, cwd=cache.work) as terminal:
        terminal.wait_for(screen.is_loaded(rows), timeout=600)
        terminal.settle(1.5)
        took: list[float] = []
        for key in ["Down"] * 2 * repeats + ["PageDown"] * 2 * repeats:
            when = screen.settled(terminal.watch(key, styled=True, settle=0.3))
            if when is not None:
                took.append(when - ROUND_TRIP * 1e3)
        terminal.hold("Down", seconds=3)
        held = terminal.watch(styled=True, settle=0.4, patience=0.4)[-1].ms - ROUND_TRIP * 1e3
    name = f"key to painted beyond the {ROUND_TRIP * 1e3:g} ms of the link"
    results.add(Figure(SECTION, name, "ms", Sample.of(took), rows=rows))
    results.add(Figure(SECTION, "arrow held for 3 s: lag at the end beyond the link's", "ms", Sample.of([held]), rows=rows))


def relay(delay: float, command: Sequence[str]) -> int:
    """Run a command on a pseudo-terminal, and pass keys and output on, each `delay` seconds late; returns its exit code."""
    pid, child = pty.fork()
    if not pid:
        os.execvp(command[0], list(command))
    fcntl.ioctl(child, termios.TIOCSWINSZ, fcntl.ioctl(0, termios.TIOCGWINSZ, bytes(8)))
    before = termios.tcgetattr(0)
    tty.setraw(0)
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(1))
    try:
        _pass_on(child, delay)
    except SystemExit:
        os.kill(pid, signal.SIGKILL)
        raise
    finally:
        with suppress(termios.error):  # the terminal is gone
            termios.tcsetattr(0, termios.TCSADRAIN, before)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _pass_on(child: int, delay: float) -> None:
    late: deque[tuple[float, int, bytes]] = deque()
    targets: dict[int, int] = {0: child, child: 1}
    write: Callable[[int, bytes], int] = os.write
    while True:
        timeout = max(0.0, late[0][0] - time.monotonic()) if late else None
        for source in select.select(list(targets), [], [], timeout)[0]:
            try:
                data = os.read(source, 1 << 16)
            except OSError:
                return
            if not data:
                return
            late.append((time.monotonic() + delay, targets[source], data))
        while late and late[0][0] <= time.monotonic():
            _, target, data = late.popleft()
            while data:
                data = data[write(target, data) :]


if __name__ == "__main__":
    sys.exit(relay(float(sys.argv[1]) / 2, sys.argv[2:]))
