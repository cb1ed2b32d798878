"""Reading files of every kind, sound and damaged."""

from __future__ import annotations

import gzip
import io
import os
import random
import sys
import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import zstandard
from polars.testing import assert_frame_equal

from fwbill_tui.demo.generator import events
from fwbill_tui.files.inputs import Input, UnreadableFile, expand
from fwbill_tui.files.reading import read_inputs
from fwbill_tui.usage.csv_reader import TooManyLabels
from fwbill_tui.usage.schema import Batch, EventTypes, Reject

NOON = datetime(2026, 10, 1, 12)  # noqa: DTZ001 - Parquet has times without a zone
HEADER = "usage_type,start_time,base_model_name,prompt_tokens,team\n"
ROWS = "".join(f"T{n % 3},2026-10-0{n % 9 + 1} 09:02:24 UTC,m{n % 7},{n},t{n % 2}\n" for n in range(500))
CSV = (HEADER + ROWS).encode()


def batches(*paths: Path | str, **options: Any) -> list[Batch]:
    options.setdefault("types", EventTypes())
    return list(read_inputs(expand([str(path) for path in paths]), **options))


def read(*paths: Path | str, **options: Any) -> tuple[pl.DataFrame, list[Reject]]:
    parts = batches(*paths, **options)
    return pl.concat([part.events for part in parts], how="diagonal"), [reject for part in parts for reject in part.rejects]


def pour(descriptor: int, data: bytes) -> None:
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def save(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


PACKED = {
    "plain": CSV,
    "gzip": gzip.compress(CSV),
    "gzip of two members": gzip.compress(CSV[:1000]) + gzip.compress(CSV[1000:]),
    "padded gzip": gzip.compress(CSV) + b"\0" * 700,
    "zstd": zstandard.ZstdCompressor(write_checksum=True).compress(CSV),
    "zstd of two frames": zstandard.compress(CSV[:1000]) + zstandard.compress(CSV[1000:]),
}


@pytest.mark.parametrize("kind", PACKED)
def test_compression_is_told_by_content_and_progress_by_size_on_disk(tmp_path: Path, kind: str) -> None:
    file = save(tmp_path / "export.csv", PACKED[kind])
    types = EventTypes()
    parts = batches(file, types=types)
    expected = batches(save(tmp_path / "plain", CSV), types=types)
    assert_frame_equal(pl.concat([p.events for p in parts]), pl.concat([p.events for p in expected]))
    assert sum(part.bytes_read for part in parts) == file.stat().st_size


def test_compressed_files_move_the_progress_bar_as_they_are_read(tmp_path: Path) -> None:
    noise = "".join(f"{os.urandom(16).hex()},2026-10-01 09:02:24 UTC,,1,\n" for _ in range(60_000))
    for packed in (gzip.compress((HEADER + noise).encode()), zstandard.compress((HEADER + noise).encode())):
        file = save(tmp_path / "x", packed)
        done = [part.bytes_read for part in batches(file, types=EventTypes(wide=True))]
        assert done[0] < len(packed)
        assert sum(done) == len(packed)


@pytest.mark.parametrize("kind", ["gzip", "zstd", "zstd of two frames"])
@pytest.mark.parametrize("cut", [20, 500, 5])
def test_a_file_cut_off_is_an_error_that_names_it(tmp_path: Path, kind: str, cut: int) -> None:
    file = save(tmp_path / "cut.csv", PACKED[kind][:-cut])
    with pytest.raises(UnreadableFile, match=r"cut\.csv: the (gzip|zstd) data ends too early"):
        read(file)


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_damaged_compressed_data_is_an_error_that_names_it(tmp_path: Path, kind: str) -> None:
    data = bytearray(PACKED[kind])
    data[len(data) // 2] ^= 0xFF
    data[len(data) // 2 + 1] ^= 0xFF
    with pytest.raises(UnreadableFile, match=r"bad\.csv"):
        read(save(tmp_path / "bad.csv", bytes(data)))


def test_what_was_read_before_the_damage_is_said(tmp_path: Path) -> None:
    long = (HEADER + ROWS * 200).encode()
    file = save(tmp_path / "long.gz", gzip.compress(long)[:-9])
    reading = read_inputs(expand([str(file)]), types=EventTypes())
    seen: list[int] = []
    with pytest.raises(UnreadableFile) as caught:
        seen.extend(batch.events.height for batch in reading)
    assert caught.value.events == sum(seen) > 0
    assert f"(after {sum(seen):,} events)" in str(caught.value)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"a,b\n", "no column start_time"),
        (b"PK\x03\x04....", "ZIP archive or a spreadsheet"),
        (b"\xfd7zXZ\x00", "xz"),
        (b"PAR1", "Parquet file is damaged"),
        (b"PAR1" + b"x" * 500 + b"PAR1", "Parquet file is damaged"),
        (b"\x1f\x8b\x08\x00broken", "gzip data"),
        (gzip.compress(b"", mtime=0), "empty"),
        (random.Random(7).randbytes(5000), "not a usage export"),
    ],
)
def test_what_is_no_export_is_noticed_before_anything_is_read(tmp_path: Path, data: bytes, reason: str) -> None:
    good = save(tmp_path / "a.csv", CSV)
    bad = save(tmp_path / "b.csv", data.replace(b"\n", b"") if reason == "not a usage export" else data)
    reading = read_inputs(expand([str(good), str(bad)]), types=EventTypes())
    with pytest.raises(UnreadableFile, match=reason) as caught:
        next(reading)
    assert str(caught.value).startswith(f"{bad}: ")
    assert str(caught.value).count("b.csv") == 1


