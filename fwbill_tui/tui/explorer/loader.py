"""Loading in a thread, told to the explorer in messages that replace each other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial

from textual.message import Message
from textual.widget import Widget

from fwbill_tui.fireworks.errors import FireworksError
from fwbill_tui.sources.engine_threads import start_behind_screen
from fwbill_tui.sources.head_start import HeadStart
from fwbill_tui.sources.loading import Loaded, load
from fwbill_tui.sources.source import Progress, Source
from fwbill_tui.tui.explorer.telling import tell
from fwbill_tui.usage.faults import own_fault
from fwbill_tui.usage.ledger import Ledger
from fwbill_tui.usage.names import ExportFormatError
from fwbill_tui.usage.query import TimeRange


class LoadProgress(Message):
    """How far the load is."""

    def __init__(self, load_number: int, progress: Progress) -> None:
        super().__init__()
        self.load_number, self.progress = load_number, progress

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, LoadProgress)


class LedgerGrew(Message):
    """A ledger of what has come so far."""

    def __init__(self, load_number: int, ledger: Ledger) -> None:
        super().__init__()
        self.load_number, self.ledger = load_number, ledger

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, LedgerGrew)


class LoadFinished(Message):
    """Everything that could be had is here."""

    def __init__(self, load_number: int, loaded: Loaded) -> None:
        super().__init__()
        self.load_number, self.loaded = load_number, loaded


class LoadFailed(Message):
    """The load is impossible as a whole."""

    def __init__(self, load_number: int, problem: str) -> None:
        super().__init__()
        self.load_number, self.problem = load_number, problem


class Loader:
    """One load at a time; a new one cancels the one before. Messages carry the number of the load they belong to."""

    def __init__(self, target: Widget) -> None:
        self._target = target
        self._cancelled = threading.Event()
        self._thread: threading.Thread | None = None
        self.number = 0

    @property
    def running(self) -> bool:
        """Whether a load is under way."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, source: Source, ranges: Sequence[TimeRange], onto: Loaded | None = None) -> None:
        """Begin to load; see `sources.loading.load`."""
        cancelled = threading.Event()
        self._start(cancelled, partial(load, source, tuple(ranges), cancelled=cancelled, onto=onto))

    def go_on(self, begun: HeadStart) -> LoadFinished | LoadFailed | None:
        """Take over a load that was begun before. Returns its end if that is there already, which is then not posted."""
        if begun.ended:
            self._renew(begun.cancelled)
            return self._end_of(self.number, begun.finish)
        self._start(begun.cancelled, begun.finish)
        return None

    def _renew(self, cancelled: threading.Event) -> None:
        self.cancel()
        self.number += 1
        self._cancelled = cancelled

    def _start(self, cancelled: threading.Event, work: Callable[..., Loaded]) -> None:
        self._renew(cancelled)
        arguments = (self.number, work)
        self._thread = threading.Thread(target=self._run, args=arguments, name=f"fwbill-load-{self.number}", daemon=True)
        self._thread.start()

    def cancel(self) -> None:
        """Ask the load under way to stop; what it has so far comes as its `LoadFinished`."""
        self._cancelled.set()

    def close(self, seconds: float = 2.0) -> None:
        """Cancel, and wait until temporary files are gone."""
        self.cancel()
        if self._thread is not None:
            self._thread.join(seconds)

    def _run(self, number: int, work: Callable[..., Loaded]) -> None:
        start_behind_screen()
        tell(self._target, self._end_of(number, work))

    def _end_of(self, number: int, work: Callable[..., Loaded]) -> LoadFinished | LoadFailed:
        def progress(now: Progress) -> None:
            tell(self._target, LoadProgress(number, now))

        def snapshot(ledger: Ledger) -> None:
            tell(self._target, LedgerGrew(number, ledger))

        try:
            return LoadFinished(number, work(progress=progress, snapshot=snapshot))
        except (FireworksError, ExportFormatError, OSError, ValueError) as error:
            return LoadFailed(number, str(error))
        except BaseException as error:  # without an end, the screen would wait for one for ever
            return LoadFailed(number, own_fault(error))
