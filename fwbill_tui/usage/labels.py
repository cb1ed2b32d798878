"""The distinct values of a dimension, and the conditions on them, as conditions on dictionary codes.

Ten million events have a few hundred different labels. Text is matched against those labels alone; what reaches the
events or the rollup is a set of small integers.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from functools import cached_property

import polars as pl

from fwbill_tui.usage.names import dimension_of, last_segment

EMPTY = ""
"""How the value of an empty cell is written in choices and facets."""


class Labels:
    """The labels of one dictionary column, each with its code; an empty cell counts as the label ''."""

    def __init__(self, column: str, present: pl.Series) -> None:
        """`present` holds the column's values with repetitions allowed (the rollup's column will do)."""
        distinct = present.unique()
        self.present = distinct
        """The values, each once, an empty cell among them if there is one."""
        self.column = column
        self.dimension = dimension_of(column)
        self._physical = distinct.to_physical().dtype
        texts, codes = distinct.cast(pl.String).to_list(), distinct.to_physical().to_list()
        texts = [EMPTY if text is None else text for text in texts]
        self.codes: dict[str, int | None] = dict(zip(texts, codes, strict=True))
        self.values: tuple[str, ...] = tuple(sorted(self.codes))
        self.solid = pl.Series([label for label in self.values if label], dtype=pl.String)
        """The labels without the empty one."""

    def ranks(self) -> pl.Series:
        """Label rank by code: `ranks[code]` orders codes as their labels are ordered."""
        return self._ranks

    @cached_property
    def _ranks(self) -> pl.Series:
        in_order = [code for text in self.values if (code := self.codes[text]) is not None]
        table = pl.repeat(0, max(in_order, default=-1) + 1, dtype=pl.UInt32, eager=True)
        return table.scatter(in_order, range(len(in_order))) if in_order else table

    def named(self, value: str) -> list[str]:
        """The labels that a value names: exactly, else by last segment, else as a glob (both without regard to case)."""
        if value in self.codes:
            return [value]
        wanted = value.casefold()
        segments = [label for label in self.values if label and last_segment(label).casefold() == wanted]
        if segments or not re.search(r"[*?\[]", value):
            return segments
        glob = re.compile(fnmatch.translate(wanted))
        return [
            label for label in self.values
            if label and (glob.match(label.casefold()) or glob.match(last_segment(label).casefold()))
        ]  # fmt: skip

    def condition(self, labels: Iterable[str]) -> pl.Expr:
        """Rows whose label is one of these; never null."""
        wanted = set(labels)
        codes = [self.codes[label] for label in wanted if label in self.codes]
        if len(codes) == len(self.codes):
            return pl.lit(value=True)
        if not codes:
            return pl.lit(value=False)
        solid = [code for code in codes if code is not None]
        physical = pl.col(self.column).to_physical()
        if len(solid) == 1:
            inside = physical == pl.lit(solid[0], dtype=self._physical)
        else:
            inside = physical.is_in(pl.lit(pl.Series(solid, dtype=self._physical)).implode())
        return inside.fill_null(value=None in codes) if None in self.codes.values() else inside


def matching(columns: Iterable[Labels], pattern: str) -> list[list[str]]:
    """Of each column, the labels in which a regular expression (Polars' kind) is found; it is never found in an empty cell."""
    # One by one: a query over all of them would wait for Polars' threads, which may be at a sort of all events.
    return [labels.solid.filter(labels.solid.str.contains(pattern)).to_list() for labels in columns]


class TextLabels(Labels):
    """The same labels with conditions on their text, which holds for a column of text or of codes.

    Files have text; Polars reads only those rows of them that such a condition lets through.
    """

    def condition(self, labels: Iterable[str]) -> pl.Expr:
        """Rows whose label is one of these; never null."""
        wanted = self.codes.keys() & set(labels)
        if len(wanted) == len(self.codes):
            return pl.lit(value=True)
        if not wanted:
            return pl.lit(value=False)
        column, solid = pl.col(self.column), sorted(wanted - {EMPTY})
        if not solid:
            return column.is_null()
        inside = column == solid[0] if len(solid) == 1 else column.is_in(solid)
        return inside.fill_null(value=EMPTY in wanted) if EMPTY in self.codes else inside
