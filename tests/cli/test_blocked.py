"""Signals end the program even where its work waits for the other end of a pipe."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import termios
import time
from io import FileIO
from pathlib import Path

import pytest

HEADER, ROW = "start_time,usage_type\n", "2026-10-01 09:00:00 UTC,TEXT\n"
PROGRAM = """
import sys
from fwbill_tui.cli import export, interrupts
from fwbill_tui.cli.main import run
interrupts._GRACE = float(sys.argv[1])
load = export.load_usage
def loading(*arguments):
    print("loading", flush=True)
    return load(*arguments)
export.load_usage = loading
sys.exit(run(sys.argv[2:], open_explorer=lambda _: 0))
"""


def started(grace: float, *arguments: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", PROGRAM, str(grace), "export", *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout
    assert process.stdout.readline() == b"loading\n"
    return process


@pytest.mark.parametrize("end", ["input", "output"])
@pytest.mark.parametrize(
    ("number", "code", "said"),
    [(signal.SIGINT, 130, b"fwbill: stopped\n"), (signal.SIGTERM, 143, b"fwbill: ended by a signal\n")],
)
def test_work_that_is_blocked_is_cut_off_after_a_grace(tmp_path: Path, end: str, number: int, code: int, said: bytes) -> None:
    pipe, file = tmp_path / "pipe", tmp_path / "usage.csv"
    os.mkfifo(pipe)
    file.write_text(HEADER + ROW)
    words = (pipe, "--filename", tmp_path / "out.csv") if end == "input" else (file, "--filename", pipe)
    with started(0.1, *words) as process:
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (code, said)
    assert not (tmp_path / "out.csv").exists()
    assert pipe.is_fifo()


def test_events_that_stay_on_disk_are_removed_where_work_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe, file, temporary = tmp_path / "pipe", tmp_path / "usage.csv", tmp_path / "temporary"
    os.mkfifo(pipe)
    temporary.mkdir()
    file.write_text(HEADER + ROW * 20_000)
    monkeypatch.setenv("TMPDIR", str(temporary))
    with started(0.1, file, "--lazy", "--filename", pipe) as process, pipe.open("rb", buffering=0) as reader:
        while waiting(reader) < 60_000:  # then the pipe is full, long before all is written
            assert process.poll() is None
            time.sleep(0.01)
        assert list(temporary.glob("fwbill-events-*/*.parquet"))
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 143
    assert list(temporary.iterdir()) == []


def waiting(pipe: FileIO) -> int:
    """The bytes in a pipe."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with started(3600, pipe, "--filename", "-") as process:
        for _ in range(300):  # signals that come before the first is heard count as one
            process.send_signal(signal.SIGINT)
            try:
                process.wait(0.1)
                break
            except subprocess.TimeoutExpired:
                continue
        else:
            process.kill()
        assert process.stderr
        assert (process.returncode, process.stderr.read()) == (130, b"fwbill: stopped\n")
