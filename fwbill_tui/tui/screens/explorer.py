"""The explorer: search, facets, totals, chart and table over one Query, which only this screen changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.events import DescendantFocus, Resize
from textual.message import Message
from textual.reactive import Reactive
from textual.widget import Widget

from fwbill_tui.sources.source import Source
from fwbill_tui.tui import garbage
from fwbill_tui.tui.cells import label
from fwbill_tui.tui.explorer import cell_filters, columns
from fwbill_tui.tui.explorer.answering import Answering, Question, QuestionFailed, RowsReady, SummaryReady
from fwbill_tui.tui.explorer.charting import ExplorerChart
from fwbill_tui.tui.explorer.history import Drilled, History
from fwbill_tui.tui.screens.own_clicks import OwnClicks
from fwbill_tui.tui.screens.painting import PaintedOnce
from fwbill_tui.tui.widgets.chart import UsageChart
from fwbill_tui.tui.widgets.chips import FilterChips, by_words, chips_of
from fwbill_tui.tui.widgets.facets import FacetPanel
from fwbill_tui.tui.widgets.fetch_panel import FetchPanel
from fwbill_tui.tui.widgets.key_bar import KeyBar
from fwbill_tui.tui.widgets.painted import Columns, Rows
from fwbill_tui.tui.widgets.save_line import SaveLine
from fwbill_tui.tui.widgets.search_box import SearchBox
from fwbill_tui.tui.widgets.status import NoticeLine, StatusLine
from fwbill_tui.tui.widgets.totals import TotalsPanel
from fwbill_tui.tui.widgets.usage_table import UsageTable
from fwbill_tui.usage.facets import spelled_out
from fwbill_tui.usage.groups import drill_down, position_of, sort_keys, usual_sort
from fwbill_tui.usage.ledger import labels_of
from fwbill_tui.usage.names import column_of
from fwbill_tui.usage.query import Query, TimeRange, turned
from fwbill_tui.usage.ranges import shift
from fwbill_tui.usage.zones import local_date

NARROW, SHORT, ROOMY = 100, 30, (160, 45)
"""Below so many columns facets are an overlay; below so many lines the chart folds away; from then on both are larger."""
_WIDE_COLUMNS = 140
"""From so many columns on, the texts people look at first are kept whole before others leave the screen."""


class ExplorerScreen(OwnClicks, PaintedOnce, ExplorerChart):
    """Owns the query. Widgets get state from `_show_query` and from answers; what they send up becomes a new query."""

    CSS_PATH = "explorer.tcss"
    AUTO_FOCUS = "UsageTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "search", key_display="/"),
        Binding("t", "facet('usage_type')", "type"),
        Binding("m", "facet('model')", "model"),
        Binding("u", "facet('user')", "user", show=False),
        Binding("a", "facet('accelerator')", "accelerator", show=False),
        Binding("d", "dates", "dates"),
        Binding("left_square_bracket", "shift_range(-1)", "period back", key_display="[", show=False),
        Binding("right_square_bracket", "shift_range(1)", "period forward", key_display="]", show=False),
        Binding("s", "sort", "sort"),
        Binding("S", "sort(True)", "sort further", key_display="shift+s", show=False),
        Binding("g", "group", "group"),
        Binding("c", "columns", "columns", show=False),
        Binding("f", "only_like_this", "only this", show=False),
        Binding("F", "without_like_this", "without this", key_display="shift+f", show=False),
        Binding("v", "chart_measure", "chart's measure", show=False),
        Binding("V", "chart_dimension", "chart's dimension", key_display="shift+v", show=False),
        Binding("x", "clear_filters", "clear filters", show=False),
        Binding("e", "export", "export"),
        Binding("ctrl+s", "save", "save", key_display="^s", tooltip="save this view as CSV"),
        Binding("y", "copy_cell", "copy cell", show=False),
        Binding("Y", "copy_row", "copy row", key_display="shift+y", show=False),
        Binding("z", "undo", "undo", show=False),
        Binding("Z", "redo", "redo", key_display="shift+z", show=False),
        Binding("r", "refresh_usage", "fetch new", show=False),
        Binding("escape", "back", "back", show=False),
        Binding("question_mark", "help", "help", key_display="?"),
        Binding("f1", "help", "help", key_display="f1"),
        Binding("q", "leave", "quit", show=False),
    ]

    ALLOW_IN_MAXIMIZED_VIEW = "StatusLine, FilterChips, NoticeLine, KeyBar"
    """What says what a maximized table is of, and which keys there are."""

    focused: Reactive[Widget | None] = Reactive(None, repaint=False)
    """The parts that lose and take the focus repaint themselves; Textual would repaint all of the screen."""

    def __init__(self, source: Source, query: Query, *, account: str | None = None, rejects: Path | None = None) -> None:
        """`source` is what the events are from; `account` is named on top and in file names; rejected rows go to `rejects`."""
        super().__init__(source, account=account, rejects=rejects)
        self._history = History(query)
        self._rows: RowsReady | None = None
        self._narrow_columns = False
        self._back_to: Drilled | None = None
        self._moved = False
        self._asked: Question | None = None
        self._range_shown: TimeRange | None = None

    # -- composition ---------------------------------------------------------------------------------------------------
    def compose(self) -> ComposeResult:
        yield StatusLine(id="status")
        yield SearchBox(id="search")
        yield FilterChips(id="chips")
        yield NoticeLine(id="notices")
        with Columns(id="body"):
            yield FacetPanel(id="facets")
            with Rows(id="main"):
                yield TotalsPanel(id="totals")
                yield UsageChart(id="chart")
                yield UsageTable(id="table")
        yield FetchPanel(id="fetch")
        yield SaveLine(id="saving")
        yield KeyBar()

    def on_mount(self) -> None:
        self._answering = Answering(self)
        self._show_query()
        self.load()

    def on_unmount(self) -> None:
        self.end_work()
        garbage.let_go(self.app)

    def end_work(self) -> None:
        """End every thread; unfinished files are removed."""
        self._answering.stop()
        self._loader.close()
        self._saver.close()

    def on_resize(self, event: Resize) -> None:
        width, height = event.size
        if isinstance(self.focused, FacetPanel):
            self.focused.add_class("open")  # what has the focus stays in sight
        self.set_class(width < NARROW, "narrow")
        self.set_class(height < SHORT, "short")
        self.set_class(width >= ROOMY[0] and height >= ROOMY[1], "roomy")
        if self._rows is not None and self._narrow_columns != (width < _WIDE_COLUMNS):
            self._fill_table(self._rows, self.query_one(UsageTable).cursor)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """What lies over the part that has the focus now, or takes its place, makes room."""
        if not isinstance(event.widget, FacetPanel):
            self.query_one(FacetPanel).remove_class("open")
        if self.maximized is not None and self.maximized not in event.widget.ancestors_with_self:
            self.minimize()

    # -- the query -----------------------------------------------------------------------------------------------------
    @property
    def query_now(self) -> Query:
        """The query on show."""
        return self._history.now

    def ask(self, query: Query, drilled: tuple[Drilled, ...] | None = None) -> None:
        """Go on to another query; `drilled`: the groups gone into by then, where those are others."""
        before = self._history.now
        self._history.go(query, drilled)
        if query != before:
            self._follow_history()

    def _follow_history(self) -> None:
        self._problem = ""
        if self.needs_load():
            self._in_range = None
            self.load()
            self.answer_unless_loaded()
        else:
            self.answer(fewer=False)
        self._show_query()
        self._show_problem()

    def _show_query(self) -> None:
        """Hand the query down to the widgets that show it."""
        query = self.query_now
        self.query_one(SearchBox).show_search(query.search)
        chips = self.query_one(FilterChips)
        chips.chips = tuple(chips_of(query))
        drilled = self._history.drilled
        chips.way_back = f"‹ esc to groups by {by_words(drilled[-1].query)}" if drilled else ""
        if query.range != self._range_shown:
            self._range_shown = query.range
            self.show_day_states()

    def answer(self, *, fewer: bool) -> None:
        if self._ledger is None:
            return
        self._moved = self._moved and not fewer
        anchor = self._anchor() if self._moved else None
        question = Question(self._ledger, self.query_now, self.chart_view, anchor, self._ledger_of)
        self._asked = question
        self._answering.ask(question)

    def _anchor(self) -> int | None:
        """The event under the cursor, when events of the same load are shown: in another, its number is another's."""
        if self._rows is None or self._rows.order is None or self._rows.question.load != self._ledger_of:
            return None
        return self.query_one(UsageTable).cursor_row

    def _show_problem(self) -> None:
        self.query_one(SearchBox).set_class(bool(self._problem), "refused")
        self.show_standing()

    # -- answers -------------------------------------------------------------------------------------------------------
    @on(SummaryReady)
    async def _on_summary(self, message: SummaryReady) -> None:
        self._show_summary(message)
        await self.paint_after_keys()
        if message.question is self._asked and self._rows is not None and self._rows.answers(message.question):
            self._rows.question = message.question
        else:
            self._answering.ask_rows(message.question)

    def _show_summary(self, message: SummaryReady) -> None:
        if message.question is self._asked:
            self._summed = message.question
            panel = self.query_one(TotalsPanel)
            chart = self.query_one(UsageChart)
            panel.row_names = chart.row_names = message.question.ledger.row_names
            panel.totals, panel.whole = message.totals, message.whole
            if self._in_range != message.whole.events:
                self._in_range = message.whole.events
                self.show_standing()
            self.query_one(FacetPanel).facets = message.facets
            chart.series = message.series

    @on(RowsReady)
    async def _on_rows(self, message: RowsReady) -> None:
        self._show_rows(message)
        await self.paint_after_keys()

    def _show_rows(self, message: RowsReady) -> None:
        if message.question is not self._asked:
            return
        table = self.query_one(UsageTable)
        same = self._rows is not None and self._rows.question is message.question
        if same and message.whole and message.order is not None and message.total == table.total_rows:
            self._rows = message
            table.complete(message.order)
            return
        cursor = message.cursor if message.cursor is not None else table.cursor if same and self._moved else None
        line = None
        if self._back_to is not None and self._back_to.query == message.question.query:
            cursor, line = position_of(message.frame, self._back_to.key), self._back_to.line
        self._back_to = None
        before, self._rows = self._rows, message
        lifted = before is not None and before.question.query.filtered and not message.question.query.filtered
        self._fill_table(message, cursor, line, widths_anew=lifted)
        self._moved = bool(cursor)
        self._show_problem()
        self.follow_export()

    def _fill_table(self, message: RowsReady, cursor: int | None, line: int | None = None, *, widths_anew: bool = False) -> None:
        query = message.question.query
        self._narrow_columns = self.app.size.width < _WIDE_COLUMNS
        if query.group_by:
            specs, sort = columns.group_columns(query.group_by), sort_keys(query)
        else:
            visible = message.question.ledger.visible_columns(query)
            specs, sort = columns.event_columns(visible, narrow=self._narrow_columns), query.sort
        self.query_one(UsageTable).show(
            message.frame, message.order, specs,
            sort=sort, time_zone=query.time_zone, cursor=cursor, line=line, begin=message.begin, total_rows=message.shown,
            empty=self.why_empty(query), widths_anew=widths_anew,
        )  # fmt: skip

    def show_answer(self, message: Message) -> None:
        if isinstance(message, SummaryReady):
            self._show_summary(message)
        elif isinstance(message, RowsReady):
            self._show_rows(message)
        elif isinstance(message, QuestionFailed):
            self._on_question_failed(message)

    @on(QuestionFailed)
    def _on_question_failed(self, message: QuestionFailed) -> None:
        if message.question is not self._asked:
            return
        self._problem = message.problem
        self._show_problem()
        failed, shown = message.question.query, self._rows
        if shown is None:
            return
        before = shown.question.query
        if (before.range, before.time_zone) != (failed.range, failed.time_zone) and self._history.undo() is not None:
            # The numbers on show are those of another range: they must not stand under this one's heading.
            what = "range" if before.range != failed.range else "time zone"
            self.notify(label(message.problem), title=f"Not this {what}", severity="error", timeout=8, markup=False)
            self._follow_history()

    # -- what the widgets say ------------------------------------------------------------------------------------------
    @on(SearchBox.Searched)
    def _on_search(self, message: SearchBox.Searched) -> None:
        self.ask(replace(self.query_now, search=message.search))

    @on(FacetPanel.Toggled)
    def _on_toggled(self, message: FacetPanel.Toggled) -> None:
        dimension, value = message.dimension, message.value
        query = self.query_now
        if self._ledger is not None and (labels := labels_of(self._ledger).get(column_of(dimension))) is not None:
            query = spelled_out(query, labels)
        if isinstance(message, FacetPanel.Only):
            self.ask(query.exclude(dimension, []).choose(dimension, [value]))
            self._leave_part()
        elif isinstance(message, FacetPanel.Excluded):
            excluded = set(query.excluded(dimension)) ^ {value}
            self.ask(query.choose(dimension, set(query.chosen(dimension)) - {value}).exclude(dimension, excluded))
        else:
            self.ask(query.toggle(dimension, value))

    @on(FacetPanel.Lifted)
    def _on_lifted(self, message: FacetPanel.Lifted) -> None:
        self.ask(self.query_now.choose(message.dimension, []).exclude(message.dimension, []))

    @on(FilterChips.Removed)
    def _on_chip_removed(self, message: FilterChips.Removed) -> None:
        self.ask(message.query)

    @on(UsageTable.HeaderClicked)
    def _on_header(self, message: UsageTable.HeaderClicked) -> None:
        self.sort_by(message.column, further=message.extend)

    @on(UsageTable.CursorMoved)
    def _on_cursor(self, message: UsageTable.CursorMoved) -> None:
        message.stop()
        self._moved = bool(message.position)

    @on(UsageTable.RowSelected)
    def _on_row(self, message: UsageTable.RowSelected) -> None:
        if self._rows is None:
            return
        seen = self._rows.question.current(self.query_now)
        if not seen.group_by:
            self.show_row(message.values)
        elif set(seen.group_by) <= message.values.keys():
            inside = self.allowed(lambda: replace(drill_down(seen, message.values), sort=self._history.sort_of_events))
            if inside is not None:
                table = self.query_one(UsageTable)
                key = {name: message.values[name] for name in seen.group_by}
                if table.cursor_cell is not None:  # a sum's column need not be where events begin
                    table.action_whole_row()
                self.ask(inside, (*self._history.drilled, Drilled(seen, key, message.position - table.top)))

    @on(SearchBox.Left)
    @on(FacetPanel.Left)
    @on(FilterChips.Left)
    def _leave_part(self) -> None:
        self.query_one(FacetPanel).remove_class("open")
        self.set_focus(self.query_one(UsageTable))

    # -- keys ----------------------------------------------------------------------------------------------------------
    def action_search(self) -> None:
        """Go to the search line."""
        self.set_focus(self.query_one(SearchBox))

    def action_facet(self, dimension: str) -> None:
        """Go to the facet of a dimension."""
        panel = self.query_one(FacetPanel)
        panel.add_class("open")
        panel.go_to(dimension)

    def action_clear_filters(self) -> None:
        """Show everything in the range again."""
        self.ask(self.query_now.clear_filters())

    def action_undo(self) -> None:
        """Take the last change of the query back."""
        self._step(self._history.undo(), "nothing to undo")

    def action_redo(self) -> None:
        """Make the change that was taken back again."""
        self._step(self._history.redo(), "nothing to redo")

    def _step(self, query: Query | None, none: str) -> None:
        if query is None:
            self.notify(none, timeout=2)
        else:
            self._follow_history()

    def action_back(self) -> None:
        """Out of what is open: a load under way, a drilled-into group, the search."""
        if self._saver.running:
            self._saver.cancel()
        elif self._loader.running:
            self._loader.cancel()
        elif drilled := self._history.drilled:
            self._back_to = drilled[-1]
            self.ask(self._back_to.query, drilled[:-1])
        elif self.query_now.search:
            self.ask(replace(self.query_now, search=""))
        elif self.query_now.group_by:
            self.group_by(())

    def action_sort(self, further: bool = False) -> None:
        """Sort by the column of the cell cursor, or one chosen from a list: descending, ascending, off."""
        cell = self.query_one(UsageTable).cursor_cell
        if cell is not None:
            self.sort_by(cell[0], further=further)
        else:
            self.choose_sort(further=further)

    def sort_by(self, column: str, *, further: bool) -> None:
        query = self.query_now
        keys = sort_keys(query) if query.group_by else query.sort
        self.ask(replace(query, sort=turned(keys, column, further=further)))

    def action_only_like_this(self) -> None:
        """Only rows like this cell."""
        self._filter_by_cell(without=False)

    def action_without_like_this(self) -> None:
        """Only rows unlike this cell."""
        self._filter_by_cell(without=True)

    def _filter_by_cell(self, *, without: bool) -> None:
        cell = self.query_one(UsageTable).cursor_cell
        if self._rows is not None and not self._rows.total:
            self.notify("there is no row to filter by", timeout=2)
            return
        if cell is None or self._rows is None:
            self.notify("→ goes to a cell first; f then keeps only rows like it, shift+f all others", timeout=4)
            return
        seen = self._rows.question.current(self.query_now)
        query = self.allowed(lambda: cell_filters.by_cell(seen, *cell, without=without))
        if query is not None:
            self.ask(query)

    def group_by(self, names: tuple[str, ...]) -> None:
        """Show groups in their usual order, or single events again in theirs."""
        sort = usual_sort(names) if names else self._history.sort_of_events
        self.ask(replace(self.query_now, group_by=names, sort=sort), ())

    def action_shift_range(self, by: int) -> None:
        """One period back or forward."""
        query = self.query_now
        if query.range.start is None or query.range.end is None:
            said = "choose a range with d first; [ and ] then go one period back and forward"
            self.notify(said, timeout=4, markup=False)
        else:
            today = local_date(datetime.now(UTC), query.time_zone)
            moved = self.allowed(lambda: replace(query, range=shift(query.range, query.time_zone, by, today=today)))
            if moved is not None and by > 0 and moved.range.start is not None and moved.range.start > datetime.now(UTC):
                self.notify("the next period has not begun yet", timeout=4)
            elif moved is not None:
                self.ask(moved)
