"""What a Ledger answers with: totals, facets, series. Plain values, ready to paint or print."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal, NamedTuple, Self

import polars as pl

from fwbill_tui.usage.names import MEASURES
from fwbill_tui.usage.rollup import EVENTS


class Totals(NamedTuple):
    """Sums over usage events. Tokens are exact; accelerator time is in seconds."""

    events: int = 0
    prompt_tokens: int = 0
    cached_prompt_tokens: int = 0
    uncached_prompt_tokens: int = 0
    completion_tokens: int = 0
    accelerator_seconds: float = 0.0

    @property
    def total_tokens(self) -> int:
        """Prompt and completion tokens together."""
        return self.prompt_tokens + self.completion_tokens

    @classmethod
    def of(cls, sums: pl.DataFrame) -> Self:
        """From a frame of one row with the sums of a rollup."""
        return cls(**sums.select(EVENTS, *MEASURES).row(0, named=True))


class FacetValue(NamedTuple):
    """One value of a dimension and its number of events under all filters but those on this dimension.

    `value` is '' for events whose cell is empty.
    """

    value: str
    events: int
    chosen: bool
    excluded: bool


class Facet(NamedTuple):
    """The values of one dimension, most events first."""

    dimension: str
    values: tuple[FacetValue, ...]


class Series(NamedTuple):
    """A measure over time: `values[i][j]` belongs to `names[i]` and to the bucket that begins at `starts[j]`.

    Buckets are contiguous, with zeros where nothing was used. `starts` are local dates (unit "day") or zoned instants
    (unit "hour"). A bucket is `step` units long. The last name is None for everything beyond the named ones, if there is any.
    """

    unit: Literal["day", "hour"]
    measure: str
    dimension: str
    starts: tuple[date | datetime, ...]
    names: tuple[str | None, ...]
    values: tuple[tuple[float, ...], ...]
    step: int = 1
