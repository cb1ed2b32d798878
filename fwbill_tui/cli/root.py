"""The command `fwbill` for the parser: its commands, each imported when it is run, and the explorer where none is named."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

import click

from fwbill_tui import __version__
from fwbill_tui.cli import quick
from fwbill_tui.cli.flags import COMMANDS
from fwbill_tui.cli.options import Group

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_OWN_OPTIONS = ("--help", "-h", "--version")
_EXPLORE = ""
"""The explorer has no name: it is what `fwbill` does when no command is named."""


class Root(Group):
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
