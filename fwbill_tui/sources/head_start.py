"""Files that are read before there is a screen to show them on."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence

from fwbill_tui.sources.engine_threads import start_behind_screen
from fwbill_tui.sources.files import FileSource, RollupSource
from fwbill_tui.sources.launch import Launch
from fwbill_tui.sources.loading import Loaded, load
from fwbill_tui.sources.source import Progress
from fwbill_tui.usage.ledger import Ledger
from fwbill_tui.usage.query import TimeRange

_LONG = 512 << 20
"""Bytes that take seconds to read: on few cores, the screen that is to show the first of them had better come first."""
_PATIENCE = 2.0
"""Seconds after which the load goes on all the same."""


def file_source(arguments: Sequence[str], launch: Launch, *, rollup: bool = False) -> FileSource:
    """Exported files, or rollups, as `launch` wants them read. Raises what `files.inputs.expand` raises."""
    kind = RollupSource if rollup else FileSource
    return kind(arguments, skip_unreadable=launch.skip_unreadable, lazy=launch.lazy)


class HeadStart:
    """A load of `launch`'s files that begins at once, in a thread of its own, and whose news waits for `finish`."""

    def __init__(self, launch: Launch) -> None:
        """Raises what `file_source` raises; what the load itself raises comes from `finish`."""
        self.source = file_source(launch.inputs, launch, rollup=launch.rollup)
        self.cancelled = threading.Event()
        """Stops the load; what it has so far comes as its end."""
        self.ended = False
        """Whether `finish` need not wait."""
        self._wanted = threading.Event()
        self._told: queue.SimpleQueue[Progress | Ledger | Loaded | BaseException] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="fwbill-head-start", daemon=True).start()

    def finish(self, *, progress: Callable[[Progress], None], snapshot: Callable[[Ledger], None]) -> Loaded:
        """What the load comes to; waits for it, and tells as `load` does. Once its end is there, nothing else is told."""
        self._wanted.set()
        while True:
            told = self._told.get()
            if isinstance(told, Loaded):
                return told
            if isinstance(told, BaseException):
                raise told
            if self.ended:
                continue
            if isinstance(told, Progress):
                progress(told)
            else:
                snapshot(told)

    def _tell_snapshot(self, ledger: Ledger) -> None:
        self._told.put(ledger)
        if (self.source.size or 0) > _LONG:
            self._wanted.wait(_PATIENCE)

    def _run(self) -> None:
        tell = self._told.put
        try:
            start_behind_screen()
            end: Loaded | BaseException = load(
                self.source, [TimeRange()], progress=tell, snapshot=self._tell_snapshot, cancelled=self.cancelled
            )
        except BaseException as error:  # whatever it is, it is `finish` that raises it
            end = error
        tell(end)
        self.ended = True
