"""Measures fwbill: `python -m tests.benchmarks [--quick] [--peers] [--json FILE]` from a checkout. Linux, with tmux.

Each figure stands beside a floor that is measured in the same run, in turn with it: plain Polars or a bare Textual app
doing the same work (`floors`, `bare`). Goals are judged at the largest number of events of the run. Nothing is asserted:
the table says which goals are met, and by how much others are missed.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from platformdirs import user_cache_path

from tests.benchmarks import engine, growth, link, loading, peers, report, saving, screen, stalls, starting
from tests.benchmarks.data import Cache
from tests.benchmarks.figures import Figure, Results, Skipped

SIZES = (100_000, 1_000_000, 10_000_000)
PARTS = ("starting", "loading", "engine", "opening", "keys", "saving", "summary", "stalls", "link", "growth", "peers")
Section = tuple[str, Callable[[], None]]


def main() -> int:
    """Measure, print the table, write the file; the exit code says nothing about goals."""
    given = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that terminals are closed then, too
    cache = Cache(given.cache)
    repeats = given.repeats or (2 if given.quick else 5)
    about = report.machine()
    print(report.heading(about), flush=True)
    started = time.perf_counter()

    def tell(finding: Figure | Skipped) -> None:
        print(f"{time.perf_counter() - started:7.1f} s  {report.said(finding)}", file=sys.stderr, flush=True)

    sizes = given.sizes or ((1_000_000,) if given.quick else SIZES)
    results = Results(tell, max(sizes))
    for name, measure in _sections(results, cache, given, sizes, repeats):
        if given.only and name not in given.only:
            continue
        try:
            measure()
        except Exception as error:
            results.skip(name, f"{type(error).__name__}: {error}")
    print(f"\n{report.table(results)}\n\n{time.perf_counter() - started:.0f} s in all")
    if given.json:
        report.write_json(given.json, about, results)
    return 0


def _sections(results: Results, cache: Cache, given: argparse.Namespace, sizes: Sequence[int], repeats: int) -> list[Section]:
    largest = max(sizes)
    once = 1 if given.quick else repeats
    sections: list[Section] = [("starting", lambda: starting.measure(results, cache, repeats))]
    for rows in sizes:
        sections += [
            ("loading", partial(loading.measure, results, cache, rows, repeats)),
            ("engine", partial(engine.measure, results, cache, rows, repeats)),
            ("opening", partial(screen.measure_opening, results, cache, rows, once)),
            ("keys", screen.Keys(results, cache, rows, repeats).measure),
        ]
    sections += [
        ("saving", lambda: saving.measure(results, cache, largest, once)),
        ("saving", lambda: screen.measure_saving(results, cache, largest)),
        ("summary", lambda: starting.measure_summary(results, cache, largest, once)),
        ("stalls", lambda: stalls.measure(results, cache, largest, 5 if given.quick else 300)),
    ]
    if not given.quick:
        sections.append(("link", lambda: link.measure(results, cache, largest, repeats)))
        sections.append(("growth", lambda: growth.measure(results, cache, sizes, repeats)))
    if given.peers:
        sections.append(("peers", lambda: peers.measure(results, cache, sizes, once)))
    return sections


def _arguments() -> argparse.Namespace:
    as_written = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__, formatter_class=as_written)
    quick = "one million events, fewer repeats, neither link nor growth; under two minutes"
    parser.add_argument("--quick", action="store_true", help=quick)
    parser.add_argument("--sizes", type=int, nargs="+", metavar="N", help="numbers of events (default: 100000, 1 and 10 million)")
    parser.add_argument("--repeats", type=int, help="repeats of every measurement (default: 5, quick: 2)")
    parser.add_argument("--only", nargs="+", choices=PARTS, metavar="PART", help=f"only some of: {', '.join(PARTS)}")
    parser.add_argument("--peers", action="store_true", help="install peers into the cache folder and measure them as well")
    parser.add_argument("--cache", type=Path, default=user_cache_path("fwbill-benchmarks"), help="folder (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every value to FILE")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
