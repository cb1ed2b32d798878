"""`fwbill` and `fwbill demo`: the explorer, which whoever starts this program passes in."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from fwbill_tui.cli.account import AccountFlags, command_credential, kept_account, log_file_flag
from fwbill_tui.cli.exits import USAGE, CommandError
from fwbill_tui.cli.filters import FilterFlags, filter_flags
from fwbill_tui.cli.flags import COMMANDS
from fwbill_tui.cli.inputs import InputFlags, input_flags, refuse_clashes
from fwbill_tui.cli.interrupts import interruptible
from fwbill_tui.cli.options import Command, option
from fwbill_tui.cli.output import has_terminal
from fwbill_tui.cli.terminal import keys_from_terminal

if TYPE_CHECKING:
    from fwbill_tui.sources.launch import Launch

OpenExplorer = Callable[["Launch"], int]
DEMO_ROWS = 100_000
ROWS = click.IntRange(1_000, 10_000_000)


@click.command(cls=Command, short_help="Open the explorer.")
@input_flags
@filter_flags(columns=True)
@click.pass_obj
def explore(open_explorer: OpenExplorer, inputs: InputFlags, filters: FilterFlags) -> int:
    """Explore FILEs, or the account, in the terminal."""
    from fwbill_tui.files.inputs import STANDARD_INPUT, expand
    from fwbill_tui.sources.launch import Launch

    query = filters.query(of_account=not inputs.files)
    expand(inputs.files, on_unreadable=inputs.on_unreadable)  # a file that is not there is said here, not on a screen
    refuse_clashes(inputs)
    if not (STANDARD_INPUT in inputs.files and keys_from_terminal()):
        _need_terminal()
    account_id, command, credential = inputs.account_id, inputs.api_key_command, None
    if inputs.source_choice == "archive":
        account_id = interruptible(lambda stop: _kept_account(inputs.account, stop))
    elif command is not None:  # here, where it may still ask for something on the terminal
        credential = interruptible(lambda stop: command_credential(command, inputs.account, cancelled=stop))
    launch = Launch(
        query=query,
        inputs=inputs.files,
        account_id=account_id,
        profile=inputs.profile,
        credential=credential,
        skip_unreadable=inputs.skip_unreadable,
        rejects=inputs.rejects,
        strict=inputs.strict,
        rollup=inputs.rollup,
        lazy=inputs.lazy,
        source=inputs.source_choice,
        keep=not inputs.no_archive,
    )
    return open_explorer(launch)


@click.command("demo", cls=Command, short_help=COMMANDS["demo"][1])
@option("--rows", type=ROWS, metavar="N", section="Demo", help=f"How many events.  [default: {DEMO_ROWS}]")
@log_file_flag
@filter_flags(columns=True)
@click.pass_obj
def demo(open_explorer: OpenExplorer, rows: int | None, filters: FilterFlags) -> int:
    """Explore some ninety days of made-up usage, served by a Fireworks-compatible server inside this program."""
    from fwbill_tui.sources.launch import Launch

    launch = Launch(query=filters.query(), demo_rows=rows or DEMO_ROWS)
    _need_terminal()
    return open_explorer(launch)


def _kept_account(flags: AccountFlags, cancelled: threading.Event) -> str:
    from fwbill_tui.fireworks.endpoints import Endpoints

    return kept_account(flags, Endpoints.from_environ(flags.environ), cancelled=cancelled)


def _need_terminal() -> None:
    if not has_terminal():
        raise CommandError(
            "the explorer needs a terminal; without one, `fwbill summary` prints totals and `fwbill export` writes events", USAGE
        )
