"""Usage exports and rollups in files and object storage: CSV, gzip and zstd CSV, and Parquet.

Imports nothing: what files there are is known (`inputs`) before Polars is.
"""

from __future__ import annotations
