"""Standard streams that are closed, or full."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fwbill_tui.cli.waiting import WaitLine
from fwbill_tui.sources.source import Progress

HEADER = "email,start_time,usage_type\n"
ROW = "ana@x,2026-10-01 09:00:00 UTC,TEXT\n"
PROGRAM = [sys.executable, "-m", "fwbill_tui"]


@pytest.fixture
def usage(tmp_path: Path) -> Path:
    (tmp_path / "usage.csv").write_text(HEADER + ROW)
    (tmp_path / "bad.csv").write_text(HEADER + ROW + ROW.replace("2026", "never"))
    return tmp_path


def fwbill(redirection: str, *arguments: str, folder: Path) -> tuple[int, str]:
    """Run it as a shell would, with a redirection; the exit code, and what it said on both streams."""
    command = ["sh", "-c", f'"$@" {redirection}', "sh", *PROGRAM, *arguments]
    done = subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("redirection", ["2>&-", "<&- 2>&-", "<&- >&- 2>&-", "2>/dev/full"])
def test_what_needs_no_stderr_is_done_without_one(usage: Path, redirection: str) -> None:
    for name in ("usage.csv", "bad.csv"):
        assert fwbill(redirection, "export", name, "--filename", "out.csv", "--columns", "email", folder=usage) == (0, "")
        assert (usage / "out.csv").read_text() == "email\nana@x\n"
        (usage / "out.csv").unlink()


@pytest.mark.parametrize(
    "arguments",
    [
        ["summary", "usage.csv"], ["export", "usage.csv", "--filename", "-"], ["--version"], ["--help"],
        ["summary", "--help"], ["archive", "--help"],
    ],
)  # fmt: skip
def test_an_answer_that_nobody_can_get_is_an_error(usage: Path, arguments: list[str]) -> None:
    assert fwbill(">&-", *arguments, folder=usage) == (1, "fwbill: cannot write to stdout: it is closed\n")
    full = fwbill(">/dev/full", *arguments, folder=usage)
    assert full == (1, "fwbill: cannot write to stdout: No space left on device\n")


def test_a_file_is_written_where_stdout_is_closed(usage: Path) -> None:
    assert fwbill(">&-", "export", "usage.csv", "--filename", "out.csv", folder=usage) == (0, "")
    assert (usage / "out.csv").exists()


def test_a_standard_input_that_is_closed_is_no_terminal(usage: Path) -> None:
    said = "fwbill: -: standard input is closed; pipe an export into it, or name a file\n"
    assert fwbill("<&-", "summary", "-", folder=usage) == (1, said)


def test_there_are_no_screens_where_nothing_can_be_drawn(usage: Path) -> None:
    pty = pytest.importorskip("pty", reason="needs a pseudo-terminal")
    screen, terminal = pty.openpty()
    command = ["sh", "-c", '"$@" 2>&-', "sh", *PROGRAM, "usage.csv"]
    program = subprocess.Popen(command, cwd=usage, stdin=terminal, stdout=terminal, stderr=subprocess.DEVNULL)
    code = program.wait(60)
    os.close(terminal)
    os.close(screen)
    assert code == 2


def test_the_work_goes_on_when_the_terminal_with_its_progress_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "w") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        with WaitLine() as waits:
            waits(Progress((), 1, 2))
            waits._late = True
            os.close(ours)
            for done in (1, 2):
                waits(Progress((), done, 2))
