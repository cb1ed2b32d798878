"""An account as a source: its usage events, exported by the gateway window by window and downloaded."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from fwbill_tui.fireworks.credentials import Credential
from fwbill_tui.fireworks.download import Downloader, open_download
from fwbill_tui.fireworks.endpoints import Endpoints
from fwbill_tui.fireworks.errors import FireworksError
from fwbill_tui.fireworks.gateway import Gateway
from fwbill_tui.fireworks.http import HttpSession
from fwbill_tui.fireworks.private_folder import inner_folder, private_folder
from fwbill_tui.fireworks.retry import RetryPolicy
from fwbill_tui.sources.windowed import Fetched, Task, WindowedSource, named, outside

WORKERS = 4


class AccountSource(WindowedSource):
    """Fetches an account's usage events as the gateway exports them."""

    def __init__(
        self,
        endpoints: Endpoints,
        credential: Credential,
        account: str,
        *,
        workers: int = WORKERS,
        workspace: Path | None = None,
        policy: RetryPolicy | None = None,
        leave_on: tuple[type[FireworksError], ...] = (),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`workspace`: where downloads are kept while they are read, in a private folder; None: the system's own place.

        Raises BadAccountId.
        """
        super().__init__(
            account,
            kind="gateway",
            label="gateway export",
            workers=workers,
            leave_on=leave_on,
            clock=clock,
        )
        self._endpoints = endpoints
        self._credential = credential
        self._workspace = workspace
        self._policy = policy or RetryPolicy()

    def _opened(self, task: Task, stack: contextlib.ExitStack) -> Callable[[int], Fetched]:
        gateway = stack.enter_context(Gateway(self._endpoints, self._credential, cancelled=task.stop, policy=self._policy))
        session = stack.enter_context(HttpSession(direct=self._endpoints.gateway_local, cancelled=task.stop))
        folder = stack.enter_context(private_folder(self._workspace))
        return _Fetch(gateway, Downloader(session, task.stop, self._policy), self.account, folder, task).window


@dataclass(frozen=True, slots=True)
class _Fetch:
    """One fetch of several windows: what each of them does, in a thread of the crew."""

    gateway: Gateway
    downloader: Downloader
    account: str
    folder: Path
    task: Task

    def window(self, number: int) -> Fetched:
        """Export, download and read one window. Raises FireworksError."""
        window, board = self.task.windows[number], self.task.board
        on_wait = self.task.waiting(number)

        def links() -> list[str]:
            board.update(number, state="exporting")
            return self.gateway.export_metrics(self.account, window, on_wait=on_wait)

        def on_bytes(done: int, total: int | None) -> None:
            board.update(number, state="downloading", bytes_done=done, bytes_total=total)

        folder = inner_folder(self.folder, str(number))
        paths = self.downloader.download(links(), folder, renew=links, on_bytes=on_bytes, on_wait=on_wait)
        board.update(number, state="reading")
        result = Fetched([])
        name = named(self.account, window)
        for path in paths:
            with open_download(path, name) as stream:
                before = sum(batch.events.height for batch in result.batches)
                result.batches.extend(self.task.read(stream, name, number, before=before))
            path.unlink()
        return replace(result, outside=sum(outside(batch.events, window) for batch in result.batches))
