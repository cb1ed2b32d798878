"""Reading a CSV export as a stream of typed batches, in chunks that several threads parse."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import BinaryIO

from fwbill_tui.usage.cells import TooManyLabels
from fwbill_tui.usage.csv_chunk import ChunkReader, Piece
from fwbill_tui.usage.csv_cutter import LONGEST_LINE, Chunk, Cutter
from fwbill_tui.usage.header import Header
from fwbill_tui.usage.names import ExportFormatError
from fwbill_tui.usage.row_reader import Fault, printable
from fwbill_tui.usage.schema import Batch, EventTypes, Reject

__all__ = ["LONGEST_LINE", "THREADS", "TooManyLabels", "read_csv", "read_header"]

THREADS = min((os.cpu_count() or 1) + 1, 8)
"""One more than there are cores, so that none waits for Python; each holds a chunk and what is made of it."""

_LONGEST_HEADER = 1 << 20


def read_csv(
    stream: BinaryIO,
    *,
    source: str,
    types: EventTypes,
    chunk_bytes: int = 16 << 20,
    threads: int = THREADS,
    position: Callable[[], int] | None = None,
    on_unended: Callable[[], None] = lambda: None,
) -> Generator[Batch, None, None]:
    """Read a CSV export: batches in the order of the file, at least one, the first of them small and at once.

    `source` names the file in rejects and errors. The `bytes_read` of all batches add up to the bytes of the stream, or
    to what `position` tells at its end: bytes of the file on disk, where the stream decompresses it. `on_unended` is called
    when the last line turns out to have no line end. Closing the iterator ends the threads; the stream stays the caller's to
    close.

    Raises ExportFormatError when the stream is not a usage export, TooManyLabels when `types` cannot number the labels
    of a column, and whatever reading the stream raises.
    """
    header, lines, length = _read_header(stream, source)
    reader, cutter = ChunkReader(header, types), Cutter(stream, chunk_bytes, length, position)
    line = lines + 1
    done = 0
    pool = ThreadPoolExecutor(threads, thread_name_prefix="read-csv")
    try:
        for piece, at, last in _in_order(pool, threads, reader, cutter):
            if last and cutter.unended:
                on_unended()
            if last and line > lines + 1 and not piece.lines and at == done:
                return
            rejects = tuple(Reject(source, line + fault.line, *fault[1:]) for fault in piece.faults)
            line += piece.lines
            yield Batch(reader.together(piece), rejects, at - done, tuple(piece.sums))
            done = at
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def read_header(stream: BinaryIO, source: str) -> Header:
    """Read just the header of a CSV export. Raises ExportFormatError when it is not one."""
    return _read_header(stream, source)[0]


def _read_header(stream: BinaryIO, source: str) -> tuple[Header, int, int]:
    """The header, and the lines and bytes read for it."""
    lines = length = 0
    while True:
        line = stream.readline(_LONGEST_HEADER + 1)
        lines += 1
        length += len(line)
        if not line:
            raise ExportFormatError(f"{source}: the file is empty, without even a header line")
        if len(line) > _LONGEST_HEADER:
            raise ExportFormatError(f"{source}: not a usage export: its first line does not end")
        if line.removeprefix(b"\xef\xbb\xbf").strip():
            return Header.parse(line, source), lines, length


def _in_order(pool: ThreadPoolExecutor, threads: int, reader: ChunkReader, cutter: Cutter) -> Iterator[tuple[Piece, int, bool]]:
    """Parse chunks in the pool and hand them on in order, each with where it ends in the file and whether it is the last.

    Every chunk is parsed as if it began with a new record. Where it did not, because a record before it spans lines, it
    is parsed again behind the beginning of that record.
    """
    pending: deque[tuple[Chunk, Future[Piece]]] = deque()
    tail = b""

    def oldest() -> tuple[Piece, int, bool]:
        nonlocal tail
        chunk, future = pending.popleft()
        if chunk.failure:
            raise chunk.failure
        piece = future.result()
        if tail:
            piece = _parse(reader, chunk, tail)
        tail = piece.tail
        cutter.take_back(chunk)
        return piece, chunk.position, chunk.last

    for chunk in cutter.chunks():
        pending.append((chunk, pool.submit(_parse, reader, chunk, b"")))
        while len(pending) > threads or (pending and pending[0][1].done()):
            yield oldest()
    while pending:
        yield oldest()


def _parse(reader: ChunkReader, chunk: Chunk, tail: bytes) -> Piece:
    data = tail if chunk.overlong else tail + chunk.data
    piece = reader.read(data, final=chunk.last or chunk.overlong)
    if chunk.overlong:
        text = printable(chunk.data.decode("utf-8", "surrogateescape"))
        piece.faults.append(Fault(piece.lines, None, f"a line of more than {LONGEST_LINE >> 20} MiB", text))
        piece.lines += 1
    return piece
