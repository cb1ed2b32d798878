"""From a source to a Ledger: batches come in, snapshots go out, and at the end it is known what is missing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from fwbill_tui.fireworks.errors import Cancelled
from fwbill_tui.sources.files import RollupSource
from fwbill_tui.sources.source import Progress, Provenance, Source
from fwbill_tui.usage.building import LedgerBuilder
from fwbill_tui.usage.csv_reader import TooManyLabels
from fwbill_tui.usage.ledger import Ledger
from fwbill_tui.usage.query import TimeRange
from fwbill_tui.usage.rollup_ledger import RollupBuilder
from fwbill_tui.usage.schema import EventTypes

_GROWTH = 8
"""A snapshot is made when the load has grown this many times since the last one; together they cost a fraction of the load."""
_PATIENCE = 2.0
"""Seconds after which one is made anyway, so that the screen keeps moving; per million events there are already, since
each snapshot is sorted and shown whole."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A finished load: every event that was read, and what is known about where they come from and what is missing."""

    ledger: Ledger
    provenance: Provenance
    builder: LedgerBuilder
    """Takes what is fetched again later: `load(..., onto=builder)`."""
    cancelled: bool = False


def load(
    source: Source,
    ranges: Sequence[TimeRange],
    *,
    progress: Callable[[Progress], None] = lambda _: None,
    snapshot: Callable[[Ledger], None] | None = None,
    cancelled: threading.Event | None = None,
    onto: LedgerBuilder | None = None,
) -> Loaded:
    """Read `ranges` of a source whole. Runs in the caller's thread; `snapshot` gets ledgers of what has come so far.

    `onto` holds events of an earlier load that the new ones are added to (a window fetched again). A cancelled load
    keeps what has come and names the rest as missing. Raises what the source raises; a column with more labels than the
    narrow types hold makes it start over with wide ones.
    """
    stop = cancelled or threading.Event()
    new_builder = RollupBuilder if isinstance(source, RollupSource) else LedgerBuilder
    builder = onto or new_builder(EventTypes())
    try:
        return _load(source, ranges, builder, progress, snapshot, stop)
    except TooManyLabels:
        if onto is not None:
            raise
        return _load(source, ranges, new_builder(EventTypes(wide=True)), progress, snapshot, stop)


def _load(
    source: Source,
    ranges: Sequence[TimeRange],
    builder: LedgerBuilder,
    progress: Callable[[Progress], None],
    snapshot: Callable[[Ledger], None] | None,
    cancelled: threading.Event,
) -> Loaded:
    shown, shown_at = 0, time.monotonic()
    missing: list[tuple[TimeRange, str]] = []
    for wanted in ranges:
        try:
            for batch in source.batches(wanted, types=builder.types, progress=progress, cancelled=cancelled):
                builder.add(batch)
                grown = builder.events >= _GROWTH * max(shown, 1)
                patience = _PATIENCE * (1 + 2 * builder.events / 1_000_000)
                if snapshot is not None and builder.events and (grown or time.monotonic() - shown_at > patience):
                    snapshot(builder.build())
                    shown, shown_at = builder.events, time.monotonic()
        except Cancelled:
            cancelled.set()
        missing += source.provenance().missing
    provenance = replace(source.provenance(), missing=tuple(missing))
    return Loaded(builder.build(), provenance, builder, cancelled.is_set())
