"""Events that stay on disk: Parquet files read where they are, and a private folder for what is in no such file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from fwbill_tui.files.spool import Spool
from fwbill_tui.usage.cells import SPLIT_COLUMNS, prompt_split
from fwbill_tui.usage.lazy_ledger import Scan
from fwbill_tui.usage.names import COUNT_COLUMNS, TIME_COLUMNS
from fwbill_tui.usage.schema import Batch

_SPOOLED_ROWS = 1 << 20
"""Rows of a temporary file; they are held in memory until it is written."""


@dataclass(frozen=True, slots=True)
class Stored:
    """Rows of a Parquet file (or of the object of a URL) that are events as they stand, once they are cast to our types.

    `rows` of its `file_rows`, from `first` on. `names` are ours for its columns, whose types are `dtypes`. `spooled`: it is
    a file of a `Spool`, and needs no cast.
    """

    file: Path | str
    first: int
    rows: int
    file_rows: int
    names: tuple[str, ...]
    dtypes: tuple[pl.DataType, ...]
    spooled: bool = False

    @property
    def whole(self) -> bool:
        """Whether these are all rows of the file."""
        return self.rows == self.file_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBatch(Batch):
    """A batch whose events need not be kept: they can be read again."""

    stored: Stored


def as_stored(cells: pl.DataFrame, events: pl.DataFrame, stored: Mapping[str, pl.DataType]) -> bool:
    """Whether `events`, made of `cells` that a file has as `stored`, are those cells cast to our types.

    Every change of a value that reading makes beside that turns it into null, or fills in a part of the prompt, which is
    done again when the file is scanned.
    """
    if cells.height != events.height:
        return False
    before, after = cells.null_count().row(0, named=True), events.null_count().row(0, named=True)
    if any(nulls != before.get(column, events.height) for column, nulls in after.items() if column not in SPLIT_COLUMNS):
        return False
    return all(_castable(column, dtype) for column, dtype in stored.items())


def _castable(column: str, stored: pl.DataType) -> bool:
    if column in TIME_COLUMNS:
        return isinstance(stored, pl.Datetime)
    if column in COUNT_COLUMNS:
        return stored.is_integer()
    if column == "accelerator_seconds":
        return stored.is_float()
    return isinstance(stored, (pl.String, pl.Categorical, pl.Enum))


class StoredRows:
    """Where the events of a load are, in its order: in the files they are from, or else in a `Spool`."""

    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        """Takes what is in no file that could be read again."""
        self._parts: list[Stored] = []
        self._states: dict[Path, tuple[int, int]] = {}
        self._waiting: list[pl.DataFrame] = []

    def add(self, frame: pl.DataFrame, batch: Batch) -> None:
        """Take the events of a batch, in their final form. Raises SpoolError when they cannot be put on disk."""
        if isinstance(batch, StoredBatch):
            self._flush()
            self._add_stored(batch.stored)
        elif not frame.is_empty():
            if self._waiting and self._waiting[0].schema != frame.schema:
                self._flush()
            self._waiting.append(frame)
            if sum(waiting.height for waiting in self._waiting) >= _SPOOLED_ROWS:
                self._flush()

    def scan(self, schema: pl.Schema) -> Scan:
        """What reads the events taken so far, as frames of `schema`.

        It raises OSError when a file is gone or has changed since it was taken in.
        """
        self._flush()
        parts, states, spool = tuple(self._parts), dict(self._states), self.spool

        def scan(where: pl.Expr | None) -> pl.LazyFrame:
            spool.check()
            for file, state in states.items():
                if _state(file) != state:
                    raise OSError(f"{file} has changed since it was opened")
            frames = [_scanned(run, schema, where) for run in _runs(parts)]
            return pl.concat(frames) if frames else schema.to_frame().lazy()

        return scan

    def _add_stored(self, stored: Stored) -> None:
        if isinstance(stored.file, Path) and stored.file not in self._states:
            self._states[stored.file] = _state(stored.file)
        last = self._parts[-1] if self._parts else None
        if last is not None and last == replace(stored, first=stored.first - last.rows, rows=last.rows):
            self._parts[-1] = replace(last, rows=last.rows + stored.rows)
        else:
            self._parts.append(stored)

    def _flush(self) -> None:
        if not self._waiting:
            return
        frame = pl.concat(self._waiting, rechunk=False)
        self._waiting.clear()
        file = self.spool.write(frame)
        self._parts.append(Stored(file, 0, frame.height, frame.height, tuple(frame.columns), tuple(frame.dtypes), spooled=True))


def _state(file: Path) -> tuple[int, int]:
    """What changes when a file does."""
    now = file.stat()
    return now.st_mtime_ns, now.st_size


def _runs(parts: Sequence[Stored]) -> list[list[Stored]]:
    """Parts that one scan reads: whole files of the same columns one after another, or a piece of a file alone."""
    runs: list[list[Stored]] = []
    for part in parts:
        last = runs[-1][-1] if runs else None
        if (
            last is not None
            and last.whole
            and part.whole
            and replace(part, file=last.file, rows=last.rows, file_rows=last.file_rows) == last
        ):
            runs[-1].append(part)
        else:
            runs.append([part])
    return runs


def _scanned(run: Sequence[Stored], schema: pl.Schema, where: pl.Expr | None) -> pl.LazyFrame:
    part = run[0]
    scan = pl.scan_parquet([str(part.file) for part in run], glob=False)
    if not part.whole:
        scan = scan.slice(part.first, part.rows)
    scan = scan.rename(dict(zip(scan.collect_schema().names(), part.names, strict=True)))
    have = dict(zip(part.names, part.dtypes, strict=True))
    scan = scan.select(_as_event(column, have.get(column), dtype) for column, dtype in schema.items())
    if not part.spooled:
        scan = scan.with_columns(prompt_split())
    if where is not None:
        scan = scan.filter(where)  # before labels become codes, so that this is done for the rows that are left alone
    return scan.cast({column: dtype for column, dtype in schema.items() if isinstance(dtype, pl.Categorical)})


def _as_event(column: str, stored: pl.DataType | None, dtype: pl.DataType) -> pl.Expr:
    """A column of a frame of events, from the column of that name as a file has it (None: it has none); labels are text,
    or codes where they are that already."""
    if stored is None:
        return pl.lit(None, dtype=dtype).alias(column)
    if stored == dtype:
        return pl.col(column)
    if isinstance(stored, pl.Datetime):
        naive = stored.time_zone is None
        instant = pl.col(column).dt.replace_time_zone("UTC") if naive else pl.col(column).dt.convert_time_zone("UTC")
        return instant.dt.cast_time_unit("us")
    return pl.col(column).cast(pl.String if isinstance(dtype, pl.Categorical) else dtype)