def test_the_others_go_on_when_the_user_says_so(tmp_path: Path) -> None:
    good = save(tmp_path / "a.csv", CSV)
    bad, cut = save(tmp_path / "b.csv", b"x\n"), save(tmp_path / "c.csv", PACKED["gzip"][:-1])
    told: list[Exception] = []
    events, rejects = read(bad, cut, good, on_unreadable=told.append)
    assert (events.height, rejects) == (500, [])
    assert [isinstance(error, UnreadableFile) and error.name for error in told] == [str(bad), str(cut)]


def test_a_file_that_goes_away_after_it_was_named(tmp_path: Path) -> None:
    inputs = expand([str(save(tmp_path / "a.csv", CSV))])
    (tmp_path / "a.csv").unlink()
    with pytest.raises(UnreadableFile, match=r"a\.csv: no such file"):
        list(read_inputs(inputs, types=EventTypes()))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    file = save(tmp_path / "a.csv", CSV)
    file.chmod(0)
    with pytest.raises(UnreadableFile, match=r"a\.csv: permission denied"):
        read(file)


def test_rejects_name_their_file(tmp_path: Path) -> None:
    first = save(tmp_path / "a.csv", CSV + b"short\n")
    second = save(tmp_path / "b.csv.gz", gzip.compress(CSV.replace(b",7,", b",seven,")))
    events, rejects = read(tmp_path)
    assert events.height == 999
    assert [(r.source, r.line, r.column) for r in rejects] == [(str(first), 502, None), (str(second), 9, "prompt_tokens")]


def test_standard_input_when_piped(monkeypatch: pytest.MonkeyPatch) -> None:
    for data in (CSV, PACKED["gzip"], PACKED["zstd"]):
        read_end, write_end = os.pipe()
        writer = threading.Thread(target=pour, args=(write_end, data))
        writer.start()
        with os.fdopen(read_end, "r") as piped:
            monkeypatch.setattr(sys, "stdin", piped)
            events, rejects = read("-")
            monkeypatch.undo()
        writer.join()
        assert (events.height, rejects) == (500, [])


def test_parquet_through_a_pipe(tmp_path: Path) -> None:
    pl.read_csv(CSV).write_parquet(tmp_path / "x.parquet")
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=lambda: (tmp_path / "pipe").write_bytes((tmp_path / "x.parquet").read_bytes()))
    writer.start()
    assert read(tmp_path / "pipe")[0].height == 500
    writer.join()


