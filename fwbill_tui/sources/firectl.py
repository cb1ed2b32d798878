"""An account as a source, read through the installed firectl."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from fwbill_tui.fireworks.credentials import Credential
from fwbill_tui.fireworks.errors import FireworksError
from fwbill_tui.fireworks.firectl import QUIET_LIMIT, Firectl, whole_days
from fwbill_tui.fireworks.retry import RetryPolicy
from fwbill_tui.fireworks.windows import cut
from fwbill_tui.sources.windowed import Fetched, Task, WindowedSource, named, outside
from fwbill_tui.usage.query import TimeRange
from fwbill_tui.usage.schema import Batch

WORKERS = 2


class FirectlSource(WindowedSource):
    """Fetches an account's usage events as firectl exports them: by whole UTC days, of which what is wanted is kept."""

    def __init__(
        self,
        credential: Credential,
        account: str,
        *,
        environ: Mapping[str, str] | None = None,
        home: Path | None = None,
        workers: int = WORKERS,
        workspace: Path | None = None,
        policy: RetryPolicy | None = None,
        quiet_limit: float = QUIET_LIMIT,
        leave_on: tuple[type[FireworksError], ...] = (),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`environ` and `home` default to this process's; see `Firectl` for the rest. Raises BadAccountId."""
        super().__init__(
            account,
            kind="firectl",
            label="firectl export",
            workers=workers,
            leave_on=leave_on,
            clock=clock,
        )
        self._credential = credential
        self._environ = os.environ if environ is None else environ
        self._home = home
        self._workspace = workspace
        self._policy = policy
        self._quiet_limit = quiet_limit

    def _cut(self, wanted: TimeRange, now: datetime) -> list[TimeRange]:
        del now
        days = cut(whole_days(wanted))
        days[0] = TimeRange(wanted.start, days[0].end)
        days[-1] = TimeRange(days[-1].start, wanted.end)
        return days

    def _opened(self, task: Task, stack: contextlib.ExitStack) -> Callable[[int], Fetched]:
        firectl = Firectl(
            self._credential,
            environ=self._environ,
            home=self._home,
            cancelled=task.stop,
            policy=self._policy,
            quiet_limit=self._quiet_limit,
            workspace=self._workspace,
        )
        return _Fetch(stack.enter_context(firectl), self.account, task).window


@dataclass(frozen=True, slots=True)
class _Fetch:
    """One fetch of several windows: what each of them does, in a thread of the crew."""

    firectl: Firectl
    account: str
    task: Task

    def window(self, number: int) -> Fetched:
        """Export and read one window. Raises FireworksError."""
        window, board = self.task.windows[number], self.task.board
        board.update(number, state="exporting")

        def on_bytes(done: int) -> None:
            board.update(number, state="downloading" if done else "exporting", bytes_done=done)

        asked = whole_days(window)
        path = self.firectl.export(self.account, asked, on_bytes=on_bytes, on_wait=self.task.waiting(number))
        try:
            board.update(number, state="reading", bytes_total=path.stat().st_size)
            with path.open("rb") as stream:
                read = self.task.read(stream, named(self.account, window), number)
        finally:
            path.unlink()
        batches = [_without_margins(batch, window, asked) for batch in read]
        board.update(number, events=sum(batch.events.height for batch in batches))
        return Fetched(batches, sum(outside(batch.events, window) for batch in batches))


def _without_margins(batch: Batch, window: TimeRange, asked: TimeRange) -> Batch:
    """The batch without the events that were asked for only because firectl takes whole days."""
    start = pl.col("start_time")
    before = (start >= asked.start) & (start < window.start)
    after = (start >= window.end) & (start < asked.end)
    return replace(batch, events=batch.events.filter(~(before | after)))
