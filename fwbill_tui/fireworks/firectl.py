"""The installed firectl as a way to the export: for a sign-in that only it can use, and where the gateway can't be asked.

A key is handed to it in a file of a private home folder, never in its arguments or its environment, which others on the
machine can see.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from fwbill_tui.fireworks import firectl_says
from fwbill_tui.fireworks.child import Ended, run
from fwbill_tui.fireworks.credentials import Credential
from fwbill_tui.fireworks.errors import BY_ITSELF, SignInRefused, ToolMissing, UnexpectedAnswer, make
from fwbill_tui.fireworks.private_folder import private_folder, write_sign_in
from fwbill_tui.fireworks.retry import OnWait, RetryPolicy, retrying
from fwbill_tui.usage.query import TimeRange
from fwbill_tui.user_paths import expanded

PROGRAM_VARIABLE = "FWBILL_FIRECTL"
QUIET_LIMIT = 180.0
_SPELLINGS = (("billing", "export-metrics"), ("export", "billing-metrics"))
_PASSED_ON = frozenset({
    "PATH", "LANG", "LC_ALL", "LC_CTYPE", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy",
})  # fmt: skip
_DAY = timedelta(days=1)


def find_firectl(environ: Mapping[str, str]) -> Path | None:
    """The firectl that FWBILL_FIRECTL names, else the one on PATH, else None.

    Raises ToolMissing when FWBILL_FIRECTL names something that can't be run.
    """
    named = environ.get(PROGRAM_VARIABLE, "")
    try:
        found = shutil.which(expanded(named or "firectl"), path=environ.get("PATH", os.defpath))
        if named and found is None:
            raise make(ToolMissing, PROGRAM_VARIABLE, f"{named} is not a program that can be run")
        return Path(found).absolute() if found else None
    except OSError as error:  # no such user behind ~, or a current folder that was removed
        raise make(ToolMissing, PROGRAM_VARIABLE, f"{named or 'firectl'} cannot be found ({error.strerror})") from None


def need_firectl(environ: Mapping[str, str]) -> Path:
    """The firectl to run. Raises ToolMissing."""
    if os.name != "posix":
        raise ToolMissing("firectl is used on Linux and macOS only", "export with it yourself and open the file")
    program = find_firectl(environ)
    if program is None:
        raise make(ToolMissing, "firectl", "it is not installed, or not on PATH")
    return program


class Firectl:
    """Exports of one credential through firectl, from any thread; a context manager.

    Every call raises FireworksError, and Cancelled soon after `cancelled` is set. A try in which nothing comes for
    `quiet_limit` seconds has timed out. `home` is the folder below which firectl keeps the user's own sign-ins.
    """

    def __init__(
        self,
        credential: Credential,
        *,
        environ: Mapping[str, str],
        home: Path | None = None,
        cancelled: threading.Event | None = None,
        policy: RetryPolicy | None = None,
        quiet_limit: float = QUIET_LIMIT,
        workspace: Path | None = None,
    ) -> None:
        """`workspace`: where the private folder is made; None: the system's own place."""
        self._credential = credential
        self._sso = credential.kind == "sso"
        self._key = None if self._sso else credential.require_key()
        self._environ = environ
        self._home = home or Path.home()
        self._cancelled = cancelled or threading.Event()
        self._policy = policy or RetryPolicy()
        self._quiet_limit = quiet_limit
        self._workspace = workspace
        self._spelling: tuple[str, str] | None = None
        self._numbers = itertools.count()
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Find firectl and sign it in. Raises ToolMissing, SignInRefused and StorageError."""
        program = need_firectl(self._environ)
        if self._sso and self._credential.profile is None:
            raise SignInRefused(
                f"{self._credential.origin} is a browser sign-in outside of firectl's own profiles",
                "sign in with `firectl login`, or use an API key",
            )
        self._program = program
        self._folder = self._stack.enter_context(private_folder(self._workspace))
        if self._key is not None:
            self._home = self._folder / "home"
            write_sign_in(self._home, self._key)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()

    def export(
        self,
        account_id: str,
        wanted: TimeRange,
        *,
        on_bytes: Callable[[int], None] = lambda _: None,
        on_wait: OnWait | None = None,
    ) -> Path:
        """The CSV file with an account's usage events of whole UTC days, at most 31; the caller's to remove.

        Raises UnexpectedAnswer for a file that is not there, or that ends within a line.
        """
        days = ("--start-time", _day(wanted.start), "--end-time", _day(wanted.end))
        return retrying(
            lambda: self._attempt(account_id, days, on_bytes),
            policy=self._policy,
            cancelled=self._cancelled,
            on_wait=on_wait,
        )

    def _attempt(self, account_id: str, days: tuple[str, ...], on_bytes: Callable[[int], None]) -> Path:
        for spelling in [self._spelling] if self._spelling else _SPELLINGS:
            output = self._folder / f"{next(self._numbers)}.csv"
            try:
                ended = self._run(spelling, account_id, days, output, on_bytes)
                where = f"firectl {' '.join(spelling)}"
                if not output.exists() and firectl_says.knows_no_such_command(ended):
                    continue
                self._spelling = spelling
                secrets = (self._key.reveal(),) if self._key else ()
                if ended.status:
                    raise firectl_says.failure(ended, where, *secrets, sso=self._sso)
                _check_whole(output, where)
            except BaseException:
                output.unlink(missing_ok=True)
                raise
            return output
        raise ToolMissing("this firectl has no export of billing metrics", "install a newer one")

    def _run(
        self, spelling: tuple[str, str], account_id: str, days: tuple[str, ...], output: Path, on_bytes: Callable[[int], None]
    ) -> Ended:
        profile = self._credential.profile if self._sso else None
        chosen = ("-p", profile) if profile and profile != "default" else ()
        return run(
            [str(self._program), *spelling, "-a", account_id, *chosen, *days, "--filename", str(output)],
            environ=self._child_environ(),
            folder=self._folder,
            output=output,
            quiet_limit=self._quiet_limit,
            cancelled=self._cancelled,
            on_bytes=on_bytes,
        )

    def _child_environ(self) -> dict[str, str]:
        passed_on = {name: value for name, value in self._environ.items() if name in _PASSED_ON}
        return passed_on | {"HOME": str(self._home), "TMPDIR": str(self._folder), "TZ": "UTC", "NO_COLOR": "1", "TERM": "dumb"}


def whole_days(wanted: TimeRange) -> TimeRange:
    """The UTC days that a range with both edges touches: the only times that every firectl is known to read."""
    assert wanted.start is not None
    assert wanted.end is not None
    return TimeRange(_midnight(wanted.start), _midnight(wanted.end + _DAY - timedelta(microseconds=1)))


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _day(edge: datetime | None) -> str:
    if edge is None or edge != _midnight(edge):
        raise ValueError("firectl is asked for whole UTC days")
    return f"{edge:%Y-%m-%d}"


def _check_whole(output: Path, where: str) -> None:
    try:
        with output.open("rb") as file:
            empty = file.seek(0, os.SEEK_END) == 0
            file.seek(0 if empty else -1, os.SEEK_END)
            last = file.read(1)
    except FileNotFoundError:
        raise UnexpectedAnswer(f"{where}: it reports success but wrote no file; this does not mean no usage", BY_ITSELF) from None
    if empty:
        raise UnexpectedAnswer(f"{where}: it wrote an empty file; this does not mean no usage", BY_ITSELF)
    if last not in (b"\n", b"\r"):
        raise UnexpectedAnswer(f"{where}: its file ends within a line, so something is missing", BY_ITSELF)
