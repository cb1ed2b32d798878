"""How figures grow from one size to ten times as many events.

Loads and keys take so long, or are painted, that what the other parts have measured of both sizes is compared. Answers take
a few milliseconds, less than by which the machine changes meanwhile; so they are measured again, both sizes in turn.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from fwbill_tui.usage.query import Query
from tests.benchmarks import child, ours
from tests.benchmarks.data import Cache
from tests.benchmarks.engine import WORDS
from tests.benchmarks.figures import Figure, Goal, Results, Sample

SECTION = "Growth with the number of events"
LINEAR = ("open CSV: everything loaded, rollup built", "open Parquet to usable")
FLAT = ("any key that only moves: key to painted", "page down: key to painted")
_GOALS = (Goal("ratio", 1.5),)


def answers(path: str) -> dict[str, list[float]]:
    """What a ledger of a file needs for every answer after a letter, in milliseconds."""
    ledger = ours.opened(path).ledger
    found: dict[str, list[float]] = {}
    for answer in (ledger.totals, ledger.facets, ledger.series):
        answer(Query())
        for word in WORDS:
            started = time.perf_counter()
            answer(Query(search=word))
            found.setdefault(answer.__name__, []).append((time.perf_counter() - started) * 1e3)
    return found


def measure(results: Results, cache: Cache, sizes: Sequence[int], repeats: int) -> None:
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
            results.add(Figure(SECTION, what, after.unit, scaled, before.ours, f"at {small:,}", _GOALS, large))
    rounds = [
        [child.run("growth.answers", cache.parquet(rows), work=cache.work).returned for rows in (small, large)]
        for _ in range(repeats)
    ]
    for name in rounds[0][0]:
        before, after = (Sample.of(value for pair in rounds for value in pair[which][name]) for which in (0, 1))
        results.add(Figure(SECTION, f"{name} after a letter", "ms", after, before, f"at {small:,}", _GOALS, large))
