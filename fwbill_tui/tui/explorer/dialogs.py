"""The explorer's dialogs: each is opened with what it needs, and its result becomes a new query."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

from fwbill_tui.tui.explorer.files import ExplorerFiles
from fwbill_tui.tui.widgets.field_list import Field
from fwbill_tui.tui.widgets.usage_table import UsageTable
from fwbill_tui.usage.groups import sort_keys
from fwbill_tui.usage.query import Query, QueryError
from fwbill_tui.usage.rollup_ledger import RollupLedger
from fwbill_tui.usage.zones import zone

if TYPE_CHECKING:
    from fwbill_tui.archive.manifest import DayState


class ExplorerDialogs(ExplorerFiles):
    """What the explorer opens over itself. Dialogs are imported when they are first needed."""

    needs_range: bool = False
    """Whether the source wants a range with both ends."""
    days_known: Mapping[date, DayState] = MappingProxyType({})
    """Which UTC days are kept on disk, where the source knows."""

    def ask(self, query: Query) -> None:
        """Go on to another query."""
        raise NotImplementedError

    def allowed(self, make: Callable[[], Query | None]) -> Query | None:
        """A query, unless there can be no such one; that is said."""
        try:
            return make()
        except QueryError as error:
            self.notify(str(error), timeout=4, markup=False)
            return None

    def sort_by(self, column: str, *, further: bool) -> None:
        """Sort by a column: descending, ascending, off."""
        raise NotImplementedError

    def action_dates(self) -> None:
        """Choose the range and the time zone."""
        from fwbill_tui.tui.screens.date_range import DateRangeChoice, DateRangeScreen

        def take(choice: DateRangeChoice | None) -> None:
            if choice is not None:
                self.ask(replace(self.query_now, range=choice.range, time_zone=choice.time_zone))

        query = self.query_now
        screen = DateRangeScreen(
            query.range, query.time_zone, now=datetime.now(UTC), open_sides=not self.needs_range, day_states=self.days_known
        )
        self.app.push_screen(screen, take)

    def choose_sort(self, *, further: bool) -> None:
        """Choose a column to sort by from a list."""
        from fwbill_tui.tui.screens.sort_dialog import SortDialog

        def take(column: str | None) -> None:
            if column is not None:
                self.sort_by(column, further=further)

        query = self.query_now
        if not self.query_one(UsageTable).columns:
            self.notify("there is nothing to sort yet", severity="warning", timeout=2)
            return
        sort = sort_keys(query) if query.group_by else query.sort
        self.app.push_screen(SortDialog(self.query_one(UsageTable).columns, sort), take)

    def action_group(self) -> None:
        """Group by one or two dimensions, or by hour, day, month."""
        from fwbill_tui.tui.screens.group_dialog import GroupChoice, GroupDialog

        if self._ledger is None:
            self.notify("there is nothing to group yet", severity="warning", timeout=2)
            return

        def take(choice: GroupChoice | None) -> None:
            if choice is not None and choice.group_by != self.query_now.group_by:
                self.group_by(choice.group_by)

        self.app.push_screen(GroupDialog(self._ledger.dimensions, self.query_now.group_by), take)

    def group_by(self, names: tuple[str, ...]) -> None:
        """Show groups, or single events again."""
        raise NotImplementedError

    def action_columns(self) -> None:
        """Show, hide and move columns of single events."""
        from fwbill_tui.tui.screens.columns_dialog import ColumnsChoice, ColumnsDialog

        ledger, query = self._ledger, self.query_now
        if ledger is None:
            self.notify("there are no columns yet", severity="warning", timeout=2)
            return
        if query.group_by:
            self.notify("a grouped view shows its keys and all measures; esc goes back to single events", timeout=4)
            return

        def take(choice: ColumnsChoice | None) -> None:
            if choice is not None:
                self.ask(replace(self.query_now, columns=choice.columns))

        shown, usual = (ledger.visible_columns(one) for one in (query, replace(query, columns=None)))
        dialog = ColumnsDialog(ledger.events.columns, shown, usual=usual, empty=ledger.empty_columns)
        self.app.push_screen(dialog, take)

    def show_row(self, row: Mapping[str, object]) -> None:
        """Everything about one event, or one row of a rollup."""
        from fwbill_tui.tui.screens.row_detail import RowDetailScreen

        what = "group of usage events" if isinstance(self._ledger, RollupLedger) else "usage event"
        self.app.push_screen(RowDetailScreen(fields_of(row, self.query_now.time_zone), what=what))

    def action_help(self) -> None:
        """Every key that applies now."""
        from fwbill_tui.tui.screens.help import HelpScreen, live_help

        self.app.push_screen(HelpScreen(live_help(self)))


def fields_of(row: Mapping[str, object], time_zone: str) -> list[Field]:
    """Every column of an event with its whole value; times in the query's zone, and in UTC where that is another."""
    return [Field(name, *_written(value, time_zone)) for name, value in row.items()]


def _written(value: object, time_zone: str) -> tuple[str, str | None]:
    """A value as it is shown, and as it is copied where that is not the same."""
    if isinstance(value, datetime):
        text = f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}".removesuffix(".000000") + " UTC"
        if time_zone != "UTC":
            text = f"{value.astimezone(zone(time_zone)):%Y-%m-%d %H:%M:%S %Z} · {text}"
        return text, None
    if isinstance(value, int | float):
        return f"{value:,}", str(value)
    return "" if value is None else str(value), None
