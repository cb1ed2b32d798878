"""What is written is what was read: cell by cell, in the order shown."""

from __future__ import annotations

import csv
import io
import json
import resource
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fwbill_tui.export import slices
from fwbill_tui.export.endings import ENDINGS, Format
from fwbill_tui.export.errors import ExportCancelled, ExportError, TargetExistsError
from fwbill_tui.export.formats import csv_text, write_ndjson
from fwbill_tui.export.writing import write_events, write_groups
from fwbill_tui.usage.building import LedgerBuilder
from fwbill_tui.usage.ledger import Ledger
from fwbill_tui.usage.names import COLUMNS
from fwbill_tui.usage.query import Query, SortKey
from fwbill_tui.usage.schema import Batch, EventTypes

NATURAL = Query(sort=())
AT = datetime(2026, 10, 1, 9, 2, 24, tzinfo=UTC)


def ledger_of(rows: Sequence[Mapping[str, Any]], further: Sequence[str] = ()) -> Ledger:
    types = EventTypes()
    defaults: dict[str, Any] = dict.fromkeys((*COLUMNS, *further))
    full = [{**defaults, "start_time": AT, "usage_type": "TEXT", **row} for row in rows]
    typed = types.frame_schema(further)
    plain = {name: pl.String if isinstance(dtype, pl.Categorical) else dtype for name, dtype in typed.items()}
    frame = pl.DataFrame(full, schema=plain, orient="row")
    builder = LedgerBuilder(types)
    builder.add(Batch(frame.cast(typed)))
    return builder.build()


def read_back(path: Path) -> Ledger:
    from fwbill_tui.usage.csv_reader import read_csv

    types = EventTypes()
    builder = LedgerBuilder(types)
    with path.open("rb") as stream:
        for batch in read_csv(stream, source=str(path), types=types):
            builder.add(batch)
    return builder.build()


def rows_of(ledger: Ledger) -> list[dict[str, Any]]:
    return ledger.events.rows(named=True)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def saved(ledger: Ledger, path: Path, query: Query = NATURAL, **options: Any) -> str:
    write_events(ledger, query, path, **options)
    return path.read_bytes().decode()


