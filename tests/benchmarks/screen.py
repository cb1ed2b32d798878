"""The explorer in a real terminal: keys sent, screens read, beside a bare table of the same size on the same rows."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks import child
from tests.benchmarks.data import Cache, environment
from tests.benchmarks.figures import Figure, Goal, Results, Sample
from tests.benchmarks.terminal import Frame, Terminal

SECTION = "The explorer in a terminal of 160 x 48 (tmux)"
BARE = Path(__file__).with_name("bare.py")
_COLUMNS = 160
_WORDS = ("kimi", "ana", "glm", "gpu", "bot")


def explorer(cache: Cache, *arguments: str) -> Terminal:
    """The program, in a terminal."""
    return Terminal([sys.executable, "-m", "fwbill_tui", *arguments], env=environment(cache.work), cwd=cache.work)


def bare_table(cache: Cache, rows: int, columns: int, lines: int) -> Terminal:
    """The floor: a table of that size."""
    command = [sys.executable, str(BARE), "table", str(cache.parquet(rows)), str(columns), str(lines)]
    return Terminal(command, env=environment(cache.work), cwd=cache.work)


@dataclass(frozen=True, slots=True)
class Places:
    """Where things stand on the explorer's screen."""

    header: int
    """The line of the table's header."""
    left: int
    """The column at which the table begins, right of the facets."""
    lines: int
    """Rows of the table on screen."""

    @property
    def columns(self) -> int:
        """How wide the table is."""
        return _COLUMNS - self.left

    @classmethod
    def of(cls, screen: str) -> Places:
        """Found by the header of the time column."""
        lines = screen.splitlines()
        header = next(number for number, line in enumerate(lines) if " start (" in line)
        return cls(header, lines[header].index(" start ("), len(lines) - header - 3)

    def table(self, screen: str) -> list[str]:
        """The rows of the table, without the scroll bar."""
        return [line[self.left : _COLUMNS - 2] for line in screen.splitlines()[self.header + 1 : self.header + 1 + self.lines]]

    def answers(self, screen: str) -> list[str]:
        """Facets, totals and chart. A capture leaves out the blanks in which a line ends: rows beside a facet bring them back."""
        lines = screen.splitlines()
        end = self.header + self.lines
        return [*lines[3 : self.header], *(line[: self.left - 1].rstrip() for line in lines[self.header : end])]


def settled(frames: Sequence[Frame], part: Callable[[str], list[str]] = str.splitlines) -> float | None:
    """Milliseconds until a part of the screen looked as it did in the end; None when it never changed."""
    final = part(frames[-1].screen)
    if part(frames[0].screen) == final:
        return None
    when = frames[-1].ms
    for frame in reversed(frames):
        if part(frame.screen) != final:
            break
        when = frame.ms
    return when


def is_loaded(rows: int) -> Callable[[str], bool]:
    """Whether everything is there."""
    return lambda screen: f"{rows:,} events" in screen and "partial" not in screen and "start (" in screen


def has_rows(screen: str) -> bool:
    """Whether the first rows of usage are on screen."""
    return " start (" in screen and any(line.count(":") == 2 for line in Places.of(screen).table(screen))


def measure_opening(results: Results, cache: Cache, rows: int, repeats: int) -> None:
    """From the start of the program to first rows and to everything loaded."""
    for kind, path in (("CSV", cache.csv(rows)), ("Parquet", cache.parquet(rows))):
        first, loaded, peak = [], [], []
        for _ in range(repeats):
            with explorer(cache, str(path)) as terminal:
                first.append(terminal.wait_for(has_rows))
                loaded.append(terminal.wait_for(is_loaded(rows), timeout=600))
                peak.append(child.peak_mib(terminal.pid))
        goal = (Goal("median", 1.5),)
        results.add(Figure(SECTION, f"start to first rows of {kind}", "s", Sample.of(first), goals=goal, rows=rows))
        results.add(Figure(SECTION, f"start to all of {kind} loaded and shown", "s", Sample.of(loaded), rows=rows))
        results.add(Figure(SECTION, f"peak memory of the explorer on {kind}", "MiB", Sample.of(peak), rows=rows))


