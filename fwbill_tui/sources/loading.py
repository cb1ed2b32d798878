"""From a source to a Ledger: batches come in, snapshots go out, and at the end it is known what is missing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, NamedTuple

from fwbill_tui.fireworks.errors import Cancelled, FireworksError
from fwbill_tui.sources.files import FileSource, RollupSource
from fwbill_tui.sources.source import Progress, Provenance, Source
from fwbill_tui.usage.building import LedgerBuilder
from fwbill_tui.usage.csv_reader import TooManyLabels
from fwbill_tui.usage.ledger import Ledger
from fwbill_tui.usage.query import TimeRange
from fwbill_tui.usage.rollup_ledger import RollupBuilder
from fwbill_tui.usage.schema import Batch, EventTypes

if TYPE_CHECKING:
    from fwbill_tui.files.spool import Spool

_GROWTH = 8
"""A snapshot is made when the load has grown this many times since the last one; together they cost a fraction of the load."""
_PATIENCE = 2.0
"""Seconds after which one is made anyway, so that the screen keeps moving; per million events there are already, since
each snapshot is sorted and shown whole."""


class Loaded(NamedTuple):
    """A finished load: every event that was read, and what is known about where they come from and what is missing."""

    ledger: Ledger
    provenance: Provenance
    builder: LedgerBuilder
    """Takes what is fetched again later: `load(..., onto=loaded)`."""
    cancelled: bool = False


class NoRoomForLabels(FireworksError):  # noqa: N818 - named after what happened, as its whole family is
    """Events fetched again have more labels than those that are there leave room for; a load of all of them has it."""


def load(
    source: Source,
    ranges: Sequence[TimeRange],
    *,
    progress: Callable[[Progress], None] = lambda _: None,
    snapshot: Callable[[Ledger], None] | None = None,
    cancelled: threading.Event | None = None,
    onto: Loaded | None = None,
    rows: bool = True,
    unread: frozenset[str] = frozenset(),
) -> Loaded:
    """Read `ranges` of a source whole. Runs in the caller's thread; `snapshot` gets ledgers of what has come so far.

    The ledger is a LazyLedger where files would not fit into memory. With `rows=False` no events are kept at all; it then
    answers what the rollup can, and raises EventsNotKeptError for the rest; `unread` label columns are then not in the rollup
    either. A cancelled load keeps what has come and names the rest as missing.

    `onto` is an earlier load of which `ranges` are missing: what comes of them is added to it, and what is known is of both. A
    range that cannot be had then is missing as before, with the new reason.

    A column with more labels than the narrow types hold makes it start over with wide ones; what cannot be read twice begins with
    them. Raises what the source raises, and NoRoomForLabels where it cannot start over because of `onto`. When anything is
    raised, `onto` may have a part of the new events, and is spent.
    """
    stop = cancelled or threading.Event()
    once = isinstance(source, FileSource) and not source.repeatable
    types = EventTypes(wide=once, unread=unread, summed=not rows and isinstance(source, FileSource))
    builder = onto.builder if onto is not None else _new_builder(source, types, rows=rows)
    try:
        return _load(source, ranges, builder, progress, snapshot, stop, onto)
    except TooManyLabels as error:
        if onto is not None:
            raise NoRoomForLabels(f"{error}, with what is fetched again", "load the whole range again") from error
        # It leads to all that was read so far, whose memory is wanted for what is read anew.
        error.__traceback__ = error.__cause__ = error.__context__ = None
    builder = _new_builder(source, EventTypes(wide=True, summed=types.summed, unread=unread), rows=rows)
    return _load(source, ranges, builder, progress, snapshot, stop)


def _new_builder(source: Source, types: EventTypes, *, rows: bool) -> LedgerBuilder:
    if isinstance(source, RollupSource):
        return RollupBuilder(types)
    if rows and not (isinstance(source, FileSource) and source.lazy):
        return LedgerBuilder(types)
    from fwbill_tui.files.spool import Spool
    from fwbill_tui.files.stored import StoredRows
    from fwbill_tui.sources.streaming import StreamingBuilder

    return StreamingBuilder(types, StoredRows(Spool()) if rows else None)


def _load(
    source: Source,
    ranges: Sequence[TimeRange],
    builder: LedgerBuilder,
    progress: Callable[[Progress], None],
    snapshot: Callable[[Ledger], None] | None,
    cancelled: threading.Event,
    onto: Loaded | None = None,
) -> Loaded:
    shown, shown_at = 0, time.monotonic()
    ledger: Ledger | None = None
    known = onto.provenance.before(ranges) if onto is not None else None
    for wanted in ranges:
        try:
            for batch in _ahead(source.batches(wanted, types=builder.types, progress=progress, cancelled=cancelled)):
                builder.add(batch)
                ledger = None
                grown = builder.events >= _GROWTH * max(shown, 1)
                patience = _PATIENCE * (1 + 2 * builder.events / 1_000_000)
                if snapshot is not None and builder.events and (grown or time.monotonic() - shown_at > patience):
                    ledger = builder.build()
                    snapshot(ledger)
                    shown, shown_at = builder.events, time.monotonic()
        except Cancelled:
            cancelled.set()
        except FireworksError:
            if onto is None:
                raise
        known = known.and_also(source.provenance()) if known is not None else source.provenance()
    if ledger is None:  # else the last snapshot has all of it
        ledger = builder.build()
    provenance = known or source.provenance()
    if isinstance(source, FileSource) and (spool := _spool_of(builder)) is not None:
        label, note = f"{provenance.label}, streamed from disk", _on_disk(source, spool)
        provenance = provenance._replace(label=label, notes=(*provenance.notes, note))
    return Loaded(ledger, provenance, builder, cancelled.is_set())


def _ahead(batches: Iterator[Batch]) -> Iterator[Batch]:
    """The batches, each of them while the next one is being read."""
    with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as thread:
        coming = thread.submit(next, batches, None)
        try:
            while (batch := coming.result()) is not None:
                coming = thread.submit(next, batches, None)
                yield batch
        finally:
            wait([coming])


def _spool_of(builder: LedgerBuilder) -> Spool | None:
    """Where the events are that a builder leaves on disk."""
    if type(builder) is LedgerBuilder:  # the first screen need not wait for the other kind to be imported
        return None
    from fwbill_tui.sources.streaming import StreamingBuilder

    return builder.rows.spool if isinstance(builder, StreamingBuilder) and builder.rows is not None else None


def _on_disk(source: FileSource, spool: Spool) -> str:
    note = f"the events stay on disk ({source.lazy})"
    if spool.folder is None:
        return note
    size = f"{spool.size / 1e9:,.1f} GB" if spool.size >= 1e9 else f"{spool.size / 1e6:,.1f} MB"
    return f"{note}, {size} of them in {spool.folder} until fwbill ends"
