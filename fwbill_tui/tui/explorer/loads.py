"""Loading, and what is said of it: the part of the explorer that turns a source into a ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on, work
from textual.message import Message
from textual.worker import get_current_worker

from fwbill_tui.files.rejects import write_rejects
from fwbill_tui.sources.files import FileSource
from fwbill_tui.sources.head_start import HeadStart
from fwbill_tui.sources.loading import Loaded
from fwbill_tui.sources.source import Provenance, Source
from fwbill_tui.tui import cells
from fwbill_tui.tui.explorer.answering import Answering
from fwbill_tui.tui.explorer.columns import is_searched
from fwbill_tui.tui.explorer.dialogs import ExplorerDialogs
from fwbill_tui.tui.explorer.loader import LedgerGrew, Loader, LoadFailed, LoadFinished, LoadProgress
from fwbill_tui.tui.explorer.standing import notes_of, notices_of, partial_of, standing_of
from fwbill_tui.tui.widgets.chart import UsageChart
from fwbill_tui.tui.widgets.fetch_panel import FetchPanel
from fwbill_tui.tui.widgets.status import NoticeLine, StatusLine
from fwbill_tui.tui.widgets.totals import TotalsPanel
from fwbill_tui.usage.ledger import Ledger
from fwbill_tui.usage.query import EVERYTHING, NEWEST_FIRST, Query, QueryError, TimeRange
from fwbill_tui.usage.ranges import whole_days
from fwbill_tui.usage.search import unknown_names

if TYPE_CHECKING:
    from fwbill_tui.archive.manifest import DayState
    from fwbill_tui.sources.archived import ArchivedSource

_SOON = 0.1
"""Seconds."""
_DAYS_KNOWN = 800
"""Days back for which the calendar says what is kept."""
_AT_ONCE = 200_000
"""Events up to which the first answers take less time than a frame without them."""


class ExplorerLoads(ExplorerDialogs):
    """Loads what the query's range asks for, and says what is under way, missing or wrong."""

    _answering: Answering

    class Ended(Message):
        """A load has ended; `rejected` rows of it could not be read."""

        def __init__(self, rejected: int) -> None:
            super().__init__()
            self.rejected = rejected

    class DaysRead(Message):
        """What the archive keeps of each UTC day."""

        def __init__(self, states: Mapping[date, DayState]) -> None:
            super().__init__()
            self.states = states

    def __init__(self, source: Source, *, account: str | None, rejects: Path | None) -> None:
        super().__init__()
        self._source = source
        self.account = account
        self.needs_range = source.needs_range
        self._rejects_path = rejects
        self._loader = Loader(self)
        self._begun: HeadStart | None = None
        self._ledger: Ledger | None = None
        self._ledger_of = 0
        """The number of the load that the ledger is of. A ledger that grows keeps its rows where they are; another does not."""
        self._loaded: Loaded | None = None
        """The last load that has ended, until another takes its place."""
        self._provenance: Provenance | None = None
        """What is known of it; None while a load is under way."""
        self._loaded_range: TimeRange | None = None
        self._loaded_zone = ""
        self._in_range: int | None = None
        """How many events the query's range has, when that is known."""
        self._problem = ""
        self._load_problem = ""
        self._checked = False
        """Whether it is known what the first query asks for that the events do not have."""

    def begin_with(self, begun: HeadStart) -> None:
        """Take over, as the first load, one of the same source that was begun before there was a screen."""
        self._begun = begun

    def answer(self, *, fewer: bool) -> None:
        """Answer the query from the ledger there is now; `fewer`: it has fewer events than the one before."""
        raise NotImplementedError

    def show_answer(self, message: Message) -> None:
        """Show an answer to the last question that was asked."""
        raise NotImplementedError

    def needs_load(self) -> bool:
        """Whether the query's range reaches beyond what was loaded, or sums per day of that are cut otherwise."""
        if not self._source.needs_range:
            return False
        have, want = self._loaded_range, self.query_now.range
        if have is None:
            return True
        summed, zone = self._has_day_sums, self.query_now.time_zone
        if zone != self._loaded_zone and (summed or self._provenance is None):
            return True
        if summed and want != have and whole_days(want, zone) is None:  # only the source knows what is missing of it
            return True
        starts = have.start is not None and (want.start is None or want.start < have.start)
        ends = have.end is not None and (want.end is None or want.end > have.end)
        return starts or ends

    @property
    def _has_day_sums(self) -> bool:
        return self._ledger is not None and self._ledger.day_sums > 0

    def load(self, source: Source | None = None) -> None:
        """Load the query's range, through `source` instead of the explorer's own if one is given."""
        self._loaded_range = self.query_now.range if self._source.needs_range else TimeRange()
        self._load_problem, self._provenance, self._loaded = "", None, None
        self.query_one(FetchPanel).found = ""
        begun, self._begun = self._begun, None
        if begun is not None:
            self._go_on(begun)
        else:
            self._loaded_zone = self.query_now.time_zone
            self._loader.start((source or self._source).in_zone(self._loaded_zone), [self._loaded_range])
        self.show_standing()

    def _go_on(self, begun: HeadStart) -> None:
        """Take over a load. What of it is here already is on show before anything is painted."""
        end = self._loader.go_on(begun)
        if isinstance(end, LoadFailed):
            self._on_load_failed(end)
        elif end is not None and end.loaded.ledger.event_count > _AT_ONCE:
            self._on_loaded(end)
        elif end is not None:
            with self._answering.at_once(self.show_answer):
                self._on_loaded(end)

    def answer_unless_loaded(self) -> None:
        """Answer from the events there are when those of another range are not there soon.

        What is kept on disk is there at once: then nothing flickers. What has to be fetched is not, and the numbers of one range
        must not stand under the heading of another.
        """
        before = self._ledger

        def answer() -> None:
            if self._ledger is before:
                self.answer(fewer=False)

        self.set_timer(_SOON, answer)

    def why_empty(self, query: Query) -> str:
        """What the table says when it has no rows."""
        if self._provenance is None:
            if not self._load_problem:
                return "Loading…"
            other = "d chooses another range" if self._source.needs_range else "ctrl+l opens other files"
            return f"Nothing could be loaded. r tries again, {other}."
        missing = bool(self.partial())
        if query.filtered:
            columns, further = (self._ledger.events.columns, self._ledger.further) if self._ledger is not None else ((), ())
            if numbers := [cells.label(name) for name in unknown_names(query.search, further) if not is_searched(name)]:
                return f"No events match: {numbers[0]} is no label; f filters by a cell."
            if unknown := [cells.label(name) for name in unknown_names(query.search, columns)]:
                return f"No events match: there is no column {unknown[0]}, so {unknown[0]}: is part of the word here."
            return f"No events match{' in what is here' * missing}. x in the table clears the filters."
        if missing:
            return "Nothing of this range is here, some of it is missing. r fetches it again."
        return "No usage events." if query.range == EVERYTHING else "No usage in this range. d chooses another."

    @on(LoadProgress)
    def _on_progress(self, message: LoadProgress) -> None:
        if message.load_number == self._loader.number and self._provenance is None:
            self.query_one(FetchPanel).progress = message.progress

    @on(LedgerGrew)
    def _on_growth(self, message: LedgerGrew) -> None:
        if message.load_number == self._loader.number:
            self._use(message.ledger)

    @on(LoadFinished)
    def _on_loaded(self, message: LoadFinished) -> None:
        if message.load_number == self._loader.number:
            self._loaded, self._provenance = message.loaded, message.loaded.provenance
            self.query_one(FetchPanel).progress = None
            self._use(message.loaded.ledger)
            if not self._checked:
                self._checked = True
                self._check(message.loaded.ledger)
            self.show_day_states()
            self.post_message(self.Ended(message.loaded.ledger.rejected))
            if self._rejects_path is not None:
                self._write_rejects(self._rejects_path, message.loaded.ledger)

    def _check(self, ledger: Ledger) -> None:
        """Say what was asked for that these events do not have; they are not sorted by that."""
        query = self.query_now
        try:
            ledger.check(query)
        except QueryError as error:
            self.notify(cells.label(str(error)), severity="warning", timeout=8, markup=False)
        known = tuple(key for key in query.sort if query.group_by or key.column in ledger.events.columns)
        if known != query.sort:
            self.ask(replace(query, sort=known or NEWEST_FIRST))

    @on(LoadFailed)
    def _on_load_failed(self, message: LoadFailed) -> None:
        if message.load_number == self._loader.number:
            self._load_problem = message.problem
            if self._loaded is not None:  # what was to be added to it is not there; what is, stays
                self._provenance, self._loaded = self._loaded.provenance, None
            self.query_one(FetchPanel).progress = None
            self.show_standing()
            self.answer(fewer=False)

    @work(thread=True)
    def _write_rejects(self, path: Path, ledger: Ledger) -> None:
        try:
            write_rejects(path, ledger.rejects)
        except OSError as error:
            self.notify(cells.label(str(error)), title="Rejected rows not written", severity="error", markup=False)

    def _use(self, ledger: Ledger) -> None:
        fewer = self._ledger is not None and ledger.event_count < self._ledger.event_count
        self._ledger, self._ledger_of = ledger, self._loader.number
        count = ledger.event_count
        self.query_one(FetchPanel).found = f"{count:,} {ledger.row_names[count != 1]}"
        self.show_standing()
        self.answer(fewer=fewer)

    @property
    def _archived(self) -> ArchivedSource | None:
        """The source, where what is fetched of it is kept on disk."""
        if not self._source.needs_range:  # files, whose first screen need not wait for the archive to be imported
            return None
        from fwbill_tui.sources.archived import ArchivedSource

        return self._source if isinstance(self._source, ArchivedSource) else None

    def show_day_states(self) -> None:
        """Mark under the chart, and in the calendar, which days are kept."""
        if self._archived is not None:
            today = datetime.now(UTC).date()
            shown = self.query_now.range
            first = min(filter(None, (shown.start and shown.start.date(), today - timedelta(days=_DAYS_KNOWN))))
            self._read_days(self._archived, first, today)

    @work(thread=True, exclusive=True, group="days")
    def _read_days(self, archived: ArchivedSource, first: date, last: date) -> None:
        """Three years of days take longer to read than a frame."""
        worker = get_current_worker()
        states = archived.day_states(first, last)
        if not worker.is_cancelled:
            self.post_message(self.DaysRead(states))

    @on(DaysRead)
    def _on_days_read(self, message: DaysRead) -> None:
        self.days_known = message.states
        shown = self.query_now.range
        if shown.start is not None and shown.end is not None:
            first, last = shown.start.date(), (shown.end - timedelta(microseconds=1)).date()
            in_range = {day: state for day, state in message.states.items() if first <= day <= last}
            self.query_one(UsageChart).day_states = in_range

    def partial(self) -> str:
        if self._problem and self._rows is None:
            return "this could not be worked out"
        failed = bool(self._load_problem) and self._provenance is None
        return partial_of(self._provenance, self.query_now.range, failed=failed)

    def is_open(self, path: Path) -> bool:
        return isinstance(self._source, FileSource) and self._source.reads(path)

    def show_standing(self) -> None:
        """Say what is on show, and what must not be overlooked."""
        self.query_one(StatusLine).standing = standing_of(
            self._source, self.account, self._provenance, self.query_now, self._ledger, self._in_range
        )
        self.query_one(NoticeLine).notes = notes_of(self._provenance, self.query_now.range)
        self.query_one(NoticeLine).notices = notices_of(
            self._problem, self._load_problem, self._provenance, self.query_now.range, self._ledger, self._rows,
            rejects=self._rejects_path,
        )  # fmt: skip
        self.query_one(TotalsPanel).partial = self.partial()

    def action_refresh_usage(self) -> None:
        """Fetch what is missing; when nothing is, what may have changed since."""
        if isinstance(self._source, FileSource) and not self._source.repeatable:
            self.notify("what came through a pipe cannot be read again", severity="warning", timeout=4)
            return
        stale = self._archived.refreshing("stale") if self._archived is not None else self._source
        missing = self._provenance.missing if self._provenance is not None else ()
        ranges = [range_ for range_, _ in missing if range_.start is not None]
        if ranges and self._loaded is not None and not self._has_day_sums:  # which must not be added up with more of the same
            self._load_problem, self._provenance = "", None
            self._loader.start(stale.in_zone(self.query_now.time_zone), ranges, self._loaded)
            self.show_standing()
        else:
            self.load(stale)
