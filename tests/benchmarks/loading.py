"""Opening files: time and memory, in fresh processes."""

from __future__ import annotations

from pathlib import Path

from tests.benchmarks import child
from tests.benchmarks.data import Cache
from tests.benchmarks.figures import Figure, Goal, Results, Sample

SECTION = "Opening a file (fresh processes, without the screen)"


def measure(results: Results, cache: Cache, rows: int, repeats: int) -> None:
    """CSV and Parquet against a streaming scan and `read_parquet`, with the memory that both took."""
    csv, parquet = cache.csv(rows), cache.parquet(rows)
    ours, floor = _runs(repeats, cache, csv, "ours.load_file", "floors.load_csv")

    def add(name: str, unit: str, one: list[float], other: list[float] | None, floor_name: str, *goals: Goal) -> None:
        other_sample = Sample.of(other) if other else None
        results.add(Figure(SECTION, name, unit, Sample.of(one), other_sample, floor_name, goals, rows))

    add("open CSV: everything loaded, rollup built", "s", [run.seconds for run in ours], [run.seconds for run in floor],
        "streaming scan_csv", Goal("ratio", 1.25))  # fmt: skip
    add("open CSV: CPU time", "s", [run.cpu_seconds for run in ours], [run.cpu_seconds for run in floor], "streaming scan_csv")
    frame = [run.returned["frame_mib"] for run in ours]
    text = child.run("floors.load_csv_as_text", csv, work=cache.work).returned["frame_mib"]
    add("peak memory of the load", "MiB", [run.peak_mib for run in ours], frame, "the frame itself", Goal("ratio", 1.6))
    add("peak memory of the load, beside the floor's", "MiB", [run.peak_mib for run in ours], [run.peak_mib for run in floor],
        "streaming scan_csv")  # fmt: skip
    add("the frame itself", "MiB", frame, [text], "labels as plain strings", Goal("ratio", 0.4))

    goals = [Goal("ratio", 1.6), Goal("median", 1.5)]
    runs = _runs(repeats, cache, parquet, "ours.load_file", "floors.load_parquet", "floors.load_parquet_typed")
    seconds = [[outcome.seconds for outcome in outcomes] for outcomes in runs]
    add("open Parquet to usable", "s", seconds[0], seconds[1], "read_parquet", *goals)
    add("open Parquet to usable, beside a typed read", "s", seconds[0], seconds[2], "scan_parquet into dictionary codes")


def _runs(repeats: int, cache: Cache, path: Path, *functions: str) -> list[list[child.Outcome]]:
    """Each function's outcomes, run in turn."""
    rounds = [[child.run(function, path, work=cache.work) for function in functions] for _ in range(repeats)]
    return [list(outcomes) for outcomes in zip(*rounds, strict=True)]
