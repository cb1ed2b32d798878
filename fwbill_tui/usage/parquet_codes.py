"""Parquet files whose text columns Polars reads as dictionary codes, without making texts of them first.

Parquet stores a label column as a dictionary and codes, and Polars reads those as they are if the file says that the column
was categorical. Most files say that it was text; then Polars makes a text of every code, and the cast back looks every one
up again, which takes longer than all other reading. What a column was is said in the file's footer, in the entry
`ARROW:schema` of its key-value metadata (Polars and pyarrow write it, DuckDB and Spark do not). So the footer is written
anew, in memory, with the types of a load in that entry; data pages stay as they are.

Sources: Apache Parquet format, `FileMetaData.key_value_metadata` in Thrift's compact protocol; Arrow's `ARROW:schema`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import SEEK_END, BytesIO, FileIO, RawIOBase

import polars as pl

from fwbill_tui.usage.cells import TooManyLabels
from fwbill_tui.usage.names import COLUMN_DIMENSIONS
from fwbill_tui.usage.parquet_footer import chunks_of, largest_dictionaries, most_without_dictionary
from fwbill_tui.usage.schema import EventTypes

_ENTRY = "ARROW:schema"
_STRING = 0x18
"""Thrift, compact: the next field of a struct, a string; its length follows as a varint."""
_KEY = bytes([_STRING, len(_ENTRY)]) + _ENTRY.encode() + bytes([_STRING])
_LONGEST_VARINT = 5
_MAGIC = b"PAR1"
_END = 4 + len(_MAGIC)
"""The length of the footer and the magic."""
_MOST_NARROW = 2**16 - 1
"""Labels of a column that Polars can read from one row group into codes of 16 bits; at more it panics."""
_LONGEST_FOOTER = 1 << 20
"""Bytes. To look through a longer one, of very many row groups, takes longer than to make texts."""


def coded(file: RawIOBase | BytesIO, names: Sequence[str], types: EventTypes) -> BytesIO | None:
    """A copy in memory of a Parquet file, with its label columns as dictionary codes of `types`; `names` are ours.

    None when the file has no such columns as text, or does not say what its columns were. A column that may have too many
    labels outside of dictionaries stays text. The pages of the copy are the file's; where Polars cannot decode one as codes
    it raises ComputeError when it comes to it. Raises TooManyLabels.
    """
    size = file.seek(0, SEEK_END)
    file.seek(size - _END)
    end = file.read(_END)
    length = int.from_bytes(end[:4], "little") + _END
    if end[4:] != _MAGIC or length > min(size, _LONGEST_FOOTER):
        return None
    file.seek(size - length)
    old = file.read(length)
    stored = _schema(old)
    try:
        chunks = chunks_of(old[:-_END])
        plain = most_without_dictionary(chunks)
    except ValueError:
        return None
    narrow = {ours for ours in COLUMN_DIMENSIONS if types.label(ours).categories.physical() == pl.UInt16}
    labels = {
        name: ours for (name, dtype), ours in zip(stored.items(), names, strict=False)
        if dtype == pl.String and ours in COLUMN_DIMENSIONS and not (ours in narrow and plain.get(name, 0) > _MOST_NARROW)
    }  # fmt: skip
    wanted = stored | {name: types.label(ours) for name, ours in labels.items()}
    tail = _tail(old, wanted) if labels else None
    if tail is None or _schema(tail) != wanted:
        return None
    pages = size - length
    copy = BytesIO(bytes(pages + len(tail)))
    with copy.getbuffer() as buffer, buffer[:pages] as room:
        if _read_into(room, file) != pages:
            return None
        buffer[pages:] = tail
        try:
            largest = largest_dictionaries(buffer, chunks)
        except ValueError:
            return None
    for name, ours in labels.items():
        if ours in narrow and largest.get(name, 0) > _MOST_NARROW:
            raise TooManyLabels(ours)
    return copy


def _read_into(buffer: memoryview, file: RawIOBase | BytesIO) -> int:
    """Read the beginning of a file. Returns how many bytes there were.

    Memory that is written for the first time is slow, so two threads write it.
    """
    if isinstance(file, FileIO) and sys.platform != "win32":
        middle, descriptor = len(buffer) // 2, file.fileno()
        with (
            buffer[:middle] as first,
            buffer[middle:] as rest,
            ThreadPoolExecutor(1, thread_name_prefix="read-parquet") as thread,
        ):
            half = thread.submit(os.preadv, descriptor, [rest], middle)
            return os.preadv(descriptor, [first], 0) + half.result()
    file.seek(0)
    return file.readinto(buffer) or 0


def _tail(old: bytes, schema: Mapping[str, pl.DataType]) -> bytes | None:
    """The footer with another schema, its length, and the magic."""
    at = old.rfind(_KEY)
    if at < 0:
        return None
    length, begin = _varint_at(old, at + len(_KEY))
    entry = _entry(schema)
    footer = b"".join((old[:at], _KEY, _varint(len(entry)), entry, old[begin + length : -_END]))
    return footer + len(footer).to_bytes(4, "little") + _MAGIC


def _entry(schema: Mapping[str, pl.DataType]) -> bytes:
    """What Polars writes for columns of these types."""
    empty = BytesIO()
    pl.DataFrame(schema=schema).write_parquet(empty)
    empty.seek(0)
    return pl.read_parquet_metadata(empty)[_ENTRY].encode()


def _schema(tail: bytes) -> dict[str, pl.DataType]:
    """The columns of a file that ends so; none when that is no footer."""
    try:
        return dict(pl.read_parquet_schema(BytesIO(_MAGIC + tail)))
    except pl.exceptions.PolarsError:
        return {}


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


def _varint_at(data: bytes, at: int) -> tuple[int, int]:
    """The number that begins there, and where it has ended; 0 where there is none."""
    number = 0
    for place, byte in enumerate(data[at : at + _LONGEST_VARINT]):
        number |= (byte & 0x7F) << 7 * place
        if byte <= 0x7F:
            return number, at + place + 1
    return 0, at
