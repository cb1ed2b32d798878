"""Usage exports and rollups in files and object storage: CSV, gzip and zstd CSV, and Parquet."""

from __future__ import annotations

from fwbill_tui.files.inputs import Input, UnreadableFile, expand
from fwbill_tui.files.reading import read_inputs
from fwbill_tui.files.rejects import write_rejects
from fwbill_tui.files.rollup_reader import read_rollups

__all__ = ["Input", "UnreadableFile", "expand", "read_inputs", "read_rollups", "write_rejects"]
