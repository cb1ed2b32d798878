"""Apps around table widgets that come without one: `python peer_apps.py data-table|fast-data-table FILE.csv`.

Each opens a CSV the way the widget's own documentation does.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from textual.app import App, ComposeResult
from textual.widgets import DataTable


class DataTableApp(App[None]):
    """Textual's DataTable with every row of the file."""

    def compose(self) -> ComposeResult:
        yield DataTable(cursor_type="row")

    def on_mount(self) -> None:
        table = self.query_one(DataTable)
        with Path(sys.argv[2]).open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file)
            table.add_columns(*next(rows))
            table.add_rows(rows)
        table.focus()


def fast_data_table() -> App[None]:
    """An app of textual-fastdatatable, which need not be installed for the other."""
    import pyarrow.csv  # type: ignore[import-not-found]
    from textual_fastdatatable import ArrowBackend  # type: ignore[import-not-found]
    from textual_fastdatatable import DataTable as FastDataTable

    class FastDataTableApp(App[None]):
        def compose(self) -> ComposeResult:
            yield FastDataTable(backend=ArrowBackend(pyarrow.csv.read_csv(sys.argv[2])), cursor_type="row")

    return FastDataTableApp()


if __name__ == "__main__":
    (DataTableApp() if sys.argv[1] == "data-table" else fast_data_table()).run()