def test_closing_early_closes_files_and_threads(tmp_path: Path) -> None:
    file = save(tmp_path / "a.csv", (HEADER + ROWS * 400).encode())
    reading = read_inputs(expand([str(file)]), types=EventTypes())
    next(reading)
    reading.close()
    held = [os.path.realpath(fd) for fd in Path("/proc/self/fd").iterdir()] if sys.platform == "linux" else []
    assert str(file) not in held
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("read-csv")]


# -- Parquet ---------------------------------------------------------------------------------------------------------


def test_parquet_in_the_types_of_other_programs(tmp_path: Path) -> None:
    zoned = NOON.replace(hour=9, microsecond=500_000)
    frame = pl.DataFrame(
        {
            "start_time": pl.Series([zoned, zoned]).dt.cast_time_unit("ns").dt.replace_time_zone("America/New_York"),
            "end_time": pl.Series([zoned, None], dtype=pl.Datetime("ms")),
            "usage_type": pl.Series(["A", "B"], dtype=pl.Enum(["B", "A"])),
            "base_model_name": pl.Series(["m", ""], dtype=pl.Categorical),
            "email": ["", None],
            "prompt_tokens": pl.Series([5, None], dtype=pl.UInt8),
            "completion_tokens": [3.0, 2.0**40],
            "parameter_count": pl.Series(["12", " 7.0 "]),
            "accelerator_seconds": pl.Series([2, None], dtype=pl.Int16),
            "day": [date(2026, 10, 1), None],
            "tags": [["a", "b"], None],
            "rank": [1, 2],
            "note": ["x", ""],
            "took": [timedelta(seconds=90), None],
            "more": pl.Series(['{"a":1}', None]).ext.to(pl.Extension("arrow.json", pl.String())),
        }
    )
    frame.write_parquet(tmp_path / "x.parquet")
    types = EventTypes()
    events, rejects = read(tmp_path / "x.parquet", types=types)
    assert rejects == []
    assert events.schema == types.frame_schema(["day", "tags", "rank", "note", "took", "more"])
    first, second = events.rows(named=True)
    assert first["start_time"] == zoned.replace(tzinfo=UTC) + timedelta(hours=4)
    assert first["end_time"] == zoned.replace(tzinfo=UTC)
    assert (first["usage_type"], second["usage_type"]) == ("A", "B")
    assert (first["base_model_name"], second["base_model_name"], first["email"]) == ("m", None, None)
    assert (first["prompt_tokens"], first["cached_prompt_tokens"], first["uncached_prompt_tokens"]) == (5, 0, 5)
    assert (second["completion_tokens"], second["parameter_count"], first["accelerator_seconds"]) == (2**40, 7, 2.0)
    assert (first["day"], first["rank"], first["note"], second["note"]) == ("2026-10-01", "1", "x", None)
    assert (first["tags"], second["tags"]) == ('["a","b"]', None)
    assert (first["took"], second["took"], first["more"], second["more"]) == ("PT1M30S", None, '{"a":1}', None)


def test_parquet_rows_that_cannot_be_read_are_set_aside_with_their_number(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "start_time": ["2026-10-01 00:00:00 UTC", "never", None, "2026-10-01T00:00:00Z"],
            "usage_type": ["A", "A", "A", ""],
            "prompt_tokens": [1, 2, 3, 4],
        }
    )
    frame.write_parquet(tmp_path / "x.parquet")
    events, rejects = read(tmp_path / "x.parquet")
    assert events["prompt_tokens"].to_list() == [1]
    assert [(r.line, r.column, r.text) for r in rejects] == [
        (2, "start_time", "never,A,2"),
        (3, "start_time", ",A,3"),
        (4, "usage_type", "2026-10-01T00:00:00Z,,4"),
    ]


def test_parquet_decimals_are_exact(tmp_path: Path) -> None:
    numbers = [2**53 + 1, 2**53 + 3, -(2**62) - 1, 0]
    whole = pl.Series("prompt_tokens", [str(number) for number in numbers]).cast(pl.Decimal(38, 0))
    cents = pl.Series("completion_tokens", [f"{number}.00" for number in numbers]).cast(pl.Decimal(38, 2))
    frame = pl.DataFrame([whole, cents]).with_columns(start_time=datetime(2026, 10, 1, tzinfo=UTC), usage_type=pl.lit("TEXT"))
    frame.write_parquet(tmp_path / "x.parquet")
    events, rejects = read(tmp_path / "x.parquet")
    assert rejects == []
    assert events["prompt_tokens"].to_list() == events["completion_tokens"].to_list() == numbers


