"""What the commands work on: exported files or an account, loaded whole, with everything that is missing said on stderr."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from fwbill_tui.cli.account import ACCOUNT_OPTIONS, AccountFlags, account_source
from fwbill_tui.cli.exits import NETWORK, REJECTED_ROWS, CommandError
from fwbill_tui.cli.flags import LAZY, LOG_FILE, NO_ARCHIVE, REJECTS, ROLLUP, SKIP_UNREADABLE, SOURCE, SOURCES, STRICT
from fwbill_tui.cli.options import F, option_of
from fwbill_tui.cli.output import say
from fwbill_tui.cli.waiting import WaitLine
from fwbill_tui.user_paths import mode_of, resolved

if TYPE_CHECKING:
    from fwbill_tui.sources.loading import Loaded
    from fwbill_tui.sources.opening import SourceChoice
    from fwbill_tui.sources.source import Source
    from fwbill_tui.usage.ledger import Ledger
    from fwbill_tui.usage.query import Query, TimeRange


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFlags:
    """The flags that say what to read, as they were typed."""

    files: tuple[str, ...]
    account_id: str | None
    profile: str | None
    api_key_command: str | None
    skip_unreadable: bool
    rejects: Path | None
    strict: bool
    rollup: bool
    lazy: bool
    source: str | None
    no_archive: bool

    def __post_init__(self) -> None:
        if not all(self.files):
            raise click.UsageError("a FILE has no name: an argument is empty")
        if self.source is not None and (self.source == "files") != bool(self.files):
            raise click.UsageError("--source files goes with FILEs, every other source with an account: leave out one of them")
        if self.no_archive and (self.files or self.source == "archive"):
            raise click.UsageError("--no-archive applies to an account that is read over the network")
        signing_in = {"--account-id": self.account_id, "--profile": self.profile, "--api-key-command": self.api_key_command}
        flag = next((flag for flag, value in signing_in.items() if value is not None), None)
        if self.files and flag:
            raise click.UsageError(f"{flag} cannot apply to files: leave out the one or the other")
        if self.skip_unreadable and not self.files:
            raise click.UsageError("--skip-unreadable applies to files: name some")
        if self.rollup and not self.files:
            raise click.UsageError("--rollup says what the FILEs are: name some")
        if self.rejects == Path("-"):
            raise click.UsageError("--rejects writes a file, not standard output: give it a name")
        if self.rollup and (self.rejects is not None or self.strict):
            flag = "--strict" if self.rejects is None else "--rejects"
            raise click.UsageError(f"{flag} cannot apply to rollups: one with a row that cannot be read is refused whole")
        if self.lazy and (self.rollup or not self.files):
            raise click.UsageError("--lazy applies to files of events: name some" + (", and leave --rollup out" * self.rollup))
        _ = self.account  # which refuses flags that contradict each other

    @property
    def source_choice(self) -> SourceChoice:
        """How the account is to be read."""
        return cast("SourceChoice", self.source or "auto")

    @property
    def by_day(self) -> bool:
        """Whether sums per day are asked for."""
        return self.source == "rest"

    @property
    def on_unreadable(self) -> Callable[[Exception], None] | None:
        """For those who only look for the FILEs: whoever reads them says what is left out."""
        return (lambda _: None) if self.skip_unreadable else None

    @property
    def account(self) -> AccountFlags:
        """Those that say how to sign in and to which account."""
        return AccountFlags(account_id=self.account_id, profile=self.profile, api_key_command=self.api_key_command)


@dataclass(frozen=True, slots=True)
class Usage:
    """What was loaded, and the query with the range that it really covers."""

    loaded: Loaded
    query: Query
    by_day: bool = False
    """Whether sums per day were asked for."""

    @property
    def days_for_events(self) -> bool:
        """Whether sums per day, which nobody asked for, stand in for events. They do not have all usage."""
        return self.loaded.provenance.grain == "day" and not self.by_day

    @property
    def complete(self) -> bool:
        """Whether everything asked for is there."""
        return self.loaded.provenance.complete and not self.days_for_events

    @property
    def ledger(self) -> Ledger:
        """The events."""
        return self.loaded.ledger


def input_flags(function: F) -> F:
    """Give a command FILE arguments and the flags that go with them; it gets them as one `InputFlags` named `inputs`."""
    names = [field.name for field in fields(InputFlags)]

    @wraps(function)
    def command(*args: Any, **values: Any) -> Any:
        return function(*args, inputs=InputFlags(**{name: values.pop(name) for name in names}), **values)

    decorators: list[Callable[[Any], Any]] = [
        click.argument("files", nargs=-1, metavar="[FILE]..."),
        *ACCOUNT_OPTIONS,
        option_of(SKIP_UNREADABLE),
        option_of(REJECTS, type=click.Path(path_type=Path)),
        option_of(STRICT),
        option_of(SOURCE, type=click.Choice(SOURCES)),
        *map(option_of, (NO_ARCHIVE, ROLLUP, LAZY)),
    ]
    for add in reversed(decorators):
        command = add(command)
    return command  # type: ignore[return-value]


def load_usage(inputs: InputFlags, query: Query, stop: threading.Event, *, sums: bool = False) -> Usage:
    """Load what the flags name, whole, and say on stderr what is missing of it. `sums`: what totals and groups need.

    Raises CommandError for rejected rows under `--strict` and for a query that the data cannot answer.
    """
    refuse_clashes(inputs)
    from fwbill_tui.sources.loading import load
    from fwbill_tui.sources.summing import load_sums

    source: Source
    if inputs.files:
        from fwbill_tui.sources.files import FileSource, RollupSource

        kind = RollupSource if inputs.rollup else FileSource
        source = kind(inputs.files, skip_unreadable=inputs.skip_unreadable, lazy=inputs.lazy, frugal=sums)
    else:
        query = replace(query, range=_with_edges(query, by_day=inputs.by_day))
        source = account_source(
            inputs.account,
            choice=inputs.source_choice,
            keep=not inputs.no_archive,
            time_zone=query.time_zone,
            cancelled=stop,
        )
    with WaitLine() as waits:
        if sums:
            loaded = load_sums(source, query, progress=waits, cancelled=stop)
        else:
            loaded = load(source, [query.range], progress=waits, cancelled=stop)
    if stop.is_set():
        raise KeyboardInterrupt
    _report_rejects(loaded.ledger, inputs)
    check_query(loaded, query, by_day=inputs.by_day)
    return Usage(loaded, query, inputs.by_day)


def refuse_clashes(inputs: InputFlags, target: Path | None = None) -> None:
    """Refuse to write, to --filename (`target`) or --rejects, over a file that is read, or both to one file, or to the log.

    Raises UsageError, UnreadableFile for a FILE that is not there, and ExportError for a name that cannot be written to.
    """
    from fwbill_tui.cli.log_file import log_in_use

    asked = (("--filename", target), ("--rejects", inputs.rejects), (LOG_FILE.names[0], log_in_use()))
    outputs = [(flag, _target(path)) for flag, path in asked if path is not None]
    named: dict[Path, str] = {}
    for flag, place in outputs:
        if place is not None and named.setdefault(place, flag) != flag:
            raise click.UsageError(f"{flag} and {named[place]} are the same file, {place}: name two")
    if not named or not inputs.files:
        return
    from fwbill_tui.files.inputs import expand

    found = expand(inputs.files, on_unreadable=inputs.on_unreadable)
    read = {os.path.realpath(file.path): file.name for file in found if file.path is not None}
    for flag, place in outputs:
        if place is not None and str(place) in read:
            raise click.UsageError(f"{flag} would replace {read[str(place)]}, which is one of the FILEs: choose another name")


def _target(path: Path) -> Path | None:
    """Where a file really is; None for what nothing is lost of when it is written to twice: a device, a pipe."""
    try:
        place = resolved(path)
        mode = mode_of(place)
    except OSError as error:
        from fwbill_tui.export.errors import cannot_write

        raise cannot_write(path, error) from error
    return place if mode is None or stat.S_ISREG(mode) else None


def missing_lines(usage: Usage) -> list[str]:
    """What is missing of what was asked for, one line each; the line names the range where there is one."""
    from fwbill_tui.usage.query import EVERYTHING
    from fwbill_tui.usage.ranges import describe

    zone = usage.query.time_zone
    return [
        reason if missing == EVERYTHING else f"{describe(missing, zone)} is missing: {reason}"
        for missing, reason in usage.loaded.provenance.missing
    ]


def short_lines(usage: Usage) -> list[str]:
    """Why totals are short, or may be, although nothing is missing of what was asked for, one line each."""
    if not usage.days_for_events:
        return []
    from fwbill_tui.usage.day_sums import unsearched

    stand_in = "sums per day stand in for usage events, without embeddings and images; --source rest takes them as they are"
    return list(filter(None, (stand_in, unsearched(usage.ledger, usage.query))))


def say_notes(usage: Usage, *, answered: bool = False) -> None:
    """Say on stderr why files may not be whole; which way an account was read, where it was not the best one, and what else
    there is to know, unless the answer has that (`answered`)."""
    provenance = usage.loaded.provenance
    for doubt in provenance.doubts:
        say(doubt)
    for note in provenance.notes if provenance.kind != "files" and not answered else ():
        say(f"{provenance.label}: {note}")


def check_query(loaded: Loaded, query: Query, *, by_day: bool) -> None:
    """Refuse what these events cannot answer, and say which chosen values match nothing. `by_day`: sums per day were asked for.

    Raises UsageError, and CommandError where events could answer that were not to be had.
    """
    import difflib

    from fwbill_tui.usage.day_sums import refuse_untold, unsearched
    from fwbill_tui.usage.groups import GROUP_MEASURES
    from fwbill_tui.usage.ledger import labels_of
    from fwbill_tui.usage.names import column_of, dimension_of
    from fwbill_tui.usage.query import NoSingleEventsError, QueryError

    ledger = loaded.ledger
    checks: list[Callable[[Query], None]] = [ledger.check, partial(refuse_untold, ledger)]
    try:
        for check in checks if by_day else checks[::-1]:  # a name that sums do not know may be one that events have
            check(query)
    except NoSingleEventsError as error:
        if by_day:
            raise click.UsageError(str(error)) from None
        why = "; ".join(loaded.provenance.notes)
        raise CommandError(f"only sums per day could be had, not usage events; {error}: {why}", NETWORK) from None
    except QueryError as error:
        raise click.UsageError(str(error)) from None
    if by_day and (where := unsearched(ledger, query)):
        say(f"--search: {where}")
    for name in _unknown_in_search(ledger, query):
        say(f"--search: there is no dimension {name!r}, so that word is looked for as it stands, with its colon")
    known: tuple[str, ...] = (*query.group_by, *GROUP_MEASURES) if query.group_by else tuple(ledger.events.columns)
    for key in query.sort:
        if (dimension_of(key.column) if query.group_by else key.column) not in known:
            raise click.UsageError(f"cannot sort by {key.column!r}: use one of {', '.join(known)}")
    for dimension, value in ledger.unmatched(query):
        labels = labels_of(ledger)[column_of(dimension)].values
        names = {label.rpartition("/")[2]: label for label in labels if label}
        near = difflib.get_close_matches(value.rpartition("/")[2], names, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        say(f"no {dimension} matches {value!r}{hint}")


def _unknown_in_search(ledger: Ledger, query: Query) -> list[str]:
    if not query.search:
        return []
    from fwbill_tui.usage.search import unknown_names

    return unknown_names(query.search, ledger.events.columns)


def _report_rejects(ledger: Ledger, inputs: InputFlags) -> None:
    if inputs.rejects is not None:
        from fwbill_tui.files.rejects import write_rejects

        try:
            write_rejects(inputs.rejects, ledger.rejects)
        except OSError as error:
            raise CommandError(f"cannot write the rejected rows to {inputs.rejects}: {error.strerror or error}") from error
    if not ledger.rejected:
        return
    rows = "1 row" if ledger.rejected == 1 else f"{ledger.rejected:,} rows"
    message = f"{rows} could not be read; the first: {ledger.rejects[0]}"
    kept = "all" if len(ledger.rejects) == ledger.rejected else f"the first {len(ledger.rejects):,}"
    where = f" ({kept} in {inputs.rejects})" if inputs.rejects is not None else f" (--rejects FILE writes {kept})"
    if inputs.strict:
        raise CommandError(message + where, REJECTED_ROWS)
    say(f"{message}; left out{where}")


def _with_edges(query: Query, *, by_day: bool) -> TimeRange:
    """The query's range with both edges: without any the last 24 hours, or `by_day` the whole days they are in."""
    from fwbill_tui.fireworks.windows import closed
    from fwbill_tui.sources.days import local_days
    from fwbill_tui.usage.query import EVERYTHING

    asked = closed(query.range, _now())
    return local_days(asked, query.time_zone) if by_day and query.range == EVERYTHING else asked


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def shown_range(usage: Usage) -> TimeRange:
    """The query's range, its open sides closed with the span of the events."""
    from fwbill_tui.usage.query import TimeRange

    asked, span = usage.query.range, usage.ledger.span()
    start, end = asked.start or span.start, asked.end or span.end
    if start is not None and end is not None and start >= end:
        return asked
    return TimeRange(start, end)
