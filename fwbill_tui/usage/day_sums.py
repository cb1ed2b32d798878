"""Labels that sums per day have not, or have alone: of rows that do not say a label, a filter on it would lose all in silence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from fwbill_tui.usage.names import COLUMNS, DIMENSION_COLUMNS, TIME_GROUPS, column_of, dimension_of
from fwbill_tui.usage.query import NoSingleEventsError, Query
from fwbill_tui.usage.schema import Batch
from fwbill_tui.usage.search import SearchTerm, parse_search

if TYPE_CHECKING:
    from fwbill_tui.usage.ledger import Ledger

SUMS, EVENTS = "sums per day", "usage events"
_ALWAYS_SUMMED = frozenset({"usage_type", "base_model_name", "accelerator_type"})
"""What the service sums by. All these may be empty at times, as an accelerator is where no GPU time was used."""


class Told:
    """Which labels the rows of a load have, as sums per day and as events."""

    def __init__(self) -> None:
        self._by_sums: set[str] = set()
        self._by_events: set[str] = set()
        self._sums = self._events = False

    def add(self, batch: Batch) -> None:
        """Take the columns of a batch in."""
        frame = batch.events
        if frame.is_empty():
            return
        if batch.by_day:
            self._sums = True
            self._by_sums.update(column for column in frame.columns if frame.get_column(column).null_count() < frame.height)
        else:
            self._events = True
            self._by_events.update(frame.columns)

    def untold(self) -> Mapping[str, str]:
        """The label columns that not all rows have, and which rows have them not: `SUMS` or `EVENTS`."""
        if not self._sums:
            return {}
        labels = {*DIMENSION_COLUMNS.values(), *(self._by_events | self._by_sums).difference(COLUMNS)}
        by_events = dict.fromkeys(labels - self._by_events - set(COLUMNS), EVENTS) if self._events else {}
        return dict.fromkeys(labels - self._by_sums - _ALWAYS_SUMMED, SUMS) | by_events


def untold(ledger: Ledger, query: Query) -> str:
    """What a query asks of labels that not all rows have, in a person's words; '' where it asks nothing such."""
    for dimension in _asked(ledger, query) if ledger.day_sums else ():
        column = column_of(dimension)
        nowhere = None if column in ledger.events.columns else SUMS  # events might have had it
        who = ledger.untold.get(column, nowhere)
        if who is not None:
            return f"{who} have no {dimension_of(dimension)}"
    return ""


def unsearched(ledger: Ledger, query: Query) -> str:
    """Where a search for words in any label could not look, in a person's words; '' where there is no such search or place."""
    columns = [column for column, who in ledger.untold.items() if who == SUMS]
    if not columns or all(term.dimension is not None for term in _terms(ledger, query)):
        return ""
    return f"{SUMS} have no {', '.join(sorted(map(dimension_of, columns)))} to be searched"


def refuse_untold(ledger: Ledger, query: Query) -> None:
    """Raise NoSingleEventsError for a query about labels that not all rows have."""
    if said := untold(ledger, query):
        raise NoSingleEventsError(f"{said}: leave out what asks for it")


def _asked(ledger: Ledger, query: Query) -> list[str]:
    """The dimensions that a query chooses or excludes by, groups by, or searches alone."""
    searched = [term.dimension for term in _terms(ledger, query) if term.dimension is not None]
    grouped = [name for name in query.group_by if name not in TIME_GROUPS]
    return [*(dimension for dimension, _ in (*query.only, *query.without)), *grouped, *searched]


def _terms(ledger: Ledger, query: Query) -> tuple[SearchTerm, ...]:
    return parse_search(query.search, (*DIMENSION_COLUMNS.values(), *ledger.further))
