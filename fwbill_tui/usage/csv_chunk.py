"""Reading one chunk of CSV: as fast as Polars can where that is right, row by row where it is not.

Polars fills rows that are short of fields with nulls, makes a row of nulls of an empty line and refuses a whole chunk for
one bad cell. So a chunk goes down these steps until one can answer for it:

1. typed at once by Polars, when the rows are proven complete and every cell was read (and summed, if sums are wanted);
2. as text by Polars, when every line is proven to be one complete row, and typed by `cells`;
3. cut into smaller pieces, the bad one of which ends up with `row_reader`.
"""

from __future__ import annotations

import polars as pl

from fwbill_tui.usage import times
from fwbill_tui.usage.cells import complete, convert
from fwbill_tui.usage.csv_sums import ChunkSums
from fwbill_tui.usage.header import Header
from fwbill_tui.usage.row_reader import Fault, printable, split_rows
from fwbill_tui.usage.schema import EventTypes, Sums

_PIECES = 16
_FEW_QUOTES = 2048
"""Where there are fewer lines with quotes than one in so many bytes, they are found one by one."""
_SMALL = 256 << 10
"""Bytes below which cutting further costs more than reading row by row."""
_MARKS = (b"\xef\xbb\xbf", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"x\x01", b"x^", b"x\x9c", b"x\xda")
"""A byte-order mark, gzip, Zstandard and zlib. Polars heeds them at the beginning of what it is given, which here is a line in
the middle of a file."""


class Piece:
    """Events (or their sums) and faults of a stretch of CSV, the lines it used up, and the unfinished record at its end."""

    def __init__(self) -> None:
        self.events: list[pl.DataFrame] = []
        self.sums: list[Sums] = []
        self.faults: list[Fault] = []
        self.lines = 0
        self.tail = b""


