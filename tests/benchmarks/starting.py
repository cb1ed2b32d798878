"""Starting: commands without a screen beside `python -c pass`, screens beside a bare Textual app, summary beside a bare scan."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping

from tests.benchmarks import child, screen
from tests.benchmarks.data import CHECKOUT, Cache, environment
from tests.benchmarks.figures import Figure, Goal, Results, Sample, interleaved
from tests.benchmarks.terminal import Terminal

SECTION = "Starting"
FEW = 8_500
_HEAVY = ("textual", "polars", "httpx", "grpc")
_LIGHT = (Goal("ratio", 4),)
_SCRIPT = ["-c", "import sys; from fwbill_tui.__main__ import main; sys.exit(main())"]
"""What the installed `fwbill` does."""
_COMPLETE = {"_FWBILL_COMPLETE": "bash_complete", "COMP_WORDS": "fwbill su", "COMP_CWORD": "1"}


def measure(results: Results, cache: Cache, repeats: int) -> None:
    """Commands, then screens."""
    _commands(results, cache, repeats)
    _screens(results, cache, repeats)


def _commands(results: Results, cache: Cache, repeats: int) -> None:
    kinds: tuple[tuple[str, list[str], Mapping[str, str], tuple[Goal, ...]], ...] = (
        ("--help", ["--help"], {}, _LIGHT), ("--version", ["--version"], {}, _LIGHT), ("completion", [], _COMPLETE, _LIGHT),
        ("completion of a command's flag", [], _COMPLETE | {"COMP_WORDS": "fwbill export --fo", "COMP_CWORD": "2"}, ()),
        ("export --help", ["export", "--help"], {}, ()),
    )  # fmt: skip
    for name, arguments, variables, goals in kinds:
        env = {**environment(cache.work), **variables}
        heavy = _imported([*_SCRIPT, *arguments], env)
        one, other = interleaved(3 * repeats, _runs([*_SCRIPT, *arguments], env), _runs(["-c", "pass"], environment(cache.work)))
        note = f"imports {', '.join(heavy)}" if heavy else "imports none of " + ", ".join(_HEAVY)
        results.add(Figure(SECTION, f"fwbill {name}", "ms", one, other, "python -c pass", goals, note=note))


def _runs(arguments: list[str], env: Mapping[str, str]) -> Callable[[], float]:
    def run() -> float:
        started = time.perf_counter()
        subprocess.run([sys.executable, *arguments], env=dict(env), cwd=CHECKOUT, stdout=subprocess.DEVNULL, check=True)
        return (time.perf_counter() - started) * 1e3

    return run


def _imported(arguments: list[str], env: Mapping[str, str]) -> list[str]:
    command = [sys.executable, "-X", "importtime", *arguments]
    told = subprocess.run(command, env=dict(env), cwd=CHECKOUT, capture_output=True, text=True, check=True).stderr
    seen = {line.rpartition("|")[2].strip() for line in told.splitlines()}
    return [name for name in _HEAVY if name in seen]


def _screens(results: Results, cache: Cache, repeats: int) -> None:
    bare = [sys.executable, str(screen.BARE), "start"]

    def login() -> float:
        return _painted(cache, [sys.executable, "-m", "fwbill_tui"], lambda seen: "API key" in seen)

    def explorer() -> float:
        command = [sys.executable, "-m", "fwbill_tui", str(cache.csv(FEW))]
        return _painted(cache, command, lambda seen: screen.has_rows(seen) and screen.is_loaded(FEW)(seen))

    def floor() -> float:
        return _painted(cache, bare, lambda seen: "ready" in seen)

    for start in (login, explorer, floor):
        start()  # not measured: it writes the bytecode that an installed program comes with
    for name, ours, limit in (("the login", login, 1.25), (f"the explorer on {FEW:,} events", explorer, 2.0)):
        one, other = interleaved(3 * repeats, ours, floor)
        results.add(Figure(SECTION, f"start to {name}", "s", one, other, "bare Textual app", (Goal("ratio", limit),)))


def _painted(cache: Cache, command: list[str], holds: Callable[[str], bool]) -> float:
    with Terminal(command, env=environment(cache.work), cwd=cache.work) as terminal:
        return terminal.wait_for(holds)


def measure_summary(results: Results, cache: Cache, rows: int, repeats: int) -> None:
    """`fwbill summary` on a CSV, whole processes."""
    path = cache.csv(rows)
    ours = [sys.executable, "-m", "fwbill_tui", "summary", str(path), "--group-by", "model"]
    floor = [sys.executable, "-m", "tests.benchmarks.child", "floors.summarise_csv", str(path)]
    runs = [[child.command(one, cache.work) for one in (ours, floor)] for _ in range(repeats)]
    seconds = [Sample.of(run[side][0] for run in runs) for side in (0, 1)]
    peaks = [Sample.of(run[side][1] for run in runs) for side in (0, 1)]
    name, beside = "fwbill summary --group-by model", "bare scan and group-by"
    results.add(Figure(SECTION, name, "s", seconds[0], seconds[1], beside, (Goal("ratio", 1.1),), rows))
    tenth = path.stat().st_size / 2**20 / 10
    results.add(Figure(SECTION, f"{name}: peak memory", "MiB", peaks[0], peaks[1], beside, (Goal("max", tenth),), rows))
