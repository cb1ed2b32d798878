"""When events stay on disk, what is said about it, and how much memory that takes."""

from __future__ import annotations

import gc
import gzip
import os
import subprocess
import sys
import weakref
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from fwbill_tui.demo.generator import events, write_csv
from fwbill_tui.files.errors import SpoolError
from fwbill_tui.files.inputs import expand
from fwbill_tui.files.spool import Spool
from fwbill_tui.sources import loading
from fwbill_tui.sources.files import FileSource
from fwbill_tui.sources.loading import load
from fwbill_tui.sources.room import free_memory, memory_of_events
from fwbill_tui.sources.summing import load_sums
from fwbill_tui.usage.lazy_ledger import LazyLedger
from fwbill_tui.usage.query import EVERYTHING, Condition, Query

MILLION = 1_000_000


@pytest.fixture(autouse=True)
def _temporary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))


# -- the choice --------------------------------------------------------------------------------------------------------
def test_what_events_take_is_told_from_their_files(tmp_path: Path) -> None:
    write_csv(path := tmp_path / "usage.csv", 5000)
    frame = pl.read_csv(path, infer_schema_length=None)
    frame.write_parquet(tmp_path / "usage.parquet")
    (tmp_path / "usage.csv.gz").write_bytes(gzip.compress(path.read_bytes()))
    sizes = [memory_of_events(expand([str(tmp_path / name)])) for name in ("usage.csv", "usage.parquet", "usage.csv.gz")]
    held = load(FileSource([str(path)]), [EVERYTHING]).ledger.events.estimated_size()
    assert all(held / 2 < size < held * 2 for size in sizes), (held, sizes)
    assert memory_of_events(expand([str(tmp_path)])) == sum(sizes)
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and nothing more")
    assert memory_of_events(expand([str(tmp_path / "broken.parquet")])) == 0


def test_a_load_that_starts_over_lets_go_of_what_it_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "usage.csv"
    with path.open("w") as file:
        file.write("start_time,usage_type\n")
        file.writelines(f"2026-10-01 00:00:00 UTC,{max(number, 400_000)}\n" for number in range(470_000))
    builders: list[weakref.ref[object]] = []
    make = loading._new_builder

    def noted(*arguments: object, **named: object) -> object:
        builder = make(*arguments, **named)
        builders.append(weakref.ref(builder))
        return builder

    monkeypatch.setattr(loading, "_new_builder", noted)
    first_is_there: list[bool] = []
    gc.disable()
    try:
        told = lambda _: first_is_there.append(len(builders) == 2 and builders[0]() is not None)  # noqa: E731
        assert load(FileSource([str(path)]), [EVERYTHING], progress=told).ledger.event_count == 470_000
    finally:
        gc.enable()
    assert len(builders) == 2
    assert not any(first_is_there)


def test_free_memory_heeds_a_limit_on_the_process() -> None:
    assert (free_memory() or 0) > 50 * MILLION
    program = "import resource; resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))\n"
    program += "from fwbill_tui.sources.room import free_memory; print(free_memory())"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert 0 < int(said.stdout) < 3 << 30


def test_the_mode_follows_size_and_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_csv(path := tmp_path / "usage.csv", 2000)
    loaded = load(FileSource([str(path)]), [EVERYTHING])
    assert not isinstance(loaded.ledger, LazyLedger)
    assert (loaded.provenance.label, loaded.provenance.notes) == (str(path), ())
    monkeypatch.setattr("fwbill_tui.sources.files.free_memory", lambda: 200_000)
    loaded = load(FileSource([str(path)]), [EVERYTHING])
    assert isinstance(loaded.ledger, LazyLedger)
    assert loaded.provenance.label == f"{path}, streamed from disk"
    (note,) = loaded.provenance.notes
    assert "in memory they would take 0.0 GB, and 0.0 GB are free" in note
    assert str(tmp_path / "temporary") in note
    monkeypatch.setattr("fwbill_tui.sources.files.free_memory", lambda: None)
    assert not isinstance(load(FileSource([str(path)]), [EVERYTHING]).ledger, LazyLedger)


# -- sums alone --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("query", "held"),
    [
        (Query(group_by=("model", "day")), False),
        (Query(search="kimi", only=(("user", ("*@*",)),)), False),
        (Query(where=(Condition("prompt_tokens", ">", 900),)), True),
        (Query(time_zone="Asia/Kolkata", group_by=("day",)), True),
        (Query(search="only-in-a-note"), True),
        (Query(group_by=("team",)), False),
        (Query(group_by=("user", "accelerator")), False),
        (Query(group_by=("bucket",), without=(("model", ("*kimi*",)),)), False),
        (Query(), False),
    ],
)
def test_sums_hold_events_only_where_they_must(tmp_path: Path, query: Query, held: bool) -> None:
    write_csv(path := tmp_path / "usage.csv", 1000)
    cells = pl.read_csv(path, infer_schema=False).with_row_index()
    notes = pl.format("note {}", "index") if query.search == "only-in-a-note" else pl.lit("none")
    cells.select(pl.exclude("index"), notes.alias("note"), pl.lit("blue").alias("team")).vstack(
        cells.select(pl.exclude("index"), pl.lit("only-in-a-note").alias("note"), pl.lit("red").alias("team"))
    ).write_csv(path)
    everything = load(FileSource([str(path)]), [EVERYTHING]).ledger
    ledger = load_sums(FileSource([str(path)]), query).ledger
    assert isinstance(ledger, LazyLedger) is not held
    assert ledger.totals(query) == everything.totals(query)
    assert ledger.totals(query).events > 0
    if query.group_by:
        assert ledger.groups(query).equals(everything.groups(query))


