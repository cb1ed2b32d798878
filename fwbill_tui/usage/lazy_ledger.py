"""LazyLedger: usage events that stay on disk. Sums come from the rollup as ever, rows from a scan of the files."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from functools import cached_property, lru_cache

import polars as pl

from fwbill_tui.usage import rollup
from fwbill_tui.usage.labels import Labels, TextLabels
from fwbill_tui.usage.ledger import Ledger
from fwbill_tui.usage.predicate import Predicate, all_of, build
from fwbill_tui.usage.query import Query, QueryError, TimeRange
from fwbill_tui.usage.recent import Recent
from fwbill_tui.usage.schema import Reject
from fwbill_tui.usage.sorted_scan import sorted_frames

PAGE = 100_000
"""Rows of a view that are shown."""
_KEPT_PAGE_BYTES = 64 << 20
_PART = 1 << 20
"""Rows that are sorted at once; some 200 MB while they are."""


Scan = Callable[[pl.Expr | None], pl.LazyFrame]
"""Reads the events under a condition (None: all), in their order. The condition takes labels for text (`TextLabels`)."""


class EventsNotKeptError(Exception):
    """Only the rollup was kept, and the query needs single events: load them again with their rows."""


class LazyLedger(Ledger):
    """A Ledger whose `events` have columns and no rows: those are on disk, and `page` and `frames` read them.

    Everything that the rollup answers is answered as from memory. A condition on measures or on free text, a range that
    begins within an hour, and a zone whose hours do, each cost one pass over the files.
    """

    def __init__(
        self,
        schema: pl.Schema,
        hourly: pl.DataFrame,
        scan: Scan | None,
        *,
        rolled: Sequence[str],
        labels: Mapping[str, pl.Series],
        span: TimeRange,
        empty: frozenset[str],
        largest: Mapping[str, int],
        rejects: Sequence[Reject] = (),
        rejected: int | None = None,
        day_sums: int = 0,
        untold: Mapping[str, str] | None = None,
    ) -> None:
        """`scan` reads the events, of `schema`; None when they were not kept. `labels` are the values of dictionary columns
        that are not `rolled`; `span`, `empty` and `largest` are what a Ledger finds out from its events."""
        super().__init__(
            schema.to_frame(), hourly, rolled=rolled, rejects=rejects, rejected=rejected, largest=largest, day_sums=day_sums,
            untold=untold,
        )  # fmt: skip
        self._scan = scan
        self._span, self._empty = span, empty
        self._labels |= {column: Labels(column, values) for column, values in labels.items()}
        self._text_labels = {column: TextLabels(column, known.present) for column, known in self._labels.items()}
        self._pages = Recent[pl.DataFrame](_KEPT_PAGE_BYTES)
        self._reading = threading.RLock()

    @cached_property
    def span_of_events(self) -> TimeRange:
        """From the first event to just after the last one; open when there are no events."""
        return self._span

    @cached_property
    def empty_columns(self) -> frozenset[str]:
        """Columns in which no event has a value; none where there are no events."""
        return self._empty if self.event_count else frozenset()

    def page(self, query: Query) -> pl.DataFrame:
        """The first `PAGE` events that are shown, in the query's order, with all columns. Raises QueryError as `frames`."""
        sort = self._sort_keys(query)

        def make() -> pl.DataFrame:
            taken, height = [self.events], 0
            frames = self._sorted(query, self.events.columns, 2 * PAGE)
            for frame in frames:
                taken.append(frame)
                height += frame.height
                if height >= PAGE:
                    break
            frames.close()
            return pl.concat(taken).head(PAGE).rechunk()

        return self._pages.get((query.range, query.only, query.without, query.search, query.where, sort), make)

    def frames(self, query: Query, columns: Sequence[str]) -> Generator[pl.DataFrame, None, None]:
        """All events that are shown, in the query's order, some at a time; only `columns` of them.

        Raises QueryError when the files cannot be read any more.
        """
        yield from self._sorted(query, columns, _PART)

    def order(self, query: Query) -> pl.Series:
        """Not here: there are no row numbers of events that are not in memory."""
        del query
        raise TypeError("a LazyLedger has pages and frames, no order")

    def first_rows(self, query: Query, count: int) -> pl.Series:
        """See `order`."""
        return self.order(query).head(count)

    def _sorted(self, query: Query, columns: Sequence[str], most: int) -> Generator[pl.DataFrame, None, None]:
        condition, keys = self._event_condition(query), self._sort_keys(query)
        events, done = self.totals(query).events, 0
        try:
            read = list(dict.fromkeys((*columns, *(key.column for key in keys))))

            def rows(part: pl.Expr | None) -> pl.LazyFrame:
                conditions = [some for some in (condition, part) if some is not None]
                return self._rows(conditions).select(read)

            for frame in sorted_frames(rows, keys, self._text_labels, height=events, most=most):
                done += frame.height
                yield frame.select(columns)
        except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            raise _unreadable(error) from error
        if done != events:
            raise QueryError(f"the events on disk are not those that were read ({done:,} of {events:,}): open the files again")

    def _facts(self, query: Query, predicate: Predicate, *more: str) -> pl.DataFrame:
        with self._reading:  # of two threads that need the same pass over the files, the second finds its result
            return super()._facts(query, predicate, *more)

    def _roll_up(self, columns: Sequence[str], minutes: int | None, conditions: Sequence[pl.Expr]) -> pl.DataFrame:
        try:
            rows = self._rows(conditions)
            return rollup.summed(rows, columns, minutes, largest=self._largest, rows=self.event_count).collect(engine="streaming")
        except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            raise _unreadable(error) from error

    def _rows(self, conditions: Sequence[pl.Expr]) -> pl.LazyFrame:
        if self._scan is None:
            raise EventsNotKeptError
        return self._scan(all_of(conditions) if conditions else None)

    @cached_property
    def _predicate_of(self) -> Callable[[Query], Predicate]:
        """Conditions on labels are asked of the rollup, as ever; those that need events, of files."""
        labels, text_labels, free_text, huge_counts = self._labels, self._text_labels, self._free_text, self._huge_counts

        def made(query: Query) -> Predicate:
            of_files = build(query, text_labels, free_text, huge_counts=huge_counts)
            return build(query, labels, free_text, huge_counts=huge_counts)._replace(on_events=of_files.on_events)

        return lru_cache(maxsize=4)(made)

    def _event_predicate(self, query: Query) -> Predicate:
        return build(query, self._text_labels, self._free_text, huge_counts=self._huge_counts)


def _unreadable(error: BaseException) -> QueryError:
    if isinstance(error, OSError) and error.strerror:
        detail = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    else:
        detail = str(error).partition("\n")[0]
    return QueryError(f"the events cannot be read from disk any more ({detail}): open the files again")
