"""Measures fwbill beside what plain Polars and a bare Textual app need for the same work: `python -m tests.benchmarks`."""
