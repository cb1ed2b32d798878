"""How figures grow from one size to ten times as many events, from what the other parts have measured."""

from __future__ import annotations

from collections.abc import Sequence

from tests.benchmarks.figures import Figure, Goal, Results, Sample

SECTION = "Growth with the number of events"
LINEAR = ("open CSV: everything loaded, rollup built", "open Parquet to usable")
FLAT = (
    "any key that only moves: key to painted",
    "page down: key to painted",
    "totals after a letter",
    "facets after a letter",
    "series after a letter",
)


def measure(results: Results, sizes: Sequence[int]) -> None:
    """The largest size against the one before. Loading per event and answering as such are to stay within 1.5 times."""
    if len(sizes) < 2:
        results.skip(SECTION, "one size alone does not grow")
        return
    small, large = sorted(sizes)[-2:]
    for names, per_event in ((LINEAR, True), (FLAT, False)):
        for name in names:
            before, after = results.find(name, small), results.find(name, large)
            if before is None or after is None:
                continue
            scale = small / large if per_event else 1.0
            scaled = Sample.of(value * scale for value in after.ours.values)
            what = f"{name}, per {small:,} events" if per_event else name
            goals = (Goal("ratio", 1.5),)
            results.add(Figure(SECTION, what, after.unit, scaled, before.ours, f"at {small:,}", goals, large))
