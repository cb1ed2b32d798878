"""Properties: every way of reading a chunk gives the same, however a file is cut, and nothing is ever lost."""

from __future__ import annotations

import csv
import io

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from fwbill_tui.usage import csv_chunk, rollup
from fwbill_tui.usage.csv_chunk import ChunkReader, Piece
from fwbill_tui.usage.csv_reader import read_csv
from fwbill_tui.usage.header import Header
from fwbill_tui.usage.names import DIMENSION_COLUMNS
from fwbill_tui.usage.schema import EventTypes

NAMES = ("usage_type", "start_time", "email", "prompt_tokens", "accelerator_seconds", "end_time", "team", "cached_prompt_tokens")
HEADER = Header(NAMES)
TIME = "2026-10-01 09:02:24 UTC"
GOOD = f"TEXT,{TIME},ana@acme.dev,10,1.5,{TIME},red,3"

TIMES = st.sampled_from(
    [
        TIME,
        TIME,
        "2026-10-01T09:02:24Z",
        "2026-10-01 09:02:24.5 UTC",
        "2026-1-2 3:4:5 UTC",
        "",
        " ",
        "x",
        "2026-13-01 00:00:00 UTC",
    ]
)
COUNTS = st.sampled_from(
    ["7", "7", "", "0", " 7", "7 ", "+7", "-7", "7.0", "7.5", "1e3", "007", "x", "-", "9223372036854775808", "  "]
)
SECONDS = st.sampled_from(["1.5", "", "0", " 2", "3 ", ".5", "5.", "1e400", "nan", "inf", "x", "+1", "-0.0"])
LABELS = st.sampled_from(
    ["TEXT", "", " ", "a,b", 'say "x"', "two\nlines", "two\r\nlines", '"', "é", "tab\t", "#c", "\ufeffm", "'", "\x1b[1m"]
)
CELLS = st.tuples(LABELS, TIMES, LABELS, COUNTS, SECONDS, TIMES, LABELS, COUNTS)
ENDS = st.sampled_from(["\n", "\r\n"])


def written(rows: list[tuple[str, ...]], end: str, quoting: int) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator=end, quoting=quoting).writerows(rows)  # type: ignore[arg-type]
    return text.getvalue().encode()


well_formed = st.builds(
    written, st.lists(CELLS, min_size=1, max_size=12), ENDS, st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
)
damaged_line = st.one_of(
    st.just(GOOD),
    st.just(GOOD),
    st.sampled_from([GOOD[:-1], GOOD[:-2], GOOD[:-1] + ",", GOOD.replace("3", '"3"'), GOOD.replace("red", '"re,d"')[:-1]]),
    st.text(alphabet=',"x \r\n', max_size=30),
    st.builds(
        lambda at, what: GOOD[:at] + what + GOOD[at:],
        st.integers(0, len(GOOD)),
        st.sampled_from(['"', '""', ",", "\r", "\n", "\x00", '"\n']),
    ),
    st.builds(lambda at: GOOD[:at], st.integers(0, len(GOOD))),
    st.builds(
        lambda name: GOOD.replace("ana@acme.dev", name),
        st.sampled_from(['""', '"Ops, EU"', '"""x"""', 'a"b', '""x""', '"x"y"', '"x', "", '"x" ']),
    ),
).map(str.encode)
damaged = st.builds(
    lambda lines, end, last: end.join(lines) + (end if last else b""),
    st.lists(st.one_of(damaged_line, st.binary(max_size=12)), max_size=15),
    st.sampled_from([b"\n", b"\r\n"]),
    st.booleans(),
)
anything = st.one_of(well_formed, damaged)


class RowByRow(ChunkReader):
    """The reference: Polars reads nothing."""

    def _at_once(self, data: bytes, piece: Piece) -> bool:
        return False

    def _as_text(self, data: bytes, piece: Piece) -> bool:
        return False


class AsText(ChunkReader):
    """The second step where it will answer."""

    def _at_once(self, data: bytes, piece: Piece) -> bool:
        return False


def assert_same(types: EventTypes, one: tuple[ChunkReader, Piece], other: tuple[ChunkReader, Piece]) -> None:
    assert one[1].faults == other[1].faults
    assert (one[1].lines, one[1].tail) == (other[1].lines, other[1].tail)
    assert_frame_equal(one[0].together(one[1]), other[0].together(other[1]))


@settings(max_examples=80, deadline=None)
@given(anything, st.booleans(), st.sampled_from([1, 1 << 20]))
def test_polars_and_row_by_row_agree(data: bytes, final: bool, few_quotes: int) -> None:
    types = EventTypes()
    slow = RowByRow(HEADER, types)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_chunk, "_FEW_QUOTES", few_quotes)
        for fast in (ChunkReader(HEADER, types), AsText(HEADER, types)):
            assert_same(types, (fast, fast.read(data, final=final)), (slow, slow.read(data, final=final)))


