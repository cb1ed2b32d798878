"""Drives a program in a real terminal (a private tmux server) and times what appears on its screen.

    with Terminal([sys.executable, "-m", "fwbill_tui", "usage.csv"], columns=160, rows=48) as terminal:
        terminal.wait_for(lambda screen: "events" in screen)   # seconds since the program was started
        frames = terminal.watch("Down", styled=True)           # every screen that followed, with its time

tmux is asked through its control mode, so that a look at the screen costs about a millisecond and no new process. It tells
when the program has written something, so that looks while nothing happens do not take the program's time.
Needs tmux 3.2 or newer. Keys have tmux's names (Enter, Escape, Tab, C-s, PageDown) or are text.
"""

from __future__ import annotations

import os
import select
import shlex
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

_SETTINGS = """\
set -g default-terminal tmux-256color
set -as terminal-features ',*:RGB'
set -sg escape-time 0
set -g status off
set -g remain-on-exit on
set -g history-limit 0
"""
_POLL = 0.016
"""Seconds between looks at the screen while tmux tells nothing."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A screen as it was seen first, so many milliseconds after the keys were sent."""

    ms: float
    screen: str


class TerminalTimeoutError(Exception):
    """What was awaited did not come; carries the last screen."""


class Terminal:
    """One command in one tmux pane of a given size. A context manager; leaving it ends the command and the server."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        columns: int = 160,
        rows: int = 48,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        """Start `command`; `started` is the moment (`perf_counter`) at which it was."""
        socket = f"fwbill-{uuid.uuid4().hex[:8]}"
        given = os.environ if env is None else env
        kept = {name: value for name, value in given.items() if name not in ("TMUX", "PYTHONUNBUFFERED")}
        kept |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as conf:
            conf.write(_SETTINGS)
            conf.flush()
            # An idle pane first, so that the start of the server itself is not counted.
            size = ["-x", str(columns), "-y", str(rows)]
            idle = ["tmux", "-L", socket, "-f", conf.name, "new-session", "-d", "-s", "m", *size, "sleep 100000"]
            subprocess.run(idle, env=kept, cwd=cwd, check=True)
        self._control = subprocess.Popen(
            ["tmux", "-L", socket, "-C", "attach", "-t", "m"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=kept, bufsize=0
        )
        self._buffer = b""
        self._ask(f"refresh-client -C {columns}x{rows}")
        self._ask(f"resize-window -t m -x {columns} -y {rows}")
        quoted = shlex.join(command).replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
        self.started = time.perf_counter()
        self._ask(f'respawn-pane -k -t m "exec {quoted}"')
        self.pid = int(self._ask("display-message -p -t m '#{pane_pid}'")[0])

    # -- what is on the screen ---------------------------------------------------------------------------------------
    def screen(self, *, styled: bool = False) -> str:
        """The text of the screen, one line each; `styled` keeps colours as escape sequences."""
        return "\n".join(self._ask(f"capture-pane {'-e ' if styled else ''}-p -t m"))

    def ended(self) -> bool:
        """Whether the program has ended."""
        return self._ask("display-message -p -t m '#{pane_dead}'")[0] == "1"

    def wait_for(self, holds: Callable[[str], bool], *, timeout: float = 60) -> float:
        """Seconds from the start until `holds` of the screen. Raises TerminalTimeoutError, also when the program ends."""
        while True:
            seen = self.screen()
            now = time.perf_counter() - self.started
            if holds(seen):
                return now
            if now > timeout or (now > 1 and self.ended()):
                raise TerminalTimeoutError(f"not seen within {now:.1f} s; the screen:\n{seen.rstrip()}")
            self._wait_for_output(_POLL)

    def settle(self, calm: float = 0.5, *, timeout: float = 60) -> None:
        """Wait until the screen has been still for `calm` seconds."""
        self.watch(settle=calm, patience=calm, timeout=timeout)

    # -- what is pressed -----------------------------------------------------------------------------------------------
    def press(self, *keys: str) -> None:
        """Send keys, all at once."""
        quoted = " ".join("'" + key.replace("'", "'\\''") + "'" for key in keys)
        self._ask(f"send-keys -t m {quoted}")

    def hold(self, key: str, *, seconds: float, rate: float = 60) -> None:
        """Send a key so many times a second, as a keyboard does while it is held."""
        begun = time.perf_counter()
        for number in range(round(seconds * rate)):
            time.sleep(max(0.0, begun + number / rate - time.perf_counter()))
            self.press(key)

    def watch(
        self,
        *keys: str,
        settle: float = 0.1,
        patience: float = 1.5,
        timeout: float = 60,
        styled: bool = False,
        until: Callable[[str], bool] | None = None,
    ) -> list[Frame]:
        """Press keys and return every different screen that follows, the one before the keys first (at 0 ms).

        Ends when the screen has been still for `settle` seconds, `until` has held if it is given, or after `patience`
        seconds in which nothing happened at all.
        """
        frames = [Frame(0.0, self.screen(styled=styled))]
        start = last = time.perf_counter()
        if keys:
            self.press(*keys)
        held = until is None
        while True:
            seen = self.screen(styled=styled)
            now = time.perf_counter()
            if seen != frames[-1].screen:
                frames.append(Frame((now - start) * 1e3, seen))
                last = now
            held = held or (until is not None and until(seen))
            calm = now - last > (settle if len(frames) > 1 else patience)
            if (calm and held) or now - start > timeout:
                return frames
            self._wait_for_output(_POLL)

    # -- what it costs -------------------------------------------------------------------------------------------------
    def cpu_ms(self) -> float:
        """CPU time that the program's threads that still run have used."""
        tasks = Path(f"/proc/{self.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text(encoding="ascii").split()[0]) for task in tasks) / 1e6

    # -- the end -------------------------------------------------------------------------------------------------------
    def close(self) -> None:
        """End the program and the server. A program that does not end with its terminal is killed."""
        assert self._control.stdin is not None
        try:
            self._control.stdin.write(b"kill-server\n")
            self._control.wait(5)
        except (OSError, subprocess.TimeoutExpired):
            self._control.kill()
            self._control.wait()
        self._control.stdin.close()
        if self._control.stdout is not None:
            self._control.stdout.close()
        until = time.perf_counter() + 3
        while self._runs():
            if time.perf_counter() > until:
                with suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGKILL)
                return
            time.sleep(0.01)

    def _runs(self) -> bool:
        """Whether the program is there, and not just waits for its parent to hear of its end."""
        try:
            status = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return False
        return status.rpartition(")")[2].split()[0] not in ("Z", "X")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _ask(self, line: str) -> list[str]:
        assert self._control.stdin is not None
        self._control.stdin.write(line.encode() + b"\n")
        while True:
            head = self._line()
            if not head.startswith(b"%begin"):
                continue
            lines = []
            while not (row := self._line()).startswith((b"%end", b"%error")):
                lines.append(row.decode("utf-8", "replace"))
            if head.split()[-1] == b"1":
                return lines

    def _wait_for_output(self, seconds: float) -> None:
        """Wait until tmux has told that the program wrote something, at most so long."""
        assert self._control.stdout is not None
        until = time.perf_counter() + seconds
        while True:
            while b"\n" in self._buffer:
                if self._line().startswith(b"%output"):
                    return
            left = until - time.perf_counter()
            if left <= 0 or not select.select([self._control.stdout], [], [], left)[0]:
                return
            self._read()

    def _line(self) -> bytes:
        while b"\n" not in self._buffer:
            self._read()
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line.rstrip(b"\r")

    def _read(self) -> None:
        assert self._control.stdout is not None
        data = os.read(self._control.stdout.fileno(), 65536)
        if not data:
            raise EOFError("the terminal ended")
        self._buffer += data
