"""Building blocks of the commands: options in named sections of the help, and options that may stand only once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from fwbill_tui.cli.flags import HELP, Flag
from fwbill_tui.cli.output import print_text

F = TypeVar("F", bound=Callable[..., Any])


class Option(click.Option):
    """An option with a section of the help to stand in."""

    def __init__(self, *args: Any, section: str, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.section = section


class ToldHelp(click.Command):
    """A command whose help is an answer like any other: where it cannot be written, that is said."""

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        flag = super().get_help_option(ctx)
        if flag is not None:
            flag.callback = _show_help
        return flag


class Group(ToldHelp, click.Group):
    """Commands of one kind."""


class Command(ToldHelp):
    """A command whose help shows its options by section, and whose usage leads with what it works on."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and isinstance(parameter, click.Option):
                sections.setdefault(getattr(parameter, "section", HELP), []).append(record)
        for section, records in sections.items():
            with formatter.section(section):
                formatter.write_dl(records)


def option(*names: str, section: str, **attributes: Any) -> Callable[[F], F]:
    """An option that may stand once: given again it is refused, because one of the two would be ignored."""
    if not attributes.get("is_flag"):
        attributes.update(multiple=True, callback=_only_once)
    return click.option(*names, cls=Option, section=section, **attributes)


def option_of(flag: Flag, **attributes: Any) -> Callable[[F], F]:
    """The option that a flag of the help is: once, unless it repeats."""
    told: dict[str, Any] = {"section": flag.section, "help": flag.told, **attributes}
    if flag.repeats:
        return click.option(*flag.names, cls=Option, metavar=flag.takes, multiple=True, **told)
    if not flag.takes:
        return option(*flag.names, is_flag=True, **told)
    return option(*flag.names, metavar=flag.takes, **told)


def _show_help(ctx: click.Context, _parameter: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        print_text(ctx.get_help() + "\n")
        ctx.exit()


def _only_once(ctx: click.Context, parameter: click.Parameter, values: tuple[Any, ...]) -> Any:
    if len(values) > 1:
        raise click.BadParameter("given more than once; give it once", ctx, parameter)
    return values[0] if values else None
