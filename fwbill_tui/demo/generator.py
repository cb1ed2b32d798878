"""Believable usage events, the same for the same rows, seed and end, however they are cut into slices.

A plan first says how many events each workload has in each hour of its days (some 90,000 cells in ninety days, whatever the
number of events); rows are then made slice by slice from integer arithmetic on their number, all of it inside Polars.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import IO

import polars as pl

from fwbill_tui.demo.cast import DEPLOYMENTS, FADES, JOBS, REQUESTS, RUNAWAY, TAKES_OVER, Workload
from fwbill_tui.usage.names import COLUMNS, DIMENSION_COLUMNS
from fwbill_tui.usage.query import EVERYTHING, TimeRange
from fwbill_tui.usage.schema import EventTypes

DAYS = 90
SEED = 2026
MIN_ROWS, MAX_ROWS, DEFAULT_ROWS = 1_000, 10_000_000, 120_000
MIN_DAYS, MAX_DAYS = 30, 1_000
SLICE_ROWS = 500_000
CSV_TIME = "%Y-%m-%d %H:%M:%S UTC"

_WORKLOADS: tuple[Workload, ...] = (*REQUESTS, *DEPLOYMENTS, *JOBS)
_US = 1_000_000


def yesterday() -> date:
    """The last whole day, in UTC: the default last day of the generated usage."""
    return datetime.now(UTC).date() - timedelta(days=1)


class Plan:
    """How many events each workload has in each hour; makes the events of any stretch of time on demand.

    Cheap to build (tens of milliseconds) and small, also for ten million events. Safe to use from several threads.
    """

    def __init__(self, rows: int, *, seed: int = SEED, end: date | None = None, days: int = DAYS) -> None:
        """`rows` events of the `days` up to and including `end` (default: yesterday, UTC)."""
        if not MIN_ROWS <= rows <= MAX_ROWS:
            raise ValueError(f"the demo makes {MIN_ROWS:,} to {MAX_ROWS:,} events, not {rows:,}")
        if not MIN_DAYS <= days <= MAX_DAYS:
            raise ValueError(f"the demo makes {MIN_DAYS} to {MAX_DAYS:,} days of usage, not {days:,}")
        self.rows = rows
        self.days = days
        self.seed = seed
        self.end = yesterday() if end is None else end
        last = datetime.combine(self.end, time(), UTC) + timedelta(days=1)
        self.range = TimeRange(last - timedelta(days=days), last)

    def slices(
        self, within: TimeRange = EVERYTHING, *, types: EventTypes | None = None, slice_rows: int = SLICE_ROWS
    ) -> Iterator[pl.DataFrame]:
        """The events that start in a range, in order of start time, as frames of about `slice_rows` events.

        Slices end on full hours, so a single busy hour may exceed `slice_rows`. Ties keep their order in every slicing.
        """
        types = types or EventTypes()
        labels = _labels(types)
        start, stop = self._edges(within)
        cells = self._cells.filter(pl.col("hour") > start - 3600 * _US, pl.col("hour") < stop)
        if cells.is_empty():
            return
        part = ((pl.col("first") - cells["first"][0]) // slice_rows).alias("part")
        hours = cells.group_by("hour", maintain_order=True).agg(part.first(), pl.len().alias("cells"))
        sizes = hours.group_by("part", maintain_order=True).agg(pl.col("cells").sum())["cells"]
        offset = 0
        for size in sizes:
            events = _events(cells.slice(offset, size), self.seed, labels)
            offset += size
            edges = pl.col("start_time").to_physical().is_between(start, stop, closed="left")
            yield events.filter(edges).sort("start_time", maintain_order=True).rechunk()

    def events(self, within: TimeRange = EVERYTHING, *, types: EventTypes | None = None) -> pl.DataFrame:
        """The events that start in a range, in one frame of a single chunk, in order of start time."""
        types = types or EventTypes()
        empty = pl.DataFrame(schema=types.frame_schema())
        return pl.concat([empty, *self.slices(within, types=types)], rechunk=True)

    def write_csv(self, target: Path | IO[bytes], within: TimeRange = EVERYTHING, *, columns: tuple[str, ...] = COLUMNS) -> int:
        """Write a range as Fireworks exports it (header, time format, LF) and return the number of events.

        Memory is bounded by one slice. A file object must be a real file: Polars then writes without holding the GIL.
        """
        if isinstance(target, Path):
            with target.open("wb") as file:
                return self.write_csv(file, within, columns=columns)
        target.write((",".join(columns) + "\n").encode())
        target.flush()
        written = 0
        for events in self.slices(within):
            events.select(columns).write_csv(target, include_header=False, datetime_format=CSV_TIME)
            written += events.height
        return written

    def write_parquet(self, path: Path, within: TimeRange = EVERYTHING) -> None:
        """Write a range as Parquet with the same columns, labels as text; holds the range in memory while it writes."""
        labels = pl.col(list(DIMENSION_COLUMNS.values())).cast(pl.String)
        self.events(within).with_columns(labels).write_parquet(path)

    def _edges(self, within: TimeRange) -> tuple[int, int]:
        """A range as microseconds since 1970, start inclusive and end exclusive, cut to the plan's own range."""
        assert self.range.start is not None
        assert self.range.end is not None
        start = max(self.range.start, within.start or self.range.start)
        end = min(self.range.end, within.end or self.range.end)
        return tuple(int(edge.timestamp()) * _US + edge.microsecond for edge in (start, end))  # type: ignore[return-value]

    @cached_property
    def _cells(self) -> pl.DataFrame:
        """`hour` (microseconds), `workload`, `count` > 0 and `first` (number of the cell's first row), hours in order."""
        start = self._edges(EVERYTHING)[0]
        hour = pl.int_range(0, self.days * 24, dtype=pl.Int64, eager=True).alias("index")
        workloads = pl.DataFrame(
            {
                "workload": range(len(_WORKLOADS)),
                "expected": self._expected(),
                "rhythm": [[int(digit) for digit in workload.rhythm.hours] for workload in _WORKLOADS],
                "weekend": [workload.rhythm.weekend for workload in _WORKLOADS],
                "phase": [workload.phase for workload in _WORKLOADS],
            },
            schema_overrides={"workload": pl.UInt32},
        )
        day = pl.col("index") // 24
        hour_of_day = pl.col("index") % 24
        weekday = (day + self.range.start.weekday()) % 7  # type: ignore[union-attr]
        takeover = 1 / (1 + (-(day - self.days // 2).cast(pl.Float64) / 3.5).exp())
        runaway = (day == self._runaway_day()) & hour_of_day.is_between(13, 18)
        by_hour = _unit(_mixed(pl.col("index") * len(_WORKLOADS) + pl.col("workload"), f"{self.seed}/hour"), high=True)
        by_day = _unit(_mixed(day, f"{self.seed}/day"), high=True)
        cells = (
            workloads.join(hour.to_frame(), how="cross")
            .with_columns(
                weight=pl.col("rhythm").list.get(hour_of_day)
                * pl.when(weekday >= 5).then(pl.col("weekend")).otherwise(1.0)
                * (1 + 0.5 * day / self.days)
                * (0.6 + 0.8 * by_hour)
                * (0.85 + 0.3 * by_day)
                * pl.when(phase=RUNAWAY).then(runaway.cast(pl.Float64))
                .when(phase=FADES).then(1 - takeover)
                .when(phase=TAKES_OVER).then(pl.when(takeover > 0.02).then(takeover).otherwise(0.0))
                .otherwise(1.0)
            )
            .with_columns(expected=pl.col("expected") * pl.col("weight") / pl.col("weight").sum().over("workload"))
            # Rounding the running sum, not each cell, gives every workload its share also when cells hold less than one event.
            .with_columns(upto=(pl.col("expected").cum_sum() * (self.rows / pl.col("expected").sum())).round().cast(pl.Int64))
            .with_columns(count=pl.col("upto").diff().fill_null(pl.col("upto").first()))
            .filter(pl.col("count") > 0)
            .sort("index", "workload")
        )  # fmt: skip
        return cells.select(
            (start + pl.col("index") * (3600 * _US)).alias("hour"),
            "workload",
            "count",
            (pl.col("count").cum_sum() - pl.col("count")).alias("first"),
        )

    def _expected(self) -> list[float]:
        """Events of each workload. GPU hours and jobs grow slower than requests: a busier team shares its machines."""
        growth = self.rows / 120_000
        machines = 0.015 * self.rows * min(1.0, growth**-0.75)
        jobs = max(8.0, 40 * growth**0.3)
        expected: list[float] = []
        for group, total in ((REQUESTS, self.rows - machines - jobs), (DEPLOYMENTS, machines), (JOBS, jobs)):
            weights = sum(workload.weight for workload in group)
            expected += [total * workload.weight / weights for workload in group]
        return expected

    def _runaway_day(self) -> int:
        """The number of the day of the anomaly: the last Tuesday at least eighteen days before the end."""
        last = self.end - timedelta(days=18)
        tuesday = last - timedelta(days=(last.weekday() - 1) % 7)
        return self.days - 1 - (self.end - tuesday).days


def events(rows: int, *, seed: int = SEED, end: date | None = None, types: EventTypes | None = None) -> pl.DataFrame:
    """`rows` events of the ninety days up to and including `end` (default: yesterday, UTC), sorted by start time."""
    return Plan(rows, seed=seed, end=end).events(types=types)


def slices(
    rows: int, *, seed: int = SEED, end: date | None = None, types: EventTypes | None = None, slice_rows: int = SLICE_ROWS
) -> Iterator[pl.DataFrame]:
    """The same events as consecutive frames, so that ten million never have to be in memory at once."""
    return Plan(rows, seed=seed, end=end).slices(types=types, slice_rows=slice_rows)


def write_csv(path: Path, rows: int, *, seed: int = SEED, end: date | None = None) -> int:
    """Write the same events as Fireworks would export them, with bounded memory; returns their number."""
    return Plan(rows, seed=seed, end=end).write_csv(path)


def _labels(types: EventTypes) -> pl.DataFrame:
    """One row per workload: its labels, typed by `types`, and the numbers its events are drawn from."""
    gpu = [workload.accelerator is not None for workload in _WORKLOADS]
    job = [workload in JOBS for workload in _WORKLOADS]
    deployment = [workload in DEPLOYMENTS for workload in _WORKLOADS]
    table = pl.DataFrame(
        {
            "email": [w.user for w in _WORKLOADS],
            "usage_type": [w.usage_type for w in _WORKLOADS],
            "accelerator_type": [w.accelerator for w in _WORKLOADS],
            "base_model_name": [w.model.name for w in _WORKLOADS],
            "model_bucket": [w.model.slug if own else w.model.bucket for w, own in zip(_WORKLOADS, deployment, strict=True)],
            "parameter_count": [None if own else w.model.parameters for w, own in zip(_WORKLOADS, deployment, strict=True)],
            "prompt": [math.log(max(w.prompt, 1)) for w in _WORKLOADS],
            "completion": [math.log(max(w.completion, 1)) for w in _WORKLOADS],
            "spread": [w.spread for w in _WORKLOADS],
            "cached": [w.cached for w in _WORKLOADS],
            "accelerators": [w.accelerators for w in _WORKLOADS],
            # In a loop every request goes out twice; elsewhere one in sixty-four is repeated as it was.
            "stride": [2 if w.phase == RUNAWAY else 64 for w in _WORKLOADS],
            "gpu": gpu,
            "job": job,
            "writes": [w.completion > 0 for w in _WORKLOADS],
        },
        schema_overrides={"stride": pl.Int64, "accelerators": pl.Int64},
    )
    return table.cast({column: types.of(column) for column in (*DIMENSION_COLUMNS.values(), "parameter_count")})


def _events(cells: pl.DataFrame, seed: int, labels: pl.DataFrame) -> pl.DataFrame:
    """The events of a few cells, cell by cell: thirteen columns in order, times within each cell still unsorted."""

    def of(column: str) -> pl.Expr:
        return pl.lit(labels[column]).gather(pl.col("workload"))

    index = pl.int_range(cells.height, dtype=pl.UInt32, eager=True).alias("cell")
    rows = cells.with_columns(index).select(pl.col("cell").repeat_by("count").explode())
    first = int(cells["first"][0])
    drawn = (
        rows.lazy()
        .select(
            pl.lit(cells["workload"]).gather("cell").alias("workload"),
            pl.lit(cells["hour"]).gather("cell").alias("hour"),
            pl.int_range(first, first + rows.height, dtype=pl.Int64).alias("row"),
        )
        .with_columns(row=pl.col("row") - (pl.col("row") % of("stride") == of("stride") - 1).cast(pl.Int64))
        .with_columns(one=_mixed(pl.col("row"), f"{seed}/one"), two=_mixed(pl.col("row"), f"{seed}/two"))
        .select(
            "workload",
            "hour",
            second=(_unit(pl.col("one"), high=False) * 3600).cast(pl.Int64),
            chance=_unit(pl.col("one"), high=True),
            size=(-2 * _unit(pl.col("two"), high=False).log()).sqrt(),
            angle=_unit(pl.col("two"), high=True) * math.tau,
        )
    )
    # A job takes an hour and a half to six hours; a machine bills whole hours mostly, else a part in quarter seconds.
    elapsed = (
        pl.when(of("job")).then(5400 + (pl.col("chance") * 16200).floor())
        .when(~of("gpu")).then(0.0)
        .when(pl.col("chance") < 0.7).then(3600.0)
        .otherwise(300 + (pl.col("second") * 3.66).floor() / 4)
    )  # fmt: skip
    tokens = ~of("gpu")
    start = pl.col("hour") + pl.when(of("gpu") & ~of("job")).then(0).otherwise(pl.col("second")) * _US
    prompt = (of("prompt") + of("spread") * pl.col("size") * pl.col("angle").cos()).exp().clip(1, 40_000_000).cast(pl.Int64)
    completion = (of("completion") + of("spread") * pl.col("size") * pl.col("angle").sin()).exp().clip(1, 65_536).cast(pl.Int64)
    # One request in five or so finds a cold cache.
    warm = pl.when(pl.col("chance") < 0.2).then(0.0).otherwise(pl.col("chance").sqrt()) * of("cached")
    moment = pl.Datetime("us", "UTC")
    return (
        drawn.with_columns(start=start, elapsed=elapsed, prompt=prompt, completion=completion)
        .select(
            *(of(c).alias(c) for c in (*DIMENSION_COLUMNS.values(), "parameter_count")),
            pl.col("start").cast(moment).alias("start_time"),
            (pl.col("start") + pl.col("elapsed").ceil().cast(pl.Int64) * _US).cast(moment).alias("end_time"),
            pl.when(of("gpu")).then(of("accelerators") * pl.col("elapsed")).alias("accelerator_seconds"),
            pl.when(tokens).then(pl.col("prompt")).alias("prompt_tokens"),
            pl.when(tokens).then(pl.when(of("writes")).then(pl.col("completion")).otherwise(0)).alias("completion_tokens"),
            pl.when(tokens).then((pl.col("prompt") * warm).cast(pl.Int64)).alias("cached_prompt_tokens"),
        )
        .with_columns(uncached_prompt_tokens=pl.col("prompt_tokens") - pl.col("cached_prompt_tokens"))
        .select(COLUMNS)
        .collect()
    )


def _mixed(number: pl.Expr, seed: str) -> pl.Expr:
    """64 well-mixed bits of a row's number (splitmix64); integer arithmetic wraps, so it is the same everywhere."""
    # The seed is spread over all bits first: neighbouring seeds must not give the same sequence, shifted by a row.
    offset = int.from_bytes(hashlib.blake2b(seed.encode(), digest_size=8).digest(), "little")
    mixed = number.cast(pl.UInt64) * _u64(0x9E3779B97F4A7C15) + _u64(offset)
    mixed = (mixed ^ (mixed // _u64(1 << 30))) * _u64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed // _u64(1 << 27))) * _u64(0x94D049BB133111EB)
    return mixed ^ (mixed // _u64(1 << 31))


def _u64(number: int) -> pl.Expr:
    return pl.lit(number % (1 << 64), dtype=pl.UInt64)


def _unit(bits: pl.Expr, *, high: bool) -> pl.Expr:
    """A number strictly between 0 and 1 from the higher or lower 32 bits."""
    half = bits // _u64(1 << 32) if high else bits % _u64(1 << 32)
    return (half.cast(pl.Float64) + 0.5) / (1 << 32)
