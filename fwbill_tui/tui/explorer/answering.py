"""Threads that answer the explorer's queries: totals, facets and chart; then rows; then their whole order. The newest query wins.

They are threads of their own, not Textual workers, because a worker cannot be ended and a burst of keys would pile up
sorts of ten million rows. Here a new question replaces the one that waits, and a running one stops at its next step.
Totals never wait for rows; they are kept while only order and grouping change. What is mere sums of few known numbers is added
up where it is asked: that takes less time than a thread needs to be heard on busy cores.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Generic, NamedTuple, TypeAlias, TypeVar

import polars as pl
from textual.message import Message
from textual.widget import Widget

from fwbill_tui.tui.explorer.telling import tell
from fwbill_tui.usage.answers import Facet, Series, Totals
from fwbill_tui.usage.lazy_ledger import LazyLedger
from fwbill_tui.usage.ledger import Ledger
from fwbill_tui.usage.query import Query, QueryError

_Question = TypeVar("_Question")
_Summary: TypeAlias = tuple[Totals, Totals, dict[str, Facet], Series]
_FIRST_ROWS = 400
"""More than any screen shows, so that a page up or down works before the whole order is there."""
_PAUSE = 0.05
"""Seconds in which another key may come before the whole order is worked out."""


class ChartView(NamedTuple):
    """What the chart is about: a measure, stacked by the `limit` largest values of a dimension."""

    measure: str = "total_tokens"
    dimension: str = "model"
    limit: int = 6


class Question(NamedTuple):
    """A query to be answered from a ledger, which is of the load of that number.

    `anchor` is the event (row number) to be kept under the cursor, if any.
    """

    ledger: Ledger
    query: Query
    chart: ChartView = ChartView()
    anchor: int | None = None
    load: int = 0

    @property
    def summed(self) -> tuple[Query, ChartView]:
        """What totals, facets and chart depend on."""
        return replace(self.query, sort=(), group_by=()), self.chart

    def current(self, now: Query) -> Query:
        """The query of now; or this one, while its answer is on show and what is chosen there does not belong to another yet."""
        shown = self.query
        return now if (shown.range, shown.group_by, shown.time_zone) == (now.range, now.group_by, now.time_zone) else shown


class SummaryReady(Message):
    """Totals, facets and chart for a question. It replaces none that waits: a thread may be late with that of an older one."""

    def __init__(self, question: Question, totals: Totals, whole: Totals, facets: dict[str, Facet], series: Series) -> None:
        super().__init__()
        self.question, self.totals, self.whole, self.facets, self.series = question, totals, whole, facets, series


class RowsReady(Message):
    """Rows for a question: a grouped frame, row numbers into the events, or the first events of those on disk.

    `total` is how many rows the view has. `order` may hold only some of them, from `begin` on, when `whole` is False; a frame
    without an order may hold only the first, and then it is all that will be shown. `cursor` is where the anchor stands now.
    """

    def __init__(
        self,
        question: Question,
        frame: pl.DataFrame,
        order: pl.Series | None,
        total: int,
        *,
        whole: bool,
        begin: int = 0,
        cursor: int | None = None,
    ) -> None:
        super().__init__()
        self.question, self.frame, self.order, self.total, self.whole = question, frame, order, total, whole
        self.begin, self.cursor = begin, cursor

    def answers(self, question: Question) -> bool:
        """Whether these are all the rows of another question, too, which is about another chart."""
        return self.whole and self.question.ledger is question.ledger and self.question.query == question.query

    @property
    def shown(self) -> int:
        """How many rows will be shown."""
        return self.frame.height if self.order is None else self.total

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, RowsReady)


class QuestionFailed(Message):
    """A query that could not be answered; the view stays as it is."""

    def __init__(self, question: Question, problem: str) -> None:
        super().__init__()
        self.question, self.problem = question, problem


class Newest(Generic[_Question]):
    """A daemon thread that works on the newest thing it was given.

    `work` gets the thing and a function that tells (after waiting up to some seconds) whether a newer one has come.
    """

    def __init__(self, name: str, work: Callable[[_Question, Callable[[float], bool]], None]) -> None:
        self._work = work
        self._waiting: _Question | None = None
        self._stopped = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def ask(self, question: _Question) -> None:
        """Work on this next, instead of whatever was waiting."""
        with self._changed:
            self._waiting = question
            self._changed.notify()

    def stop(self) -> None:
        """End the thread once its present step is done."""
        with self._changed:
            self._stopped = True
            self._changed.notify()

    def _superseded(self, within: float = 0.0) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._stopped or self._waiting is not None, within)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopped or self._waiting is not None)
                if self._stopped:
                    return
                question, self._waiting = self._waiting, None
            if question is not None:
                self._work(question, self._superseded)
            del question  # and with it its ledger, which may be gone long before there is another one


class Answering:
    """Answers questions and posts the answers to a widget."""

    def __init__(self, target: Widget) -> None:
        self._target = target
        self._show: Callable[[Message], None] | None = None
        self._summed: tuple[Ledger, tuple[Query, ChartView], _Summary] | None = None
        self._unfiltered: tuple[Ledger, Query, Totals] | None = None
        self._summaries: Newest[Question] = Newest("fwbill-summary", self._guarded(self._summary))
        self._rows: Newest[Question] = Newest("fwbill-rows", self._guarded(self._first_rows))
        self._orders: Newest[Question] = Newest("fwbill-order", self._guarded(self._whole_order))
        self._asked: Question | None = None

    def ask(self, question: Question) -> None:
        """Answer this one with totals, facets and chart; answers to older ones that are still to come are dropped."""
        self._asked = question
        if self._show is not None:
            for work in (self._summary, self._first_rows):
                self._guarded(work)(question, lambda _: False)
        elif self._is_quick(question):
            self._guarded(self._summary)(question, lambda _: False)
        else:
            self._summaries.ask(question)

    def _is_quick(self, question: Question) -> bool:
        """Whether the way to a thread and back, on busy cores, would take longer than the answer, which is mere sums."""
        summed = self._summed  # once, here and below: a thread may put another in its place
        if summed is None or summed[0] is not question.ledger:
            return False
        (known, known_chart), (query, chart) = summed[1], question.summed
        if known_chart != chart or known.clear_filters() != query.clear_filters():
            return False
        with suppress(QueryError):
            return known == query or question.ledger.answers_at_once(query)
        return False

    def ask_rows(self, question: Question) -> None:
        """Go on with the rows of what was asked, once its totals are painted: on few cores a sort would hold that up."""
        if question is self._asked:
            self._rows.ask(question)

    @contextmanager
    def at_once(self, show: Callable[[Message], None]) -> Iterator[None]:
        """Within, what is asked is answered in the caller's thread, by calls of `show`. For few events, before all else."""
        self._show = show
        try:
            yield
        finally:
            self._show = None

    def stop(self) -> None:
        """End the threads."""
        self._summaries.stop()
        self._rows.stop()
        self._orders.stop()

    def _tell(self, message: Message) -> None:
        if self._show is None:
            tell(self._target, message)
        else:
            self._show(message)

    def _guarded(
        self, work: Callable[[Question, Callable[[float], bool]], None]
    ) -> Callable[[Question, Callable[[float], bool]], None]:
        def guarded(question: Question, superseded: Callable[[float], bool]) -> None:
            try:
                work(question, superseded)
            except QueryError as error:
                self._tell(QuestionFailed(question, str(error)))
            except BaseException as error:  # a thread that died of a fault of ours would leave old numbers on screen for good
                problem = str(error).partition("\n")[0]
                fault = f"this could not be worked out ({type(error).__name__}: {problem}); z goes back"
                self._tell(QuestionFailed(question, fault))

        return guarded

    def _summary(self, question: Question, superseded: Callable[[float], bool]) -> None:
        ledger, (query, chart) = question.ledger, question.summed
        summed = self._summed
        if summed is None or summed[0] is not ledger or summed[1] != (query, chart):
            totals = ledger.totals(query)
            whole, facets = self._whole(ledger, query, totals), ledger.facets(query)
            if superseded(0):
                return
            series = ledger.series(query, chart.dimension, measure=chart.measure, limit=chart.limit)
            summed = self._summed = ledger, (query, chart), (totals, whole, facets, series)
        self._tell(SummaryReady(question, *summed[2]))

    def _whole(self, ledger: Ledger, query: Query, totals: Totals) -> Totals:
        """The totals without filters: one letter after the other asks for the same."""
        unfiltered = query.clear_filters()
        if unfiltered == query:
            return totals
        known = self._unfiltered
        if known is None or known[0] is not ledger or known[1] != unfiltered:
            known = self._unfiltered = ledger, unfiltered, ledger.whole(query)
        return known[2]

    def _first_rows(self, question: Question, superseded: Callable[[float], bool]) -> None:
        ledger, query = question.ledger, question.query
        if query.group_by:
            groups = ledger.groups(query)
            self._tell(RowsReady(question, groups, None, groups.height, whole=True))
            return
        if isinstance(ledger, LazyLedger):
            if not superseded(_PAUSE):
                page = ledger.page(query)
                self._tell(RowsReady(question, page, None, self._totals(question).events, whole=True))
            return
        total = min(self._totals(question).events, ledger.events.height)  # a row of a rollup stands for several events
        if self._show is not None or total <= _FIRST_ROWS:
            self._whole_order(question, lambda _: superseded(0))
            return
        rows = self._rows_at_hand(question, total)
        if superseded(0):
            return
        if rows is not None:
            self._tell(rows)
        self._orders.ask(question)

    def _totals(self, question: Question) -> Totals:
        """The totals of a question, which mostly were worked out for its summary."""
        summed = self._summed
        if summed is not None and summed[0] is question.ledger and summed[1] == question.summed:
            return summed[2][0]
        return question.ledger.totals(question.query)

    def _rows_at_hand(self, question: Question, total: int) -> RowsReady | None:
        """The first rows, or those around the anchor; None where the whole order is as near."""
        ledger, query = question.ledger, question.query
        if question.anchor is None or not ledger.shows(query, question.anchor):
            return RowsReady(question, ledger.events, ledger.first_rows(query, _FIRST_ROWS), total, whole=False)
        near = ledger.near_rows(query, question.anchor, _FIRST_ROWS)
        if near is None:
            return None
        return RowsReady(
            question, ledger.events, near.rows, total, whole=False, begin=near.begin, cursor=near.position
        )  # fmt: skip

    def _whole_order(self, question: Question, superseded: Callable[[float], bool]) -> None:
        """In a thread of its own: the first rows of the next question do not wait for it."""
        ledger, query = question.ledger, question.query
        if superseded(_PAUSE if ledger.events.height > 200_000 else 0):
            return
        order = ledger.order(query)
        cursor = order.index_of(question.anchor) if question.anchor is not None else None
        if question is self._asked:
            self._tell(RowsReady(question, ledger.events, order, len(order), whole=True, cursor=cursor))
