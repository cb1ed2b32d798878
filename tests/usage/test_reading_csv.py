"""Reading CSV exports: what is read, what is set aside, and that all ways of reading agree."""

from __future__ import annotations

import gc
import io
import threading
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fwbill_tui.usage import csv_cutter, row_reader
from fwbill_tui.usage.csv_reader import TooManyLabels, read_csv
from fwbill_tui.usage.names import COLUMNS, COLUMNS_OLD, ExportFormatError
from fwbill_tui.usage.schema import Batch, EventTypes, Reject

HEADER = ",".join(COLUMNS)
ROW = "ana@acme.dev,2026-10-01 09:02:24 UTC,2026-10-01 09:02:25 UTC,TEXT,,,accounts/x/models/m,M,229000000000,933,134,33,900"


def batches(text: str | bytes, **options: Any) -> list[Batch]:
    data = text.encode() if isinstance(text, str) else text
    options.setdefault("types", EventTypes())
    return list(read_csv(io.BytesIO(data), source="x.csv", **options))


def read(text: str | bytes, **options: Any) -> tuple[pl.DataFrame, list[Reject]]:
    parts = batches(text, **options)
    return pl.concat([part.events for part in parts]), [reject for part in parts for reject in part.rejects]


def lines(*rows: str, header: str = HEADER, end: str = "\n") -> str:
    return "".join(row + end for row in (header, *rows))


def one(row: str, header: str = HEADER) -> dict[str, Any]:
    events, rejects = read(lines(row, header=header))
    assert rejects == []
    assert events.height == 1
    return events.row(0, named=True)


def cell(column: str, value: str) -> str:
    return ",".join(value if name == column else old for name, old in zip(COLUMNS, ROW.split(","), strict=True))


def test_a_row_is_read_with_all_its_types() -> None:
    assert one(ROW) == {
        "email": "ana@acme.dev",
        "start_time": datetime(2026, 10, 1, 9, 2, 24, tzinfo=UTC),
        "end_time": datetime(2026, 10, 1, 9, 2, 25, tzinfo=UTC),
        "usage_type": "TEXT",
        "accelerator_type": None,
        "accelerator_seconds": None,
        "base_model_name": "accounts/x/models/m",
        "model_bucket": "M",
        "parameter_count": 229_000_000_000,
        "prompt_tokens": 933,
        "completion_tokens": 134,
        "cached_prompt_tokens": 33,
        "uncached_prompt_tokens": 900,
    }


class Watched(io.BytesIO):
    """Has all objects listed while it is read, as counting them in another thread does; the list outlasts the reading."""

    def readinto(self, buffer: Any, /) -> int:
        self.listed = gc.get_objects()
        return super().readinto(buffer)


def test_objects_may_be_counted_while_a_file_is_read() -> None:
    text = lines(*[ROW] * 500).encode()
    assert (
        sum(part.events.height for part in read_csv(Watched(text), source="x.csv", types=EventTypes(), chunk_bytes=20_000)) == 500
    )


def test_every_batch_has_the_schema_of_the_load_in_one_chunk() -> None:
    types = EventTypes()
    parts = batches(lines(*[ROW + ",extra"] * 50, header=HEADER + ",team"), types=types, chunk_bytes=1000)
    assert len(parts) > 3
    for part in parts:
        assert part.events.schema == types.frame_schema(["team"])
        assert part.events.n_chunks() <= 1
    assert sum(part.events.height for part in parts) == 50


def test_the_older_header_reads_as_if_nothing_was_cached() -> None:
    row = one(",".join(ROW.split(",")[:11]), header=",".join(COLUMNS_OLD))
    assert (row["cached_prompt_tokens"], row["uncached_prompt_tokens"]) == (0, 933)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("100,,", (100, 0, 100)),
        ("100,30,", (100, 30, 70)),
        ("100,,30", (100, 70, 30)),
        ("100,130,", (100, 130, None)),
        ("0,,", (0, 0, 0)),
        (",,", (None, None, None)),
        (",5,", (None, 5, None)),
        ("100,30,60", (100, 30, 60)),
        ("9223372036854775807,-1,", (2**63 - 1, -1, None)),
        ("9223372036854775807,,-1", (2**63 - 1, None, -1)),
        ("5,-3,", (5, -3, 8)),
    ],
)
def test_a_missing_part_of_the_split_is_derived(given: str, expected: tuple[int | None, ...]) -> None:
    row = one(
        f"2026-10-01 09:02:24 UTC,T,{given}",
        header="start_time,usage_type,prompt_tokens,cached_prompt_tokens,uncached_prompt_tokens",
    )
    assert (row["prompt_tokens"], row["cached_prompt_tokens"], row["uncached_prompt_tokens"]) == expected


