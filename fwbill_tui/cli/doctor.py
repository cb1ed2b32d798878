"""`fwbill doctor`: what is there, what answers, and what to do; with nothing secret in it, to be pasted into a ticket."""

from __future__ import annotations

import os
import platform
import sys
import textwrap
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fwbill_tui import __version__
from fwbill_tui.cli.account import AccountFlags, account_flags, all_credentials, first_usable
from fwbill_tui.cli.cells import aligned, size_text
from fwbill_tui.cli.exits import DONE, NETWORK, SIGN_IN_REFUSED, CommandError, code_of
from fwbill_tui.cli.flags import COMMANDS
from fwbill_tui.cli.interrupts import interruptible
from fwbill_tui.cli.options import Command, option
from fwbill_tui.cli.output import print_text, width
from fwbill_tui.cli.signin import described
from fwbill_tui.cli.terminal import Terminal
from fwbill_tui.cli.waiting import WaitLine
from fwbill_tui.usage.literal import literal

if TYPE_CHECKING:
    from fwbill_tui.fireworks.credentials import Credential
    from fwbill_tui.fireworks.endpoints import Endpoints
    from fwbill_tui.sources.doctor import Examination, Finding

_MARKS = {"works": "✓", "refused": "✗", "there": "·", "absent": "·", "skipped": "·"}
_WORDS = {"works": "works", "refused": "refused", "there": "installed", "absent": "absent", "skipped": "not tried"}
_NARROW, _WIDE = 80, 110
_CLOCK_TOLERANCE = 60
"""Seconds by which a clock may be off before it is worth a word: signed links last for minutes."""


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


@dataclass(frozen=True, slots=True)
class _Kept:
    """Where usage is kept, how much of it, and in which state its days are. The size is in bytes."""

    place: Path
    files: int = 0
    size: int = 0
    accounts: int = 0
    days: int = 0
    provisional: int = 0
    missing: int = 0
    problem: str = ""

    @property
    def described(self) -> str:
        """One line for a person."""
        said = f"{size_text(self.size)} in {_counted(self.files, 'file')} in {_home(self.place)}"
        if self.accounts:
            said += f"; {_counted(self.days, 'day')} of {_counted(self.accounts, 'account')}"
            said += f", {self.provisional:,} of them provisional, {self.missing:,} missing between them"
        return said + (f"; {self.problem}" if self.problem else "")


@dataclass(frozen=True, slots=True)
class _Report:
    """Everything that was found out. `used` is the credential that was tried."""

    endpoints: Endpoints
    credentials: Sequence[Credential]
    used: Credential | None
    examination: Examination
    kept: _Kept
    terminal: Terminal

    @property
    def code(self) -> int:
        """0 when usage can be read, else that of the refusal."""
        if self.examination.working:
            return DONE
        firectl = any(finding.name == "firectl" and finding.state == "there" for finding in self.examination.sources)
        if self.used is not None and self.used.kind == "sso" and firectl:
            return DONE
        error = self.examination.first_error
        if self.used is None or (error is None and not self.used.usable):
            return SIGN_IN_REFUSED
        return (code_of(error) if error else None) or NETWORK

    @property
    def verdict(self) -> str:
        """The outcome in one line."""
        if self.examination.working:
            best, end = self.examination.working[0], self.examination.stops_at
            if end is not None:
                return f"Ready, but with --source {best.name} alone: the {end.label} refuses this account."
            return f"Ready: usage can be read through the {best.label}."
        if self.code == DONE:
            return "Ready as far as can be told: the sign-in by SSO works through firectl, which was not tried."
        why = "there is no sign-in that can be used" if self.used is None else "no source of usage answers"
        return f"Not ready: {why} (exit code {self.code})."


