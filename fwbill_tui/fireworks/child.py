"""Running another program that writes a file: watched while it does, and ended with everything it started."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fwbill_tui.fireworks.errors import Cancelled, TimedOut, ToolMissing, make

_POLL = 0.05
_GRACE = 0.2
"""Seconds between asking a program to end and ending it."""
_KEPT = 32 << 10


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended (`status` below 0: by that signal), and the end of what it said, unchecked."""

    status: int
    said: str


def run(
    command: Sequence[str],
    *,
    environ: Mapping[str, str],
    folder: Path,
    output: Path,
    quiet_limit: float,
    cancelled: threading.Event,
    on_bytes: Callable[[int], None],
) -> Ended:
    """Run a program in a session of its own until it ends; `on_bytes` is told as the file at `output` grows.

    Its process group is ended when `cancelled` is set (Cancelled), when the file has not grown for `quiet_limit` seconds
    (TimedOut), and on any other way out. Raises ToolMissing when the program can't be started.
    """
    name = Path(command[0]).name
    try:
        child = subprocess.Popen(  # noqa: S603 - a program the user has installed or named, with arguments of ours
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environ,
            cwd=folder,
            start_new_session=True,
            umask=0o077,
        )
    except OSError as error:
        raise make(ToolMissing, name, f"{command[0]} cannot be started ({error.strerror})") from None
    try:
        return _watch(child, name, output, quiet_limit, cancelled, on_bytes)
    finally:
        end_group(child)


def _watch(
    child: subprocess.Popen[bytes],
    name: str,
    output: Path,
    quiet_limit: float,
    cancelled: threading.Event,
    on_bytes: Callable[[int], None],
) -> Ended:
    assert child.stdout is not None
    said = b""
    size, grown_at = 0, time.monotonic()
    with selectors.DefaultSelector() as selector, child.stdout as pipe:
        os.set_blocking(pipe.fileno(), False)
        selector.register(pipe, selectors.EVENT_READ)
        while True:
            ended = child.poll() is not None  # asked first: whatever it said last is in the pipe by now
            readable = selector.select(0 if ended else _POLL)
            part = os.read(pipe.fileno(), _KEPT) if readable else b""
            said = (said + part)[-_KEPT:]
            if readable and not part:  # it has closed its side, but may go on
                selector.unregister(pipe)
            if ended and not part:
                break
            if cancelled.is_set():
                raise Cancelled
            now = _size(output)
            if now != size:
                size, grown_at = now, time.monotonic()
                on_bytes(size)
            if time.monotonic() - grown_at > quiet_limit:
                raise make(TimedOut, name, f"nothing came for {quiet_limit:.0f} seconds")
    on_bytes(_size(output))
    return Ended(child.wait(), said.decode("utf-8", "replace"))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def end_group(child: subprocess.Popen[bytes]) -> None:
    """End the whole group that a child leads: first politely, then for certain; also what a child that has ended left of it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
        os.killpg(child.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(_GRACE)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
