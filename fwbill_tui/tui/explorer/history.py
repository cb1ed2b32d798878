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
        self._typing = 0
        """What the last step was: typing in the search (1), taking letters back (-1), something else (0)."""
        self.now = query

    def go(self, query: Query) -> None:
        """Move on to another query. A search being typed is one step, not one per letter; so is one that is taken back."""
        if query == self.now:
            return
        typing = _typing(self.now, query)
        goes_on = query.search.startswith(self.now.search) or self.now.search.startswith(query.search)
        if not (typing and typing == self._typing and goes_on):
            self._past.append(self.now)
            del self._past[:-_MOST_STEPS]
        self._future.clear()
        self._typing, self.now = typing, query

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
        self._typing, self.now = 0, source.pop()
        return self.now


def _typing(before: Query, after: Query) -> int:
    if replace(before, search=after.search) != after:
        return 0
    return -1 if before.search.startswith(after.search) else 1
