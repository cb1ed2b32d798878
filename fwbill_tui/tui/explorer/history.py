"""Undo and redo of the query, and the way back out of groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from fwbill_tui.usage.query import Query

_MOST_STEPS = 500


class Drilled(NamedTuple):
    """A group that was gone into: the groups' query, the group's keys, and the line of the screen it was on."""

    query: Query
    key: Mapping[str, object]
    line: int


class History:
    """The queries that were, the one that is, and those that were taken back."""

    def __init__(self, query: Query) -> None:
        self._past: list[Query] = []
        self._future: list[Query] = []
        self.now = query

    def go(self, query: Query) -> None:
        """Move on to another query. A search being typed is one step, not one per letter."""
        if query == self.now:
            return
        typing = replace(query, search="") == replace(self.now, search="")
        if not (typing and self._past and replace(self._past[-1], search="") == replace(self.now, search="")):
            self._past.append(self.now)
            del self._past[:-_MOST_STEPS]
        self._future.clear()
        self.now = query

    def undo(self) -> Query | None:
        """The query before, which is then the one that is; None when there is none."""
        return self._move(self._past, self._future)

    def redo(self) -> Query | None:
        """The query that was taken back last; None when there is none."""
        return self._move(self._future, self._past)

    def _move(self, source: list[Query], target: list[Query]) -> Query | None:
        if not source:
            return None
        target.append(self.now)
        self.now = source.pop()
        return self.now