@settings(max_examples=40, deadline=None)
@given(anything, st.integers(1, 200), st.integers(1, 200))
def test_where_a_file_is_cut_makes_no_difference(data: bytes, chunk_bytes: int, small: int) -> None:
    types = EventTypes()
    file = ",".join(NAMES).encode() + b"\n" + data

    def read(size: int) -> tuple[pl.DataFrame, list[object]]:
        parts = list(read_csv(io.BytesIO(file), source="x", types=types, chunk_bytes=size))
        assert sum(part.bytes_read for part in parts) == len(file)
        return pl.concat([part.events for part in parts]), [reject for part in parts for reject in part.rejects]

    whole, rejects = read(1 << 20)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_chunk, "_SMALL", small)
        events, also = read(chunk_bytes)
    assert also == rejects
    assert_frame_equal(events, whole)


@settings(max_examples=40, deadline=None)
@given(st.lists(CELLS, min_size=1, max_size=20), ENDS, st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]), st.integers(20, 400))
def test_every_row_is_read_or_rejected(rows: list[tuple[str, ...]], end: str, quoting: int, chunk_bytes: int) -> None:
    file = ",".join(NAMES).encode() + end.encode() + written(rows, end, quoting)
    parts = list(read_csv(io.BytesIO(file), source="x", types=EventTypes(), chunk_bytes=chunk_bytes))
    rejects = [reject for part in parts for reject in part.rejects]
    assert sum(part.events.height for part in parts) + len(rejects) == len(rows)
    assert [reject.line for reject in rejects] == sorted({reject.line for reject in rejects})


@settings(max_examples=40, deadline=None)
@given(st.lists(damaged_line.filter(lambda line: b"\n" not in line), max_size=15), st.integers(20, 400))
def test_damage_never_costs_a_good_row(lines: list[bytes], chunk_bytes: int) -> None:
    """Rows that stand right are read, unless an open quote above lays claim to them, which then ends at a quote."""
    file = "\n".join([",".join(NAMES), ""]).encode() + b"".join(line + b"\n" for line in lines)
    parts = list(read_csv(io.BytesIO(file), source="x", types=EventTypes(), chunk_bytes=chunk_bytes))
    read, rejected = sum(part.events.height for part in parts), sum(len(part.rejects) for part in parts)
    standing = sum(line == GOOD.encode() for line in lines)
    quotes = sum(b'"' in line for line in lines)
    blank = sum(not line.strip() for line in lines)
    assert read >= standing if not quotes else read + rejected <= len(lines)
    assert quotes or read + rejected == len(lines) - blank


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"x\x01", b"x^", b"x\x9c", b"x\xda"])
def test_a_line_that_begins_like_a_compressed_file_is_a_line(mark: bytes) -> None:
    types = EventTypes()
    data = mark + GOOD.encode() + b"\n" + GOOD.encode() + b"\n"
    fast, slow = ChunkReader(HEADER, types), RowByRow(HEADER, types)
    assert_same(types, (fast, fast.read(data)), (slow, slow.read(data)))


@settings(max_examples=60, deadline=None)
@given(anything, st.sampled_from([NAMES, (*NAMES[:2], *NAMES[3:], "email")]))
def test_columns_that_are_not_wanted_change_nothing_else(data: bytes, names: tuple[str, ...]) -> None:
    whole, part = EventTypes(), EventTypes(unread=frozenset({"email"}))
    pieces = []
    for types in (whole, part):
        reader = ChunkReader(Header(names), types)
        piece = reader.read(data, final=True)
        pieces.append((piece.faults, piece.lines, reader.together(piece).drop("email").cast({pl.Categorical: pl.String})))
    assert pieces[0][:2] == pieces[1][:2]
    assert_frame_equal(pieces[0][2], pieces[1][2])


OURS = tuple("model_bucket" if name == "team" else name for name in NAMES)
plain_line = st.builds(
    lambda *cells: ",".join(cells).encode(),
    st.sampled_from(["TEXT", "TEXT", "GPU"]),
    st.builds("2026-10-0{} 0{}:02:24 UTC".format, st.integers(1, 3), st.integers(0, 9)),
    st.sampled_from(["ana@acme.dev", "bob@acme.dev", "", '"Ops, EU"']),
    st.sampled_from(["7", "7", "", "0", "-7", "2147483647", "2147483648", "9223372036854775807"]),
    st.sampled_from(["1.5", "", "3600"]),
    st.one_of(st.just(TIME), TIMES),
    st.sampled_from(["red", ""]),
    st.sampled_from(["3", ""]),
    st.sampled_from(["4", ""]),
)
plain = st.lists(plain_line, min_size=1, max_size=15).map(b"\n".join)
files = st.one_of(st.tuples(st.just(OURS), anything), st.tuples(st.just((*OURS, "uncached_prompt_tokens")), plain))


