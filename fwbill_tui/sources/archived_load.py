"""One load through the archive: what is given out of which day, what is fetched and kept, and why the rest is missing."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from itertools import groupby
from typing import TYPE_CHECKING, cast

import polars as pl

from fwbill_tui.archive.account import AccountArchive, days_of
from fwbill_tui.archive.errors import ArchiveError
from fwbill_tui.archive.manifest import Day, Fetch, Manifest
from fwbill_tui.archive.reading import Damage, Kept
from fwbill_tui.fireworks.errors import Cancelled, FireworksError, NoEvents
from fwbill_tui.sources.days import Gathering, common, days_touched, local_days, may_start_in, minus, runs, whole, within, without
from fwbill_tui.sources.source import Grain, Progress, Provenance, Source, WindowEnd, WindowProgress
from fwbill_tui.usage.names import ExportFormatError
from fwbill_tui.usage.query import TimeRange
from fwbill_tui.usage.ranges import describe_span
from fwbill_tui.usage.schema import Batch, EventTypes, Reject

if TYPE_CHECKING:
    from fwbill_tui.sources.rest import RestSource

_MOST_REJECTS = 200
"""With more rows that cannot be read, something is wrong with the reading: such days are not kept, but fetched again."""


@dataclass(slots=True)
class _Fetching:
    """A fetch of consecutive days under way: when it began, its batches since the last window's end, and what came before."""

    began: datetime
    gathering: Gathering
    batches: list[Batch] = field(default_factory=list)
    by_window: bool = False


