"""`fwbill export`: usage events as a file; takes the place of `firectl billing export-metrics`."""

from __future__ import annotations

import sys
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from fwbill_tui.cli.exits import DONE, NETWORK, CommandError
from fwbill_tui.cli.filters import FilterFlags, filter_flags
from fwbill_tui.cli.flags import COMMANDS
from fwbill_tui.cli.inputs import InputFlags, Usage, input_flags, load_usage, missing_lines, refuse_clashes, say_notes
from fwbill_tui.cli.interrupts import interruptible
from fwbill_tui.cli.options import Command, option
from fwbill_tui.cli.output import data_stream, say
from fwbill_tui.export.endings import ENDINGS, FOREIGN_ENDINGS, listed_endings
from fwbill_tui.usage.literal import literal
from fwbill_tui.user_paths import descriptor_of, expanded, mode_of

if TYPE_CHECKING:
    from fwbill_tui.export.endings import Format
    from fwbill_tui.usage.query import Query

OUTPUT = "Output"
_STDOUT = 1
DEFAULT_FILENAME, DEFAULT_ROLLUP = "billing_metrics.csv", "usage_rollup.parquet"
_FILENAME = f"Where to; - is standard output.  [default: {DEFAULT_FILENAME}; a rollup: {DEFAULT_ROLLUP}]"
_FORMAT = "By default what the name ends in, or csv. rollup: sums per hour for --rollup, as CSV or Parquet as the name ends."
EPILOG = """\b
Examples:
  fwbill export --start-time 2026-10-01 --end-time 2026-11-01
  fwbill export --range 'last quarter' --format parquet --filename quarter.parquet
  fwbill export october.csv november.csv --user ana@acme.dev --filename - | wc -l
"""


@click.command("export", cls=Command, epilog=EPILOG, short_help=COMMANDS["export"][1])
@input_flags
@filter_flags(columns=True)
@option("--filename", metavar="FILE", section=OUTPUT, help=_FILENAME)
@option("--format", "kind", type=click.Choice([*ENDINGS, "rollup"]), section=OUTPUT, help=_FORMAT)
@option("--no-clobber", is_flag=True, section=OUTPUT, help="Refuse to replace an existing file.")
@option("--neutralise-formulas", is_flag=True, section=OUTPUT, help="Put ' before cells that a spreadsheet would run (CSV).")
def export(
    inputs: InputFlags,
    filters: FilterFlags,
    filename: str | None,
    kind: Literal[Format, "rollup"] | None,
    no_clobber: bool,
    neutralise_formulas: bool,
) -> int:
    """Write usage events to a file, as `firectl billing export-metrics` does, with any range and any filter.

    FILEs are exports (CSV, gzip, zstd, Parquet), globs, folders, or - for standard input. Without any, the account that
    is signed in is read: the last 24 hours (yesterday and today with --source rest), unless a range is given. The file appears
    whole or not at all; an existing one is replaced. Rows keep the order of their files, and an account's come oldest first,
    unless --sort says otherwise.
    """
    if filename == "":
        raise click.UsageError("--filename is empty: name a file, or - for standard output")
    summed = kind == "rollup"
    target = (DEFAULT_ROLLUP if summed else DEFAULT_FILENAME) if filename is None else filename
    if descriptor_of(target) == _STDOUT:
        target = "-"
    chosen: Format = _rollup_format(target, filters) if kind == "rollup" else kind or _format_of(target)
    if target == "-" and no_clobber:
        raise click.UsageError("--no-clobber cannot apply to standard output")
    if neutralise_formulas and chosen != "csv":
        raise click.UsageError(f"--neutralise-formulas applies to CSV: spreadsheets run no formulas from {chosen}")
    if no_clobber:  # before minutes of loading; made sure of again when the file is there
        _refuse_existing(target)

    def work(stop: threading.Event) -> None:
        refuse_clashes(inputs, None if target == "-" else Path(target))
        usage = load_usage(inputs, _query(inputs, filters), stop)
        _refuse_partial(usage, inputs)
        _refuse_days(usage)
        say_notes(usage)
        if summed and (left_out := usage.ledger.free_text):
            say(f"left out of the rollup, as they hold free text: {', '.join(map(literal, left_out))}")
        _write(usage, target, chosen, stop, summed=summed, overwrite=not no_clobber, neutralise=neutralise_formulas)
        if filename is None and sys.stderr.isatty():  # cron would send it by mail
            say(f"written to {target}")

    interruptible(work)
    return DONE


def _refuse_existing(target: str) -> None:
    from fwbill_tui.export.errors import TargetExistsError, cannot_write

    try:
        there = mode_of(expanded(target)) is not None
    except OSError as error:
        raise cannot_write(target, error) from error
    if there:
        raise TargetExistsError(f"{target} is there already; it was left as it is")


def _refuse_days(usage: Usage) -> None:
    """A file of usage events must not hold sums of days because the better ways failed; unless they were asked for."""
    if usage.days_for_events:
        why = "; ".join(usage.loaded.provenance.notes)
        raise CommandError(f"only sums per day could be had, not usage events; --source rest writes those: {why}", NETWORK)


def _format_of(target: str) -> Format:
    ending = Path(target).suffix.lower()
    if ending in FOREIGN_ENDINGS:
        said = f"--filename: no {ending} is written: use a name that ends in {listed_endings()}, or say --format"
        raise click.UsageError(said)
    return next((kind for kind, endings in ENDINGS.items() if ending in endings), "csv")


def _rollup_format(target: str, filters: FilterFlags) -> Format:
    for flag, value in (("--group-by", filters.group_by), ("--sort", filters.sort), ("--columns", filters.columns)):
        if value is not None:
            raise click.UsageError(f"{flag} cannot apply to a rollup: its rows and columns are always the same")
    ending = Path(target).suffix.lower()
    if ending in (*ENDINGS["ndjson"], *FOREIGN_ENDINGS):
        raise click.UsageError("a rollup is written as Parquet or CSV: choose a name that ends in .parquet or .csv")
    return "csv" if ending in ENDINGS["csv"] else "parquet"


def _query(inputs: InputFlags, filters: FilterFlags) -> Query:
    from fwbill_tui.usage.query import SortKey

    natural = inputs.files or filters.group_by
    return filters.query(default_sort=() if natural else (SortKey("start_time"),), of_account=not inputs.files)


def _refuse_partial(usage: Usage, inputs: InputFlags) -> None:
    """A file that is silently short is worse than none. Files are left out only when the user said so."""
    lines = missing_lines(usage)
    if inputs.files:
        for line in lines:
            say(f"left out: {line}")
    elif lines:
        raise CommandError(f"nothing was written, because {'; '.join((*lines, *usage.loaded.provenance.notes))}", NETWORK)


def _write(
    usage: Usage, target: str, kind: Format, stop: threading.Event, *, summed: bool, overwrite: bool, neutralise: bool
) -> None:
    from fwbill_tui.export.writing import write_events, write_groups, write_rollup

    events = partial(write_events, columns=usage.query.columns)
    write = write_rollup if summed else write_groups if usage.query.group_by else events
    if target == "-":
        with data_stream(binary=kind == "parquet") as stream:
            write(usage.ledger, usage.query, stream, format=kind, neutralise_formulas=neutralise, cancelled=stop)
        return
    path = Path(target)
    write(usage.ledger, usage.query, path, format=kind, overwrite=overwrite, neutralise_formulas=neutralise, cancelled=stop)
