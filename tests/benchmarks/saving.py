"""Saving everything as CSV and Parquet, beside the bare sinks, in one process."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from fwbill_tui.export.endings import Format
from fwbill_tui.export.writing import write_events
from fwbill_tui.usage.query import Query
from tests.benchmarks import child, floors, ours
from tests.benchmarks.data import Cache
from tests.benchmarks.figures import Figure, Goal, Results, Sample, interleaved

SECTION = "Saving everything (one process)"


def measure(results: Results, cache: Cache, rows: int, repeats: int) -> None:
    """Run `saves` in a process of its own and add what it found."""
    for found in child.run("saving.saves", cache.parquet(rows), cache.work, repeats, work=cache.work).returned:
        goals = (Goal("ratio", 1.15),) if found["goal"] else ()
        one, other = Sample.of(found["ours"]), Sample.of(found["floor"])
        results.add(Figure(SECTION, found["name"], "s", one, other, found["floor_name"], goals, rows))


def saves(path: str, folder: str, repeats: str) -> list[dict[str, Any]]:
    """All figures of a file, in seconds."""
    ledger = ours.opened(path).ledger
    target = Path(folder) / f"saved-{os.getpid()}"

    def timed(write: Callable[[], object]) -> Callable[[], float]:
        def run() -> float:
            started = time.perf_counter()
            write()
            seconds = time.perf_counter() - started
            target.unlink()
            return seconds

        return run

    def save(query: Query, kind: Format) -> Callable[[], float]:
        return timed(lambda: write_events(ledger, query, target, format=kind, overwrite=True))

    as_loaded, newest_first = Query(sort=()), Query()
    ledger.order(newest_first)
    sinks = {"csv": floors.sink_csv, "parquet": floors.sink_parquet}
    found = []
    kinds: tuple[Format, ...] = ("csv", "parquet")
    for kind in kinds:
        sink = timed(partial(sinks[kind], ledger.events, target))
        plain, ordered, floor = interleaved(int(repeats), save(as_loaded, kind), save(newest_first, kind), sink)
        name = f"bare sink_{kind}"
        found += [
            {"name": f"save all as {kind}, in the order of the file", "ours": plain.values, "floor": floor.values,
             "floor_name": name, "goal": True},
            {"name": f"save all as {kind}, newest first", "ours": ordered.values, "floor": floor.values,
             "floor_name": name, "goal": False},
        ]  # fmt: skip
    return found
