"""Usage exports in files: CSV, gzip and zstd CSV, and Parquet, told apart by what they hold."""

from __future__ import annotations

from fwbill_tui.files.inputs import Input, UnreadableFile, expand
from fwbill_tui.files.reading import read_inputs
from fwbill_tui.files.rejects import write_rejects

__all__ = ["Input", "UnreadableFile", "expand", "read_inputs", "write_rejects"]
