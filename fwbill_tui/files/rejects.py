"""Writing the rows that were set aside."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from fwbill_tui.usage.schema import Reject

_HEADER = ("source", "line", "column", "reason", "text")


def write_rejects(path: Path, rejects: Iterable[Reject]) -> int:
    """Write rejected rows as CSV, to be read by the user alone; returns how many.

    The file appears whole or not at all and replaces one of that name. Raises OSError.
    """
    path = path.resolve()
    handle, name = tempfile.mkstemp(prefix=".fwbill-", suffix=".part", dir=path.parent)
    part = Path(name)
    count = 0
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(_HEADER)
            for reject in rejects:
                count += 1
                writer.writerow((reject.source, reject.line, reject.column or "", reject.reason, reject.text))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return count
