"""How many labels the columns of a Parquet file may have, which its footer and page headers say and Polars does not tell.

Sources: Apache Parquet format, `FileMetaData` and `PageHeader`; Apache Thrift, compact protocol.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

Chunk: TypeAlias = dict[int, Any]
"""The `ColumnMetaData` of one column in one row group."""

_TRUE, _FALSE, _BYTE, _LARGEST_INTEGER, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 1, 2, 3, 6, 7, 8, 9, 10, 12
_MANY = 15
"""The length of a list that follows by itself."""
_ROW_GROUPS, _COLUMNS, _META_DATA = 4, 1, 3
"""Fields of `FileMetaData`, `RowGroup` and `ColumnChunk`."""
_ENCODINGS, _PATH, _NUM_VALUES, _DATA_PAGE, _DICTIONARY_PAGE, _ENCODING_STATS = 2, 3, 5, 9, 11, 13
"""Fields of `ColumnMetaData`."""
_STATS_PAGE_TYPE, _STATS_ENCODING = 1, 2
"""Fields of `PageEncodingStats`."""
_PAGE_TYPE, _DICTIONARY_HEADER, _VALUES = 1, 7, 1
"""Fields of `PageHeader` (two) and `DictionaryPageHeader`."""
_DICTIONARY = 2
"""A type of a page."""
_IN_DICTIONARY = frozenset({2, 8})
"""Encodings of pages that refer to a dictionary."""
_DAMAGED = (KeyError, IndexError, TypeError, AttributeError, RecursionError)


def chunks_of(footer: bytes) -> list[tuple[str, Chunk]]:
    """The columns of every row group, each with its name. Raises ValueError when the footer is damaged."""
    try:
        chunks = [column[_META_DATA] for group in _Thrift(footer).struct()[_ROW_GROUPS] for column in group[_COLUMNS]]
        return [(b".".join(chunk[_PATH]).decode(), chunk) for chunk in chunks]
    except _DAMAGED as error:
        raise ValueError("not the footer of a Parquet file, or a damaged one") from error


def most_without_dictionary(chunks: Iterable[tuple[str, Chunk]]) -> dict[str, int]:
    """The most values of a column in one row group in which some stand as they are, by the column's name.

    Raises ValueError when the footer is damaged.
    """
    most: dict[str, int] = {}
    try:
        for name, chunk in chunks:
            if _has_plain_values(chunk):
                most[name] = max(chunk[_NUM_VALUES], most.get(name, 0))
    except _DAMAGED as error:
        raise ValueError("not the footer of a Parquet file, or a damaged one") from error
    return most


def _has_plain_values(chunk: Chunk) -> bool:
    """Whether not all values are in a dictionary. Writers that begin one and may go on without say which pages there are."""
    pages = chunk.get(_ENCODING_STATS)
    if pages is None:
        return _IN_DICTIONARY.isdisjoint(chunk[_ENCODINGS])
    return any(page[_STATS_PAGE_TYPE] != _DICTIONARY and page[_STATS_ENCODING] not in _IN_DICTIONARY for page in pages)


def largest_dictionaries(file: bytes | memoryview, chunks: Iterable[tuple[str, Chunk]]) -> dict[str, int]:
    """The most values that one dictionary of a column has in `file`, by the column's name.

    Raises ValueError when file or footer are damaged.
    """
    largest: dict[str, int] = {}
    try:
        for name, chunk in chunks:
            # Some writers name a dictionary in the place of data.
            page = _Thrift(file, chunk.get(_DICTIONARY_PAGE) or chunk[_DATA_PAGE]).struct()
            values = page[_DICTIONARY_HEADER][_VALUES] if page[_PAGE_TYPE] == _DICTIONARY else 0
            largest[name] = max(values, largest.get(name, 0))
    except _DAMAGED as error:
        raise ValueError("not a Parquet file, or a damaged one") from error
    return largest


class _Thrift:
    """Reads what is at a place of some data. A struct becomes a dict by the numbers of its fields."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes | memoryview, at: int = 0) -> None:
        self._data, self._at = data, at

    def struct(self) -> dict[int, Any]:
        found: dict[int, Any] = {}
        field = 0
        while head := self._byte():
            field = field + (head >> 4) if head >> 4 else self._integer()
            found[field] = self._value(head & 15)
        return found

    def _value(self, kind: int) -> object:
        if _BYTE < kind <= _LARGEST_INTEGER:
            return self._integer()
        if kind == _BINARY:
            return self._bytes(self._varint())
        if kind == _STRUCT:
            return self.struct()
        if kind in (_TRUE, _FALSE):
            return kind == _TRUE
        if kind in (_LIST, _SET):
            head = self._byte()
            length = head >> 4 if head >> 4 != _MANY else self._varint()
            one = _BYTE if head & 15 in (_TRUE, _FALSE) else head & 15
            return [self._value(one) for _ in range(length)]
        if kind == _BYTE:
            return self._byte()
        if kind == _DOUBLE:
            return self._bytes(8)
        raise ValueError(f"Thrift has no type {kind} that Parquet knows")

    def _byte(self) -> int:
        byte = self._data[self._at]
        self._at += 1
        return byte

    def _bytes(self, length: int) -> bytes:
        begin, self._at = self._at, self._at + length
        return bytes(self._data[begin : self._at])

    def _integer(self) -> int:
        number = self._varint()
        return (number >> 1) ^ -(number & 1)

    def _varint(self) -> int:
        byte = self._byte()
        number, place = byte & 0x7F, 7
        while byte > 0x7F:
            byte = self._byte()
            number |= (byte & 0x7F) << place
            place += 7
        return number