@dataclass(slots=True)
class Load:
    """One load of `wanted`, a range with both edges, at `now`. `inner` fetches; None when nothing is to be fetched.

    `open_ended`: the end is `now` because none was asked for.
    Where `inner` raises NoEvents, `by_day` tells sums of whole local days; kept events on those days are then left out.
    """

    archive: AccountArchive
    inner: Source | None
    wanted: TimeRange
    now: datetime
    clock: Callable[[], datetime]
    types: EventTypes
    progress: Callable[[Progress], None]
    cancelled: threading.Event
    by_day: RestSource | None = None
    open_ended: bool = False
    instead: Provenance | None = None
    """What there is to say when the archive was not used at all."""
    _kept: frozenset[date] = frozenset()
    _given: dict[date, Fetch] = field(default_factory=dict)
    _rejects_given: set[str] = field(default_factory=set)
    """Keys of the fetches whose rejects were given: kept days of one fetch may come at several times."""
    _fetched: set[date] = field(default_factory=set)
    _summed: dict[TimeRange, int] = field(default_factory=dict)
    """The windows told by day, and how many rows each has. Without any, it is no proof against kept events."""
    _failures: dict[date, str] = field(default_factory=dict)
    _damages: dict[date, str] = field(default_factory=dict)
    _notes: dict[str, None] = field(default_factory=dict)
    _windows: tuple[WindowProgress, ...] = ()
    _problem: Exception | None = None

    def note(self, text: str) -> None:
        """Something to know of the load; the same thing only once."""
        self._notes[text] = None

    def lacking(self, day: date, fetch: Fetch) -> TimeRange | None:
        """What a kept day cannot have of the wanted range: what came after it was fetched, before the range or the day ended.

        Of a range that goes on beyond now, the age of what is kept says enough.
        """
        part = common(whole([day]), self.wanted)
        if part is None or part.start is None or part.end is None or not fetch.believed(self.now):
            return None
        if part.end > self.now or (self.open_ended and part.end == self.wanted.end) or fetch.fetched_at >= part.end:
            return None
        return TimeRange(max(part.start, fetch.fetched_at), part.end)

    def batches(self, manifest: Manifest, to_fetch: set[date]) -> Iterator[Batch]:
        """Kept days, then fetched ones, then those kept ones that had to wait, or could not be fetched again."""
        days = self._days()
        kept = {day: manifest.days[day] for day in days if day in manifest.days}
        self._kept = frozenset(kept)
        waiting = [kept[day] for day in sorted(self._beside(to_fetch) - to_fetch) if day in kept]
        ready = [day for day in kept.values() if day.date not in to_fetch and day not in waiting]
        yield from self._give(ready)
        if self.inner is not None:  # what turned out to be damaged is fetched, too
            to_fetch = to_fetch | {day.date for day in ready if day.date not in self._given}
        try:
            yield from self._fetch(sorted(to_fetch))
            yield from self._give(waiting)
            yield from self._fetch([day.date for day in waiting if day.date not in self._given])
        except Cancelled as error:
            self._explain(to_fetch, str(error))
            yield from self._give([day for day in kept.values() if day.date not in self._given], to_the_end=True)
            raise
        yield from self._give([day for day in kept.values() if day.date not in self._given | self._damages])
        if self._problem is not None and not self._given and not self._summed:
            raise self._problem

    def provenance(self, kind: str, label: str) -> Provenance:
        """What is known when the load has ended; `kind` and `label` are those of the source that fetches."""
        if self.instead is not None:
            return self.instead._replace(notes=(*self._notes, *self.instead.notes))
        if self._summed:
            assert self.by_day is not None
            kind, label = self.by_day.kind, self.by_day.label
        elif not self._fetched and self._given:
            kind = label = "archive"
        if kind != "archive" and len(self._fetched) < len(self._given):
            label = f"{label} and archive"
        fetches = self._given.values()
        growing = [fetch.fetched_at for day, fetch in self._given.items() if fetch.state_of(day, self.now) == "provisional"]
        growing += [self.now] if self._summed else []
        fetched_at = min(growing) if growing else max((fetch.fetched_at for fetch in fetches), default=self.now)
        grain: Grain = "day" if self._summed else "event"
        noted = (*self._about_days(), *self._about_sums())
        notes = (*self._notes, *(note for _, note in noted), *self._about_others())
        return Provenance(kind, label, self.archive.account, fetched_at, tuple(self._missing()), notes, grain, noted)

    # -- what is kept ------------------------------------------------------------------------------------------------
    def _give(self, days: Sequence[Day], *, to_the_end: bool = False) -> Iterator[Batch]:
        """The events of kept days. Those that turn out to be damaged are set aside and not given."""
        fetches = {day.fetch.key: day.fetch for day in days if day.fetch.key not in self._rejects_given}
        self._rejects_given.update(fetches)
        yield from self._rejected(reject for fetch in fetches.values() for reject in fetch.rejects)
        total, done = sum(day.size for day in days), 0
        damaged: list[Damage] = []
        try:
            with closing(self.archive.read(days, self.types)) as parts:
                for part in parts:
                    if self.cancelled.is_set() and not to_the_end:
                        raise Cancelled
                    damaged += part.damaged
                    done += part.size
                    self._given |= {day.date: day.fetch for day in part.days}
                    self.progress(Progress(self._windows, done, total))
                    yield Batch(self._trimmed(part), (), part.size)
        except ArchiveError as error:
            self.note(str(error))
        finally:
            self._set_aside(damaged)

    def _trimmed(self, part: Kept) -> pl.DataFrame:
        """The events of kept days that start in the wanted range, but not on local days that sums were told of, and not
        where a day is `lacking`: the first of those that are missing there may be kept.

        Only the first and last day of a stretch without a gap need a look at every event.
        """
        if not part.days:
            return part.events
        stretch = whole([part.days[0].date, part.days[-1].date])
        events = part.events if common(stretch, self.wanted) == stretch else within(part.events, self.wanted)
        lacking = [rest for day in part.days if (rest := self.lacking(day.date, day.fetch)) is not None]
        return without(events, [*lacking, *(window for window, rows in self._summed.items() if rows and common(window, stretch))])

    def _set_aside(self, damaged: Sequence[Damage]) -> None:
        if not damaged:
            return
        self._kept -= {damage.day.date for damage in damaged}
        for damage in damaged:
            self._damages[damage.day.date] = f"the archive is damaged, {damage}"
            self.note(f"the archive is damaged, {damage}" + "; it was set aside" * (not damage.unread))
        try:
            self.archive.set_aside([damage for damage in damaged if not damage.unread])
        except ArchiveError as error:
            self.note(str(error))

    # -- what is fetched ---------------------------------------------------------------------------------------------
    def _fetch(self, days: Sequence[date]) -> Iterator[Batch]:
        fetch = self._fetch_run
        for run in runs(days):
            try:
                try:
                    yield from fetch(run)
                except NoEvents as error:
                    if self.by_day is None:
                        raise
                    # Of what is not kept, the reason is that of the last way, should it fail as well.
                    self._failures = {day: reason for day, reason in self._failures.items() if day not in run}
                    self._explain(self._kept.intersection(days), error.message)
                    fetch = self._sum_up
                    yield from fetch(run)
            except Cancelled:
                raise
            except (FireworksError, ExportFormatError) as error:
                self._problem = self._problem or error
                self._explain(run, str(error))
                if isinstance(error, FireworksError) and (error.everywhere or error.transient):
                    self._explain(days, str(error))  # the other days would only fail in the same way
                    return

    def _fetch_run(self, run: list[date]) -> Iterator[Batch]:
        assert self.inner is not None
        asked = whole(run)
        fetching = _Fetching(self.clock().astimezone(UTC).replace(microsecond=0), Gathering(run))
        types = replace(self.types, unread=frozenset())  # what is kept has every label, whatever this load is about
        try:
            with closing(self._ask(self.inner, asked, types)) as batches:
                for batch in batches:
                    fetching.batches.append(batch)
                    if isinstance(batch, WindowEnd):
                        fetching.by_window = True
                        yield from self._window(fetching, batch.window, (), batch.kind)
        finally:
            told = self.inner.provenance()
            missing = [(TimeRange(part.start or asked.start, part.end or asked.end), reason) for part, reason in told.missing]
            for part, reason in missing:
                self._explain([day for day in run if common(whole([day]), part)], reason)
        if not fetching.by_window:
            yield from self._window(fetching, asked, [part for part, _ in missing], told.kind)

    def _sum_up(self, run: list[date]) -> Iterator[Batch]:
        """Sums of those days of a run that are not kept, and of the rest of the local days that they have a part in."""
        assert self.by_day is not None
        for part in runs(day for day in run if day not in self._kept):
            shown = common(whole(part), self.wanted)
            assert shown is not None
            asked = common(local_days(shown, self.by_day.time_zone), self.wanted)
            assert asked is not None
            for stretch in minus([asked], [*map(whole, runs(sorted(self._given))), *self._summed]):
                yield from self._sums_of(stretch)

    def _sums_of(self, asked: TimeRange) -> Iterator[Batch]:
        assert self.by_day is not None
        came: list[Batch] = []
        try:
            with closing(self._ask(self.by_day, asked, self.types)) as batches:
                for batch in batches:
                    came.append(batch)
                    if isinstance(batch, WindowEnd):  # before it, a load that is stopped would take them for missing
                        self._summed[batch.window] = sum(each.events.height for each in came)
                        yield from came
                        came = []
        finally:
            for part, reason in self.by_day.provenance().missing:
                self._explain([day for day in self._days() if common(whole([day]), part)], reason)

    def _ask(self, source: Source, asked: TimeRange, types: EventTypes) -> Generator[Batch, None, None]:
        """What a source has of a range. Its progress is added to what was fetched before, its notes to the load's."""
        earlier = self._windows

        def progress(now: Progress) -> None:
            self._windows = (*earlier, *now.windows)
            self.progress(now._replace(windows=self._windows))

        batches = source.batches(asked, types=types, progress=progress, cancelled=self.cancelled)
        try:
            with closing(cast("Generator[Batch, None, None]", batches)):
                yield from batches
        finally:
            self._notes |= dict.fromkeys(source.provenance().notes)

    def _window(self, fetching: _Fetching, window: TimeRange, missing: Sequence[TimeRange], kind: str) -> Iterator[Batch]:
        """Keep and give out the days that are whole with a window that has ended."""
        batches, fetching.batches = fetching.batches, []
        rejects = tuple(reject for batch in batches for reject in batch.rejects)
        days, outside = fetching.gathering.add([batch.events for batch in batches], window, missing)
        frames = fetching.gathering.take(days)
        fetch = Fetch(secrets.token_hex(6), kind, fetching.began, rejects, outside)
        self._keep(fetch, days, frames)
        self._given |= dict.fromkeys(days, fetch)
        self._fetched.update(days)
        yield from self._rejected(rejects)
        for frame in frames:
            yield Batch(within(frame, self.wanted))

    def _keep(self, fetch: Fetch, days: Sequence[date], frames: Sequence[pl.DataFrame]) -> None:
        if not days:
            return
        if len(fetch.rejects) > _MOST_REJECTS:
            self.note(f"{_said(days)}: {len(fetch.rejects):,} rows could not be read, too many to keep the others")
            return
        try:
            self.archive.store(fetch, days_of(frames, days))
        except ArchiveError as error:
            self.note(f"{error}; what was fetched is shown, but not kept")

    def _explain(self, days: Iterable[date], reason: str) -> None:
        for day in days:
            if day not in self._given:
                self._failures.setdefault(day, reason)

    # -- what is known of it afterwards ------------------------------------------------------------------------------
    def _beside(self, missing: Iterable[date]) -> set[date]:
        """The days, also themselves, that share a local day with days that may be told by day."""
        if self.by_day is None:
            return set()
        stretches = (local_days(whole(run), self.by_day.time_zone) for run in runs(sorted(set(missing) - self._kept)))
        return {day for stretch in stretches for day in days_touched(stretch, self.now.date())}

    def _days(self) -> list[date]:
        return days_touched(self.wanted, self.now.date())

    def _missing(self) -> Iterator[tuple[TimeRange, str]]:
        unsaid = "not fetched" if self.inner is not None else "not in the archive, and nothing was to be fetched"
        unsaid = "cancelled" if self.cancelled.is_set() else unsaid
        missing = [day for day in self._days() if day not in self._given]
        for run in runs(missing):
            for reason, days in groupby(run, lambda day: self._failures.get(day) or self._damages.get(day) or unsaid):
                part = common(whole(list(days)), self.wanted)
                for rest in minus([part], self._summed) if part is not None else ():
                    yield rest, reason
        for day, fetch in sorted(self._given.items()):
            if (part := self.lacking(day, fetch)) is not None:
                reason = self._failures.get(day) or f"kept as of {fetch.fetched_at:%Y-%m-%d %H:%M} UTC, before it had ended"
                for rest in minus([part], self._summed):
                    yield rest, reason

    def _about_days(self) -> Iterator[tuple[TimeRange, str]]:
        """How old those kept days are that may still grow, and why they were not fetched again."""
        kept = {day: fetch for day, fetch in sorted(self._given.items()) if day not in self._fetched}
        growing = [day for day, fetch in kept.items() if fetch.state_of(day, self.now) == "provisional"]
        for run in runs(growing):
            for (at, reason), days in groupby(run, lambda day: (kept[day].fetched_at, self._failures.get(day, ""))):
                again = f"could not be fetched again ({reason}); " if reason else ""
                part = whole(list(days))
                yield part, f"{describe_span(part, 'UTC')}: {again}kept as of {at:%Y-%m-%d %H:%M} UTC, may still grow"

    def _about_others(self) -> Iterator[str]:
        """What else days came with."""
        outside = sum({fetch.key: fetch.outside for fetch in self._given.values()}.values())
        if outside:
            yield f"{outside:,} events came with days on which they do not start, and were left to their own days"

    def _about_sums(self) -> Iterator[tuple[TimeRange, str]]:
        """Which days are sums, where others are not."""
        if self.by_day is None or not self._given:
            return
        for window in self._summed:
            yield window, f"{describe_span(window, self.by_day.time_zone)}: sums per day, not single events"

    def _rejected(self, rejects: Iterable[Reject]) -> Iterator[Batch]:
        """Those rows of whole days that could not be read and may be of the wanted range, in a batch without events."""
        if wanted := tuple(reject for reject in rejects if may_start_in(reject, self.wanted)):
            yield Batch(self.types.frame_schema().to_frame(), wanted)


def _said(days: Sequence[date]) -> str:
    """Consecutive days in a person's words."""
    return describe_span(whole(days), "UTC")
