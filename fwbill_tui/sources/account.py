"""An account as a source: its usage events, exported by the gateway window by window and downloaded."""

from __future__ import annotations

import contextlib
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from fwbill_tui.fireworks.credentials import Credential, account_id
from fwbill_tui.fireworks.download import Downloader, open_download
from fwbill_tui.fireworks.endpoints import Endpoints
from fwbill_tui.fireworks.errors import Cancelled, FireworksError, StorageError
from fwbill_tui.fireworks.gateway import Gateway
from fwbill_tui.fireworks.http import HttpSession
from fwbill_tui.fireworks.retry import OnWait, RetryPolicy
from fwbill_tui.fireworks.windows import closed, cut
from fwbill_tui.sources.board import Board
from fwbill_tui.sources.crew import Crew
from fwbill_tui.sources.source import Progress, Provenance
from fwbill_tui.usage.csv_reader import read_csv
from fwbill_tui.usage.query import TimeRange
from fwbill_tui.usage.schema import Batch, EventTypes, ExportFormatError

WORKERS = 4
_CHUNK_BYTES = 4 << 20  # small enough that a cancel between two chunks is prompt
_LABELS = {"gateway": "gateway export", "demo": "demo account"}


class AccountSource:
    """Fetches an account's usage events, a few windows of at most 31 days at a time.

    A window that fails alone is named in the provenance, and `batches` of exactly its range fetches it again; when nothing
    at all could be had, the first reason is raised. Rows are kept as the service sent them, also those that start outside
    the window they were asked for (a note counts them): leaving out rows is the query's business.
    """

    needs_range = True

    def __init__(
        self,
        endpoints: Endpoints,
        credential: Credential,
        account: str,
        *,
        kind: str = "gateway",
        workers: int = WORKERS,
        workspace: Path | None = None,
        policy: RetryPolicy | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`workspace`: where downloads are kept while they are read, in a private folder; None: the system's own place.

        Raises BadAccountId.
        """
        self.kind = kind
        self.label = _LABELS.get(kind, kind)
        self.account = account_id(account)
        self._endpoints = endpoints
        self._credential = credential
        self._workers = workers
        self._workspace = workspace
        self._policy = policy or RetryPolicy()
        self._clock = clock
        self._provenance = Provenance(kind, self.label, self.account)

    def provenance(self) -> Provenance:
        """About the last `batches`: what is missing of its range, and why."""
        return self._provenance

    def batches(
        self,
        wanted: TimeRange,
        /,
        *,
        types: EventTypes,
        progress: Callable[[Progress], None],
        cancelled: threading.Event,
    ) -> Iterator[Batch]:
        """The events of `wanted`; an open end is now, an open start 24 hours before the end. See `Source.batches`.

        Raises FireworksError when the sign-in, the account or the disk makes every window impossible, or when none could
        be had; TooManyLabels as `read_csv` does.
        """
        now = self._clock().astimezone(UTC).replace(microsecond=0)
        windows = cut(closed(wanted, now))
        board = Board(windows, progress)
        stop = threading.Event()
        tally = _Tally(windows)

        def idle() -> None:
            board.flush()
            if cancelled.is_set():
                raise Cancelled

        try:
            with contextlib.ExitStack() as stack:
                fetch = self._fetch(windows, types, board, stop, stack)
                crew = stack.enter_context(Crew(fetch.window, len(windows), workers=self._workers, stop=stop))
                for number, result in crew.results(idle=idle):
                    if isinstance(result, BaseException):
                        tally.failed(number, result)
                        board.update(number, state="failed", problem=str(result))
                        continue
                    while result.batches:
                        yield result.batches.pop(0)
                    tally.done(number, result.outside)
                    board.update(number, state="done")
            tally.raise_if_nothing()
        except FireworksError as error:
            tally.ended(str(error))
            raise
        finally:
            board.cancel_rest()
            board.flush(now=True)
            self._provenance = Provenance(self.kind, self.label, self.account, now, tuple(tally.missing.values()), tally.notes())

    def _fetch(
        self, windows: list[TimeRange], types: EventTypes, board: Board, stop: threading.Event, stack: contextlib.ExitStack
    ) -> _Fetch:
        """Everything the windows share, closed with `stack`."""
        gateway = stack.enter_context(Gateway(self._endpoints, self._credential, cancelled=stop, policy=self._policy))
        session = stack.enter_context(HttpSession(direct=self._endpoints.gateway_local, cancelled=stop))
        try:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="fwbill-", dir=self._workspace))
        except OSError as error:
            raise StorageError(
                f"no folder for downloads can be made ({error.strerror})", "name a folder that you may write to in TMPDIR"
            ) from None
        downloader = Downloader(session, stop, self._policy)
        return _Fetch(gateway, downloader, self.account, Path(folder), windows, types, board, stop)


@dataclass(slots=True)
class _Window:
    """The events of one window, whole, and how many of them start outside it."""

    batches: list[Batch]
    outside: int = 0


@dataclass(frozen=True, slots=True)
class _Fetch:
    """One fetch of several windows: what each of them does, in a thread of the crew."""

    gateway: Gateway
    downloader: Downloader
    account: str
    folder: Path
    windows: list[TimeRange]
    types: EventTypes
    board: Board
    stop: threading.Event

    def window(self, number: int) -> _Window:
        """Export, download and read one window. Raises FireworksError and ExportFormatError."""
        window = self.windows[number]
        on_wait = self._waiting(number)

        def links() -> list[str]:
            self.board.update(number, state="exporting")
            return self.gateway.export_metrics(self.account, window, on_wait=on_wait)

        def on_bytes(done: int, total: int | None) -> None:
            self.board.update(number, state="downloading", bytes_done=done, bytes_total=total)

        folder = self.folder / str(number)
        folder.mkdir(mode=0o700)
        paths = self.downloader.download(links(), folder, renew=links, on_bytes=on_bytes, on_wait=on_wait)
        result = _Window([])
        events = 0
        self.board.update(number, state="reading")
        for path in paths:
            for batch in self._read(path, _named(self.account, window)):
                events += batch.events.height
                result.outside += _outside(batch.events, window)
                result.batches.append(batch)
                self.board.update(number, events=events)
            path.unlink()
        return result

    def _read(self, path: Path, name: str) -> Iterator[Batch]:
        with open_download(path, name) as stream:
            for batch in read_csv(stream, source=name, types=self.types, chunk_bytes=_CHUNK_BYTES):
                if self.stop.is_set():
                    raise Cancelled
                yield batch

    def _waiting(self, number: int) -> OnWait:
        def on_wait(seconds: float, error: FireworksError) -> None:
            self.board.update(number, problem=f"{error.message}; trying again in {seconds:.0f} s")

        return on_wait


class _Tally:
    """Which windows are still missing, why, and what the first reason was."""

    def __init__(self, windows: list[TimeRange]) -> None:
        self.missing = {number: (window, "not fetched") for number, window in enumerate(windows)}
        self._windows = len(windows)
        self._first: BaseException | None = None
        self._outside = 0

    def done(self, number: int, outside: int) -> None:
        """A window is there, whole."""
        del self.missing[number]
        self._outside += outside

    def failed(self, number: int, error: BaseException) -> None:
        """A window could not be had. Raises `error` when it stands for all windows, or is not a failure of fetching."""
        if not isinstance(error, FireworksError | ExportFormatError) or getattr(error, "everywhere", False):
            raise error
        self.missing[number] = (self.missing[number][0], str(error))
        self._first = self._first or error

    def ended(self, reason: str) -> None:
        """The fetch ended early: the reason of every window that had not ended."""
        for number, (window, known) in self.missing.items():
            if known == "not fetched":
                self.missing[number] = (window, reason)

    def raise_if_nothing(self) -> None:
        """Raise the first reason when not a single window could be had: that is a failure, not an empty answer."""
        if self._first and len(self.missing) == self._windows:
            raise self._first

    def notes(self) -> tuple[str, ...]:
        """What else to know of the events."""
        if not self._outside:
            return ()
        return (f"{self._outside:,} events start outside the dates they were asked for; they are kept as the service sent them",)


def _outside(events: pl.DataFrame, window: TimeRange) -> int:
    started = events["start_time"]
    return int(((started < window.start) | (started >= window.end)).sum())


def _named(account: str, window: TimeRange) -> str:
    """How rejects and messages name a window's file: by account and first and last day."""
    assert window.start is not None
    assert window.end is not None
    last = window.end - timedelta(microseconds=1)
    return f"{account} {window.start:%Y-%m-%d}..{last:%Y-%m-%d}"
