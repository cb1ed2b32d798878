"""`fwbill summary`: totals and groups, for people and for programs."""

from __future__ import annotations

import click

from fwbill_tui.cli.exits import DONE, NETWORK
from fwbill_tui.cli.filters import FilterFlags, filter_flags
from fwbill_tui.cli.flags import COMMANDS
from fwbill_tui.cli.inputs import InputFlags, Usage, input_flags, load_usage, missing_lines, say_notes, short_lines
from fwbill_tui.cli.interrupts import interruptible
from fwbill_tui.cli.options import Command, option
from fwbill_tui.cli.output import print_text, say, width

FORMS = ("table", "json", "csv")
EPILOG = """\b
Examples:
  fwbill summary usage.csv --group-by model
  fwbill summary --range 'last month' --group-by user,day --output json
  fwbill summary *.csv --model '*kimi*' --where 'prompt_tokens>100000'
"""


@click.command("summary", cls=Command, epilog=EPILOG, short_help=COMMANDS["summary"][1])
@input_flags
@filter_flags()
@option("-o", "--output", type=click.Choice(FORMS), section="Output", help="The form of the answer.  [default: table]")
def summary(inputs: InputFlags, filters: FilterFlags, output: str | None) -> int:
    """Say what was used: the totals of FILEs, or of the account, and the groups of --group-by.

    FILEs are exports (CSV, gzip, zstd, Parquet), globs, folders, or - for standard input. Without any, the account that
    is signed in is read: the last 24 hours (yesterday and today with --source rest), unless a range is given.
    """
    if filters.sort is not None and not filters.group_by:
        raise click.UsageError("--sort applies to groups here: add --group-by")
    query = filters.query(default_sort=(), of_account=not inputs.files)
    usage = interruptible(lambda stop: load_usage(inputs, query, stop, sums=True))
    for line in (*missing_lines(usage), *short_lines(usage)):
        say(f"partial: {line}")
    say_notes(usage, answered=output == "json")
    print_text(_rendered(usage, output or "table"))
    return DONE if usage.complete or inputs.skip_unreadable else NETWORK


def _rendered(usage: Usage, output: str) -> str:
    from fwbill_tui.cli import report

    if output == "json":
        return report.as_json(usage)
    return report.as_csv(usage) if output == "csv" else report.as_table(usage, width())