def test_columns_come_in_any_order_and_further_ones_keep_their_exact_text() -> None:
    row = one("007, x ,2026-10-01 09:02:24 UTC,,T", header='build,"no, te",start_time,empty,usage_type')
    assert list(row)[len(COLUMNS) :] == ["build", "no, te", "empty"]
    assert (row["build"], row["no, te"], row["empty"], row["end_time"], row["email"]) == ("007", " x ", None, None, None)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_byte_order_mark_and_spaces_in_the_header(end: str, mark: str) -> None:
    text = mark + lines(ROW, ROW, header=HEADER.replace(",", " , "), end=end)
    for data in (text, text.removesuffix(end)):
        events, rejects = read(data)
        assert (events.height, rejects) == (2, [])
        assert events["uncached_prompt_tokens"].to_list() == [900, 900]


def test_a_header_that_comes_again_is_no_row_though_a_column_has_no_name() -> None:
    text = lines(ROW + ",", HEADER + ",", ROW + ",", header=HEADER + ",")
    events, rejects = read(text)
    assert (events.height, rejects) == (2, [])


def test_a_header_without_a_name_for_a_column_still_reads() -> None:
    assert one("5," + ROW, header="," + HEADER)["column_1"] == "5"


def test_identical_rows_all_count() -> None:
    assert read(lines(*[ROW] * 1000))[0].height == 1000


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"\n\r\n", "empty"),
        (b"a,b\n1,2\n", "no column start_time and no column usage_type; found a, b"),
        (b"start_time;usage_type\n", "found start_time;usage_type"),
        (b"start_time,usage_type,x,x\n", "more than once: x"),
        (b"start_time,usage_type,*\n", r"a column cannot be called \*: rename it"),
        (b"start_time,^usage.*$,usage_type\n", r"a column cannot be called \^usage\.\*\$: rename it"),
        (b"start_time,usage_type," + b",".join(b"c%d" % n for n in range(100_000)) + b"\n", "100,002 columns"),
        ("start_time,usage_type\n".encode("utf-16"), "UTF-16"),
        (b"\x80start_time,usage_type\n", "not UTF-8"),
        (b"a\x1b[31m,usage_type\n", r"found a\\x1b\[31m"),
        (b"x" * (2 << 20), "does not end"),
    ],
)
def test_what_is_not_an_export_says_why(data: bytes, message: str) -> None:
    with pytest.raises(ExportFormatError, match=message) as caught:
        read(data)
    assert str(caught.value).startswith("x.csv: ")
    assert len(str(caught.value)) < 2000


