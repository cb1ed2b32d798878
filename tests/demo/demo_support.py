"""What the tests of the demo share: a fixed last day, a week of it, and exports read by Polars alone."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, date, datetime

import polars as pl

from fwbill_tui.usage.query import TimeRange

END = date(2026, 11, 21)
WEEK = TimeRange(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 8, tzinfo=UTC))

Export = Callable[..., list[str]]
"""Asks the gateway for an export and returns its signed URLs."""


def read(body: bytes) -> pl.DataFrame:
    """A downloaded export: everything as text."""
    return pl.read_csv(io.BytesIO(body), infer_schema=False)


def as_text(events: pl.DataFrame) -> pl.DataFrame:
    """Expected events as an export writes them."""
    return read(events.write_csv(datetime_format="%Y-%m-%d %H:%M:%S UTC").encode())
