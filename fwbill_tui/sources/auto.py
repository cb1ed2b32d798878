"""Which way an account's usage is read: the one that was asked for, or the best that works."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from copy import copy
from pathlib import Path
from typing import Literal, cast, get_args

from fwbill_tui.fireworks.credentials import SSO_ONLY, Credential, account_id
from fwbill_tui.fireworks.endpoints import BASE_URL, GATEWAY_ADDR, Endpoints
from fwbill_tui.fireworks.errors import (
    Cancelled,
    FireworksError,
    NetworkError,
    NoEvents,
    SignInRefused,
    ToolFailed,
    ToolMissing,
    Unimplemented,
)
from fwbill_tui.fireworks.firectl import PROGRAM_VARIABLE, QUIET_LIMIT
from fwbill_tui.fireworks.rest import RestClient
from fwbill_tui.fireworks.retry import RetryPolicy
from fwbill_tui.sources.account import AccountSource
from fwbill_tui.sources.firectl import FirectlSource
from fwbill_tui.sources.rest import RestSource
from fwbill_tui.sources.source import Progress, Provenance, Source
from fwbill_tui.usage.query import TimeRange
from fwbill_tui.usage.schema import Batch, EventTypes

Way = Literal["gateway", "firectl", "rest"]
WAYS: tuple[Way, ...] = get_args(Way)
"""The best first."""
LEAVES = (Unimplemented, NetworkError, ToolMissing, ToolFailed)
"""What says nothing about the key or the account, so that another way may work."""


class AccountWays:
    """An account, and the ways its usage can be read with one credential."""

    def __init__(
        self,
        endpoints: Endpoints,
        credential: Credential,
        account: str,
        *,
        time_zone: str = "UTC",
        environ: Mapping[str, str] | None = None,
        home: Path | None = None,
        workspace: Path | None = None,
        policy: RetryPolicy | None = None,
        quiet_limit: float = QUIET_LIMIT,
    ) -> None:
        """`time_zone`: where usage by day cuts its days. `environ`, `home`: this process's unless given."""
        self.endpoints = endpoints
        self.credential = credential
        self.account = account_id(account)
        self._time_zone = time_zone
        self._environ = os.environ if environ is None else environ
        self._home = home
        self._workspace = workspace
        self._policy = policy
        self._quiet_limit = quiet_limit

    def in_zone(self, time_zone: str) -> AccountWays:
        """The same ways with usage by day cut in another zone."""
        other = copy(self)
        other._time_zone = time_zone
        return other

    def source(self, way: Way, *, leave_on: tuple[type[FireworksError], ...] = ()) -> Source:
        """The source that reads usage one way; `leave_on` as in `WindowedSource`.

        Raises BadAccountId, and QueryError for an unknown time zone.
        """
        match way:
            case "gateway":
                return AccountSource(
                    self.endpoints,
                    self.credential,
                    self.account,
                    workspace=self._workspace,
                    policy=self._policy,
                    leave_on=leave_on,
                )
            case "firectl":
                return FirectlSource(
                    self.credential,
                    self.account,
                    environ=self._environ,
                    home=self._home,
                    workspace=self._workspace,
                    policy=self._policy,
                    quiet_limit=self._quiet_limit,
                    leave_on=leave_on,
                )
            case "rest":
                return RestSource(
                    self.endpoints,
                    self.credential,
                    self.account,
                    time_zone=self._time_zone,
                    policy=self._policy,
                    leave_on=leave_on,
                )

    def closed(self, way: Way) -> str:
        """Why a way need not be tried at all, or ''."""
        if way != "firectl":
            return SSO_ONLY if self.credential.kind == "sso" else ""
        own = (self.endpoints.base_url, self.endpoints.gateway_addr) == (BASE_URL, GATEWAY_ADDR)
        if own or self._environ.get(PROGRAM_VARIABLE):
            return ""
        return f"firectl would ask {GATEWAY_ADDR}, not the address set here; {PROGRAM_VARIABLE} names one to be used all the same"

    def key_is_good(self, cancelled: threading.Event) -> bool:
        """Whether the REST API knows the key: then a way that refused it refuses its kind. Raises Cancelled."""
        if self.credential.kind == "sso":
            return False
        try:
            with RestClient(self.endpoints, self.credential, cancelled=cancelled, policy=self._policy) as client:
                client.verified_account()
        except Cancelled:
            raise
        except FireworksError:
            return False
        return True