@pytest.mark.parametrize("data", [HEADER, HEADER + "\n", HEADER + "\r\n\r\n"])
def test_a_header_alone_is_no_events(data: str) -> None:
    (part,) = batches(data)
    assert (part.events.height, part.rejects, part.bytes_read) == (0, (), len(data))
    assert part.events.columns == list(COLUMNS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-10-20 17:16:48 UTC", "2025-10-20T17:16:48+00:00"),
        ("2025-10-20 17:16:48", "2025-10-20T17:16:48+00:00"),
        ("2025-10-20 17:16:48.5 UTC", "2025-10-20T17:16:48.500000+00:00"),
        ("2025-10-20 17:16:48.123456789 UTC", "2025-10-20T17:16:48.123456+00:00"),
        ("2025-10-20T17:16:48Z", "2025-10-20T17:16:48+00:00"),
        ("2025-10-20t17:16:48.25z", "2025-10-20T17:16:48.250000+00:00"),
        ("2025-10-20T17:16:48+05:30", "2025-10-20T11:46:48+00:00"),
        ("2025-10-20 17:16:48-0800", "2025-10-21T01:16:48+00:00"),
        ("2025-10-20 17:16:48+00", "2025-10-20T17:16:48+00:00"),
        (" 2025-10-20 17:16:48 UTC ", "2025-10-20T17:16:48+00:00"),
        ("2024-02-29 00:00:00 UTC", "2024-02-29T00:00:00+00:00"),
    ],
)
def test_times_in_all_their_forms(text: str, expected: str) -> None:
    assert one(cell("start_time", text))["start_time"].isoformat() == expected
    events, rejects = read(lines(ROW, cell("end_time", text), cell("end_time", "")))
    assert rejects == []
    assert events["end_time"][1].isoformat() == expected
    assert events["end_time"][2] is None


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("start_time", "", "is empty"),
        ("start_time", "  ", "is empty"),
        ("start_time", "yesterday", "'yesterday' is not a time from 1970 on, such as 2026-10-20 17:16:48 UTC"),
        ("start_time", "2025-02-29 00:00:00 UTC", "is not a time"),
        ("start_time", "2025-10-20", "is not a time"),
        ("start_time", "0026-10-20 00:00:00 UTC", "is not a time"),
        ("start_time", "-2025-10-20 17:16:48 UTC", "is not a time"),
        ("end_time", "2025-10-20T17:16:48+24:00", "is not a time"),
        ("usage_type", "", "is empty"),
        ("usage_type", '""', "is empty"),
        ("prompt_tokens", "12.5", "'12.5' is not a whole number"),
        ("prompt_tokens", "5.0000000000000001", "is not a whole number"),
        ("prompt_tokens", "4503599627370497.6", "is not a whole number"),
        ("prompt_tokens", "9223372036854775808.0", "is not a whole number of 64 bits"),
        ("prompt_tokens", "9.007199254740993e15", "is not a whole number of 64 bits"),
        ("prompt_tokens", "1_000", "is not a whole number"),
        ("prompt_tokens", '"1,000"', "'1,000' is not a whole number"),
        ("prompt_tokens", "9223372036854775808", "is not a whole number of 64 bits"),
        ("completion_tokens", "NaN", "is not a whole number"),
        ("parameter_count", "0x10", "is not a whole number"),
        ("accelerator_seconds", "inf", "'inf' is not a finite number"),
        ("accelerator_seconds", "nan", "is not a finite number"),
        ("accelerator_seconds", "1e999", "is not a finite number"),
        ("accelerator_seconds", "ten", "is not a finite number"),
        ("accelerator_seconds", "x" * 5000, "…' is not a finite number"),
    ],
)
def test_a_bad_cell_sets_its_row_aside_with_place_and_reason(column: str, value: str, reason: str) -> None:
    bad = cell(column, value)
    events, rejects = read(lines(ROW, ROW, bad, ROW))
    assert events.height == 3
    (reject,) = rejects
    assert (reject.source, reject.line, reject.column) == ("x.csv", 4, column)
    assert reason in reject.reason
    assert len(reject.reason) < 150
    assert reject.text == bad[:2000]


