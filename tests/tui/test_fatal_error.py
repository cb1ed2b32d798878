"""A fault of our own, in a real terminal: one line, and no traceback with what may be a key."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pty", reason="needs a pseudo-terminal")

_PROGRAM = """
import sys
from fwbill_tui.__main__ import main
from fwbill_tui.tui.app import FwbillApp

def broken(self):
    fw_key = "fw_not_to_be_shown"
    raise KeyError(fw_key)

FwbillApp.on_mount = broken
sys.argv = ["fwbill", *sys.argv[1:]]
main()
"""


@pytest.mark.parametrize("arguments", [["usage.csv"], ["demo", "--rows", "1000"]])
def test_a_fault_of_the_screens_is_said_in_one_line(arguments: list[str], tmp_path: Path) -> None:
    import pty

    (tmp_path / "usage.csv").write_text("start_time,usage_type\n2026-10-01 00:00:00 UTC,TEXT\n")
    screen, terminal = pty.openpty()
    with (tmp_path / "said").open("wb") as said:
        program = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, *arguments], stdin=terminal, stdout=terminal, stderr=said, cwd=tmp_path,
            env={**os.environ, "TERM": "xterm-256color"},
        )  # fmt: skip
        code = program.wait(30)
    os.close(terminal)
    os.close(screen)
    text = (tmp_path / "said").read_text()
    assert code == 1
    said_at_last = " ".join(text[text.rindex("fwbill: ") :].split())
    assert text.count("fwbill: ") == 1
    assert re.fullmatch(
        r"fwbill: ended by a fault of its own \(KeyError at <string>:\d+\)\. No file was left half-written\. "
        r"Please report this line\.",
        said_at_last,
    )
    assert "Traceback" not in text
    assert "fw_not_to_be_shown" not in text
    assert "errors shown" not in text
