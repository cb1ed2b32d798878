"""The developers' entry: `python -m fwbill_tui.demo`."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import httpx
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fwbill_tui.demo.__main__ import main
from fwbill_tui.demo.generator import events


def test_generate_writes_csv_and_parquet_with_the_same_events(tmp_path: Path) -> None:
    csv, parquet = tmp_path / "usage.csv", tmp_path / "usage.parquet"
    for path in (csv, parquet):
        assert main(["generate", "--rows", "2000", "--end", "2026-11-21", "--output", str(path)]) == 0
    text = pl.read_csv(csv, infer_schema=False)
    frame = pl.read_parquet(parquet)
    assert text.height == frame.height == 2_000
    assert frame.schema["email"] == pl.String
    for column in ("email", "prompt_tokens", "parameter_count"):
        assert_frame_equal(text.select(column), frame.select(pl.col(column).cast(pl.String)))


def test_generate_refuses_other_files_and_sizes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", "--output", str(tmp_path / "usage.xlsx")]) == 2
    with pytest.raises(SystemExit):
        main(["generate", "--rows", "5", "--output", str(tmp_path / "usage.csv")])
    assert "1,000 to 10,000,000" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_serve_prints_how_to_reach_it_and_ends_when_told(number: str) -> None:
    command = [sys.executable, "-m", "fwbill_tui.demo", "serve", "--rows", "1000"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        lines = [process.stdout.readline().removeprefix("export ").strip() for _ in range(3)]
        given = dict(line.split("=", 1) for line in lines)
        headers = {"Authorization": f"Bearer {given['FIREWORKS_API_KEY']}"}
        answer = httpx.get(given["FIREWORKS_BASE_URL"] + "/v1/accounts", headers=headers, trust_env=False)
        assert answer.json()["totalSize"] == 2
        process.send_signal(signal.Signals[number])
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert (process.returncode, errors) == (0, "")


def test_generate_gives_the_default_seed(tmp_path: Path) -> None:
    path = tmp_path / "usage.parquet"
    main(["generate", "--rows", "1000", "--end", "2026-11-21", "--output", str(path)])
    assert pl.read_parquet(path)["prompt_tokens"].equals(events(1_000, end=date(2026, 11, 21))["prompt_tokens"])


UNTIDY = """
import threading, time, urllib.request
from fwbill_tui.demo.faults import Fault, Faults, Hang
from fwbill_tui.demo.server import DemoServer
server = DemoServer(rows=1_000, faults=Faults((Fault(Hang()),))).__enter__()
import grpc
channel = grpc.insecure_channel(server.gateway_addr)
call = channel.unary_unary("/gateway.Gateway/ListAccounts").future(b"")
threading.Thread(target=urllib.request.urlopen, args=(server.base_url + "/v1/accounts",), daemon=True).start()
while len(server.requests) < 2:
    time.sleep(0.005)
raise SystemExit(7)
"""


def test_a_program_that_forgets_to_stop_the_server_still_ends() -> None:
    done = subprocess.run([sys.executable, "-c", UNTIDY], timeout=60, check=False)
    assert done.returncode == 7


def test_generate_makes_as_many_days_as_asked(tmp_path: Path) -> None:
    path = tmp_path / "usage.parquet"
    assert main(["generate", "--rows", "5000", "--days", "400", "--end", "2026-11-21", "--output", str(path)]) == 0
    days = pl.read_parquet(path)["start_time"].dt.date()
    assert (days.n_unique(), days.min()) == (400, date(2025, 10, 18))