class AutoSource:
    """Reads an account's usage the best way that works: every event by the gateway or by firectl, or else days by REST.

    A way is left for the next one only when it is not there, cannot be reached or does not take this kind of sign-in, and
    before anything came of it. A wrong key, a foreign account, a missing permission are the answer, whatever way they come.
    All of one load comes one way, so that events and days are never mixed; the next load begins with the best again.
    """

    needs_range = True

    def __init__(self, ways: AccountWays, *, by_day: bool = True) -> None:
        """Without `by_day`, REST is left to the caller: NoEvents is raised in its place."""
        self.account = ways.account
        self._by_day = by_day
        self._ways = ways
        last = [way for way in WAYS if not ways.closed(way)][-1:]
        # A window that the last way cannot have is missing alone: there is nothing to leave it for.
        self._sources = {way: ways.source(way, leave_on=() if way in last else LEAVES) for way in WAYS}
        self._used: Way = WAYS[0]
        self._settled = ""
        """The key of the load that is read the way now used."""
        self._left: dict[Way, str] = {}

    @property
    def kind(self) -> str:
        """That of the way that is used; at first the best."""
        return self._sources[self._used].kind

    @property
    def label(self) -> str:
        """That of the way that is used; at first the best."""
        return self._sources[self._used].label

    def in_zone(self, time_zone: str) -> AutoSource:
        """The same source with usage by day cut in another zone. Raises QueryError for an unknown one."""
        return AutoSource(self._ways.in_zone(time_zone), by_day=self._by_day)

    def provenance(self) -> Provenance:
        """That of the way that was used, and why no better one was."""
        used = self._sources[self._used].provenance()
        last = self._used if self._settled or self._by_day else None
        why = [f"{self._sources[way].label} not used: {reason}" for way, reason in self._left.items() if way != last]
        return used._replace(notes=(*why, *used.notes))

    def batches(
        self,
        wanted: TimeRange,
        /,
        *,
        types: EventTypes,
        progress: Callable[[Progress], None],
        cancelled: threading.Event,
    ) -> Iterator[Batch]:
        """The usage of `wanted`, as the way that works gives it; see there, and `Source.batches`.

        Raises what the last way that was tried raises, and NoEvents as said above.
        """
        if self._settled != types.key:
            self._settled, self._left = "", {}
        problem: FireworksError | None = None
        for way in [self._used] if self._settled else WAYS:
            if why := self._ways.closed(way):
                self._left[way] = why
                continue
            if way == "rest" and not self._by_day:
                last = problem.message if problem is not None else next(reversed(self._left.values()))
                raise NoEvents(last, "read usage by day with --source rest")
            self._used = way
            reading = self._sources[way].batches(wanted, types=types, progress=progress, cancelled=cancelled)
            try:
                with closing(cast("Generator[Batch, None, None]", reading)):
                    for batch in reading:
                        self._settled = types.key
                        yield batch
            except FireworksError as error:
                if self._settled or not self._leads_on(error, way, cancelled):
                    raise
                self._left[way] = error.message
                problem = error
            else:
                self._settled = types.key
                return
        if problem is None:
            raise SignInRefused(f"{self._ways.credential.origin} cannot be used here", self._left["firectl"])
        raise problem

    def _leads_on(self, error: FireworksError, way: Way, cancelled: threading.Event) -> bool:
        """Whether a way's failure leaves open that another one works."""
        if isinstance(error, SignInRefused):
            return way != "rest" and self._ways.key_is_good(cancelled)
        return isinstance(error, LEAVES)
