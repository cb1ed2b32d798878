"""The threads of Polars give way to those of Python; in fresh processes, since they are started once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fwbill_tui.demo.generator import write_csv

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has priorities of threads")

NICE = """
import json, os
from pathlib import Path

def nice():
    threads = [task.name for task in Path("/proc/self/task").iterdir()
               if (task / "comm").read_text().startswith(("polars-0", "polars-1", "async-executor"))]
    return json.dumps([os.getpriority(os.PRIO_PROCESS, int(thread)) for thread in (os.getpid(), *threads)])
"""
CALLED = """
from fwbill_tui.sources.engine_threads import start_behind_screen
start_behind_screen()
import polars as pl
start_behind_screen()
print(nice())
"""
BEGUN = """
import sys
from fwbill_tui.sources.head_start import HeadStart
from fwbill_tui.sources.launch import Launch
from fwbill_tui.usage.query import Query
loaded = HeadStart(Launch(query=Query(), inputs=(sys.argv[1],))).finish(progress=print, snapshot=print)
assert loaded.ledger.event_count == 1000
print(nice())
"""


@pytest.mark.parametrize(
    ("script", "nicer"), [(CALLED, 0), (CALLED, 10), (CALLED, 17), (BEGUN, 0)], ids=["called", "of 10", "of 17", "begun"]
)
def test_the_threads_of_polars_give_way_to_those_of_python(script: str, nicer: int, tmp_path: Path) -> None:
    export = tmp_path / "usage.csv"
    write_csv(export, 1000)
    program = f"import os; os.nice({nicer})\n{NICE}{script}"
    done = subprocess.run([sys.executable, "-c", program, export], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    own, *engine = json.loads(done.stdout.splitlines()[-1])
    assert own == min(os.getpriority(os.PRIO_PROCESS, os.getpid()) + nicer, 19)
    assert set(engine) == {min(own + 5, 19)}
