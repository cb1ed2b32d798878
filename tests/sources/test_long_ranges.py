"""Four hundred days from a server that is slow and fails: complete, no gap, no double day, equal to what was made.

The whole way is gone, from the command line to the file, at 200 ms for every request and with one request in twenty failing,
each time in another way. FWBILL_SEEDS says how many such lines are tried (two unless it is set).
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from fwbill_tui.demo.faults import Delay, Fault, Faults, Reset, Status, Truncated, refusal
from fwbill_tui.demo.server import DemoServer

SEEDS = range(int(os.environ.get("FWBILL_SEEDS", "2")))
DAYS = 400
LAST = date(2026, 11, 20)
FIRST = LAST - timedelta(days=DAYS - 1)
RANGE = ["--range", f"{FIRST}..{LAST}"]
LATENCY = 0.2
FAILING = 0.05
TROUBLES = (
    refusal(500),
    refusal(429, retry_after=1),
    Reset(),
    Reset("inside"),
    Truncated(),
    Truncated(length=False),
    refusal(503),
    Status("UNAVAILABLE", trailers=True),
)
"""Each strikes the same part of the requests; together they are one in twenty."""


def a_bad_line(seed: int) -> Faults:
    share = FAILING / len(TROUBLES)
    return Faults((Fault(Delay(LATENCY)), *(Fault(trouble, share=share) for trouble in TROUBLES)), seed)


@pytest.fixture(scope="module")
def server() -> Iterator[DemoServer]:
    with DemoServer(40_000, end=LAST, days=DAYS) as running:
        yield running
        assert running.errors == ()


def fwbill(server: DemoServer, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = os.environ | {
        "FIREWORKS_API_KEY": server.api_key,
        "FIREWORKS_BASE_URL": server.base_url,
        "FIREWORKS_GATEWAY_ADDR": server.gateway_addr,
        "FWBILL_DATA_DIR": str(folder / "data"),
    }
    command = [sys.executable, "-m", "fwbill_tui", *arguments]
    return subprocess.run(command, env=environ, cwd=folder, capture_output=True, text=True, timeout=300, check=False)


def lines(path: Path) -> list[list[str]]:
    """Every row of a CSV file as it stands, sorted; seconds as numbers, which can be written with and without .0."""
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    seconds = header.index("accelerator_seconds")
    for row in rows:
        row[seconds] = row[seconds] and repr(float(row[seconds]))
    return [header, *sorted(rows)]


def made(server: DemoServer, path: Path) -> list[list[str]]:
    """What the generator made, in the form of an export."""
    server.expected().write_csv(path, datetime_format="%Y-%m-%d %H:%M:%S UTC")
    return lines(path)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_event_of_four_hundred_days_comes_once(server: DemoServer, tmp_path: Path, seed: int) -> None:
    server.forget_requests()
    server.faults = a_bad_line(seed)
    done = fwbill(server, tmp_path, "export", "-a", "acme-prod", *RANGE, "--filename", "all.csv")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    asked = len([request for request in server.requests if request.side != "rest"])
    assert asked >= 2 * 13, "an export and a download for each of thirteen windows"
    exported = lines(tmp_path / "all.csv")
    assert len({row[exported[0].index("start_time")][:10] for row in exported[1:]}) == DAYS
    assert exported == made(server, tmp_path / "made.csv")

    server.forget_requests()
    again = fwbill(server, tmp_path, "export", "-a", "acme-prod", *RANGE, "--filename", "again.csv", "--source", "archive")
    assert again.returncode == 0, again.stderr
    assert lines(tmp_path / "again.csv") == exported
    assert server.requests == ()


def test_sums_by_day_of_four_hundred_days_are_those_of_the_events(server: DemoServer, tmp_path: Path) -> None:
    server.faults = a_bad_line(7)
    group = ["--group-by", "day", "--usage-type", "TEXT_COMPLETION_INFERENCE_USAGE", "--output", "json"]
    done = fwbill(server, tmp_path, "summary", "-a", "acme-prod", *RANGE, "--source", "rest", *group)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    text = server.expected().filter(pl.col("usage_type").cast(pl.String) == "TEXT_COMPLETION_INFERENCE_USAGE")
    sums = text.group_by(pl.col("start_time").dt.date().alias("day")).agg(
        pl.col("prompt_tokens").sum(), pl.col("completion_tokens").sum()
    )
    expected = {str(day): (prompt, completion) for day, prompt, completion in sums.iter_rows()}
    got = {group["key"]["day"]: (group["prompt_tokens"], group["completion_tokens"]) for group in answer["groups"]}
    assert got == expected
    assert len(got) == DAYS


def test_the_range_is_the_whole_of_what_was_made(server: DemoServer) -> None:
    assert server.range.start == datetime.combine(FIRST, datetime.min.time(), UTC)
    assert server.range.end == datetime.combine(LAST, datetime.min.time(), UTC) + timedelta(days=1)
