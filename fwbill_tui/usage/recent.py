"""A few recent results, kept for re-use."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

import polars as pl

_T = TypeVar("_T", pl.DataFrame, pl.Series)


class Recent(Generic[_T]):
    """The last results by key, as many as fit into a number of bytes, and always the last one.

    Two threads may compute the same one at the same time; then both get an answer, and one of them is kept.
    """

    def __init__(self, most_bytes: int) -> None:
        self._room = most_bytes
        self._kept: OrderedDict[Hashable, tuple[_T, int]] = OrderedDict()
        self._lock = threading.Lock()

    def peek(self, key: Hashable) -> _T | None:
        """The result if it is known."""
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key][0]

    def get(self, key: Hashable, make: Callable[[], _T]) -> _T:
        """The result, made now unless it is known."""
        if (known := self.peek(key)) is not None:
            return known
        made = make()
        size = int(made.estimated_size())
        with self._lock:
            if key not in self._kept:
                self._room -= size
            self._kept[key] = (made, size)
            while self._room < 0 and len(self._kept) > 1:
                _, (_, freed) = self._kept.popitem(last=False)
                self._room += freed
        return made
