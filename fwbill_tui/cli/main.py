"""The command `fwbill`: finds the command, runs it, and turns every ending into one line and an exit code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from fwbill_tui import __version__
from fwbill_tui.cli import exits
from fwbill_tui.cli.archive import archive
from fwbill_tui.cli.doctor import doctor
from fwbill_tui.cli.explore import OpenExplorer, demo, explore
from fwbill_tui.cli.export import export
from fwbill_tui.cli.options import Command
from fwbill_tui.cli.output import say
from fwbill_tui.cli.signin import accounts, login, logout
from fwbill_tui.cli.summary import summary

_OWN_OPTIONS = ("--help", "-h", "--version")
_EXPLORE = ""
"""The explorer has no name: it is what `fwbill` does when no command is named."""

EPILOG = """\b
Examples:
  fwbill                                 the account that is signed in
  fwbill usage.csv --model '*kimi*'      exported files, filtered
  fwbill demo                            made-up usage; no account needed
  fwbill summary --range mtd             totals without a screen
  fwbill COMMAND --help                  everything about one command

A FILE that is called like a command: ./summary
"""


class Root(click.Group):
    """Runs a command by name, and the explorer when the first argument names none."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        named = bool(args) and args[0] in (*self.commands, *_OWN_OPTIONS)
        if not named and not (ctx.resilient_parsing and not args):
            args = [_EXPLORE, *args]
        return super().parse_args(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return explore if cmd_name == _EXPLORE else super().get_command(ctx, cmd_name)

    def format_usage(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_usage("fwbill", "[FILE]... [OPTIONS]")
        formatter.write_usage("fwbill", "COMMAND [FILE]... [OPTIONS]", prefix="       ")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        self.format_commands(ctx, formatter)
        assert isinstance(explore, Command)
        explore.format_options(click.Context(explore, parent=ctx), formatter)
        with formatter.section("Version"):
            formatter.write_dl([("--version", "Show the version and exit.")])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        option = incomplete.startswith("-")
        more = explore.shell_complete(ctx, incomplete) if option else [CompletionItem(incomplete, type="file")]
        return [*super().shell_complete(ctx, incomplete), *more]


@click.group(
    "fwbill",
    cls=Root,
    epilog=EPILOG,
    commands=[demo, summary, export, login, logout, accounts, archive, doctor],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="%(prog)s %(version)s")
def root() -> None:
    """Explore the billing and usage of Fireworks AI: FILEs that were exported, or the account itself.

    FILEs are exports (CSV, gzip, zstd, Parquet), globs, folders, or - for standard input.
    """


def run(arguments: Sequence[str], *, open_explorer: OpenExplorer) -> int:
    """Run `fwbill` with these arguments and return its exit code. Says what went wrong in one line on stderr."""
    try:
        done: Any = root.main(list(arguments), prog_name="fwbill", standalone_mode=False, obj=open_explorer)
        return int(done or exits.DONE)
    except click.UsageError as error:
        say(_usage_line(error))
        return exits.USAGE
    except click.ClickException as error:
        say(error.format_message())
        return error.exit_code
    except (exits.Interrupted, click.Abort, KeyboardInterrupt):
        say(exits.SIGNALS_SAID[exits.INTERRUPTED])
        return exits.INTERRUPTED
    except exits.Terminated:
        say(exits.SIGNALS_SAID[exits.TERMINATED])
        return exits.TERMINATED
    except exits.ReaderGone:
        return exits.BROKEN_PIPE
    except Exception as error:
        code = exits.code_of(error)
        if code is None:
            raise
        mistaken = _mistaken_command(error, arguments)
        say(mistaken or str(error))
        return exits.USAGE if mistaken else code


def _usage_line(error: click.UsageError) -> str:
    path = (error.ctx.command_path if error.ctx else "fwbill").strip()
    command = path.removeprefix("fwbill").strip()
    message = error.format_message().rstrip(".")
    return f"{command}: {message} (see `{path} --help`)" if command else f"{message} (see `fwbill --help`)"


def _mistaken_command(error: Exception, arguments: Sequence[str]) -> str | None:
    """A better line where a command was misspelled, or came after a flag, and was taken for a file."""
    first = arguments[0] if arguments else ""
    if first.startswith("-") or first in root.commands or Path(first).exists():
        misplaced = [word for word in arguments if word in root.commands]
        if first.startswith("-") and misplaced and not Path(misplaced[0]).exists():
            return f"no file is called {misplaced[0]!r}; to run the command, write it first: fwbill {misplaced[0]} …"
        return None
    import difflib

    near = difflib.get_close_matches(first, root.commands, n=1, cutoff=0.6)
    if near and "/" not in first and first in str(error):
        return f"no file and no command is called {first!r}; did you mean `fwbill {near[0]}`?"
    return None
