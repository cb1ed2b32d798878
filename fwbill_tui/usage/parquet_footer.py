"""How many labels the dictionaries of a Parquet file have, which its footer and page headers say and Polars does not tell.

Sources: Apache Parquet format, `FileMetaData` and `PageHeader`; Apache Thrift, compact protocol.
"""

from __future__ import annotations

from typing import Any

_TRUE, _FALSE, _BYTE, _LARGEST_INTEGER, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 1, 2, 3, 6, 7, 8, 9, 10, 12
_MANY = 15
"""The length of a list that follows by itself."""
_ROW_GROUPS, _COLUMNS, _META_DATA, _PATH, _DATA_PAGE, _DICTIONARY_PAGE = 4, 1, 3, 3, 9, 11
"""Fields of `FileMetaData`, `RowGroup`, `ColumnChunk` and (three) `ColumnMetaData`."""
_PAGE_TYPE, _DICTIONARY_HEADER, _VALUES = 1, 7, 1
"""Fields of `PageHeader` (two) and `DictionaryPageHeader`."""
_DICTIONARY = 2
"""A type of a page."""


def largest_dictionaries(file: bytes | memoryview, footer: bytes) -> dict[str, int]:
    """The most values that one dictionary of a column has in `file`, by the column's name.

    Raises ValueError when file or footer are damaged.
    """
    largest: dict[str, int] = {}
    try:
        for group in _Thrift(footer).struct()[_ROW_GROUPS]:
            for column in group[_COLUMNS]:
                told = column[_META_DATA]
                name = b".".join(told[_PATH]).decode()
                # Some writers name a dictionary in the place of data.
                page = _Thrift(file, told.get(_DICTIONARY_PAGE) or told[_DATA_PAGE]).struct()
                values = page[_DICTIONARY_HEADER][_VALUES] if page[_PAGE_TYPE] == _DICTIONARY else 0
                largest[name] = max(values, largest.get(name, 0))
    except (KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
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