@settings(max_examples=120, deadline=None)
@given(files, st.sampled_from([(), ("email",)]))
def test_sums_made_while_reading_are_those_of_the_events(file: tuple[tuple[str, ...], bytes], unread: tuple[str, ...]) -> None:
    names, data = file
    rolled = [name for name in DIMENSION_COLUMNS.values() if name not in unread]
    found = []
    for summed in (False, True):
        reader = ChunkReader(Header(names), EventTypes(summed=summed, unread=frozenset(unread)))
        piece = reader.read(data, final=True)
        events = reader.together(piece)
        parts = [rollup.roll_up(events, rolled), *(part.rollup for part in piece.sums)]
        sums = rollup.narrowed(rollup.merge(parts, rolled)).cast({pl.Categorical: pl.String})
        starts = [*events["start_time"], *(start for part in piece.sums for start in part.span)]
        count = events.height + sum(part.events for part in piece.sums)
        found.append((piece.faults, piece.lines, piece.tail, count, sorted(starts)[:1], sorted(starts)[-1:]))
        found.append(sums.select(rollup.BUCKET, *rolled, *rollup.SUMS).sort(rollup.BUCKET, *rolled))
    assert found[0] == found[2]
    assert_frame_equal(found[1], found[3])


def test_the_rest_of_a_prompt_that_takes_more_than_32_bits_is_summed_whole() -> None:
    data = GOOD.replace(",10,", ",2147483647,").replace("red,3", "red,-2147483648").encode()
    (sums,) = ChunkReader(Header(OURS), EventTypes(summed=True)).read(data, final=True).sums
    assert sums.rollup["uncached_prompt_tokens"].to_list() == [2**32 - 1]


def test_events_as_fireworks_writes_them_are_summed_while_they_are_read() -> None:
    data = f"{GOOD}\n".encode() * 3 + GOOD.replace(f"1.5,{TIME}", ",2026-10-01 10:00:00 UTC").encode()
    for names, summed in ((OURS, True), (NAMES, False)):  # a further column may be a dimension
        piece = ChunkReader(Header(names), EventTypes(summed=True)).read(data, final=True)
        assert ([part.events for part in piece.sums], len(piece.events)) == (([4], 0) if summed else ([], 1))


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=',,a\n"\r \x1f#é', min_size=1, max_size=80))
def test_commas_are_counted_whatever_stands_between_them(text: str) -> None:
    assert csv_chunk._commas(text.encode()) == text.count(",")


def test_a_field_too_many_does_not_stand_in_for_one_too_few() -> None:
    types = EventTypes()
    empty_last = GOOD[:-1]
    data = "\n".join([empty_last[:-1], GOOD, empty_last + ","]).encode()
    fast, slow = ChunkReader(HEADER, types), RowByRow(HEADER, types)
    piece = fast.read(data, final=True)
    assert [fault.line for fault in piece.faults] == [0, 2]
    assert_same(types, (fast, piece), (slow, slow.read(data, final=True)))


@pytest.mark.parametrize("form", ["2026-10-01 09:{:02}:{:02} UTC", "2026-10-01T09:{:02}:{:02}Z"])
def test_rows_and_times_of_a_large_chunk_stand_where_they_stood(form: str) -> None:
    """Polars cuts a chunk into pieces, which go through several threads."""
    types = EventTypes()

    def ends(row: int) -> str:
        other = form.format(row // 60 % 60, row % 60)
        return {0: "", 1: "2026-10-01T11:00:00+02:00"}.get(row % 7, other) if row % 3 else TIME

    times = [form.format(row // 61 % 60, row % 60) for row in range(30_000)]
    data = "".join(f"TEXT,{start},ana,{row},,{ends(row)},,\n" for row, start in enumerate(times)).encode()
    fast, slow = ChunkReader(HEADER, types), RowByRow(HEADER, types)
    assert fast._at_once(data, Piece())
    assert_same(types, (fast, fast.read(data)), (slow, slow.read(data)))


@pytest.mark.parametrize("place", range(len(NAMES)))
def test_a_cell_of_two_quotes_is_empty_in_every_column(place: int) -> None:
    types = EventTypes()
    cells = GOOD.split(",")
    cells[place] = '""'
    data = (",".join(cells) + "\r\n" + GOOD + "\r\n").encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_chunk, "_FEW_QUOTES", 1)
        fast, slow = ChunkReader(HEADER, types), RowByRow(HEADER, types)
        assert_same(types, (fast, fast.read(data)), (slow, slow.read(data)))
