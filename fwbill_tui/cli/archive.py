"""`fwbill archive`: what is kept on disk, whether it is sound, and how to be rid of it."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from fwbill_tui.cli.account import log_file_flag
from fwbill_tui.cli.cells import aligned, cut, size_text
from fwbill_tui.cli.exits import DONE, FAILED, CommandError
from fwbill_tui.cli.flags import COMMANDS
from fwbill_tui.cli.options import Command, Group, option
from fwbill_tui.cli.output import print_text, say, width
from fwbill_tui.usage.literal import literal

if TYPE_CHECKING:
    from fwbill_tui.archive.archive import AccountSummary, Archive

_AGE = re.compile(r"\s*(\d{1,6})\s*(?:d|days?)?\s*")
EPILOG = """\b
Examples:
  fwbill archive list
  fwbill archive prune --keep 400d
  fwbill archive forget acme-prod
"""


@click.group("archive", cls=Group, epilog=EPILOG, short_help=COMMANDS["archive"][1], invoke_without_command=True)
@click.pass_context
def archive(context: click.Context) -> None:
    """Look after the usage that is kept on disk, so that it is fetched only once.

    It is private to you, in a folder that `list` names; FWBILL_DATA_DIR names another.
    """
    if context.invoked_subcommand is None:
        *others, last = archive.commands
        raise click.UsageError(f"what is to be done? Add {', '.join(others)} or {last}")


@archive.command("list", cls=Command, short_help="Which accounts and days are kept, and how large they are.")
@option(
    "-o", "--output", type=click.Choice(("table", "json")), section="Output", help="The form of the answer.  [default: table]"
)
@log_file_flag
def list_(output: str | None) -> int:
    """Say what is kept of which account."""
    archive = _archive()
    found = archive.accounts()
    if output == "json":
        import json

        answer = {"folder": str(archive.root), "accounts": [_as_dict(summary) for summary in found]}
        print_text(json.dumps(answer, indent=2, ensure_ascii=False) + "\n")
        return DONE
    rows = [("account", "service", "first", "last", "days", "missing", "may grow", "events", "size"), *map(_row, found)]
    _print([str(archive.root), "", *(aligned(rows, keys=4) if found else ["nothing is kept"])])
    for summary in found:
        if summary.problem:
            say(summary.problem)
    for host, account in archive.set_aside():
        removed = f"`fwbill archive forget {literal(account)}` removes it"
        say(f"{literal(account)} at {literal(host)}: damaged, and set aside; {removed}")
    return DONE


@archive.command("verify", cls=Command, short_help="Read everything that is kept and name what is damaged.")
@log_file_flag
def verify() -> int:
    """Read every byte that is kept and compare it with its checksum. Nothing is changed.

    A damaged day is set aside and fetched again when it is next opened. The exit code is 1 when anything is damaged.
    """
    archive = _archive()
    lines = [f"{summary.account} at {summary.host}: {summary.problem}" for summary in archive.accounts() if summary.problem]
    sound = not lines
    for kept, damages in archive.verify():
        days = len(kept.manifest().days)
        lines.append(f"{kept.account} at {kept.host}: {_days(days)}, {f'{len(damages):,} damaged' if damages else 'all sound'}")
        lines += [f"  {damage}" for damage in damages]
        sound = sound and not damages
    _print(lines or ["nothing is kept"])
    return DONE if sound else FAILED


@archive.command("prune", cls=Command, short_help="Drop days that are older than you want to keep.")
@option("--keep", metavar="DAYS", section="Days", required=True, help="Keep the days that ended in the last so many: 400d.")
@log_file_flag
def prune(keep: str) -> int:
    """Drop the days of every account that ended longer ago than --keep says."""
    match = _AGE.fullmatch(keep)
    if not match:
        raise click.UsageError(f"--keep takes a number of days, such as 400d, not {keep!r}")
    archive = _archive()
    there = archive.accounts()
    before = sum(summary.size for summary in there)
    dropped = sum(archive.prune(timedelta(days=int(match[1]))).values())
    freed = before - sum(summary.size for summary in archive.accounts())
    say(f"{_days(dropped)} dropped, {size_text(max(0, freed))} freed")
    unread = [summary for summary in there if summary.problem]
    for summary in unread:
        say(f"{summary.account} at {summary.host}: nothing was dropped: {summary.problem}")
    return FAILED if unread else DONE


@archive.command("forget", cls=Command, short_help="Remove everything that is kept of an account.")
@click.argument("account")
@option("--service", metavar="HOST", section="Account", help="The service, as `list` shows it, where several know the account.")
@log_file_flag
def forget(account: str, service: str | None) -> int:
    """Remove everything that is kept of ACCOUNT. What Fireworks has is not touched, and can be fetched again."""
    archive = _archive()
    bare = account.strip().removeprefix("accounts/")
    found = [each for each in archive.accounts() if each.account == bare and service in (None, each.host)]
    if not found:
        damaged = [host for host, account in archive.set_aside() if account == bare and service in (None, host)]
        for host in damaged:
            archive.forget(host, bare)
            say(f"forgot {bare} at {host}, which was damaged")
        if damaged:
            return DONE
        raise CommandError(f"nothing is kept of {bare!r}{f' at {service}' if service else ''} (see `fwbill archive list`)")
    if len(found) > 1:
        hosts = ", ".join(each.host for each in found)
        raise CommandError(f"{bare} is kept for several services: choose one with --service: {hosts}")
    archive.forget(found[0].host, bare)
    say(f"forgot {bare} at {found[0].host}: {_days(found[0].days)}, {size_text(found[0].size)}")
    return DONE


def _archive() -> Archive:
    from fwbill_tui.archive.archive import Archive, archive_folder

    return Archive(archive_folder(os.environ))


def _row(summary: AccountSummary) -> tuple[str, ...]:
    counts = (summary.days, summary.missing, summary.provisional, summary.rows)
    known = [f"{count:,}" for count in counts] if not summary.problem else ["?"] * len(counts)
    edges = [str(edge or "") for edge in (summary.first, summary.last)]
    return (literal(summary.account), literal(summary.host), *edges, *known, size_text(summary.size))


def _as_dict(summary: AccountSummary) -> dict[str, Any]:
    edges = {name: None if edge is None else str(edge) for name, edge in (("first", summary.first), ("last", summary.last))}
    return {
        "account": summary.account,
        "service": summary.host,
        **edges,
        "days": summary.days,
        "missing": summary.missing,
        "provisional": summary.provisional,
        "events": summary.rows,
        "bytes": summary.size,
        "problem": summary.problem or None,
    }


def _print(lines: Sequence[str]) -> None:
    room = width()
    print_text("".join(f"{cut(literal(line), room) if room else literal(line)}\n" for line in lines))


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count:,} days"