# -- CSV -------------------------------------------------------------------------------------------------------------
def test_csv_is_fireworks_own(tmp_path: Path) -> None:
    ledger = ledger_of(
        [
            {"email": "a@x", "end_time": AT.replace(microsecond=500_000), "prompt_tokens": 0, "cached_prompt_tokens": 0},
            {"email": '"Ops, EU" <o@x>', "accelerator_seconds": 612.5, "accelerator_type": "NVIDIA_H100_80GB"},
            {"accelerator_seconds": 900.0, "parameter_count": 401583781376},
        ]
    )
    assert saved(ledger, tmp_path / "usage.csv") == (
        ",".join(COLUMNS) + "\n"
        "a@x,2026-10-01 09:02:24 UTC,2026-10-01 09:02:24.500 UTC,TEXT,,,,,,0,,0,\n"
        '"""Ops, EU"" <o@x>",2026-10-01 09:02:24 UTC,,TEXT,NVIDIA_H100_80GB,612.5,,,,,,,\n'
        ",2026-10-01 09:02:24 UTC,,TEXT,,900,,,401583781376,,,,\n"
    )


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12)
COUNTS = st.none() | st.integers(0, 2**62)
TIMES = st.datetimes(datetime(1970, 1, 1), datetime(2999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
EVENTS = st.fixed_dictionaries(
    {
        "email": st.none() | TEXTS,
        "start_time": TIMES,
        "end_time": st.none() | TIMES,
        "usage_type": TEXTS,
        "accelerator_type": st.none() | TEXTS,
        "accelerator_seconds": st.none() | st.floats(0, allow_nan=False, allow_infinity=False),
        "parameter_count": COUNTS,
        "completion_tokens": COUNTS,
    }
)
PROMPTS = st.none() | st.tuples(st.integers(0, 2**61), st.integers(0, 2**61))


@given(st.lists(st.tuples(EVENTS, PROMPTS), min_size=1, max_size=8), st.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_events_written_as_csv_and_read_again_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[Any], rows: int
) -> None:
    split = [
        event
        if prompt is None
        else {
            **event,
            "prompt_tokens": sum(prompt),
            "cached_prompt_tokens": prompt[0],
            "uncached_prompt_tokens": prompt[1],
        }
        for event, prompt in drawn
    ]
    ledger = ledger_of(split)
    path = tmp_path_factory.mktemp("csv") / "usage.csv"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(slices, "SLICE_ROWS", rows)
        write_events(ledger, NATURAL, path)
    again = read_back(path)
    assert again.rejected == 0
    assert rows_of(again) == rows_of(ledger)


AS_FIRECTL_WRITES = (
    "email,start_time,end_time,usage_type,accelerator_type,accelerator_seconds,base_model_name,model_bucket,parameter_count,"
    "prompt_tokens,completion_tokens,cached_prompt_tokens,uncached_prompt_tokens\n"
    "ci-bot@acme.dev,2026-10-01 09:02:24 UTC,2026-10-01 09:02:24 UTC,TEXT_COMPLETION_INFERENCE_USAGE,,,"
    "accounts/fireworks/models/kimi-k3,Kimi K3,1043300000000,933,134,0,933\n"
    "søren@acme.dev,2026-10-01 09:56:46 UTC,2026-10-01 09:56:46 UTC,EMBEDDING_INFERENCE_USAGE,,,"
    "accounts/fireworks/models/nomic-embed-text-v1p5,Nomic Embed v1.5,137000000,361,0,108,253\n"
    '"""Ops, EU"" <ops-eu@acme.dev>",2026-10-02 00:00:00 UTC,2026-10-02 01:00:00 UTC,TEXT_COMPLETION_INFERENCE_USAGE,'
    "NVIDIA_H200_141GB,3600,accounts/acme-prod/models/support-router-v7,Support Router v7,,,,,\n"
    "ana@acme.dev,2026-10-02 01:00:00 UTC,2026-10-02 01:10:12.500 UTC,TEXT_COMPLETION_INFERENCE_USAGE,"
    "NVIDIA_H200_141GB,612.5,accounts/acme-prod/models/support-router-v7,Support Router v7,,,,,\n"
)


def test_an_export_is_written_byte_for_byte(tmp_path: Path) -> None:
    (tmp_path / "sample.csv").write_text(AS_FIRECTL_WRITES, encoding="utf-8", newline="")
    ledger = read_back(tmp_path / "sample.csv")
    assert (len(ledger.events), ledger.rejected) == (4, 0)
    write_events(ledger, NATURAL, tmp_path / "usage.csv")
    assert (tmp_path / "usage.csv").read_bytes() == AS_FIRECTL_WRITES.encode()


def test_spreadsheet_formulas_are_neutralised_in_text_alone(tmp_path: Path) -> None:
    risky = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "a=1", None]
    ledger = ledger_of([{"email": text, "=tag": text, "accelerator_seconds": -1.5} for text in risky], ["=tag"])
    plain = list(csv.reader(io.StringIO(saved(ledger, tmp_path / "plain.csv"), newline="")))
    safe = list(csv.reader(io.StringIO(saved(ledger, tmp_path / "safe.csv", neutralise_formulas=True), newline="")))
    expected = ["'=1+1", "'+1", "'-1", "'@x", "'\tx", "'\rx", "a=1", ""]
    assert [row[0] for row in safe[1:]] == expected
    assert [row[-1] for row in safe] == ["'=tag", *expected]
    assert {row[5] for row in safe[1:]} == {"-1.5"}
    assert [row[0] for row in plain[1:]] == [text or "" for text in risky]
    with pytest.raises(ExportError, match="CSV alone"):
        saved(ledger, tmp_path / "usage.parquet", format="parquet", neutralise_formulas=True)
    assert not (tmp_path / "usage.parquet").exists()


# -- Parquet and JSON --------------------------------------------------------------------------------------------------
def test_parquet_has_plain_types(tmp_path: Path) -> None:
    ledger = ledger_of([{"email": "a@x", "prompt_tokens": 5, "accelerator_seconds": 612.5, "team": "t"}, {}], ["team"])
    write_events(ledger, NATURAL, tmp_path / "usage.parquet", format="parquet")
    again = pl.read_parquet(tmp_path / "usage.parquet")
    assert again.rows() == ledger.events.rows()
    assert again.columns == ledger.events.columns
    assert again.schema["email"] == again.schema["team"] == pl.String
    assert again.schema["start_time"] == pl.Datetime("us", "UTC")
    assert again.schema["prompt_tokens"] == pl.Int64


def test_json_keeps_numbers_nulls_and_times(tmp_path: Path) -> None:
    ledger = ledger_of([{"email": "\x1b[31m\n", "end_time": AT.replace(microsecond=7), "prompt_tokens": 2**62}])
    (line,) = saved(ledger, tmp_path / "usage.ndjson", format="ndjson").splitlines()
    assert list(json.loads(line)) == list(COLUMNS)
    assert {name: value for name, value in json.loads(line).items() if value is not None} == {
        "email": "\x1b[31m\n",
        "start_time": "2026-10-01T09:02:24Z",
        "end_time": "2026-10-01T09:02:24.000007Z",
        "usage_type": "TEXT",
        "prompt_tokens": 2**62,
    }


# -- what is written ---------------------------------------------------------------------------------------------------
MANY = [{"email": f"{i % 7}@x", "prompt_tokens": (i * 37) % 101, "start_time": AT.replace(minute=i % 60)} for i in range(250)]


@pytest.mark.parametrize("kind", list(ENDINGS))
def test_rows_come_filtered_sorted_and_in_slices(tmp_path: Path, kind: Format, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "SLICE_ROWS", 30)
    ledger = ledger_of(MANY)
    query = Query(sort=(SortKey("prompt_tokens", descending=True), SortKey("email"))).choose("user", ["3@x", "5@x"])
    progress: list[tuple[int, int]] = []
    path = tmp_path / "usage"
    columns = ("prompt_tokens", "email")
    write_events(ledger, query, path, format=kind, columns=columns, progress=lambda *done: progress.append(done))
    read = {"csv": pl.read_csv, "parquet": pl.read_parquet, "ndjson": pl.read_ndjson}[kind]
    shown = [(row["prompt_tokens"], row["email"]) for row in MANY if row["email"] in {"3@x", "5@x"}]
    expected = sorted(shown, key=lambda row: (-row[0], row[1]))
    assert read(path).rows() == expected
    assert read(path).columns == ["prompt_tokens", "email"]
    assert progress == [(30, 71), (60, 71), (71, 71)]


@pytest.mark.parametrize("kind", list(ENDINGS))
def test_no_rows_are_still_a_file_that_can_be_read(tmp_path: Path, kind: Format) -> None:
    path = tmp_path / "usage"
    write_events(ledger_of(MANY), Query().choose("user", ["nobody"]), path, format=kind)
    if kind == "csv":
        assert path.read_text() == ",".join(COLUMNS) + "\n"
    elif kind == "parquet":
        assert pl.read_parquet(path).shape == (0, len(COLUMNS))
    else:
        assert path.read_bytes() == b""


def test_groups_are_written_with_all_measures(tmp_path: Path) -> None:
    ledger = ledger_of(MANY)
    query = Query(group_by=("user", "day"), sort=(SortKey("prompt_tokens"),))
    write_groups(ledger, query, tmp_path / "groups.csv")
    lines = list(csv.DictReader((tmp_path / "groups.csv").read_text().splitlines()))
    assert [row["user"] for row in lines] == ledger.groups(query).get_column("user").to_list()
    assert {row["day"] for row in lines} == {"2026-10-01"}
    assert sum(int(row["prompt_tokens"]) for row in lines) == sum(row["prompt_tokens"] for row in MANY)
    assert list(lines[0])[:3] == ["user", "day", "events"]


def test_hours_of_another_zone_carry_their_offset(tmp_path: Path) -> None:
    ledger = ledger_of(MANY[:1])
    query = Query(group_by=("hour",), time_zone="Asia/Kolkata")
    assert csv_text(ledger.groups(query)).splitlines()[1].startswith("2026-10-01 14:00:00+05:30,1,")
    stream = io.BytesIO()
    write_ndjson(iter([ledger.groups(query)]), ledger.groups(query).schema, stream)
    assert json.loads(stream.getvalue())["hour"] == "2026-10-01T14:00:00+05:30"


def test_a_stream_is_written_to_as_it_is() -> None:
    stream = io.BytesIO()
    assert write_events(ledger_of(MANY[:2]), NATURAL, stream, columns=("email",)) is stream
    assert stream.getvalue() == b"email\n0@x\n1@x\n"


# -- faults ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", list(ENDINGS))
def test_cancelling_leaves_nothing(tmp_path: Path, kind: Format, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "SLICE_ROWS", 30)
    cancelled = threading.Event()

    def stop(done: int, _: int) -> None:
        if done >= 60:
            cancelled.set()

    with pytest.raises(ExportCancelled):
        write_events(ledger_of(MANY), NATURAL, tmp_path / "usage", format=kind, progress=stop, cancelled=cancelled)
    assert names(tmp_path) == []


@pytest.fixture
def small_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("kind", list(ENDINGS))
@pytest.mark.usefixtures("small_files")
def test_a_full_disk_leaves_the_old_file_and_says_so(tmp_path: Path, kind: Format) -> None:
    ledger = ledger_of(MANY)
    (tmp_path / "usage").write_text("old")
    with pytest.raises(ExportError, match=r"cannot write .*usage: .*Nothing was written\.$"):
        write_events(ledger, NATURAL, tmp_path / "usage", format=kind, overwrite=True)
    assert (tmp_path / "usage").read_text() == "old"
    assert names(tmp_path) == ["usage"]


@pytest.mark.parametrize("kind", list(ENDINGS))
def test_a_full_device_is_named_as_such(kind: Format) -> None:
    with pytest.raises(ExportError, match="the disk is full"):
        write_events(ledger_of(MANY), NATURAL, Path("/dev/full"), format=kind, overwrite=True)


def test_existing_files_and_unknown_columns_are_refused(tmp_path: Path) -> None:
    (tmp_path / "usage.csv").write_text("old")
    with pytest.raises(TargetExistsError):
        write_events(ledger_of(MANY), NATURAL, tmp_path / "usage.csv")
    with pytest.raises(ExportError, match="'price'"):
        write_events(ledger_of(MANY), NATURAL, tmp_path / "other.csv", columns=("email", "price"))
    assert names(tmp_path) == ["usage.csv"]
