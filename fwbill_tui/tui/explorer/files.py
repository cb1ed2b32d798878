"""What leaves the explorer: saved files, and text on the clipboard."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from textual.screen import Screen

from fwbill_tui.tui import cells
from fwbill_tui.tui.explorer import columns
from fwbill_tui.tui.explorer.answering import RowsReady
from fwbill_tui.tui.explorer.saving import SaveEnded, SaveProgress, Saver, Saving
from fwbill_tui.tui.here import here
from fwbill_tui.tui.widgets.painted import Plain
from fwbill_tui.tui.widgets.save_line import SaveLine
from fwbill_tui.tui.widgets.usage_table import UsageTable
from fwbill_tui.usage.lazy_ledger import LazyLedger
from fwbill_tui.usage.ledger import Ledger
from fwbill_tui.usage.literal import literal
from fwbill_tui.usage.query import Query, QueryError
from fwbill_tui.usage.rollup_ledger import RollupLedger

if TYPE_CHECKING:
    from fwbill_tui.tui.screens.export_dialog import ExportDialog, ExportSizes


class ExplorerFiles(Plain, Screen[None]):
    """Saving and copying what is shown. Dialogs are imported when they are first needed."""

    _ledger: Ledger | None = None
    _rows: RowsReady | None = None
    _in_range: int | None = None
    _problem: str = ""
    """Why the query cannot be answered, if so."""
    _export_dialog: ExportDialog | None = None
    account: str | None = None

    @property
    def query_now(self) -> Query:
        """The query on show."""
        raise NotImplementedError

    def partial(self) -> str:
        """Why the events are not all there are; '' when they are."""
        raise NotImplementedError

    def is_open(self, path: Path) -> bool:
        """Whether a path leads to one of the files that are explored."""
        raise NotImplementedError

    # -- saving --------------------------------------------------------------------------------------------------------
    def on_mount(self) -> None:
        self._saver = Saver(self)

    def action_save(self) -> None:
        """Save this view as CSV now: its rows, its order, its columns."""
        if self._ledger is None or self._rows is None:
            self.notify("there is nothing to save yet", severity="warning")
            return
        from fwbill_tui.export.names import default_name

        query = self.query_now
        shown = None if query.group_by else self._ledger.visible_columns(query)
        path = here() / default_name(self.account, query)
        self.save(Saving(self._ledger, query, path, self._rows.total, columns=shown, partial=self.partial()))

    def action_export(self) -> None:
        """Choose what is saved, as what, and where."""
        from fwbill_tui.export.names import default_name
        from fwbill_tui.tui.screens.export_dialog import ExportChoice, ExportDialog

        query = self.query_now
        everything = replace(query.clear_filters(), group_by=())
        try:
            sizes = self._export_sizes(query)
        except QueryError as error:
            self.notify(cells.label(str(error)), title="Nothing to export", severity="error", markup=False)
            return
        if sizes is None or self._problem:
            self.notify(cells.label(self._problem) or "there is nothing to export yet", severity="warning", markup=False)
            return

        def take(choice: ExportChoice | None) -> None:
            dialog, self._export_dialog = self._export_dialog, None
            ledger = self._ledger
            if choice is not None and ledger is not None and dialog is not None:
                chosen = query if choice.scope == "shown" else everything
                shown = ledger.visible_columns(everything) if choice.columns == "visible" and not chosen.group_by else None
                count = dialog.sizes.shown_rows if choice.scope == "shown" else dialog.sizes.all_rows
                options = (choice.format, shown, choice.overwrite, choice.neutralise_formulas, self.partial())
                self.save(Saving(ledger, chosen, choice.path, count, *options))

        self._export_dialog = ExportDialog(
            sizes,
            here(),
            lambda scope, kind: default_name(self.account, query if scope == "shown" else everything, kind),
            note=self._export_note(),
        )
        self.app.push_screen(self._export_dialog, take)

    def follow_export(self) -> None:
        """Have a dialog that is open say how much there is to export by now: more may have been loaded since."""
        if self._export_dialog is not None and (sizes := self._export_sizes(self.query_now)) is not None:
            self._export_dialog.follow(sizes, self._export_note())

    def _export_sizes(self, query: Query) -> ExportSizes | None:
        """How much there is to export; None as long as that is not known. Raises QueryError."""
        from fwbill_tui.tui.screens.export_dialog import ExportSizes

        ledger, rows = self._ledger, self._rows
        if ledger is None or rows is None:
            return None
        # Events on disk are not counted here: that may have to wait for a pass over all of them.
        in_range = self._in_range if isinstance(ledger, LazyLedger) else ledger.rows_in_range(query)
        if in_range is None:
            return None
        return ExportSizes(
            rows.total,
            in_range,
            len(ledger.visible_columns(replace(query.clear_filters(), group_by=()))),
            len(ledger.events.columns),
            groups=bool(query.group_by),
            what="groups" if isinstance(ledger, RollupLedger) else ledger.row_names[1],
        )

    def _export_note(self) -> str:
        return f"partial: {self.partial()}" if self.partial() else ""

    def save(self, saving: Saving) -> None:
        """Write a file, unless one is being written."""
        if self._saver.running:
            self.notify("a file is being written; esc stops it", severity="warning")
            return
        if self.is_open(saving.path):
            text = f"{cells.label(saving.path.name)} is open here and would be replaced: choose another name"
            self.notify(text, title="Not saved", severity="error", timeout=8, markup=False)
            return
        line = self.query_one(SaveLine)
        line.share, line.name_written = 0.0, cells.label(saving.path.name)
        self._saver.start(saving)

    def on_save_progress(self, message: SaveProgress) -> None:
        """Move the bar."""
        self.query_one(SaveLine).share = message.rows / max(1, message.saving.rows)

    def on_save_ended(self, message: SaveEnded) -> None:
        """Say where the file is, or why there is none."""
        self.query_one(SaveLine).name_written = ""
        saving = message.saving
        if message.exists:
            self._ask_to_replace(saving)
        elif message.problem:
            self.notify(cells.label(message.problem), title="Not saved", severity="error", timeout=8, markup=False)
        else:
            what = "groups" if saving.query.group_by or isinstance(saving.ledger, RollupLedger) else saving.ledger.row_names[1]
            of = "all columns" if saving.columns is None else f"{len(saving.columns)} columns shown"
            text = f"{message.rows:,} {what}, {of}\n{cells.label(str(saving.path))}"
            if saving.partial:
                text += f"\n⚠ partial: {saving.partial}"
            severity = "warning" if saving.partial else "information"
            self.notify(text, title="Saved", severity=severity, timeout=6, markup=False)  # type: ignore[arg-type]

    def _ask_to_replace(self, saving: Saving) -> None:
        from fwbill_tui.tui.screens.confirm import ConfirmScreen

        def take(answer: bool | None) -> None:
            if answer:
                self.save(saving._replace(overwrite=True))

        self.app.push_screen(ConfirmScreen(f"{saving.path.name} is there already. Replace it?"), take)

    def action_leave(self) -> None:
        """End the program; when a file is being written, only if it may be dropped."""
        if not self._saver.running:
            self.app.exit()
            return
        from fwbill_tui.tui.screens.confirm import ConfirmScreen

        def take(answer: bool | None) -> None:
            if answer:
                self.app.exit()

        self.app.push_screen(ConfirmScreen("A file is being written. Quit without it?", yes="Quit", no="Go on writing"), take)

    # -- copying -------------------------------------------------------------------------------------------------------
    def action_copy_cell(self) -> None:
        """Copy the cell, or the first cell of the row, as it would be saved."""
        table = self.query_one(UsageTable)
        names = [table.cursor_cell[0]] if table.cursor_cell else [column.name for column in table.columns[:1]]
        saved = self._row_as_saved(names)
        if not saved:
            self.notify("there is no row to copy from", timeout=2)
            return
        import csv

        title = columns.title_of_column(names[0])
        value = "".join(cell for row in list(csv.reader(io.StringIO(saved, newline="")))[1:] for cell in row)
        if value:
            self._copy(literal(value), title)
        else:
            self.notify(f"{title} is empty: nothing is copied", timeout=2, markup=False)

    def action_copy_row(self) -> None:
        """Copy the row as CSV: the names of the columns, and a line as it would be saved."""
        saved = self._row_as_saved([column.name for column in self.query_one(UsageTable).columns])
        if saved:
            names, _, values = saved.removesuffix("\n").partition("\n")
            self._copy(f"{literal(names)}\n{literal(values)}", "row")
        else:
            self.notify("there is no row to copy", timeout=2)

    def _row_as_saved(self, names: Sequence[str]) -> str:
        """The row under the cursor as a CSV of its own; '' where there is none."""
        at = self.query_one(UsageTable).cursor_row
        if at is None or self._rows is None or self._ledger is None:
            return ""
        from fwbill_tui.export.formats import csv_text, readable_groups
        from fwbill_tui.usage.rollup_ledger import names_in_files

        row = self._rows.frame.slice(at, 1).select(names)
        if self.query_now.group_by:
            return csv_text(readable_groups(row))
        return csv_text(row.rename(names_in_files(self._ledger), strict=False))

    def _copy(self, text: str, what: str) -> None:
        self.app.copy_to_clipboard(text)
        self.notify(f"{what} copied", timeout=2, markup=False)
