"""The terminal goes away under the explorer: nothing is left of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fwbill_tui.demo.generator import write_csv

pytest.importorskip("pty", reason="needs a pseudo-terminal")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGHUP, 129), (signal.SIGTERM, 143)])
def test_events_that_stay_on_disk_are_removed(tmp_path: Path, number: int, code: int) -> None:
    import pty

    write_csv(tmp_path / "usage.csv", 2000)
    (tmp_path / "temporary").mkdir()
    screen, terminal = pty.openpty()
    shown = threading.Event()
    reader = threading.Thread(target=_read, args=(screen, shown), daemon=True)
    reader.start()
    program = subprocess.Popen(
        [sys.executable, "-m", "fwbill_tui", "usage.csv", "--lazy"],
        stdin=terminal, stdout=terminal, stderr=terminal, cwd=tmp_path,
        env={**os.environ, "TERM": "xterm-256color", "TMPDIR": str(tmp_path / "temporary")},
    )  # fmt: skip
    os.close(terminal)
    try:
        assert shown.wait(60)
        assert list((tmp_path / "temporary").glob("fwbill-events-*/*.parquet"))
        program.send_signal(number)
        assert program.wait(30) == code
    finally:
        program.kill()
        program.wait()
        reader.join(5)
        os.close(screen)
    assert list((tmp_path / "temporary").glob("fwbill-*")) == []


def _read(screen: int, shown: threading.Event) -> None:
    """Read what is written, as a terminal does, and tell when events are on screen."""
    seen = b""
    while True:
        try:
            part = os.read(screen, 10_000)
        except OSError:  # the program has ended
            return
        if not part:
            return
        seen += part
        if b"kimi" in seen:
            shown.set()