@click.command("doctor", cls=Command, short_help=COMMANDS["doctor"][1])
@account_flags()
@option(
    "-o", "--output", type=click.Choice(("table", "json")), section="Output", help="The form of the answer.  [default: table]"
)
def doctor(flags: AccountFlags, output: str | None) -> int:
    """Check the sign-in, the account, every source of usage, the terminal and the clock, and say what to do.

    It makes a few short calls, and shows of a key its last four characters alone. The exit code is 0 when usage can be read,
    else that of the refusal: 3 sign-in, 4 account or permission, 5 network or service.
    """
    report = interruptible(lambda stop: _examined(flags, stop))
    if output == "json":
        import json

        print_text(json.dumps(_as_dict(report), indent=2, ensure_ascii=False) + "\n")
    else:
        print_text("\n".join(_lines(report, min(width() or _NARROW, _WIDE))) + "\n")
    return report.code


def _examined(flags: AccountFlags, stop: threading.Event) -> _Report:
    from fwbill_tui.fireworks.credentials import ACCOUNT_VARIABLE
    from fwbill_tui.fireworks.endpoints import Endpoints
    from fwbill_tui.sources.doctor import examine

    endpoints = Endpoints.from_environ(flags.environ)
    credentials = all_credentials(flags, endpoints, cancelled=stop)
    asked_for = flags.api_key_command is not None or bool(flags.environ.get("FIREWORKS_PROFILE"))
    choices = credentials[:1] if asked_for else credentials  # what was asked for is not passed over for another
    try:
        used = first_usable(choices, flags.environ.get(ACCOUNT_VARIABLE))
    except CommandError:  # there are several, of which nobody chose one
        used = None
    used = used or next((one for one in choices if one.kind == "sso"), None)
    with WaitLine(f"asking {endpoints.host} and firectl"):
        examination = examine(endpoints, used, environ=flags.environ, cancelled=stop)
    return _Report(endpoints, credentials, used, examination, _kept(flags.environ), Terminal.of(flags.environ))


def _kept(environ: Mapping[str, str]) -> _Kept:
    """Count what is kept, following no links."""
    from fwbill_tui.archive.archive import Archive, archive_folder
    from fwbill_tui.archive.errors import ArchiveError
    from fwbill_tui.settings import data_dir

    place = data_dir(environ)
    files = size = 0
    try:
        pending = [place] if place.exists() else []
        while pending:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(Path(entry.path))
                    else:
                        files += 1
                        size += entry.stat(follow_symlinks=False).st_size
        kept = Archive(archive_folder(environ)).accounts()
    except (OSError, ArchiveError) as error:
        return _Kept(place, files, size, problem=f"cannot be read: {getattr(error, 'strerror', None) or error}")
    days, provisional, missing = (sum(getattr(one, name) for one in kept) for name in ("days", "provisional", "missing"))
    problem = next((one.problem for one in kept if one.problem), "")
    return _Kept(place, files, size, len(kept), days, provisional, missing, problem)


# -- as text -----------------------------------------------------------------------------------------------------------
def _lines(report: _Report, room: int) -> list[str]:
    facts = [
        ("python", f"{platform.python_version()} ({platform.python_implementation()})"),
        ("platform", _platform()),
        ("terminal", report.terminal.described),
        ("service", report.endpoints.base_url),
        ("gateway", report.endpoints.gateway_addr),
        ("clock", _clock(report.examination)),
        ("kept usage", report.kept.described),
    ]
    lines = [f"fwbill {__version__}"]
    for name, text in facts:
        lines += _wrapped(f"  {name:<12}", text, room)
    lines += ["", "Sign-ins found"]
    for credential in report.credentials:
        lines += _credential_lines(credential, credential is report.used, room)
    if not report.credentials:
        lines += _wrapped("  ", "none: run `fwbill login`, or set FIREWORKS_API_KEY", room)
    account = report.examination.account
    lines += ["", f"Sources of usage of {account}" if account else "Sources of usage"]
    findings = (report.examination.sign_in, *report.examination.sources)
    heads = aligned([(f"  {_MARKS[one.state]} {one.label}", _WORDS[one.state], _milliseconds(one)) for one in findings], keys=2)
    for finding, head in zip(findings, heads, strict=True):
        lines += [head, *_finding_lines(finding, room)]
    return [*lines, "", *_wrapped("", report.verdict, room)]


