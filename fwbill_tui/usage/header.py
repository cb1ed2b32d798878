"""The header line of an export: which columns a file has, by name and in any order."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple, Self

import polars as pl

from fwbill_tui.usage.names import COLUMNS, REQUIRED_COLUMNS, TIME_COLUMNS, ExportFormatError
from fwbill_tui.usage.row_reader import split_line
from fwbill_tui.usage.schema import EventTypes

_MOST_NAMES_SHOWN = 30
MOST_COLUMNS = 2_000
"""Polars takes minutes over the columns of a wider file; Fireworks writes 13."""


class RollupFound(ExportFormatError):  # noqa: N818 - what it is, not what is wrong with it
    """The columns are those of a rollup."""


class Header(NamedTuple):
    """The columns of one file, in the file's order. Build with `of` or `parse`, which check them."""

    names: tuple[str, ...]

    @classmethod
    def of(cls, names: list[str], source: str) -> Self:
        """Check column names.

        Raises ExportFormatError when one is missing, named twice or called like a pattern, or when there are too many;
        RollupFound for those of a rollup.
        """
        names = [name.strip(" \t\r\ufeff") for name in names]
        missing = [name for name in REQUIRED_COLUMNS if name not in names]
        if missing:
            if {"bucket", "events"} <= set(names):
                raise RollupFound(f"{source}: a rollup, not single events: add --rollup")
            raise ExportFormatError(
                f"{source}: not a usage export: no column {' and no column '.join(missing)}; found {_listing(names)}"
            )
        refuse_columns(names, source)
        names = [name or f"column_{place}" for place, name in enumerate(names, start=1)]
        refuse_repeated(names, source)
        return cls(tuple(names))

    @classmethod
    def parse(cls, line: bytes, source: str) -> Self:
        """Read a header line. Raises ExportFormatError when it is not one of a usage export."""
        if line.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise ExportFormatError(f"{source}: the file is UTF-16; save it as CSV in UTF-8 and open that")
        try:
            text = line.decode("utf-8-sig").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise ExportFormatError(f"{source}: not a usage export: its first line is not UTF-8 text") from error
        return cls.of(split_line(text) or [text], source)

    @property
    def further(self) -> tuple[str, ...]:
        """Columns that Fireworks' exporter is not known to write, in the file's order."""
        return tuple(name for name in self.names if name not in COLUMNS)

    def text_schema(self) -> pl.Schema:
        """Every column of the file as text."""
        return pl.Schema(dict.fromkeys(self.names, pl.String()))

    def typed_schema(self, types: EventTypes) -> pl.Schema:
        """Every column of the file as Polars' CSV reader can type it at once; times stay text."""
        return pl.Schema({name: pl.String() if name in TIME_COLUMNS else types.of(name) for name in self.names})


def refuse_columns(names: list[str], source: str) -> None:
    """Raise ExportFormatError for more columns than can be handled, and for names that cannot be."""
    if len(names) > MOST_COLUMNS:
        raise ExportFormatError(f"{source}: {len(names):,} columns; at most {MOST_COLUMNS:,} can be read")
    patterns = [name for name in names if name == "*" or (name.startswith("^") and name.endswith("$"))]
    if patterns:  # Polars takes these for patterns that stand for other columns
        raise ExportFormatError(f"{source}: a column cannot be called {_listing(patterns)}: rename it in the header")


def refuse_repeated(names: list[str], source: str) -> None:
    """Raise ExportFormatError where a name comes twice."""
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise ExportFormatError(f"{source}: the header names a column more than once: {_listing(twice)}")


def _listing(names: list[str]) -> str:
    """Column names for a message: harmless on a terminal, and not without end."""
    shown = [repr(name if len(name) <= 60 else name[:59] + "…")[1:-1] or "(no name)" for name in names]
    more = f" and {len(names) - _MOST_NAMES_SHOWN} more" if len(names) > _MOST_NAMES_SHOWN else ""
    return ", ".join(shown[:_MOST_NAMES_SHOWN]) + more
