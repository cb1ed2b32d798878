"""A stand-in for firectl, for all tests that need one: a program of its own that behaves as the wire contract says."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

_PROGRAM = """#!{python} -IS
import csv, json, os, signal, subprocess, sys, time
from pathlib import Path

here = Path(__file__).parent
behaviour = json.loads((here / "behaviour.json").read_text())
home = Path(os.environ["HOME"])
profile = sys.argv[sys.argv.index("-p") + 1] if "-p" in sys.argv else ""
sign_in = home / ".fireworks" / (f"profiles/{{profile}}/auth.ini" if profile else "auth.ini")
private = [home, home / ".fireworks", sign_in]
call = {{
    "argv": sys.argv, "environ": dict(os.environ), "pid": os.getpid(), "group": os.getpgrp(),
    "sign_in": sign_in.read_text() if sign_in.exists() else None,
    "modes": [oct(path.stat().st_mode & 0o777) for path in private if path.exists()],
}}
number = len(list(here.glob("call-*.json")))
(here / f"call-{{os.getpid()}}.json").write_text(json.dumps(call))


def flag(name):
    return sys.argv[sys.argv.index(name) + 1]


def fail(text, status=1):
    sys.stderr.write(text + "\\n")
    sys.exit(status)


spelling = sys.argv[1:3]
if spelling != behaviour["spelling"]:
    if behaviour["help"]:
        print("Manage billing.\\n\\nUsage:\\n  firectl billing [command]")
        sys.exit(0)
    fail(f'Error: unknown command "{{spelling[0]}}" for "firectl"\\nRun \\'firectl --help\\' for usage.')
if number < behaviour["failures"] or behaviour["failures"] < 0:
    fail(behaviour["says"], behaviour["status"])
if behaviour["hangs"]:
    if behaviour["stubborn"]:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen(["sleep", "60"])
    (here / "child").write_text(str(child.pid))
    time.sleep(60)
if "-a" not in sys.argv or flag("-a") != behaviour["account"]:
    fail("Error: rpc error: code = PermissionDenied desc = account not found or not accessible")
header, *lines = (here / "events.csv").read_text().splitlines(keepends=True)
column = header.strip().split(",").index("start_time")
start, end = flag("--start-time"), flag("--end-time")
assert (time.mktime(time.strptime(end, "%Y-%m-%d")) - time.mktime(time.strptime(start, "%Y-%m-%d"))) <= 31 * 86400
text = header + "".join(line for line in lines if start <= next(csv.reader([line]))[column][:10] < end)
part = behaviour["part"]
if part is not None:
    text = text[: int(len(text) * part)]
if behaviour["writes"]:
    Path(flag("--filename")).write_text(text)
if behaviour["killed"]:
    os.kill(os.getpid(), signal.SIGKILL)
print(behaviour["says"])
"""


@dataclass
class StandIn:
    """The stand-in and what is known of its calls. Behaviour is changed by `behave`."""

    program: Path

    def behave(self, **changes: Any) -> None:
        """Change what it does: `spelling`, `help`, `failures` (how many; -1 for all), `says`, `status`, `hangs`, `stubborn`,
        `part` (of the file), `writes`, `killed`, `account`."""
        file = self.program.with_name("behaviour.json")
        usual = {
            "spelling": ["billing", "export-metrics"], "help": False, "failures": 0, "says": "", "status": 1, "hangs": False,
            "stubborn": False, "part": None, "writes": True, "killed": False, "account": "acme-prod",
        }  # fmt: skip
        file.write_text(json.dumps(usual | changes))

    def serve(self, text: str) -> None:
        """The CSV that exports are cut from."""
        self.program.with_name("events.csv").write_text(text)

    @property
    def calls(self) -> list[dict[str, Any]]:
        """Every call so far, in order: `argv`, `environ`, `sign_in` (its text), `modes` of it and its folders, `pid`."""
        files = sorted(self.program.parent.glob("call-*.json"), key=lambda file: file.stat().st_mtime_ns)
        return [json.loads(file.read_text()) for file in files]

    @property
    def child(self) -> int:
        """The process it has started, or 0."""
        file = self.program.with_name("child")
        return int(file.read_text() or 0) if file.exists() else 0


@pytest.fixture
def firectl(tmp_path: Path) -> StandIn:
    folder = tmp_path / "stand-in"
    folder.mkdir()
    program = folder / "firectl"
    program.write_text(_PROGRAM.format(python=sys.executable))
    program.chmod(0o700)
    stand_in = StandIn(program)
    stand_in.behave()
    stand_in.serve("start_time,usage_type,prompt_tokens\n")
    return stand_in
