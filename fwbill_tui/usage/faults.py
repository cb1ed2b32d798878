"""What is said of an error that nobody foresaw."""

from __future__ import annotations


def own_fault(error: BaseException | None) -> str:
    """A fault of this program in one line, with its place. A log, if one is kept, gets the rest.

    A traceback would be of no use to whoever sees it, and may show a key.
    """
    import logging
    import traceback
    from pathlib import Path

    log = logging.getLogger("fwbill")
    if log.hasHandlers():  # else logging writes it to stderr
        log.error("a fault of its own", exc_info=error)
    frames = traceback.extract_tb(error.__traceback__) if error is not None else []
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    kind = "unknown" if error is None else type(error).__name__
    return f"ended by a fault of its own ({kind}{where}). No file was left half-written. Please report this line."