def test_parquet_numbers_that_do_not_fit(tmp_path: Path) -> None:
    time = [NOON] * 3
    frame = pl.DataFrame(
        {
            "start_time": time,
            "usage_type": ["A"] * 3,
            "prompt_tokens": pl.Series([1, 2**63, 3], dtype=pl.UInt64),
            "accelerator_seconds": [1.0, 1.0, float("nan")],
        }
    )
    frame.write_parquet(tmp_path / "x.parquet")
    events, rejects = read(tmp_path / "x.parquet")
    assert events["prompt_tokens"].to_list() == [1]
    assert [(r.line, r.column) for r in rejects] == [(2, "prompt_tokens"), (3, "accelerator_seconds")]


def test_parquet_in_many_batches_keeps_order_and_adds_up(tmp_path: Path) -> None:
    rows = 600_000
    frame = pl.select(
        start_time=pl.datetime_range(NOON, interval="1s", end=NOON + timedelta(seconds=rows - 1)),
        usage_type=pl.lit("A"),
        prompt_tokens=pl.int_range(rows),
    )
    file = tmp_path / "x.parquet"
    frame.write_parquet(file, row_group_size=70_000)
    parts = batches(file)
    assert len(parts) > 1
    assert sum(part.bytes_read for part in parts) == file.stat().st_size
    assert pl.concat([part.events for part in parts])["prompt_tokens"].to_list() == list(range(rows))
    assert all(part.events.n_chunks() == 1 for part in parts)


def test_parquet_without_rows_or_without_the_columns(tmp_path: Path) -> None:
    file = tmp_path / "x.parquet"
    pl.DataFrame(schema={"start_time": pl.Datetime, "usage_type": pl.String, "x": pl.Int8}).write_parquet(file)
    (part,) = batches(file)
    assert (part.events.height, part.events.columns[-1], part.bytes_read) == (0, "x", file.stat().st_size)
    pl.DataFrame({"start_time": ["x"]}).write_parquet(file)
    with pytest.raises(UnreadableFile, match=r"x\.parquet: not a usage export: no column usage_type; found start_time"):
        read(file)


def test_parquet_with_more_labels_than_codes(tmp_path: Path) -> None:
    frame = pl.select(start_time=pl.lit(NOON), usage_type=pl.int_range(70_000).cast(pl.String))
    frame.write_parquet(tmp_path / "x.parquet")
    with pytest.raises(TooManyLabels):
        read(tmp_path / "x.parquet")
    assert read(tmp_path / "x.parquet", types=EventTypes(wide=True))[0]["usage_type"].n_unique() == 70_000


def test_parquet_labels_stored_as_differences() -> None:
    """Written by pyarrow with `use_dictionary=False` and DELTA_BYTE_ARRAY, three rows to a group."""
    events, rejects = read(Path(__file__).parent / "data" / "delta_labels.parquet")
    assert not rejects
    labels = events.select(pl.col("email", "usage_type", "base_model_name").cast(pl.String))
    assert labels.rows() == [
        ("ann@acme.example", "TEXT_COMPLETION_INFERENCE_USAGE", "llama"),
        ("bob@acme.example", "TEXT_COMPLETION_INFERENCE_USAGE", "llama"),
        (None, "TEXT_COMPLETION_INFERENCE_USAGE", "qwen"),
        (None, "TEXT_COMPLETION_INFERENCE_USAGE", None),
        ("ann@acme.example", "EMBEDDING_USAGE", None),
        ("zoë@acme.example", "EMBEDDING_USAGE", "llama"),
    ]
    assert events["prompt_tokens"].to_list() == [0, 1, 2, 3, 4, 5]


