"""Reading all inputs of a load, one after another, as one stream of batches. Other readers than that of CSV are imported late."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial

import polars as pl

from fwbill_tui.files.compressed import DamagedError
from fwbill_tui.files.inputs import Input, OnUnreadable, UnreadableFile, plain
from fwbill_tui.files.opening import Opened, opened
from fwbill_tui.usage.csv_reader import THREADS, read_csv, read_header
from fwbill_tui.usage.header import RollupFound
from fwbill_tui.usage.literal import literal
from fwbill_tui.usage.names import ExportFormatError
from fwbill_tui.usage.schema import Batch, EventTypes

_PATTERN = re.compile(r"[*?\[]")
CHUNK_BYTES = 16 << 20
"""Bytes of CSV that are read at once; less take less memory, and a little longer."""


def read_inputs(
    inputs: Sequence[Input],
    *,
    types: EventTypes,
    on_unreadable: OnUnreadable = None,
    chunk_bytes: int = CHUNK_BYTES,
    threads: int = THREADS,
    on_unended: Callable[[Input], None] = lambda _: None,
) -> Generator[Batch, None, None]:
    """Read inputs in their order. The `bytes_read` of a file's batches add up to its size on disk.

    `chunk_bytes` of CSV become a batch; `threads` of them are read at the same time. `on_unended` is told of CSV whose last
    line has no line end.

    All files of this machine are looked at before the first is read, so that a missing, damaged or foreign one is known
    at once. A file that cannot be read raises UnreadableFile, which names it; with `on_unreadable` it is told and the
    others go on. What was read of it before damage showed has been handed out: `UnreadableFile.events` says how much.

    Raises TooManyLabels when `types` cannot number the labels of a column. Closing the iterator ends its threads and
    closes its files.
    """
    readable: list[Input] = []
    for source in inputs:
        try:
            if source.path is not None and (source.size is not None or not source.path.exists()):
                _look_at(source)
        except UnreadableFile as error:
            if on_unreadable is None:
                raise
            on_unreadable(error)
        else:
            readable.append(source)
    for source in readable:
        try:
            yield from _read(source, types, chunk_bytes, threads, partial(on_unended, source))
        except UnreadableFile as error:
            if on_unreadable is None:
                raise
            on_unreadable(error if source.url is None or not _PATTERN.search(source.url) else _of_pattern(error))


def _of_pattern(error: UnreadableFile) -> UnreadableFile:
    """Objects of a pattern are read as one: where it ends, the rest of them is missing, too."""
    reason = f"{error.reason}; of this pattern nothing that follows is read, either: name its objects one by one"
    return UnreadableFile(error.name, reason, error.events)


def is_rollup(source: Input) -> bool:
    """Whether a file of this machine has the columns of a rollup. Raises UnreadableFile for one that cannot be read."""
    try:
        if source.path is not None and source.size is not None:
            _look_at(source)
    except UnreadableFile as error:
        if isinstance(error.__cause__, RollupFound):
            return True
        raise
    return False


def _look_at(source: Input) -> None:
    """Read just the beginning of a file. Raises UnreadableFile."""
    with told_plainly(source), opened(source) as file:
        if file.kind == "parquet" and source.path is not None:
            from fwbill_tui.files.parquet_reader import read_parquet_header

            read_parquet_header(source.path, source.name)
        else:
            read_header(file.stream, source.name)


def _read(
    source: Input, types: EventTypes, chunk_bytes: int, threads: int, on_unended: Callable[[], None]
) -> Generator[Batch, None, None]:
    events = 0
    with told_plainly(source, lambda: events), ExitStack() as held:
        if source.url is not None:
            from fwbill_tui.files.remote import read_objects

            batches = read_objects(source.url, types)
        else:
            batches = _batches(held.enter_context(opened(source)), source, types, chunk_bytes, threads, on_unended)
        for batch in held.enter_context(closing(batches)):
            events += batch.event_count
            yield batch


def _batches(
    file: Opened, source: Input, types: EventTypes, chunk_bytes: int, threads: int, on_unended: Callable[[], None]
) -> Generator[Batch, None, None]:
    if file.kind == "csv":
        return read_csv(
            file.stream, source=source.name, types=types, chunk_bytes=chunk_bytes, threads=threads, position=file.position,
            on_unended=on_unended,
        )  # fmt: skip
    from fwbill_tui.files.parquet_reader import read_parquet

    if source.path is not None and source.size is not None:
        return read_parquet(source.path, source=source.name, types=types, size=source.size)
    whole = file.stream.read()  # Parquet is read from its end, which a pipe does not have
    return read_parquet(io.BytesIO(whole), source=source.name, types=types, size=len(whole))


@contextmanager
def told_plainly(source: Input, events: Callable[[], int] = lambda: 0) -> Iterator[None]:
    """Turn every way in which reading a file fails into UnreadableFile, which names it."""
    try:
        yield
    except UnreadableFile:
        raise
    except ExportFormatError as error:
        raise UnreadableFile(source.name, str(error).removeprefix(f"{source.name}: "), events()) from error
    except DamagedError as error:
        raise UnreadableFile(source.name, str(error), events()) from error
    except OSError as error:
        raise UnreadableFile(source.name, plain(error), events()) from error
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise UnreadableFile(source.name, _why_no_parquet(error), events()) from error


def _why_no_parquet(error: BaseException) -> str:
    if zone := re.search(r"unable to parse time zone: '([^']*)'", str(error)):
        return f"it has times in the zone {literal(zone[1])}, which Polars does not know: write them in UTC"
    detail = str(error).partition("\n")[0].removeprefix("parquet: ")
    return f"the Parquet file is damaged ({detail})"
