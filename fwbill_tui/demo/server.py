"""The embedded Fireworks-compatible server: REST, gRPC and signed downloads on loopback, with invented usage behind them.

It runs in threads of the program that starts it, not in a process of its own: generating and writing usage is Polars work
that releases the GIL, sending is the kernel's, and a thread cannot outlive its program, however that ends.
"""

from __future__ import annotations

from datetime import date
from types import TracebackType
from typing import Self

import polars as pl

from fwbill_tui.demo.downloads import DownloadServer, Exports, Signer
from fwbill_tui.demo.faults import NO_FAULTS, Faults, Injector
from fwbill_tui.demo.generator import DAYS, DEFAULT_ROWS, SEED
from fwbill_tui.demo.http import Server, Shared
from fwbill_tui.demo.journal import Received
from fwbill_tui.demo.rest import RestHandler
from fwbill_tui.demo.tenants import API_KEY, POWERLESS_KEY, STAGING_KEY, Tenants
from fwbill_tui.usage.query import EVERYTHING, TimeRange
from fwbill_tui.usage.schema import EventTypes


class DemoServer:
    """Context manager around the three listeners, each on a free port of 127.0.0.1.

    `rows` events of `days` days belong to the account `acme-prod`, a fifth as many to `acme-staging`. `api_key` opens both,
    `staging_key` the second, `powerless_key` is valid but may read nothing.
    """

    def __init__(
        self,
        rows: int = DEFAULT_ROWS,
        *,
        seed: int = SEED,
        end: date | None = None,
        days: int = DAYS,
        faults: Faults = NO_FAULTS,
        api_key: str = API_KEY,
    ) -> None:
        self.api_key = api_key
        self.staging_key = STAGING_KEY
        self.powerless_key = POWERLESS_KEY
        self._tenants = Tenants(rows, seed=seed, end=end, api_key=api_key, days=days)
        self._shared = Shared(self._tenants, Injector(faults))
        signer = Signer()
        self._rest = Server(RestHandler, self._shared)
        self._downloads = DownloadServer(Exports(signer, self._tenants.accounts), self._shared)
        # grpc is slow to import, and nobody else may need it.
        from fwbill_tui.demo.gateway import GatewayServer

        self._gateway = GatewayServer(self._shared, signer, self._downloads.url)

    def __enter__(self) -> Self:
        self._rest.start()
        self._downloads.start()
        self._gateway.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._shared.stopping.set()
        self._gateway.stop()
        self._rest.stop()
        self._downloads.stop()

    @property
    def base_url(self) -> str:
        """The address of the REST API, for FIREWORKS_BASE_URL."""
        return self._rest.url

    @property
    def gateway_addr(self) -> str:
        """The address of the gRPC gateway, for FIREWORKS_GATEWAY_ADDR."""
        return self._gateway.addr

    @property
    def downloads_url(self) -> str:
        """The address of the signed downloads: same host, another port."""
        return self._downloads.url

    @property
    def account_ids(self) -> tuple[str, ...]:
        """The accounts that `api_key` opens, by name."""
        return tuple(self._tenants.accounts)

    @property
    def range(self) -> TimeRange:
        """The days that have usage."""
        return self._tenants.accounts[self.account_ids[0]].plan.range

    @property
    def requests(self) -> tuple[Received, ...]:
        """Every request received so far, in order."""
        return self._shared.journal.requests

    def forget_requests(self) -> None:
        """Start the record of requests anew."""
        self._shared.journal.clear()

    @property
    def errors(self) -> tuple[BaseException, ...]:
        """What went wrong inside the server itself without having been asked for: nothing, unless it has a bug."""
        return self._shared.journal.errors

    @property
    def faults(self) -> Faults:
        """What goes wrong now. Setting it takes effect with the next request and counts anew."""
        return self._shared.injector.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._shared.injector = Injector(faults)

    def expected(
        self, within: TimeRange = EVERYTHING, account_id: str = "acme-prod", *, types: EventTypes | None = None
    ) -> pl.DataFrame:
        """What an account used in a range, exactly as exports give it; typed by `types`, in order of start time."""
        return self._tenants.accounts[account_id].plan.events(within, types=types)
