"""What every source of usage events is: the protocol, the progress it reports, and what it says of its events afterwards."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple, Protocol

from fwbill_tui.usage.query import TimeRange
from fwbill_tui.usage.schema import Batch, EventTypes

WindowState = Literal["waiting", "exporting", "downloading", "reading", "done", "failed", "cancelled"]
FINAL_STATES: frozenset[WindowState] = frozenset({"done", "failed", "cancelled"})
Grain = Literal["event", "day"]
"""What a row stands for: one usage event, or a day's usage of one combination of dimensions."""


class WindowProgress(NamedTuple):
    """How far one window of a fetch is. Bytes as they travel; `events` read so far.

    `problem` says why a window failed, or what it waits for just now ("trying again in 12 s: too many requests …").
    """

    range: TimeRange
    state: WindowState = "waiting"
    bytes_done: int = 0
    bytes_total: int | None = None
    events: int = 0
    problem: str = ""


class Progress(NamedTuple):
    """How far a load is. `bytes_total` is None while it is not known; a load from files has no windows."""

    windows: tuple[WindowProgress, ...] = ()
    bytes_done: int = 0
    bytes_total: int | None = None


class Provenance(NamedTuple):
    """Where the events of a load are from, and what is missing of what was asked for.

    `kind` is `files`, `rollup`, `gateway`, `firectl`, `rest` or `archive`; `label` names it to a person ("gateway export").
    `fetched_at` is when the fetch began, in UTC. `missing`: each range that could not be had, with the reason. `notes`: what
    else to know, such as why a better source was not used; `noted` are the parts that some of them are about, and about those
    alone. `grain`: what a row stands for. `doubts` are those of the notes that say why the events may not be all.
    """

    kind: str
    label: str
    account: str | None = None
    fetched_at: datetime | None = None
    missing: tuple[tuple[TimeRange, str], ...] = ()
    notes: tuple[str, ...] = ()
    grain: Grain = "event"
    noted: tuple[tuple[TimeRange, str], ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether everything asked for is there."""
        return not self.missing

    def before(self, ranges: Sequence[TimeRange]) -> Provenance:
        """What stays known when `ranges`, which are missing, are loaded again."""
        return self._replace(missing=tuple((part, why) for part, why in self.missing if part not in ranges))

    def and_also(self, other: Provenance) -> Provenance:
        """What is known of two loads of one account together: they are as old as the older one."""
        fetched = [at for at in (self.fetched_at, other.fetched_at) if at is not None]
        either = self.label if other.label in self.label else other.label if self.label in other.label else ""
        return Provenance(
            other.kind if self.kind == "archive" else self.kind,
            either or f"{other.label} and {self.label}",
            self.account,
            min(fetched, default=None),
            (*self.missing, *other.missing),
            tuple(dict.fromkeys((*self.notes, *other.notes))),
            "day" if "day" in (self.grain, other.grain) else "event",
            (*self.noted, *other.noted),
            tuple(dict.fromkeys((*self.doubts, *other.doubts))),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowEnd(Batch):
    """Says that a window has been given out: everything since the last window's end is its events, and there are no more.

    `kind` is as in `Provenance`. It has no events itself.
    """

    window: TimeRange
    kind: str


class Source(Protocol):
    """Where usage events come from."""

    @property
    def kind(self) -> str:
        """`files`, `rollup`, `gateway`, `firectl`, `rest` or `archive`, as `--output json` spells it."""

    @property
    def label(self) -> str:
        """The source in a person's words."""

    @property
    def needs_range(self) -> bool:
        """Whether a range must be chosen before anything is loaded (an account), or not (files)."""

    def batches(
        self,
        wanted: TimeRange,
        /,
        *,
        types: EventTypes,
        progress: Callable[[Progress], None],
        cancelled: threading.Event,
    ) -> Iterator[Batch]:
        """The events of a range, in no particular order. Progress is told from any thread, at most some 20 times a second.

        Raises what makes the whole load impossible, and Cancelled soon after `cancelled` is set; a part that fails alone is
        in `provenance().missing` instead. A source that works window by window ends each that was had with a `WindowEnd`, so
        that what is complete is known also of a load that is stopped. Close the iterator (or exhaust it) to leave nothing
        running behind.
        """

    def in_zone(self, time_zone: str) -> Source:
        """The same source for a query in another time zone (IANA): usage by day has its days cut there; events are as they are.

        Raises QueryError for an unknown zone.
        """

    def provenance(self) -> Provenance:
        """About the last `batches`, valid when they have ended, in whatever way."""
