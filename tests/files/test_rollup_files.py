"""Rollup files, whole or refused: what engines and people make of them."""

from __future__ import annotations

import gzip
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from fwbill_tui.files.inputs import UnreadableFile, expand
from fwbill_tui.files.reading import read_inputs
from fwbill_tui.files.rollup_reader import read_rollups
from fwbill_tui.usage.rollup_ledger import COLUMNS
from fwbill_tui.usage.schema import EventTypes

HEADER = ",".join(COLUMNS)
ROW = "2026-10-01 09:00:00+00,TEXT,kimi-k3,,ana@x,,3,30,10,20,5,0"
NINE = datetime(2026, 10, 1, 9, tzinfo=UTC)


def read(path: Path) -> pl.DataFrame:
    batches = list(read_rollups(expand([str(path)]), types=EventTypes()))
    return pl.concat([batch.events for batch in batches], how="diagonal")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rollup.csv"


@pytest.mark.parametrize(
    "time", ["2026-10-01 09:00:00", "2026-10-01 09:00:00+00", "2026-10-01T09:00:00.000Z", "2026-10-01 11:00:00+02:00"]
)
def test_csv_of_any_engine(file: Path, time: str) -> None:
    file.write_text(f"{HEADER}\n{ROW.replace('2026-10-01 09:00:00+00', time)}\n")
    row = read(file).row(0, named=True)
    assert (row["start_time"], row["events"], row["prompt_tokens"]) == (NINE, 3, 30)
    assert (row["email"], row["model_bucket"], row["accelerator_seconds"]) == ("ana@x", None, 0.0)


def test_columns_by_name_in_any_order_with_further_labels_and_without_empty_ones(file: Path) -> None:
    file.write_bytes(
        gzip.compress(
            b"\xef\xbb\xbfregion,events,completion_tokens,uncached_prompt_tokens,cached_prompt_tokens,prompt_tokens,accelerator_seconds,"
            b"usage_type,bucket,total_tokens\neu,1,2,3,4,7,0.5,TEXT,2026-10-01 09:00:00,9\n"
        )
    )
    row = read(file).row(0, named=True)
    assert (row["region"], row["events"], row["cached_prompt_tokens"], row["email"]) == ("eu", 1, 4, None)
    assert "total_tokens" not in row


def test_parquet_of_any_engine(tmp_path: Path) -> None:
    """Decimals, unsigned and narrow numbers, times without a zone or in nanoseconds; several parts in a folder."""
    rows = {
        "bucket": [NINE.replace(tzinfo=None)], "usage_type": ["TEXT"], "events": [Decimal(3)], "prompt_tokens": [30],
        "cached_prompt_tokens": [10.0], "uncached_prompt_tokens": [Decimal(20)], "completion_tokens": [5],
        "accelerator_seconds": [Decimal("0.25")],
    }  # fmt: skip
    frame = pl.DataFrame(rows).with_columns(pl.col("prompt_tokens").cast(pl.UInt16), pl.col("bucket").cast(pl.Datetime("ns")))
    frame.write_parquet(tmp_path / "part-1.parquet")
    frame.with_columns(bucket=date(2026, 10, 2)).write_parquet(tmp_path / "part-2.parquet")
    (tmp_path / "_SUCCESS").touch()
    read_back = read(tmp_path)
    assert read_back.get_column("start_time").to_list() == [NINE, datetime(2026, 10, 2, tzinfo=UTC)]
    row = read_back.row(0, named=True)
    assert (row["events"], row["prompt_tokens"], row["uncached_prompt_tokens"], row["accelerator_seconds"]) == (3, 30, 20, 0.25)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (f"{HEADER}\n{ROW}\n{ROW.replace(',3,30', ',x,30')}\n", r"row 2: events: 'x' is not a number of events"),
        (f"{HEADER}\n{ROW.replace(',3,30', ',-3,30')}\n", "row 1: events: '-3' is not a number of events"),
        (f"{HEADER}\n{ROW.replace(',3,30', ',,30')}\n", "row 1: events"),
        (f"{HEADER},*\n{ROW},x\n", r"a column cannot be called \*"),
        (f"{HEADER}\n{ROW.replace(',3,30', ',3,thirty')}\n", "row 1: prompt_tokens: 'thirty' is not a whole number"),
        (f"{HEADER}\n{ROW.replace('2026-10-01 09', 'soon')}\n", "row 1: bucket: 'soon:00:00[+]00' is not a time"),
        (f"{HEADER}\n{ROW.replace('TEXT', '')}\n", "row 1: usage_type: is empty"),
        (f"{HEADER}\n{ROW.replace(',5,0', ',,0')}\n", "row 1: completion_tokens: is empty; a sum of nothing is written as 0"),
        (f"{HEADER}\n{ROW}\n{ROW[:-5]}", "line 3: 10 fields where the header has 12"),  # cut off while it was copied
        (f"{HEADER}\n{ROW},9\n", "line 2: 13 fields where the header has 12"),
        (f"{HEADER},team\n{ROW},eu\n{ROW}\n", "line 3: 12 fields where the header has 13"),
        (f'{HEADER},team\n{ROW},"a,b"\n{ROW}\n', "line 3: 12 fields where the header has 13"),
        (f"{HEADER}, events\n{ROW},3\n", "names a column more than once: events"),
        ("bucket,usage_type,events\n2026-10-01,TEXT,1\n", "no column prompt_tokens and no column cached_prompt_tokens"),
        ("start_time,usage_type\n2026-10-01 09:00:00 UTC,TEXT\n", "not a rollup but usage events: leave --rollup out"),
        ("", "the file is empty"),
    ],
)
def test_what_is_not_wholly_a_rollup_is_refused(file: Path, content: str, said: str) -> None:
    file.write_text(content)
    with pytest.raises(UnreadableFile, match=said):
        read(file)


def test_other_files_go_on_where_one_may_be_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("nothing\n")
    (tmp_path / "b.csv").write_text(f"{HEADER}\n{ROW}\n")
    problems: list[Exception] = []
    batches = list(read_rollups(expand([str(tmp_path)]), types=EventTypes(), on_unreadable=problems.append))
    assert [batch.events.height for batch in batches] == [1]
    assert len(problems) == 1


def test_a_rollup_is_not_taken_for_events(file: Path) -> None:
    file.write_text(f"{HEADER}\n{ROW}\n")
    with pytest.raises(UnreadableFile, match="a rollup, not single events: add --rollup"):
        list(read_inputs(expand([str(file)]), types=EventTypes()))


def test_a_damaged_parquet_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "r.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(UnreadableFile, match=r"r\.parquet: the Parquet file is damaged"):
        read(tmp_path / "r.parquet")
