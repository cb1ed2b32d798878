"""What is measured: samples, the floor beside them, the goal, and whether it is met."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Of = Literal["ratio", "median", "p95", "max"]


@dataclass(frozen=True, slots=True)
class Sample:
    """Repeated measurements of one thing, in one unit."""

    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Iterable[float]) -> Sample:
        """A sample of any iterable. Raises ValueError when it is empty."""
        kept = tuple(values)
        if not kept:
            raise ValueError("nothing was measured")
        return cls(kept)

    @property
    def median(self) -> float:
        """The middle value."""
        return statistics.median(self.values)

    @property
    def p95(self) -> float:
        """The value that 95 of 100 stay under (the nearest rank, so that it is one of the values)."""
        return sorted(self.values)[max(0, -(-95 * len(self.values) // 100) - 1)]

    def as_json(self) -> dict[str, Any]:
        """Median, extremes and every value."""
        return {
            "median": self.median, "min": min(self.values), "max": max(self.values), "p95": self.p95, "values": list(self.values),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Goal:
    """An upper limit for the ratio to the floor, or for the median, p95 or maximum itself."""

    of: Of
    limit: float

    def text(self, unit: str) -> str:
        """As it stands in the table."""
        if self.of == "ratio":
            return f"≤ {self.limit:g} ×"
        return f"{'' if self.of == 'median' else self.of + ' '}≤ {amount(self.limit, unit)}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table: what fwbill needs, what the floor needs, and the goals for it."""

    section: str
    name: str
    unit: str
    ours: Sample
    floor: Sample | None = None
    floor_name: str = ""
    goals: tuple[Goal, ...] = ()
    rows: int = 0
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Our median over the floor's; None without a floor."""
        if self.floor is None or not self.floor.median:
            return None
        return self.ours.median / self.floor.median

    def measured(self, of: Of) -> float:
        """What a goal is about."""
        if of == "ratio":
            return self.ratio if self.ratio is not None else float("nan")
        return {"median": self.ours.median, "p95": self.ours.p95, "max": max(self.ours.values)}[of]

    @property
    def verdict(self) -> str:
        """'met', or how many times over the goal; '' without one."""
        over = [(self.measured(goal.of) / goal.limit, goal) for goal in self.goals]
        missed = [f"{times:.2f} × the goal ({goal.of})" for times, goal in over if not times <= 1]
        return ", ".join(missed) if missed else "met" if self.goals else ""

    def as_json(self) -> dict[str, Any]:
        """Everything that is known about it."""
        return {
            "section": self.section, "name": self.name, "rows": self.rows, "unit": self.unit,
            "ours": self.ours.as_json(), "floor": self.floor.as_json() if self.floor else None, "floor_name": self.floor_name,
            "ratio": self.ratio, "goals": [{"of": goal.of, "limit": goal.limit} for goal in self.goals],
            "verdict": self.verdict, "note": self.note,
        }  # fmt: skip


@dataclass(slots=True)
class Skipped:
    """Something that could not be measured, and why."""

    section: str
    reason: str


@dataclass(slots=True)
class Results:
    """What one run has found so far; `tell` gets every figure at once, so that a run that is stopped has said something."""

    tell: Callable[[Figure | Skipped], None]
    largest: int = 0
    """Goals are for the largest number of events in a run; below it a figure is there for the growth."""
    figures: list[Figure] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)

    def add(self, figure: Figure) -> None:
        """Keep a figure."""
        if figure.rows and figure.rows < self.largest:
            figure = replace(figure, goals=())
        self.figures.append(figure)
        self.tell(figure)

    def skip(self, section: str, reason: str) -> None:
        """Keep the reason why something is missing."""
        self.skipped.append(Skipped(section, reason))
        self.tell(self.skipped[-1])

    def find(self, name: str, rows: int) -> Figure | None:
        """The figure of that name and size."""
        return next((figure for figure in self.figures if figure.name == name and figure.rows == rows), None)


def interleaved(repeats: int, *measures: Callable[[], float]) -> list[Sample]:
    """Measure things in turn, A B A B, so that what else the machine does falls on all of them."""
    rounds = [[measure() for measure in measures] for _ in range(repeats)]
    return [Sample.of(values) for values in zip(*rounds, strict=True)]


def amount(value: float, unit: str) -> str:
    """A number in its unit, with as many digits as it is worth."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if unit in ("s", "×") or abs(value) < 1 else 1
    return f"{value:,.{digits}f} {unit}"
