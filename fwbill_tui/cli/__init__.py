"""The command line: the only place that writes to stdout and picks exit codes.

Polars and everything that needs it is imported inside the functions that work with usage, so that `--help`, `--version`
and shell completion stay quick.
"""

from __future__ import annotations