@pytest.mark.parametrize("group_by", [(), ("model",), ("user", "hour")])
def test_sums_reject_what_a_load_rejects(tmp_path: Path, group_by: tuple[str, ...]) -> None:
    write_csv(path := tmp_path / "usage.csv", 3000)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[100] = lines[100].replace(b",", b",,", 1)
    lines[200] = lines[200].rpartition(b",")[0] + b"\n"
    lines[300] = b"\xff" + lines[300]
    lines[400] = lines[400].replace(b" UTC,", b" CET,", 1)
    lines[500] = b'"' + lines[500]
    path.write_bytes(b"".join(lines))
    query = Query(group_by=group_by)
    everything = load(FileSource([str(path)]), [EVERYTHING]).ledger
    ledger = load_sums(FileSource([str(path)], frugal=True), query).ledger
    assert ledger.rejects == everything.rejects
    assert len(ledger.rejects) == 5
    assert ledger.totals(query) == everything.totals(query)


# -- what is kept on disk ----------------------------------------------------------------------------------------------
_OWNER = """
import sys
from pathlib import Path
import polars as pl
from fwbill_tui.files.spool import Spool
spool = Spool(Path(sys.argv[1]))
spool.write(pl.DataFrame({"start_time": [1]}))
print(spool.folder, flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="locks that tell of their owner")
def test_what_a_killed_program_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    mine = ("fwbill-events-of-mine", "fwbill-events-1-young", "other")
    for name in mine:
        (tmp_path / name).mkdir()
    os.utime(tmp_path / mine[0], (1, 1))
    command = [sys.executable, "-c", _OWNER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        elsewhere = tmp_path / f"fwbill-events-{_ended()}-abc"  # as a program in another container names it: by its own number
        Path(owner.stdout.readline().strip()).rename(elsewhere)
        first = Spool(tmp_path)
        first.write(pl.DataFrame({"start_time": [1]}))
        assert list(elsewhere.glob("*.parquet"))
        owner.kill()
        owner.wait()
    second = Spool(tmp_path)
    second.write(pl.DataFrame({"start_time": [1]}))
    left = {path.name for path in tmp_path.iterdir()} - {"temporary"}
    assert first.folder is not None
    assert second.folder is not None
    assert left == {*mine, first.folder.name, second.folder.name}


def _ended() -> int:
    """The number of a process that runs no more."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


@pytest.mark.skipif(sys.platform == "win32", reason="limits on file sizes")
def test_a_full_disk_is_said_in_one_line(tmp_path: Path) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(SpoolError) as caught:
            Spool(tmp_path).write(pl.DataFrame({"start_time": pl.int_range(100_000, eager=True).hash()}))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert str(caught.value).startswith(f"the events cannot be kept in {tmp_path}")
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", "/no/such/folder")
    with pytest.raises(SpoolError, match="cannot be kept in /no/such/folder"):
        Spool().write(pl.DataFrame({"start_time": [1]}))


# -- memory ------------------------------------------------------------------------------------------------------------
_PROGRAM = """
import pathlib, re, sys
from fwbill_tui.sources import loading
from fwbill_tui.sources.files import FileSource
from fwbill_tui.sources.loading import load
from fwbill_tui.usage.query import EVERYTHING, Query, SortKey
source = FileSource([sys.argv[1]], lazy=sys.argv[2] == "lazy")
peak = lambda: int(re.search(r"VmHWM:\\s+([0-9]+)", pathlib.Path("/proc/self/status").read_text())[1]) // 1024
before = peak()
ledger = load(source, [EVERYTHING]).ledger
query = Query(sort=(SortKey("prompt_tokens", descending=True),))
ledger.facets(query)
if sys.argv[2] == "lazy":
    assert ledger.page(query).height == 100_000
    assert sum(frame.height for frame in ledger.frames(query, ["start_time", "email"])) == 3_000_000
else:
    assert len(ledger.order(query)) == 3_000_000
print(ledger.totals(query).events, peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peaks of memory are read from /proc")
def test_three_million_events_take_less_memory_than_they_have(tmp_path: Path) -> None:
    made = events(100_000).with_columns(pl.col(pl.Categorical).cast(pl.String))
    (tmp_path / "files").mkdir()
    for day in range(30):
        later = made.with_columns(pl.col("start_time", "end_time") + timedelta(days=day))
        later.write_parquet(tmp_path / "files" / f"{day:02}.parquet")
    peaks = {}
    for mode in ("lazy", "memory"):
        command = [sys.executable, "-c", _PROGRAM, str(tmp_path / "files"), mode]
        said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
        count, peak = said.stdout.split()
        assert int(count) == 3_000_000
        peaks[mode] = int(peak)
    assert peaks["lazy"] < 0.7 * peaks["memory"], peaks