@pytest.mark.parametrize(
    ("column", "text", "value"),
    [
        ("prompt_tokens", "12.0", 12),
        ("prompt_tokens", "+12.", 12),
        ("prompt_tokens", "-9007199254740993.00", -(2**53) - 1),
        ("prompt_tokens", " 12 ", 12),
        ("prompt_tokens", "+12", 12),
        ("prompt_tokens", "1.0433E+12", 1_043_300_000_000),
        ("prompt_tokens", "-3", -3),
        ("prompt_tokens", '"0"', 0),
        ("prompt_tokens", "9223372036854775807", 2**63 - 1),
        ("accelerator_seconds", "612.5", 612.5),
        ("accelerator_seconds", " 1e3 ", 1000.0),
        ("accelerator_seconds", "0", 0.0),
        ("accelerator_seconds", "", None),
        ("completion_tokens", "", None),
        ("completion_tokens", "  ", None),
        ("completion_tokens", '""', None),
        ("email", '""', None),
        ("email", '"a ""b"", c"', 'a "b", c'),
        ("email", 'O"Hara', 'O"Hara'),
        ("email", '"two\nlines"', "two\nlines"),
        ("email", "žofie@acme.dev", "žofie@acme.dev"),
        ("email", " spaced ", " spaced "),
        ("usage_type", "A_TYPE_NOBODY_KNOWS", "A_TYPE_NOBODY_KNOWS"),
    ],
)
def test_cells_that_are_read(column: str, text: str, value: object) -> None:
    assert one(cell(column, text))[column] == value
    events, rejects = read(lines(cell(column, text), cell("prompt_tokens", "bad"), ROW))
    assert (events.height, len(rejects)) == (2, 1)
    assert events[column][0] == value


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (ROW + ",1", "14 fields where the header has 13"),
        (ROW.rpartition(",")[0], "12 fields"),
        (ROW.rpartition(",")[0].rpartition(",")[0] + ",", "12 fields"),
        ('"a, b",c,,', "4 fields"),
        ("x", "1 field "),
        ('"never closed' + ROW, "a quoted field is not closed"),
        ('"a"b' + ROW, "text follows the closing quote"),
        ('""a""' + ROW, "text follows the closing quote"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_broken_row_costs_only_itself(bad: str, reason: str, end: str, place: int) -> None:
    good = ['"Ops, EU ""x""' + ROW[ROW.index("@") :].replace(",", '",', 1), cell("uncached_prompt_tokens", "")]
    events, rejects = read(lines(*good[:place], bad, *good[place:], end=end))
    assert events.height == 2
    assert [(reject.line, reject.column) for reject in rejects] == [(place + 2, None)]
    assert reason in rejects[0].reason
    assert rejects[0].text == bad


def test_bytes_that_are_not_utf8_are_shown_escaped() -> None:
    bad = cell("email", "caf#@acme.dev").encode().replace(b"#", b"\xe9")
    events, rejects = read(lines(ROW).encode() + bad + b"\n" + ROW.encode())
    assert events.height == 2
    assert (rejects[0].line, rejects[0].column, rejects[0].reason) == (3, None, "bytes that are not UTF-8")
    assert rejects[0].text.startswith("caf\\xe9@acme.dev,2026")


def test_line_numbers_are_those_of_an_editor() -> None:
    text = lines(ROW, "", cell("email", '"two\nlines"'), "  ", cell("prompt_tokens", "x"), ROW, "short")
    for chunk_bytes in (50, 200, 1 << 20):
        events, rejects = read(text, chunk_bytes=chunk_bytes)
        assert events.height == 3
        assert [reject.line for reject in rejects] == [7, 9]


def test_exports_written_one_after_another() -> None:
    events, rejects = read("\ufeff" + lines(ROW) + "\ufeff" + lines(ROW, "short") + lines(cell("prompt_tokens", "x")))
    assert events.height == 2
    assert [reject.line for reject in rejects] == [5, 7]


def test_a_stray_quote_does_not_swallow_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_reader, "LONGEST_RECORD", 3000)
    rows = [ROW] * 200
    rows[20] = '"' + ROW
    events, rejects = read(lines(*rows), chunk_bytes=1000)
    assert events.height == 199
    assert [(reject.line, reject.reason) for reject in rejects] == [(22, "a quoted field is not closed")]


def test_a_record_over_several_chunks() -> None:
    long = '"' + "line\n" * 300 + '"'
    text = lines(ROW, cell("email", long), ROW, cell("email", long), "bad")
    for chunk_bytes in (64, 700, 2000):
        events, rejects = read(text, chunk_bytes=chunk_bytes)
        assert events["email"].to_list() == ["ana@acme.dev", long[1:-1], "ana@acme.dev", long[1:-1]]
        assert [reject.line for reject in rejects] == [2 + 1 + 301 + 1 + 301]


def test_an_endless_line_is_one_rejected_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_cutter, "LONGEST_LINE", 4 << 20)
    data = lines(ROW, '"open').encode() + b"x" * (9 << 20) + b"\n" + ROW.encode()
    parts = batches(data, chunk_bytes=1 << 20)
    rejects = [reject for part in parts for reject in part.rejects]
    assert [(reject.line, len(reject.text)) for reject in rejects] == [(3, 5), (4, 2000)]
    assert sum(part.events.height for part in parts) == 2
    assert sum(part.bytes_read for part in parts) == len(data)


