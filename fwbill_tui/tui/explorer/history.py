"""Undo and redo of the query, and the way back out of groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from fwbill_tui.usage.query import NEWEST_FIRST, Query, SortKey

_MOST_STEPS = 500


class Drilled(NamedTuple):
    """A group that was gone into: the groups' query, the group's keys, and the line of the screen it was on."""

    query: Query
    key: Mapping[str, object]
    line: int


class _Step(NamedTuple):
    query: Query
    drilled: tuple[Drilled, ...] = ()


class History:
    """The queries that were, the one that is, and those that were taken back, each with the groups that were gone into."""

    def __init__(self, query: Query) -> None:
        self._past: list[_Step] = []
        self._future: list[_Step] = []
        self._typing = 0
        """What the last step was: typing in the search (1), taking letters back (-1), something else (0)."""
        self._now = _Step(query)

    @property
    def now(self) -> Query:
        """The query that is."""
        return self._now.query

    @property
    def drilled(self) -> tuple[Drilled, ...]:
        """The groups that were gone into and not left again, the innermost last."""
        return self._now.drilled

    def go(self, query: Query, drilled: tuple[Drilled, ...] | None = None) -> None:
        """Move on to another query. A search being typed is one step, not one per letter; so is one that is taken back.

        `drilled`: the groups gone into by then, where those are others.
        """
        step = _Step(query, self.drilled if drilled is None else drilled)
        if query == self.now:
            self._now = step
            return
        typing = _typing(self.now, query)
        goes_on = query.search.startswith(self.now.search) or self.now.search.startswith(query.search)
        if not (typing and typing == self._typing and goes_on):
            self._past.append(self._now)
            del self._past[:-_MOST_STEPS]
        self._future.clear()
        self._typing, self._now = typing, step

    @property
    def sort_of_events(self) -> tuple[SortKey, ...]:
        """How single events are sorted, or were when they were last on show."""
        steps = (self._now, *reversed(self._past))
        return next((step.query.sort for step in steps if not step.query.group_by), NEWEST_FIRST)

    def undo(self) -> Query | None:
        """The query before, which is then the one that is; None when there is none."""
        return self._move(self._past, self._future)

    def redo(self) -> Query | None:
        """The query that was taken back last; None when there is none."""
        return self._move(self._future, self._past)

    def _move(self, source: list[_Step], target: list[_Step]) -> Query | None:
        if not source:
            return None
        target.append(self._now)
        self._typing, self._now = 0, source.pop()
        return self.now


def _typing(before: Query, after: Query) -> int:
    if replace(before, search=after.search) != after:
        return 0
    return -1 if before.search.startswith(after.search) else 1
