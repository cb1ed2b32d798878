"""Runs `fwbill` and turns every ending into one line and an exit code."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fwbill_tui.cli import exits
from fwbill_tui.cli.flags import COMMANDS
from fwbill_tui.cli.output import say
from fwbill_tui.cli.plain import plain_launch
from fwbill_tui.usage.faults import own_fault
from fwbill_tui.user_paths import mode_of

if TYPE_CHECKING:
    import click

    from fwbill_tui.sources.launch import Launch


def run(arguments: Sequence[str], *, open_explorer: Callable[[Launch], int]) -> int:
    """Run `fwbill` with these arguments and return its exit code. Says what went wrong in one line on stderr."""
    try:
        launch = plain_launch(arguments)
        done: Any = open_explorer(launch) if launch is not None else _parsed(arguments, open_explorer)
        return int(done or exits.DONE)
    except (exits.Interrupted, KeyboardInterrupt):
        say(exits.SIGNALS_SAID[exits.INTERRUPTED])
        return exits.INTERRUPTED
    except exits.Terminated:
        say(exits.SIGNALS_SAID[exits.TERMINATED])
        return exits.TERMINATED
    except exits.ReaderGone:
        return exits.BROKEN_PIPE
    except SystemExit:
        raise
    except BaseException as error:  # Polars' PanicException is no Exception
        code = exits.code_of(error)
        if code is None:
            say(own_fault(error))
            return exits.FAILED
        mistaken = _mistaken_command(error, arguments)
        say(_without_keys(mistaken or str(error)))
        return exits.USAGE if mistaken else code


def _parsed(arguments: Sequence[str], open_explorer: Callable[[Launch], int]) -> Any:
    """Run the command that the arguments name; what its parser refuses is said here."""
    import click

    from fwbill_tui.cli.root import root

    try:
        return root.main(list(arguments), prog_name="fwbill", standalone_mode=False, obj=open_explorer)
    except click.UsageError as error:
        say(_without_keys(_usage_line(error, arguments)))
        return exits.USAGE
    except click.ClickException as error:
        say(error.format_message())
        return error.exit_code
    except click.Abort:
        raise exits.Interrupted from None


def _without_keys(line: str) -> str:
    """The line, which may quote an argument; where that looks like an API key, what to do instead."""
    if not re.search(r"(?<![\w./])fw_[A-Za-z0-9]{16,}(?![\w./])", line):
        return line
    from fwbill_tui.cli.account import NO_KEY_ARGUMENT

    return NO_KEY_ARGUMENT


def _may_be_there(name: str) -> bool:
    try:
        return mode_of(Path(name)) is not None
    except OSError:
        return True


def _usage_line(error: click.UsageError, arguments: Sequence[str]) -> str:
    # Of a flag without its value, the parser does not say which command it was of.
    named = error.ctx.command_path if error.ctx else " ".join(("fwbill", *(word for word in arguments[:1] if word in COMMANDS)))
    path = named.strip()
    command = path.removeprefix("fwbill").strip()
    message = error.format_message().rstrip(".")
    return f"{command}: {message} (see `{path} --help`)" if command else f"{message} (see `fwbill --help`)"


def _mistaken_command(error: BaseException, arguments: Sequence[str]) -> str | None:
    """A better line where a command was misspelled, or came after a flag, and was taken for a file."""
    first = arguments[0] if arguments else ""
    if first.startswith("-") or first in COMMANDS or _may_be_there(first):
        misplaced = [word for word in arguments if word in COMMANDS and str(error).startswith(f"{word}: ")]
        if first.startswith("-") and misplaced and not _may_be_there(misplaced[0]):
            return f"no file is called {misplaced[0]!r}; to run the command, write it first: fwbill {misplaced[0]} …"
        return None
    import difflib

    near = difflib.get_close_matches(first, COMMANDS, n=1, cutoff=0.6)
    if near and "/" not in first and first in str(error):
        return f"no file and no command is called {first!r}; did you mean `fwbill {near[0]}`?"
    return None
