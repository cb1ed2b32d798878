"""What names of written files end in. Imports nothing large: commands that only need this much start at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Format = Literal["csv", "parquet", "ndjson"]
ENDINGS: Mapping[Format, tuple[str, ...]] = {"csv": (".csv",), "parquet": (".parquet",), "ndjson": (".ndjson", ".jsonl")}
"""Of each format, the usual ending first."""
FOREIGN_ENDINGS = (
    ".json", ".gz", ".zst", ".zip", ".bz2", ".xz", ".xlsx", ".xls", ".ods", ".tsv", ".feather", ".arrow", ".avro", ".orc",
)  # fmt: skip
"""Endings that promise what is not written."""


def listed_endings() -> str:
    """`.csv, .parquet, …`, for messages."""
    return ", ".join(ending for endings in ENDINGS.values() for ending in endings)
