"""Saving a view in a thread, with progress, whole or not at all."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from textual.message import Message
from textual.widget import Widget

from fwbill_tui.tui.explorer.telling import tell
from fwbill_tui.usage.faults import own_fault
from fwbill_tui.usage.ledger import Ledger
from fwbill_tui.usage.query import Query, QueryError

if TYPE_CHECKING:
    from fwbill_tui.export.endings import Format


class Saving(NamedTuple):
    """What is to be saved, and where. `columns` None: all of them; a grouped query saves its groups.

    `rows` is how many are expected, by the answer on screen.
    """

    ledger: Ledger
    query: Query
    path: Path
    rows: int
    format: Format = "csv"
    columns: Sequence[str] | None = None
    overwrite: bool = False
    neutralise_formulas: bool = False
    partial: str = ""
    """Why the events are not all there are, if so; said again when the file is written."""


class SaveProgress(Message):
    """So many rows are written."""

    def __init__(self, saving: Saving, rows: int) -> None:
        super().__init__()
        self.saving, self.rows = saving, rows

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, SaveProgress)


class SaveEnded(Message):
    """The file is there with so many `rows`, or (`problem`) nothing was written. `exists`: another file has that name."""

    def __init__(self, saving: Saving, problem: str = "", *, exists: bool = False, rows: int = 0) -> None:
        super().__init__()
        self.saving, self.problem, self.exists, self.rows = saving, problem, exists, rows


class Saver:
    """One file at a time."""

    def __init__(self, target: Widget) -> None:
        self._target = target
        self._cancelled = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """Whether a file is being written."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, saving: Saving) -> None:
        """Begin to write; `SaveEnded` comes in the end."""
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(saving, self._cancelled), name="fwbill-save", daemon=True)
        self._thread.start()

    def cancel(self) -> None:
        """Stop; nothing is left behind."""
        self._cancelled.set()

    def close(self, seconds: float = 5.0) -> None:
        """Cancel and wait until the unfinished file is gone."""
        self.cancel()
        if self._thread is not None:
            self._thread.join(seconds)

    def _run(self, saving: Saving, cancelled: threading.Event) -> None:
        from fwbill_tui.export.errors import ExportCancelled, ExportError, TargetExistsError

        try:
            end = SaveEnded(saving, rows=self._write(saving, cancelled))
        except TargetExistsError as error:
            end = SaveEnded(saving, str(error), exists=True)
        except ExportCancelled:
            end = SaveEnded(saving, "stopped; nothing was written")
        except (ExportError, QueryError) as error:
            end = SaveEnded(saving, str(error))
        except BaseException as error:  # without an end, the line of the saving would stay for ever
            end = SaveEnded(saving, own_fault(error))
        tell(self._target, end)

    def _write(self, saving: Saving, cancelled: threading.Event) -> int:
        """Write the file; how many rows it has."""
        from fwbill_tui.export.writing import write_events, write_groups

        written = 0

        def progress(done: int, *_: object) -> None:
            nonlocal written
            written = done
            tell(self._target, SaveProgress(saving, done))

        if saving.query.group_by:
            write_groups(
                saving.ledger, saving.query, saving.path, format=saving.format, overwrite=saving.overwrite,
                neutralise_formulas=saving.neutralise_formulas, progress=progress, cancelled=cancelled,
            )  # fmt: skip
        else:
            write_events(
                saving.ledger, saving.query, saving.path, format=saving.format, columns=saving.columns,
                overwrite=saving.overwrite, neutralise_formulas=saving.neutralise_formulas, progress=progress,
                cancelled=cancelled,
            )  # fmt: skip
        return written
