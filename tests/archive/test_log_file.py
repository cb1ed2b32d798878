"""What the commands around the archive write into a log, and that each of them takes one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from archive_support import ACCOUNT, HOST, an_archive, day, fetch, version

COMMANDS = {
    "list": ["archive", "list"],
    "verify": ["archive", "verify"],
    "prune": ["archive", "prune", "--keep", "1d"],
    "forget": ["archive", "forget", ACCOUNT],
    "logout": ["logout"],
    "demo": ["demo"],
}
SAID = {
    "verify": f"verified {ACCOUNT} at {HOST}: 0 damaged",
    "prune": f"dropped 1 days of {ACCOUNT} at {HOST}",
    "forget": f"forgot {ACCOUNT} at {HOST}",
}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_writes_a_log_where_it_is_told(tmp_path: Path, name: str) -> None:
    an_archive(tmp_path / "data" / "archive").store(fetch(), [(day(0), version(day(0), 1))])
    log = tmp_path / "log"
    command = [sys.executable, "-m", "fwbill_tui", *COMMANDS[name], "--log-file", str(log)]
    environ = os.environ | {"FWBILL_DATA_DIR": str(tmp_path / "data")}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert "Traceback" not in done.stderr
    assert done.returncode in ((2,) if name == "demo" else (0, 1)), done.stderr  # here is no terminal to show a demo on
    lines = log.read_text().splitlines()
    assert "fwbill" in lines[0]
    assert SAID.get(name, "") in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600
