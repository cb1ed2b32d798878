"""Usage written out: CSV in Fireworks' own shape, Parquet, newline JSON; streaming, and whole or not at all."""

from __future__ import annotations
