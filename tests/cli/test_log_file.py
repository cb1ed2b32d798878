"""A log that cannot be written, or a record that cannot be told: no traceback, and the work goes on."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = [sys.executable, "-m", "fwbill_tui"]
SAID = "fwbill: the log in /dev/full is not whole: No space left on device; name another file\n"


@pytest.fixture
def usage(tmp_path: Path) -> Path:
    (tmp_path / "usage.csv").write_text("email,start_time,usage_type\nana@x,2026-10-01 09:00:00 UTC,TEXT\n")
    return tmp_path


def test_a_log_that_cannot_be_written_is_said_once(usage: Path) -> None:
    command = [*PROGRAM, "export", "usage.csv", "--filename", "out.csv", "--log-file", "/dev/full"]
    done = subprocess.run(command, cwd=usage, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", SAID)
    assert (usage / "out.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("summary usage.csv --log-file usage.csv", "usage.csv is there already, and no log: name another file for --log-file"),
        ("export usage.csv --filename new.csv --log-file new.csv", "--log-file and --filename are the same file"),
        ("summary usage.csv --rejects new.csv --log-file ./new.csv", "--log-file and --rejects are the same file"),
        ("summary log.csv --log-file log.csv", "--log-file would replace log.csv, which is one of the FILEs"),
    ],
)
def test_a_log_goes_into_no_other_file(usage: Path, arguments: str, said: str) -> None:
    (usage / "log.csv").write_text("2026-11-27 13:00:27,505 INFO fwbill MainThread fwbill\n")
    before = (usage / "usage.csv").read_bytes()
    command = [*PROGRAM, *arguments.split()]
    done = subprocess.run(command, cwd=usage, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert (usage / "usage.csv").read_bytes() == before


def test_a_log_goes_on_in_its_file(usage: Path) -> None:
    for lines in (1, 2):
        command = [*PROGRAM, "export", "usage.csv", "--filename", f"{lines}.csv", "--log-file", "log.txt"]
        subprocess.run(command, cwd=usage, stdin=subprocess.DEVNULL, check=True)
        assert (usage / "log.txt").read_text().count("MainThread fwbill ") == lines


def test_a_log_that_cannot_be_written_is_said_when_the_screens_are_gone(usage: Path) -> None:
    pty = pytest.importorskip("pty", reason="needs a pseudo-terminal")
    screen, terminal = pty.openpty()
    program = subprocess.Popen(
        [*PROGRAM, "usage.csv", "--log-file", "/dev/full"], cwd=usage, stdin=terminal, stdout=terminal, stderr=terminal,
        env=os.environ | {"TERM": "xterm-256color"},
    )  # fmt: skip
    os.close(terminal)
    shown, told_to_end = b"", False
    while True:
        try:
            part = os.read(screen, 1 << 16)
        except OSError:  # nobody has the other end any more
            break
        if not part:
            break
        shown += part
        if b"1 event" in shown and b"ana@x" in shown and not told_to_end:
            told_to_end = True
            program.terminate()  # once: a second signal may come when the first is being answered
    program.wait()
    os.close(screen)
    text = shown.decode(errors="replace")
    assert text.count("the log in") == 1
    assert "Logging error" not in text
    assert text.endswith(SAID.replace("\n", "\r\n"))
    assert re.search("\x1b\\[\\?1049l.*the log in", text, re.DOTALL), "the screen was given back first"


def test_a_record_that_cannot_be_told_is_named_in_the_log(tmp_path: Path) -> None:
    program = (
        "import logging, sys\n"
        "from pathlib import Path\n"
        "from fwbill_tui.cli.log_file import begin_log\n"
        "begin_log(Path(sys.argv[1]))\n"
        "logging.getLogger('library').info('%d files', 'fw_not_to_be_shown')\n"
        "logging.getLogger('library').info('after')\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "log")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    missing, after = (tmp_path / "log").read_text().splitlines()[-2:]
    assert missing.endswith("WARNING library MainThread a line is missing: TypeError")
    assert after.endswith("INFO library MainThread after")
