"""A source in front of another: what the archive has needs no network, and what is fetched is kept."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from copy import copy
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from fwbill_tui.archive.account import AccountArchive
from fwbill_tui.archive.errors import ArchiveError, DamagedManifestError
from fwbill_tui.archive.manifest import Day, DayState, Manifest
from fwbill_tui.fireworks.errors import NoEvents, StorageError
from fwbill_tui.fireworks.windows import closed
from fwbill_tui.sources.archived_load import Load
from fwbill_tui.sources.days import days_touched
from fwbill_tui.sources.source import Progress, Provenance, Source
from fwbill_tui.usage.query import QueryError, TimeRange
from fwbill_tui.usage.schema import Batch, EventTypes

if TYPE_CHECKING:
    from fwbill_tui.sources.rest import RestSource

Refresh = Literal["opening", "missing", "stale", "none"]
"""What is fetched. `missing`: days that are not kept, or were kept before they ended, and provisional ones that are not fresh.
`opening`: the same, but nothing when only the last are there, so that a known range opens at once. `stale`: days that are not
kept, and every provisional one. `none`: nothing."""

_FRESH_FOR = timedelta(minutes=15)


class ArchivedSource:
    """Gives out the days that are kept, fetches the others whole through `inner`, and keeps them as soon as they are whole.

    A fetch that is stopped at any moment goes on where it stopped. A day that cannot be fetched again is given out as it
    is kept, and a note says how old it is; one that is neither kept nor fetched is in `provenance().missing`, and so is what
    came after a day was fetched that had not ended by then. An archive
    that cannot be used is a note, too: usage then comes through `inner` alone. Where no events can be had, `by_day` tells
    sums per day of what is not kept. Those are cut in the query's time zone, and so are never kept but asked for each time.
    """

    needs_range = True

    def __init__(
        self,
        inner: Source | None,
        archive: AccountArchive,
        *,
        by_day: RestSource | None = None,
        refresh: Refresh = "missing",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`inner` fetches events of the archive's account; None goes with `refresh="none"` alone.

        `by_day` is asked when `inner` raises NoEvents.
        """
        if inner is None and refresh != "none":
            raise ValueError("there is nothing to fetch through")
        self._inner = inner
        self._archive = archive
        self._by_day = by_day
        self._refresh: Refresh = refresh
        self._clock = clock
        self._provenance = Provenance(self.kind, self.label, archive.account)

    @property
    def kind(self) -> str:
        """That of the source behind it; `archive` when there is none."""
        return "archive" if self._inner is None else self._inner.kind

    @property
    def label(self) -> str:
        """That of the source behind it."""
        return "archive" if self._inner is None else self._inner.label

    @property
    def account(self) -> str:
        """The account's id."""
        return self._archive.account

    def refreshing(self, refresh: Refresh) -> ArchivedSource:
        """The same source with another policy."""
        other = copy(self)
        other._refresh = refresh
        return other

    def in_zone(self, time_zone: str) -> ArchivedSource:
        """The same source with sums per day cut in another zone. Raises QueryError for an unknown one."""
        other = copy(self)
        other._by_day = self._by_day and self._by_day.in_zone(time_zone)
        return other

    def day_states(self, first: date, last: date) -> dict[date, DayState]:
        """Which days are kept, and whether for good; {} when the archive cannot be read (loading says why)."""
        try:
            return self._archive.day_states(first, last)
        except ArchiveError:
            return {}

    def kept(self, wanted: TimeRange) -> Literal["all", "some", "none"]:
        """How many of the days of a range up to now are kept; `none` also when the archive cannot be read, and of the future."""
        now = self._clock().astimezone(UTC)
        try:
            days = days_touched(closed(wanted, now), now.date())
            kept = self._archive.manifest().days.keys()
        except (ArchiveError, QueryError):  # an open end is now, before which nothing of the future starts
            return "none"
        if not kept & set(days):
            return "none"
        return "all" if kept >= set(days) else "some"

    def provenance(self) -> Provenance:
        """About the last `batches`. Its `fetched_at` is that of the oldest provisional day, or else of the newest day."""
        return self._provenance

    def batches(
        self,
        wanted: TimeRange,
        /,
        *,
        types: EventTypes,
        progress: Callable[[Progress], None],
        cancelled: threading.Event,
    ) -> Iterator[Batch]:
        """The events of `wanted`: days that are kept first, in their order, then those that are fetched. See `Source.batches`.

        An open end is now, an open start 24 hours before the end. Days that are still to come are not asked for.

        Raises what `inner` raises when nothing of the range is kept, and TooManyLabels.
        """
        now = self._clock().astimezone(UTC).replace(microsecond=0)
        inner = None if self._refresh == "none" else self._inner
        load = Load(
            self._archive, inner, closed(wanted, now), now, self._clock, types, progress, cancelled, self._by_day,
            open_ended=wanted.end is None,
        )  # fmt: skip
        try:
            manifest = self._opened(load)
            if manifest is None:
                yield from self._unarchived(wanted, load)
            else:
                yield from load.batches(manifest, self._to_fetch(manifest, load))
        finally:
            self._provenance = load.provenance(self.kind, self.label)

    def _opened(self, load: Load) -> Manifest | None:
        """What is kept; None when the archive cannot be used."""
        try:
            try:
                return self._archive.manifest()
            except DamagedManifestError as error:
                aside = self._archive.recover()
                load.note(f"{error}; " + (f"it was moved to {aside}, " if aside else "") + "the archive starts anew")
                return self._archive.manifest()
        except ArchiveError as error:
            if load.inner is None:
                raise StorageError("the archive cannot be used", str(error)) from error
            load.note(f"{error}; nothing is kept")
            return None

    def _to_fetch(self, manifest: Manifest, load: Load) -> set[date]:
        days = days_touched(load.wanted, load.now.date())
        if self._refresh == "none":
            return set()
        kept = [manifest.days[day] for day in days if day in manifest.days]
        missing = set(days).difference(day.date for day in kept if load.lacking(day.date, day.fetch) is None)
        provisional = [day for day in kept if day.state(load.now) == "provisional"]
        if self._refresh == "opening" and not missing:
            return set()
        if self._refresh != "stale":
            provisional = [day for day in provisional if not self._fresh(day, load.now)]
        return missing.union(day.date for day in provisional)

    def _fresh(self, day: Day, now: datetime) -> bool:
        return day.fetch.believed(now) and now - day.fetch.fetched_at < _FRESH_FOR

    def _unarchived(self, wanted: TimeRange, load: Load) -> Iterator[Batch]:
        assert load.inner is not None
        notes: tuple[str, ...] = ()
        source = load.inner
        try:
            try:
                yield from source.batches(wanted, types=load.types, progress=load.progress, cancelled=load.cancelled)
            except NoEvents:
                if self._by_day is None:
                    raise
                notes, source = source.provenance().notes, self._by_day
                yield from source.batches(wanted, types=load.types, progress=load.progress, cancelled=load.cancelled)
        finally:
            told = source.provenance()
            load.instead = told._replace(notes=(*notes, *told.notes))