class ChunkReader:
    """Reads chunks of one file, in any number of threads."""

    def __init__(self, header: Header, types: EventTypes) -> None:
        self._types = types
        self._width = len(header.names)
        self._text_schema = header.text_schema()
        self._unread = [name for name in header.names if name in types.unread]
        self._typed_schema = header.typed_schema(types) | dict.fromkeys(self._unread, pl.String())
        self._no_events = complete(self._text_schema.to_frame().select(
            pl.col(name).cast(types.of(name)) for name in header.names
        ), types)  # fmt: skip
        self._sums = ChunkSums(header, types) if types.summed and not header.further else None
        a_field = r'(?:[^",]*|"(?:[^"]|"")*")'
        self._whole_row = f"^{a_field}(?:,{a_field}){{{self._width - 1}}}$"

    def read(self, data: bytes, *, final: bool = False) -> Piece:
        """Read whole lines. Unless `final`, a record still open at the end is left in the piece's `tail`.

        Raises TooManyLabels.
        """
        piece = Piece()
        if data:
            self._read(data, piece, final)
        return piece

    def together(self, piece: Piece) -> pl.DataFrame:
        """The events of a piece as one frame in one chunk."""
        return piece.events[0] if len(piece.events) == 1 else pl.concat([self._no_events, *piece.events]).rechunk()

    def _read(self, data: bytes, piece: Piece, final: bool) -> None:
        marked = data.startswith(_MARKS)
        if marked or not (self._at_once(data, piece) or self._as_text(data, piece)):
            if len(data) > _SMALL:
                self._in_pieces(data, piece, final)
            else:
                self._by_row(data, piece, final)

    # -- 1: typed by Polars ------------------------------------------------------------------------------------------
    def _at_once(self, data: bytes, piece: Piece) -> bool:
        quoted = _lines_with_quotes(data, len(data) // _FEW_QUOTES)
        # An empty cell is null by itself. One that is written "" has to be asked for, which takes a seventh of the time.
        nothing = [""] if quoted is None or _quoted_nothing(quoted) else None
        if self._sums is not None:
            sums = self._sums.of(pl.scan_csv(data, has_header=False, schema=self._sums.schema, null_values=nothing))
            if sums is not None and self._complete(data, sums.events, quoted):
                piece.sums.append(sums)
                piece.lines += sums.events
                return True
        events = self._events(pl.scan_csv(data, has_header=False, schema=self._typed_schema, null_values=nothing))
        if events is None or not self._complete(data, events.height, quoted):
            return False
        piece.events.append(complete(events, self._types))
        piece.lines += events.height
        return True

    def _events(self, scan: pl.LazyFrame) -> pl.DataFrame | None:
        """The events of a scan; None where a cell is not one of an event."""
        if self._unread:
            # Polars counts the fields of a line only if it is asked for all of them.
            scan = scan.with_columns(pl.col(self._unread).is_null())
        try:
            rows = times.read_in_scan(scan).collect(engine="streaming")
        except pl.exceptions.PolarsError:
            return None
        if rows["usage_type"].null_count():
            return None
        events = times.finish(rows.drop(self._unread) if self._unread else rows)
        if events is None:
            return None
        if "accelerator_seconds" in events.columns and events["accelerator_seconds"].is_finite().all() is False:
            return None
        return events

    def _complete(self, data: bytes, rows: int, found: list[bytes] | None) -> bool:
        """Whether each line is one of the rows, with all its fields. `found` are the lines with quotes, if they are known.

        Inside quotes commas and line ends are text, so these lines are looked at one by one. Of the others, Polars
        refuses one with too many fields; so none has too few if all together have the commas of that many whole rows.
        """
        if found is None:
            lines = pl.scan_lines(data).collect().to_series()
            marked = lines.str.contains('"', literal=True)
            quoted = lines.filter(marked)
            commas = int(lines.filter(~marked).str.count_matches(",", literal=True).sum())
        else:
            quoted = pl.Series(found, dtype=pl.Binary).cast(pl.String)
            commas = _commas(data) - sum(line.count(b",") for line in found)
        return commas == (rows - len(quoted)) * (self._width - 1) and self._all_rows(quoted)

    def _all_rows(self, lines: pl.Series) -> bool:
        return lines.is_empty() or bool(lines.str.contains(self._whole_row).all())

    # -- 2: text by Polars, typed here -------------------------------------------------------------------------------
    def _as_text(self, data: bytes, piece: Piece) -> bool:
        try:
            lines = pl.scan_lines(data).collect().to_series()
            if not self._all_rows(lines):
                return False
            cells = pl.read_csv(data, has_header=False, schema=self._text_schema, null_values=[""])
        except pl.exceptions.PolarsError:
            return False
        if cells.height != lines.len():
            return False
        events, faults = convert(cells, self._types)
        piece.events.append(events)
        texts = lines.gather([fault.row for fault in faults]).to_list()
        piece.faults += (
            Fault(piece.lines + fault.row, fault.column, fault.reason, printable(text))
            for fault, text in zip(faults, texts, strict=True)
        )
        piece.lines += lines.len()
        return True

    # -- 3: smaller pieces, and rows ---------------------------------------------------------------------------------
    def _in_pieces(self, data: bytes, piece: Piece, final: bool) -> None:
        start = 0
        step = len(data) // _PIECES + 1
        while start < len(data):
            end = data.find(b"\n", start + step) + 1 or len(data)
            last = final and end == len(data)
            if piece.tail or end - start == len(data):  # a record over the cut, or one line that cannot be cut
                rest, piece.tail = piece.tail + data[start:end], b""
                self._by_row(rest, piece, last)
            else:
                self._read(data[start:end], piece, last)
            start = end

    def _by_row(self, data: bytes, piece: Piece, final: bool) -> None:
        found = split_rows(data, self._width, final=final)
        cells = pl.DataFrame([row.fields for row in found.rows], schema=self._text_schema, orient="row")
        events, faults = convert(cells, self._types)
        piece.events.append(events)
        wrong = [
            Fault(row.line, fault.column, fault.reason, printable(row.text))
            for fault in faults
            for row in (found.rows[fault.row],)
        ]
        for fault in sorted([*found.faults, *wrong]):
            piece.faults.append(fault._replace(line=piece.lines + fault.line))
        piece.lines += found.lines
        piece.tail = found.tail


def _quoted_nothing(lines: list[bytes]) -> bool:
    """Whether a cell is written as two quotes, or looks so."""
    text = b"\n%b\n" % b"\n".join(lines)
    return any(cell in text for cell in (b',"",', b',""\n', b'\n"",'))


def _commas(data: bytes) -> int:
    """How many commas there are: to Polars, which counts lines fast and without holding up Python, they end lines here."""
    scan = pl.scan_csv(data, has_header=False, schema={"": pl.Int64()}, separator="\x1f", eol_char=",", quote_char=None)
    return int(scan.select(pl.len()).collect().item()) - (not data.endswith(b","))


def _lines_with_quotes(data: bytes, most: int) -> list[bytes] | None:
    """The lines that have a quote in them; None when there are more than `most`."""
    found: list[bytes] = []
    at = data.find(b'"')
    while at >= 0:
        if len(found) > most:
            return None
        end = data.find(b"\n", at)
        end = len(data) if end < 0 else end
        found.append(data[data.rfind(b"\n", 0, at) + 1 : end].removesuffix(b"\r"))
        at = data.find(b'"', end)
    return found