def test_damage_inside_parquet_names_the_file(tmp_path: Path) -> None:
    file = tmp_path / "x.parquet"
    pl.read_csv(CSV * 1 + ROWS.encode() * 20).write_parquet(file)
    data = bytearray(file.read_bytes())
    data[100:400] = b"\xff" * 300
    file.write_bytes(data)
    with pytest.raises(UnreadableFile, match=r"x\.parquet: the Parquet file is damaged"):
        read(file)


def test_an_input_knows_its_size() -> None:
    assert Input("standard input", None).size is None
    assert Input("x", Path("/nonexistent")).size is None


def test_a_buffered_stream_over_blocks_reads_exactly() -> None:
    from fwbill_tui.files.compressed import BlockStream

    stream = io.BufferedReader(BlockStream(iter([b"ab", b"", b"cdef", b"g"])), 3)
    assert (stream.read(3), stream.read(100), stream.read(1)) == (b"abc", b"defg", b"")


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        (pl.Datetime("us", "UTC"), 10**18),
        (pl.Datetime("us", "UTC"), -(10**18)),
        (pl.Datetime("us", "UTC"), 2**62),
        (pl.Datetime("us", "Asia/Tokyo"), 2**63 - 1),
        (pl.Datetime("ms"), 2**62),
        (pl.Datetime("ms"), -(2**63)),
        (pl.Datetime("ns"), -(2**63)),
        (pl.Date(), 2**31 - 1),
        (pl.Date(), -(2**31)),
    ],
)
def test_a_time_in_parquet_beyond_the_calendar_is_set_aside(
    tmp_path: Path, kind: pl.DataType, number: int, capfd: pytest.CaptureFixture[str]
) -> None:
    stored = pl.Series([0, number, 1], dtype=pl.Int32 if kind == pl.Date else pl.Int64).cast(kind)
    pl.DataFrame({"start_time": stored, "usage_type": "T", "end_time": stored}).write_parquet(tmp_path / "x.parquet")
    events, rejects = read(tmp_path / "x.parquet")
    assert events.height == 2
    assert [(reject.line, reject.column) for reject in rejects] == [(2, "start_time")]
    assert kind == pl.Datetime("ns") or str(number) in rejects[0].reason  # the year 1677
    assert capfd.readouterr().err == "", "Polars said that it panicked"


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        (pl.Datetime("us"), 2**63 - 1),
        (pl.Datetime("ms", "Asia/Tokyo"), -(2**62)),
        (pl.Date(), 2**31 - 1),
        (pl.Duration("ms"), -(2**63)),
        (pl.Duration("us"), 2**63 - 1),
    ],
)
def test_a_time_beyond_the_calendar_in_another_column_is_the_number_that_is_stored(
    tmp_path: Path, kind: pl.DataType, number: int, capfd: pytest.CaptureFixture[str]
) -> None:
    further = pl.Series([0, number, None], dtype=pl.Int32 if kind == pl.Date else pl.Int64).cast(kind)
    frame = pl.DataFrame({"start_time": [datetime(2026, 1, 1, tzinfo=UTC)] * 3, "usage_type": "T", "further": further})
    frame.write_parquet(tmp_path / "x.parquet")
    events, rejects = read(tmp_path / "x.parquet")
    assert not rejects
    assert events["further"][1] == ("P106751991DT4H54.775807S" if kind == pl.Duration("us") else str(number))
    assert events["further"][2] is None
    assert capfd.readouterr().err == "", "Polars said that it panicked"


def test_parquet_that_is_damaged_is_refused_or_read_whole(tmp_path: Path) -> None:
    """Where a thread of Polars fails over damage, a scan ends as if that was all: it does at one of these places."""
    file = tmp_path / "x.parquet"
    events(12_000, seed=1, end=date(2026, 11, 20)).write_parquet(file, row_group_size=3_000)
    data = file.read_bytes()
    refused = 0
    for at in range(4_000, len(data) - 2_000, len(data) // 60):
        file.write_bytes(data[:at] + b"\xff" * 100 + data[at + 100 :])
        try:
            height = sum(part.event_count + len(part.rejects) for part in batches(file))
        except UnreadableFile:
            refused += 1
        else:
            assert height == 12_000
    assert refused > 5