@pytest.mark.parametrize("chunk_bytes", [3 << 19, 3 << 20, 4 << 20])
@pytest.mark.parametrize("before", [0, 1000, 20_000])
def test_a_line_is_too_long_however_it_falls_into_chunks(monkeypatch: pytest.MonkeyPatch, before: int, chunk_bytes: int) -> None:
    monkeypatch.setattr(csv_cutter, "LONGEST_LINE", 4 << 20)
    long = cell("email", "x" * (5 << 20))
    data = lines(*[ROW] * before, long, ROW, ROW).encode()
    events, rejects = read(data, chunk_bytes=chunk_bytes)
    assert events.height == before + 2
    (reject,) = rejects
    assert (reject.line, reject.text[:20]) == (before + 2, long[:20])
    assert sum(part.bytes_read for part in batches(data, chunk_bytes=chunk_bytes)) == len(data)


def test_when_every_row_is_bad_every_row_is_told() -> None:
    events, rejects = read(lines(*[cell("prompt_tokens", "x")] * 2000, *["short"] * 2000))
    assert events.height == 0
    assert [reject.line for reject in rejects] == list(range(2, 4002))


def test_bytes_read_add_up_and_the_first_batch_is_small() -> None:
    data = lines(*[ROW] * 30_000).encode()
    parts = batches(data)
    assert sum(part.bytes_read for part in parts) == len(data)
    assert 0 < parts[0].bytes_read <= (2 << 20) + len(HEADER) + 1


def test_more_labels_than_codes_is_a_matter_of_wider_codes() -> None:
    header = "start_time,usage_type,model_bucket"
    text = lines(*[f"2026-10-01 09:02:24 UTC,T,m{number}" for number in range(70_000)], header=header)
    with pytest.raises(TooManyLabels, match="model_bucket"):
        read(text)
    assert read(text, types=EventTypes(wide=True))[0]["model_bucket"].n_unique() == 70_000


def test_closing_early_ends_the_threads() -> None:
    stream = io.BytesIO(lines(*[ROW] * 20_000).encode())
    reading = read_csv(stream, source="x.csv", types=EventTypes(), chunk_bytes=10_000)
    next(reading)
    reading.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("read-csv")]
    assert not stream.closed


def test_what_the_stream_raises_comes_through() -> None:
    class Failing(io.BytesIO):
        def readinto(self, buffer: Any, /) -> int:
            raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input/output"):
        list(read_csv(Failing(lines(ROW).encode()), source="x", types=EventTypes()))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("read-csv")]


def test_sorted_out_rows_leave_the_others_in_order() -> None:
    rows = [cell("prompt_tokens", str(number) if number % 7 else "bad") for number in range(3000)]
    events, rejects = read(lines(*rows), chunk_bytes=20_000)
    assert events["prompt_tokens"].to_list() == [number for number in range(3000) if number % 7]
    assert [reject.line for reject in rejects] == [number + 2 for number in range(3000) if not number % 7]


@pytest.mark.parametrize("name", ["**", "a*", "^a", "a$", "^", "$", "col(x)", ".*", "*.csv"])
def test_a_name_that_is_nearly_a_pattern_is_a_name(name: str) -> None:
    events = read(f"start_time,usage_type,{name}\n2026-10-01 09:00:00 UTC,TEXT,1.50\n".encode())[0]
    assert events.get_column(name).cast(pl.String).to_list() == ["1.50"]


def test_a_file_of_many_columns() -> None:
    header = HEADER + "".join(f",c{number}" for number in range(400))
    row = '"a, b"' + ROW[ROW.index(",") :] + ",v" * 400
    events, rejects = read(lines(row, row, row + ",", header=header))
    assert (events.height, events.width, len(rejects)) == (2, 413, 1)


def test_two_readings_of_one_load_share_their_labels() -> None:
    types = EventTypes()
    first, second = read(lines(ROW), types=types)[0], read(lines(cell("email", "b"), ROW), types=types)[0]
    assert_frame_equal(pl.concat([first, second])[2:], first)


def test_a_chunk_keeps_its_bytes_while_they_are_in_use() -> None:
    text = "".join(f"line {number}\n" for number in range(1000)).encode()
    cutter = csv_cutter.Cutter(io.BytesIO(text), 100, 0)
    held, rooms = [], set()
    for chunk in cutter.chunks():
        held.append(chunk.data)
        rooms.add(id(chunk.room))
        cutter.take_back(chunk)
    assert b"".join(held) == text
    assert len(rooms) == 2, "one for the chunks, one for the end"
