"""What fwbill does, called as its own commands and screens call it; each function runs in a process of its own."""

from __future__ import annotations

from fwbill_tui.sources.files import FileSource
from fwbill_tui.sources.loading import Loaded, load
from fwbill_tui.usage.query import EVERYTHING, Query


def opened(path: str) -> Loaded:
    """A file, loaded whole."""
    return load(FileSource([path]), [EVERYTHING])


def load_file(path: str) -> dict[str, float]:
    """Open a file and answer the first question from it, as far as the screen needs it."""
    ledger = opened(path).ledger
    return {"rows": ledger.totals(Query()).events, "frame_mib": ledger.events.estimated_size() / 2**20}
