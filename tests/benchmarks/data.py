"""The files that are measured on: made once by the demo generator and kept in a cache folder."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
_LAST_DAY = "2026-06-30"
"""Fixed, so that the same events are measured every day."""


@dataclass(frozen=True, slots=True)
class Cache:
    """Where files are kept between runs. `work` is for what a run writes and removes again."""

    folder: Path

    @property
    def work(self) -> Path:
        """A folder that programs under measurement may write to."""
        path = self.folder / "work"
        path.mkdir(parents=True, exist_ok=True)
        return path

    def csv(self, rows: int) -> Path:
        """So many events as CSV."""
        return self._file(rows, "csv")

    def parquet(self, rows: int) -> Path:
        """The same events as Parquet."""
        return self._file(rows, "parquet")

    def _file(self, rows: int, kind: str) -> Path:
        path = self.folder / f"events-{rows}-{_LAST_DAY}.{kind}"
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            print(f"making {path.name} …", file=sys.stderr, flush=True)
            unfinished = path.with_name(f"unfinished-{os.getpid()}.{kind}")
            command = ["-m", "fwbill_tui.demo", "generate", "--rows", str(rows), "--end", _LAST_DAY, "--output", str(unfinished)]
            subprocess.run([sys.executable, *command], cwd=CHECKOUT, check=True)
            unfinished.rename(path)
        return path


def environment(work: Path) -> dict[str, str]:
    """The environment programs are started in: this checkout, no keys, no settings of the person who runs the benchmark.

    Bytecode is kept, as it is where a program was installed; its first start writes it.
    """
    not_ours = ("FIREWORKS_", "FWBILL_", "TEXTUAL", "PYTHON")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(not_ours)}
    folders = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"), str(work))
    return kept | folders | {"PYTHONPATH": str(CHECKOUT), "PYTHONPYCACHEPREFIX": str(work.parent / "bytecode")}
