"""Summing a chunk of CSV while it is read, for loads that want sums alone: its events are never held.

That spares the memory of columns that are only looked at, and the time to write it. Whatever is not as Fireworks' own exporter
writes it is left to `csv_chunk`, which reads the events.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl

from fwbill_tui.usage import rollup, times
from fwbill_tui.usage.cells import SPLIT_COLUMNS, prompt_split
from fwbill_tui.usage.header import Header
from fwbill_tui.usage.names import COLUMN_DIMENSIONS, MEASURES, TIME_COLUMNS, TOKEN_MEASURES
from fwbill_tui.usage.schema import EventTypes, Sums

_HOUR = 3_600_000_000
_FIRST, _LAST, _UNFIT = " first", " last", " unfit"
"""Of a group: its first and last start in microseconds, and whether one of its events has to be looked at by itself."""


class ChunkSums:
    """Sums the chunks of one file that has no columns but Fireworks' own, in any number of threads."""

    def __init__(self, header: Header, types: EventTypes) -> None:
        self._names = header.names
        typed = header.typed_schema(types)
        # What does not fit 32 bits is not read here, so sums of a chunk fit 64.
        self.schema = typed | {name: pl.Int32() if name in TOKEN_MEASURES else typed[name] for name in header.names}
        self.schema |= dict.fromkeys((name for name in header.names if name in types.unread), pl.String())
        labels = [name for name in COLUMN_DIMENSIONS if name not in types.unread]
        self._labels = [name for name in labels if name in header.names]
        self._missing = [pl.lit(None, dtype=types.label(name)).alias(name) for name in labels if name not in header.names]

    def of(self, scan: pl.LazyFrame) -> Sums | None:
        """The sums of a scan of `schema`; None where its events have to be read.

        The scan is asked for every column, since Polars counts the fields of a line only then.
        """
        try:
            groups = self._summed(scan).collect(engine="streaming")
        except pl.exceptions.PolarsError:
            return None
        if groups.is_empty() or groups[_UNFIT].any() or groups[rollup.BUCKET].null_count() or groups["usage_type"].null_count():
            return None
        first, last = groups[_FIRST].min(), groups[_LAST].max()
        assert isinstance(first, int)
        assert isinstance(last, int)
        if not (first >= 0 and last < times.LATEST):
            return None
        start = (pl.col(rollup.BUCKET) * _HOUR).cast(pl.Datetime("us", "UTC"))
        summed = groups.select(start, *self._labels, *self._missing, *rollup.SUMS)
        return Sums(summed, int(summed.get_column(rollup.EVENTS).sum()), (_time(first), _time(last)))

    def _summed(self, scan: pl.LazyFrame) -> pl.LazyFrame:
        absent = {*TIME_COLUMNS, *TOKEN_MEASURES, "accelerator_seconds"} - set(self._names)
        scan = scan.with_columns(pl.lit(None, dtype=_type(name)).alias(name) for name in sorted(absent))
        start, end = (pl.col(name) for name in TIME_COLUMNS)
        # Most events end as they start: only the time of the others is read.
        scan = scan.with_columns(times.exact(start).alias(_FIRST), pl.when(end != start).then(end).alias(_LAST))
        if absent & set(SPLIT_COLUMNS):
            # The rest of a prompt may take more bits than the prompt: a correction is negative.
            scan = scan.with_columns(pl.col(TOKEN_MEASURES).cast(pl.Int64)).with_columns(prompt_split())
        prompt, cached, uncached = (pl.col(name) for name in ("prompt_tokens", *SPLIT_COLUMNS))
        seconds, other = pl.col("accelerator_seconds"), pl.col(_LAST)
        unfit = (
            (other.is_not_null() & ~times.exact(other).is_between(0, times.LATEST, closed="left").fill_null(value=False))
            | ~seconds.is_finite().fill_null(value=True)
            | (prompt.is_not_null() & (cached.is_null() | uncached.is_null()))
        )
        others = [name for name in self._names if name not in (*TIME_COLUMNS, *self._labels, *MEASURES)]
        return (
            scan.with_columns(unfit.alias(_UNFIT), (pl.col(_FIRST) // _HOUR).alias(rollup.BUCKET))
            .group_by(rollup.BUCKET, *self._labels)
            .agg(
                pl.len().cast(pl.Int64).alias(rollup.EVENTS),
                pl.col(TOKEN_MEASURES).cast(pl.Int64).sum(),
                seconds.sum(),
                pl.col(_FIRST).min(),
                pl.col(_FIRST).max().alias(_LAST),
                pl.col(_UNFIT).any(),
                *(pl.col(name).is_null().any() for name in others),
            )
        )


def _type(column: str) -> pl.DataType:
    if column in TIME_COLUMNS:
        return pl.String()
    return pl.Int32() if column in TOKEN_MEASURES else pl.Float64()


def _time(ticks: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=ticks)
