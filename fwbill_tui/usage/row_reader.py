"""Cutting CSV into rows one by one, for the stretches of a file that Polars' reader cannot be trusted with.

This is the reference for what a row is. A field is quoted when it begins with a quote; it then ends at the next quote
that is not doubled, and may span lines. Quotes elsewhere are ordinary characters. A carriage return that ends a field
is dropped, since Polars does so. What cannot be read costs one line: reading goes on with the next, so that a stray
quote never swallows the rest of a file.
"""

from __future__ import annotations

import re
from typing import NamedTuple

LONGEST_RECORD = 64 << 10
"""A record that spans lines is taken for a stray quote beyond this many characters."""

REJECTED_TEXT = 2_000
"""Characters of a rejected row that are kept."""

_NOT_CLOSED = "a quoted field is not closed"
_INSIDE_QUOTES = re.compile(r'(?:[^"]++|"")*+')
_NOT_UTF8 = re.compile("[\udc80-\udcff]")  # what the error handler surrogateescape leaves of an undecodable byte


class Row(NamedTuple):
    """A row with the right number of fields, all as text. `line` counts from 0 at the start of the data."""

    line: int
    fields: list[str | None]
    text: str


class Fault(NamedTuple):
    """Why a row was set aside. `line` counts from 0 at the start of the data; `column` is None for the whole row."""

    line: int
    column: str | None
    reason: str
    text: str


class Rows:
    """What a stretch of CSV holds: rows, faults, lines used up, and the unfinished record at its end."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.faults: list[Fault] = []
        self.lines = 0
        self.tail = b""


class _BrokenError(Exception):
    """The quoting of a row cannot be understood."""


class _OpenError(Exception):
    """A quoted field is not closed before the data ends."""


def split_rows(data: bytes, width: int, *, final: bool) -> Rows:
    """Cut whole lines of CSV into rows of `width` fields (empty ones are None).

    Empty lines are skipped. Unless `final`, a quoted field still open at the end is handed back as `tail`, to be read
    again together with what follows.
    """
    text = data.decode("utf-8", "surrogateescape")
    decoded = _NOT_UTF8.search(text) is None
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    found = Rows()
    at = 0
    while at < len(lines):
        line = lines[at].removesuffix("\r")
        taken = 1
        reason = None
        fields: list[str] = []
        if '"' not in line:
            if not line.strip():
                at += 1
                continue
            fields = line.split(",") if "\r" not in line else line.replace("\r,", ",").split(",")
        else:
            try:
                fields, taken = _split_quoted(lines, at)
            except _BrokenError as error:
                reason = str(error)
            except _OpenError:
                if not final:
                    rest = "\n".join(lines[at:]) + ("\n" if text.endswith("\n") else "")
                    found.tail = rest.encode("utf-8", "surrogateescape")
                    break
                reason = _NOT_CLOSED
        whole = line if taken == 1 else "\n".join(lines[at : at + taken]).removesuffix("\r")
        if not decoded and _NOT_UTF8.search(whole):
            reason = "bytes that are not UTF-8"
        elif reason is None and len(fields) != width:
            reason = f"{len(fields)} field{'s' * (len(fields) != 1)} where the header has {width}"
        if reason is None:
            found.rows.append(Row(at, [value or None for value in fields], whole))
        else:
            found.faults.append(Fault(at, None, reason, printable(whole)))
        at += taken
    found.lines = at
    return found


def split_line(line: str) -> list[str] | None:
    """The fields of one line; None when its quoting cannot be understood."""
    try:
        return _split_quoted([line], 0)[0]
    except (_BrokenError, _OpenError):
        return None


def printable(text: str) -> str:
    """The text of a rejected row: undecodable bytes as `\\xff`, cut to `REJECTED_TEXT` characters."""
    return text[:REJECTED_TEXT].encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")[:REJECTED_TEXT]


def _split_quoted(lines: list[str], start: int) -> tuple[list[str], int]:
    """The fields of the record that begins with a line, and how many lines it spans."""
    fields: list[str] = []
    at = start
    line = lines[at].removesuffix("\r")
    place = 0
    while True:
        if line.startswith('"', place):
            parts: list[str] = []
            length = 0
            place += 1
            while True:
                end = _INSIDE_QUOTES.match(line, place).end()  # type: ignore[union-attr]
                parts.append(line[place:end])
                if end < len(line):
                    break
                parts.append("\r\n" if lines[at].endswith("\r") else "\n")
                at += 1
                length += len(line) + 1
                if length > LONGEST_RECORD:
                    raise _BrokenError(_NOT_CLOSED)
                if at == len(lines):
                    raise _OpenError
                line = lines[at].removesuffix("\r")
                place = 0
            place = end + 2 if line.startswith("\r,", end + 1) else end + 1
            if place < len(line) and line[place] != ",":
                raise _BrokenError(_NOT_CLOSED if length else "text follows the closing quote of a field")
            fields.append("".join(parts).replace('""', '"'))
        else:
            comma = line.find(",", place)
            end = len(line) if comma < 0 else comma
            fields.append(line[place:end] if comma < 0 else line[place:end].removesuffix("\r"))
            place = end
        if place >= len(line):
            return fields, at - start + 1
        place += 1