def _credential_lines(credential: Credential, used: bool, room: int) -> list[str]:
    mark = _MARKS["works" if credential.usable else "refused"]
    words = [credential.place]
    words += [f"key …{credential.hint}"] if credential.hint else []
    words += [f"account {credential.account_id}"] if credential.account_id else []
    words += ["used"] if used and credential.usable else []
    lines = _wrapped(f"  {mark} ", f"{credential.origin}: {', '.join(words)}", room)
    return lines + (_wrapped("    ", credential.problem, room) if credential.problem else [])


def _finding_lines(finding: Finding, room: int) -> list[str]:
    lines = _wrapped("    ", finding.said, room) if finding.said else []
    return lines + (_wrapped("    → ", finding.advice, room) if finding.advice else [])


def _wrapped(before: str, text: str, room: int) -> list[str]:
    """A text in the room there is, its further lines below its first; foreign characters made harmless."""
    return textwrap.wrap(literal(text), room, initial_indent=before, subsequent_indent=" " * len(before)) or [before.rstrip()]


def _clock(examination: Examination) -> str:
    if examination.ahead is None:
        return f"not compared: {examination.clock_problem}"
    seconds = round(examination.ahead.total_seconds())
    if abs(seconds) <= 1:
        return "as the service's"
    said = f"{abs(seconds):,} s {'ahead of' if seconds > 0 else 'behind'} the service's"
    return said + ("; set it right, or links and dates go wrong" if abs(seconds) > _CLOCK_TOLERANCE else "")


def _milliseconds(finding: Finding) -> str:
    return "" if finding.seconds is None else f"{finding.seconds * 1000:,.0f} ms"


def _platform() -> str:
    # Not platform.platform(): that starts another program, which would get our environment with the key in it.
    return f"{platform.system()} {platform.release()} {platform.machine()}"


def _home(path: Path) -> str:
    """A path without the user's name where it lies below the home folder."""
    try:
        return f"~/{path.relative_to(Path.home()).as_posix()}"
    except (ValueError, RuntimeError):
        return str(path)


# -- as JSON -----------------------------------------------------------------------------------------------------------
def _as_dict(report: _Report) -> Mapping[str, Any]:
    examination, terminal = report.examination, report.terminal
    ahead = examination.ahead
    return {
        "version": __version__,
        "python": platform.python_version(),
        "platform": _platform(),
        "executable": _home(Path(sys.executable)),
        "terminal": terminal.as_dict(),
        "service": {"base_url": report.endpoints.base_url, "gateway": report.endpoints.gateway_addr},
        "credentials": [{**described(one), "used": one is report.used} for one in report.credentials],
        "account": examination.account,
        "accounts": [account.id for account in examination.accounts],
        "sources": [_finding_dict(one) for one in (examination.sign_in, *examination.sources)],
        "clock_ahead_seconds": None if ahead is None else round(ahead.total_seconds(), 1),
        "kept": {
            "place": _home(report.kept.place),
            "files": report.kept.files,
            "bytes": report.kept.size,
            "accounts": report.kept.accounts,
            "days": report.kept.days,
            "provisional_days": report.kept.provisional,
            "missing_days": report.kept.missing,
            "problem": report.kept.problem or None,
        },
        "ready": report.code == DONE,
    }


def _finding_dict(finding: Finding) -> Mapping[str, Any]:
    return {
        "name": finding.name,
        "state": finding.state,
        "milliseconds": None if finding.seconds is None else round(finding.seconds * 1000),
        "said": finding.said or None,
        "advice": finding.advice or None,
    }
