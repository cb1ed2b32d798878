"""Opening an input and telling from its first bytes what it is."""

from __future__ import annotations

import io
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple, cast

from fwbill_tui.files.compressed import BlockStream, gunzip, unzstd
from fwbill_tui.files.inputs import Input, UnreadableFile

Kind = Literal["csv", "parquet"]

_MAGIC = 4
_UNUSABLE = {
    b"PK\x03\x04": "a ZIP archive or a spreadsheet; unpack it, or save it as CSV",
    b"BZh": "compressed with bzip2; unpack it first",
    b"\xfd7zX": "compressed with xz; unpack it first",
    b"%PDF": "a PDF document, not a usage export",
}


class Opened(NamedTuple):
    """An input that is open: its decompressed bytes, and how many bytes of the file those took so far."""

    kind: Kind
    stream: BinaryIO
    position: Callable[[], int]
    compressed: bool = False


@contextmanager
def opened(source: Input) -> Iterator[Opened]:
    """Open an input for reading from its beginning. Raises UnreadableFile, and OSError as the system does."""
    if source.path is None:
        yield _open(source, sys.stdin.buffer)
        return
    with source.path.open("rb") as file:
        if stat.S_ISDIR(source.path.stat().st_mode):
            raise UnreadableFile(source.name, "this is a folder")
        found = _open(source, file)
        if found.kind == "parquet" and source.size is not None and not _is_utf8(source.path):
            raise UnreadableFile(source.name, "its name is not UTF-8, as a Parquet file's has to be; rename it")
        yield found


def _is_utf8(path: Path) -> bool:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def _open(source: Input, file: BinaryIO) -> Opened:
    magic = file.read(_MAGIC)
    for known, what in _UNUSABLE.items():
        if magic.startswith(known):
            raise UnreadableFile(source.name, f"this is {what}" if what.startswith("a") else what)
    counted = _Counted(file, magic)
    if magic.startswith(b"\x1f\x8b"):
        return Opened("csv", _buffered(BlockStream(gunzip(counted))), counted.position, compressed=True)
    if magic == b"\x28\xb5\x2f\xfd":
        return Opened("csv", _buffered(BlockStream(unzstd(counted))), counted.position, compressed=True)
    kind: Kind = "parquet" if magic in {b"PAR1", b"PARE"} else "csv"
    return Opened(kind, _buffered(counted), counted.position)


def _buffered(raw: io.RawIOBase) -> BinaryIO:
    return cast(BinaryIO, io.BufferedReader(raw, 1 << 20))


class _Counted(io.RawIOBase):
    """A file that was read for its first bytes: gives those again, and counts all that is taken."""

    def __init__(self, file: BinaryIO, head: bytes) -> None:
        self._file = file
        self._head = head
        self._taken = 0

    def readable(self) -> bool:
        """True."""
        return True

    def position(self) -> int:
        """Bytes taken so far."""
        return self._taken

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        """Fill the beginning of a buffer with the next bytes; 0 at the end."""
        if self._head:
            count = min(len(buffer), len(self._head))
            buffer[:count] = self._head[:count]
            self._head = self._head[count:]
        else:
            count = self._file.readinto(buffer)  # type: ignore[attr-defined]
        self._taken += count
        return count
