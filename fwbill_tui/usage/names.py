"""The names of a usage event's columns, which of them are dimensions, and which are measures. Imports nothing heavy.

They are those of Fireworks' own export (`firectl billing export-metrics`, and the older header without the cached split).
"""

from __future__ import annotations

from collections.abc import Mapping

TIME_COLUMNS = ("start_time", "end_time")
COUNT_COLUMNS = ("parameter_count", "prompt_tokens", "completion_tokens", "cached_prompt_tokens", "uncached_prompt_tokens")
COLUMNS_OLD = (
    "email", "start_time", "end_time", "usage_type", "accelerator_type", "accelerator_seconds", "base_model_name",
    "model_bucket", "parameter_count", "prompt_tokens", "completion_tokens",
)  # fmt: skip
COLUMNS = (*COLUMNS_OLD, "cached_prompt_tokens", "uncached_prompt_tokens")
REQUIRED_COLUMNS = ("start_time", "usage_type")

DIMENSION_COLUMNS: Mapping[str, str] = {
    "usage_type": "usage_type",
    "model": "base_model_name",
    "bucket": "model_bucket",
    "user": "email",
    "accelerator": "accelerator_type",
}
"""Dimension name (as flags, facets and JSON spell it) -> column. Any further text column is its own dimension."""

COLUMN_DIMENSIONS: Mapping[str, str] = {column: name for name, column in DIMENSION_COLUMNS.items()}

TOKEN_MEASURES = ("prompt_tokens", "cached_prompt_tokens", "uncached_prompt_tokens", "completion_tokens")
"""Summed exactly, as 64-bit integers. Unit: tokens. prompt = cached + uncached."""

MEASURES = (*TOKEN_MEASURES, "accelerator_seconds")
"""What the rollup sums beside the number of events."""

TIME_GROUPS = ("hour", "day", "month")
"""Groupings that are cut from `start_time` in the query's time zone."""


def column_of(dimension: str) -> str:
    """The column behind a dimension; a further text column is its own dimension."""
    return DIMENSION_COLUMNS.get(dimension, dimension)


def dimension_of(column: str) -> str:
    """The dimension a column shows; a further text column is its own dimension."""
    return COLUMN_DIMENSIONS.get(column, column)


def last_segment(label: str) -> str:
    """`kimi-k3` of `accounts/fireworks/models/kimi-k3`; the label itself when it is no path."""
    return label.rstrip("/").rpartition("/")[2] or label


class ExportFormatError(Exception):
    """A file is not a usage export at all; the message names the file, what was expected and what was found."""
