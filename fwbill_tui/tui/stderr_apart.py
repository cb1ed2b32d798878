"""The terminal for the program alone, as long as its screens are up."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def stderr_apart() -> Iterator[None]:
    """Keep what writes to descriptor 2 off the screen, which is drawn on stderr; Python's own `sys.stderr` still gets there.

    Libraries that are not Python's write there when something breaks (Polars over a damaged file, gRPC over a connection),
    into the middle of the screen. What is wrong is said to the user in a line.
    """
    ours = sys.__stderr__
    if ours is None:
        yield
        return
    ours.flush()
    descriptor = ours.fileno()
    kept = os.dup(descriptor)
    saved = sys.stderr, ours
    with open(kept, "w", encoding=ours.encoding, errors=ours.errors) as apart:  # noqa: PTH123 - a descriptor
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)
        sys.stderr = sys.__stderr__ = apart  # type: ignore[misc]
        try:
            yield
        finally:
            apart.flush()
            sys.stderr, sys.__stderr__ = saved  # type: ignore[misc]
            os.dup2(kept, descriptor)