class Keys:
    """Measures on one explorer and one bare table that are open at the same time."""

    def __init__(self, results: Results, cache: Cache, rows: int, repeats: int) -> None:
        """`repeats` scales how many keys are pressed."""
        self._results, self._cache, self._rows, self._repeats = results, cache, rows, repeats
        self._calm = 0.4 if rows < 5_000_000 else 1.0

    def measure(self) -> None:
        """All of it."""
        with explorer(self._cache, str(self._cache.parquet(self._rows)), "--group-by=model") as terminal:
            terminal.wait_for(lambda screen: f"{self._rows:,} events" in screen and "partial" not in screen, timeout=600)
            terminal.settle(1.0)
            self._groups(terminal)
            self._answers(terminal)
            self._sorts(terminal)
        with explorer(self._cache, str(self._cache.parquet(self._rows))) as terminal:
            terminal.wait_for(is_loaded(self._rows), timeout=600)
            terminal.settle(1.0)
            places = Places.of(terminal.screen())
            with bare_table(self._cache, self._rows, places.columns, places.lines) as bare:
                bare.wait_for(lambda screen: screen.count(":") >= 2 * places.lines, timeout=600)
                bare.settle()
                self._moves(terminal, bare)

    # -- keys that only move -------------------------------------------------------------------------------------------
    def _moves(self, terminal: Terminal, bare: Terminal) -> None:
        both: list[tuple[float, float]] = []
        moves = (("PageDown", 6), ("Down", 6), ("End", 1), ("Up", 4), ("PageUp", 4), ("Home", 1))
        for warm in (terminal, bare):
            for key in ("PageDown", "End", "Home"):
                warm.watch(key, styled=True)
        paged: list[tuple[float, float]] = []
        busy = terminal.cpu_ms(), bare.cpu_ms()
        for _ in range(self._repeats):
            for key, times in moves:
                for _ in range(times):
                    took = [settled(one.watch(key, styled=True, settle=0.08)) for one in (terminal, bare)]
                    if took[0] is not None and took[1] is not None:
                        both.append((took[0], took[1]))
                        if key == "PageDown":
                            paged.append(both[-1])
        self._add("any key that only moves: key to painted", *zip(*both, strict=True), goals=(Goal("p95", 16),))
        spent = [[(after - before) / len(both)] for before, after in zip(busy, (terminal.cpu_ms(), bare.cpu_ms()), strict=True)]
        self._add("the same: CPU per key", *spent)
        self._add("page down: key to painted", *zip(*paged, strict=True), goals=(Goal("ratio", 1.5),))
        held = [(self._held(terminal), self._held(bare)) for _ in range(max(1, self._repeats // 2))]
        self._add("arrow held at 60/s for 3 s: lag at the end", *zip(*held, strict=True), goals=(Goal("median", 50),))
        drained = [(self._drained(terminal), self._drained(bare)) for _ in range(self._repeats)]
        self._add("100 queued arrows: drained", *zip(*drained, strict=True), goals=(Goal("median", 200),))

    def _held(self, terminal: Terminal) -> float:
        terminal.watch("Home", styled=True)
        terminal.hold("Down", seconds=3)
        return terminal.watch(styled=True, settle=0.2, patience=0.2)[-1].ms

    def _drained(self, terminal: Terminal) -> float:
        terminal.watch("Home", styled=True)
        return terminal.watch(*["Down"] * 100, styled=True, settle=0.2)[-1].ms

    # -- keys that change the query ------------------------------------------------------------------------------------
    def _answers(self, terminal: Terminal) -> None:
        places = Places.of(terminal.screen())
        summaries, rows = [], []
        terminal.watch("/")
        busy = terminal.cpu_ms()
        for word in _WORDS[: max(2, self._repeats)]:
            for key in (*word, *["BSpace"] * len(word)):
                frames = terminal.watch(key, settle=self._calm)
                summaries.append(settled(frames, places.answers))
                rows.append(settled(frames, places.table))
        cpu = f"{(terminal.cpu_ms() - busy) / len(rows):.0f} ms of CPU per letter"
        terminal.watch("Escape", settle=self._calm)
        terminal.watch("m")
        for _ in range(self._repeats):
            for key in ("Down", "Space", "Space"):
                frames = terminal.watch(key, settle=self._calm)
                if key == "Space":
                    summaries.append(settled(frames, places.answers))
                    rows.append(settled(frames, places.table))
        terminal.watch("Escape")
        name = "letter in search, or facet toggled: new totals, facets and chart"
        self._add(name, _seen(summaries), goals=(Goal("p95", 33),))
        self._add("the same: new rows", _seen(rows), goals=(Goal("p95", 100),), note=cpu)

    def _sorts(self, terminal: Terminal) -> None:
        places = Places.of(terminal.screen())
        took, cells = [], 9 if self._repeats > 2 else 4
        for _ in range(cells):
            terminal.watch("Right", styled=True)
            took += [settled(terminal.watch("s", settle=self._calm), places.table) for _ in ("descending", "ascending", "off")]
        note = f"{cells} columns, three turns each"
        self._add("sort by any column: first screen", _seen(took), goals=(Goal("median", 60),), note=note)

    def _groups(self, terminal: Terminal) -> None:
        """The program was opened on groups; undo and redo go back and forth between them and the events."""
        terminal.watch("Escape", settle=self._calm, until=lambda screen: " start (" in screen)
        took = []
        for _ in range(self._repeats):
            took.append(settled(terminal.watch("z", settle=self._calm), _right))
            terminal.watch("Z", settle=self._calm)
        self._add("group by one dimension, painted (again, by undo)", _seen(took), goals=(Goal("median", 33),))

    def _add(
        self,
        name: str,
        ours: Sequence[float],
        floor: Sequence[float] | None = None,
        *,
        goals: tuple[Goal, ...] = (),
        note: str = "",
    ) -> None:
        if not ours:
            self._results.skip(SECTION, f"{name}: nothing on screen changed")
            return
        other = Sample.of(floor) if floor else None
        name_of_floor = "bare table" if floor else ""
        self._results.add(Figure(SECTION, name, "ms", Sample.of(ours), other, name_of_floor, goals, self._rows, note))


def measure_saving(results: Results, cache: Cache, rows: int) -> None:
    """Arrow keys while everything is being saved as CSV."""
    for path in cache.work.glob("*.csv"):
        path.unlink()
    with explorer(cache, str(cache.parquet(rows))) as terminal:
        terminal.wait_for(is_loaded(rows), timeout=600)
        terminal.settle(1.0)
        terminal.press("C-s")
        took: list[float | None] = []
        started = time.perf_counter()
        while "Saving" in terminal.screen() or time.perf_counter() - started < 0.5:
            took.append(settled(terminal.watch("Down", styled=True, settle=0.02, patience=0.5), _right))
        seconds = time.perf_counter() - started
    for path in cache.work.glob("*.csv"):
        path.unlink()
    if seen := _seen(took):
        note = f"{len(seen)} keys in {seconds:.1f} s"
        results.add(Figure(SECTION, "arrow while all is saved as CSV", "ms", Sample.of(seen), rows=rows, note=note))


def _right(screen: str) -> list[str]:
    """The right part of the screen's lower half: the table, whatever it shows."""
    lines = screen.splitlines()
    return lines[len(lines) // 2 : -3]


def _seen(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]
