"""A key that a command prints, such as a password manager's: run without a shell, within a time limit, its words kept short."""

from __future__ import annotations

import contextlib
import math
import os
import shlex
import subprocess
import threading
import time
from pathlib import PurePath
from typing import IO

from fwbill_tui.fireworks.child import end_group
from fwbill_tui.fireworks.credentials import Credential, account_id, check_key
from fwbill_tui.fireworks.errors import BadKey, BadSetting, Cancelled, one_line, redact
from fwbill_tui.fireworks.secret import Secret

FLAG = "--api-key-command"
TIME_LIMIT = 60.0
"""Seconds: long enough to unlock a password manager, short enough for a cron line to end."""
_LARGEST = 64 << 10
_POLL = 0.05
_LINGER = 1.0
"""Seconds that something the command leaves behind may still hold its outputs open, once it has ended and printed."""


def key_of_command(
    command: str,
    *,
    account: str | None = None,
    cancelled: threading.Event | None = None,
    time_limit: float = TIME_LIMIT,
) -> Credential:
    """The key that `command` prints on its standard output, and nothing else there.

    The command is split as a shell would, but no shell runs it. It gets no standard input, and our environment as it is
    (some managers read references from there); a prompt on the terminal itself stays possible. Raises BadSetting for a
    command that is none, BadKey when it fails, takes too long or prints something else than a key, BadAccountId, Cancelled.
    """
    try:
        words = shlex.split(command)
    except ValueError:
        raise BadSetting(f"{FLAG} cannot be split into words", "close its quotes, or put a backslash before them") from None
    if not words:
        raise BadSetting(f"{FLAG} is empty", "name the command that prints the key, such as 'pass show fireworks'")
    program = PurePath(words[0]).name  # its arguments may hold what is nobody's business
    output = _Run(words, program).output(cancelled or threading.Event(), time_limit)
    try:
        text = output.decode().strip()
        key = check_key(text)
    except UnicodeDecodeError:
        key = ""
    except BadKey as error:
        what = "printed nothing" if not text else f"did not print a key alone: {error.message}"
        raise BadKey(
            f"the command {program} of {FLAG} {what}", "make it print the key and nothing else on its standard output"
        ) from None
    if not key:
        raise BadKey(f"the command {program} of {FLAG} did not print text", "make it print the key and nothing else")
    return Credential(Secret(key), FLAG, f"output of {one_line(program, 40)}", account_id=account and account_id(account))


class _Run:
    """One run of the command; both of its outputs are read in threads and kept up to a limit.

    Where it cannot ask for anything on a terminal, it leads a process group, which is ended with it. On a terminal it stays
    in ours: another one would be stopped as soon as it asked, and ours gets ctrl+c as a whole.
    """

    def __init__(self, words: list[str], program: str) -> None:
        self._program = program
        self._leads = hasattr(os, "killpg") and not _may_ask()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - running what the user names is what the flag is for
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                process_group=0 if self._leads else None,
            )
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "its name is not valid"
            raise BadKey(
                f"the command {program} of {FLAG} cannot be run: {why}", "check its name and that it is on PATH"
            ) from None
        self._kept = {"stdout": bytearray(), "stderr": bytearray()}
        self._flood = threading.Event()
        pipes = {"stdout": self._process.stdout, "stderr": self._process.stderr}
        self._readers = [
            threading.Thread(target=self._read, args=(name, pipe), name=f"fwbill-key-{name}", daemon=True)
            for name, pipe in pipes.items()
        ]
        for reader in self._readers:
            reader.start()

    def output(self, cancelled: threading.Event, time_limit: float) -> bytes:
        """What it printed, once it has ended well."""
        until, let_go = time.monotonic() + time_limit, math.inf
        ended_well = False
        try:
            while self._process.poll() is None or any(reader.is_alive() for reader in self._readers):
                if cancelled.is_set():
                    raise Cancelled
                if self._flood.is_set():
                    break
                if self._process.returncode is not None:
                    let_go = min(let_go, time.monotonic() + _LINGER)
                    if time.monotonic() >= let_go and (self._kept["stdout"] or self._process.returncode):
                        break
                if time.monotonic() >= until:
                    raise BadKey(
                        f"the command {self._program} of {FLAG} did not end within {time_limit:g} s",
                        "run it by itself to see what it waits for",
                    )
                for reader in self._readers:
                    reader.join(_POLL / 2)
                if not any(reader.is_alive() for reader in self._readers):
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        self._process.wait(_POLL)
            ended_well = self._process.returncode == 0
        finally:
            self._end(ended_well)
        if self._flood.is_set():
            raise BadKey(f"the command {self._program} of {FLAG} prints far more than a key", "make it print the key alone")
        if self._process.returncode:
            raise BadKey(
                f"the command {self._program} of {FLAG} {_ending(self._process.returncode)}{self._said()}",
                "run it by itself to see what it needs",
            )
        return bytes(self._kept["stdout"])

    def _end(self, ended_well: bool) -> None:
        if not self._leads:
            self._process.kill()
            self._process.wait()
        elif not ended_well:  # what a command leaves behind when it ends well, such as an agent, may stay
            end_group(self._process)

    def _read(self, name: str, pipe: IO[bytes]) -> None:
        kept = self._kept[name]
        with pipe:
            while piece := pipe.read1(8192):  # type: ignore[attr-defined]
                kept += piece[: _LARGEST - len(kept)]
                if name == "stdout" and len(kept) == _LARGEST:
                    self._flood.set()
                    return

    def _said(self) -> str:
        """The last line of its standard error, in which a secret of its own output is not repeated."""
        printed = self._kept["stdout"].decode("utf-8", "replace").split()
        lines = self._kept["stderr"].decode("utf-8", "replace").strip().splitlines()
        said = one_line(redact(lines[-1], *(word for word in printed if len(word) >= 8)), 200) if lines else ""
        return f', saying "{said}"' if said else ""


def _may_ask() -> bool:
    """Whether we, and what we start, are what the user's terminal listens to."""
    try:
        terminal = os.open("/dev/tty", os.O_RDWR)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


def _ending(code: int) -> str:
    return f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
