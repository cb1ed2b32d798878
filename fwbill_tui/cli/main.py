"""The command `fwbill`: finds the command, runs it, and turns every ending into one line and an exit code."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fwbill_tui import __version__
from fwbill_tui.cli import exits, quick
from fwbill_tui.cli.flags import COMMANDS
from fwbill_tui.cli.output import say

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from fwbill_tui.cli.explore import OpenExplorer

_OWN_OPTIONS = ("--help", "-h", "--version")
_EXPLORE = ""
"""The explorer has no name: it is what `fwbill` does when no command is named."""


class Root(click.Group):
    """Runs a command by name, and the explorer when the first argument names none. Imports the one that is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        named = bool(args) and args[0] in (*COMMANDS, *_OWN_OPTIONS)
        if not named and not (ctx.resilient_parsing and not args):
            args = [_EXPLORE, *args]
        return super().parse_args(ctx, args)

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name == _EXPLORE:
            from fwbill_tui.cli.explore import explore

            return explore
        if cmd_name in COMMANDS and cmd_name not in self.commands:
            module = importlib.import_module(f"fwbill_tui.cli.{COMMANDS[cmd_name][0]}")
            self.add_command(getattr(module, cmd_name))
        return super().get_command(ctx, cmd_name)

    def format_help(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write(quick.help_text(formatter.width))

    def shell_complete(self, _ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        return [CompletionItem(word, kind, told or None) for kind, word, told in quick.completions(incomplete)]


@click.group(
    "fwbill",
    cls=Root,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": quick.WIDEST},
)
@click.version_option(__version__, message="%(prog)s %(version)s")
def root() -> None:
    """`fwbill`; its help is `quick.help_text`."""


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
    if first.startswith("-") or first in COMMANDS or Path(first).exists():
        misplaced = [word for word in arguments if word in COMMANDS]
        if first.startswith("-") and misplaced and not Path(misplaced[0]).exists():
            return f"no file is called {misplaced[0]!r}; to run the command, write it first: fwbill {misplaced[0]} …"
        return None
    import difflib

    near = difflib.get_close_matches(first, COMMANDS, n=1, cutoff=0.6)
    if near and "/" not in first and first in str(error):
        return f"no file and no command is called {first!r}; did you mean `fwbill {near[0]}`?"
    return None
