"""Runs one measurement in a process of its own: `python -m tests.benchmarks.child MODULE.FUNCTION ARGUMENT…`.

The time is that of the function alone, after all imports; the peak of memory is the whole process's, as Linux counts it.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.data import CHECKOUT, environment


@dataclass(frozen=True, slots=True)
class Outcome:
    """Wall and CPU seconds of the function, peak memory of the process, and what was returned."""

    seconds: float
    cpu_seconds: float
    peak_mib: float
    returned: Any


def run(function: str, *arguments: object, work: Path) -> Outcome:
    """Run `module.function` of this package with text arguments. Raises RuntimeError with its last words when it fails."""
    command = [sys.executable, "-m", "tests.benchmarks.child", function, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=CHECKOUT, env=environment(work), check=False)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise RuntimeError(f"{function} ended with {done.returncode}: {last[0]}")
    return Outcome(**json.loads(done.stdout.splitlines()[-1]))


def command(arguments: list[str], work: Path) -> tuple[float, float]:
    """Run a command, its output thrown away; wall seconds and peak memory in MiB. Raises RuntimeError when it fails."""
    started = time.perf_counter()
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, cwd=CHECKOUT, env=environment(work))
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(arguments[:4])} ended with {process.returncode}")
    return seconds, usage.ru_maxrss / 1024


def peak_mib(pid: int | str = "self") -> float:
    """The peak resident memory of a process, VmHWM."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM"))


def main() -> None:
    """Measure the function named on the command line and print the outcome as JSON."""
    name, *arguments = sys.argv[1:]
    module, _, function = name.rpartition(".")
    work = getattr(importlib.import_module(f"tests.benchmarks.{module}"), function)
    started, cpu = time.perf_counter(), time.process_time()
    returned = work(*arguments)
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu_seconds, "peak_mib": peak_mib(), "returned": returned}))


if __name__ == "__main__":
    main()
