"""A check-up: does the sign-in work, which sources answer and how fast, and if not, why, and what to do."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from fwbill_tui.fireworks.credentials import Credential
from fwbill_tui.fireworks.endpoints import Endpoints
from fwbill_tui.fireworks.errors import Cancelled, FireworksError, NoSuchAccount, SignInRefused, StorageError, make
from fwbill_tui.fireworks.firectl import find_firectl
from fwbill_tui.fireworks.gateway import Gateway
from fwbill_tui.fireworks.probe import DEADLINE, ONCE, QUICK, clock_offset, firectl_version
from fwbill_tui.fireworks.rest import Account, RestClient
from fwbill_tui.sources.auto import LEAVES, AccountWays
from fwbill_tui.usage.query import TimeRange

State = Literal["works", "refused", "there", "absent", "skipped"]
"""`there`: installed, but not tried. `skipped`: not tried, because something before it failed or it does not apply."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one look. `seconds` is how long the answer took; `error` why it was refused."""

    name: str
    label: str
    state: State
    said: str = ""
    advice: str = ""
    seconds: float | None = None
    error: FireworksError | None = None


@dataclass(frozen=True, slots=True)
class Examination:
    """All findings of one credential. `account` is the one that the sources were asked about.

    `ahead` is how far this machine's clock is ahead of the service's; None where the service was not reached, which
    `clock_problem` explains.
    """

    sign_in: Finding
    sources: tuple[Finding, ...]
    accounts: tuple[Account, ...] = ()
    account: str | None = None
    ahead: timedelta | None = None
    clock_problem: str = ""

    @property
    def working(self) -> tuple[Finding, ...]:
        """The sources that usage can be read from."""
        return tuple(finding for finding in self.sources if finding.state == "works")

    @property
    def stops_at(self) -> Finding | None:
        """The source whose refusal is the answer for whoever does not name another one; None where the best that works is used.

        A permission that is missing is missing, whatever worse way there may be.
        """
        before = itertools.takewhile(lambda finding: finding.state != "works", self.sources)
        ends = (finding for finding in before if finding.error and not isinstance(finding.error, (*LEAVES, SignInRefused)))
        return next(ends, None)

    @property
    def first_error(self) -> FireworksError | None:
        """The first refusal, in the order of the findings."""
        return next((finding.error for finding in (self.sign_in, *self.sources) if finding.error), None)


def examine(
    endpoints: Endpoints,
    credential: Credential | None,
    *,
    environ: Mapping[str, str],
    cancelled: threading.Event,
    now: datetime | None = None,
) -> Examination:
    """Try everything once, in a few calls: an account without payment method has ten a minute. Raises Cancelled alone."""
    doctor = _Doctor(endpoints, credential, environ, cancelled, now or datetime.now(UTC))
    with ThreadPoolExecutor(max_workers=3, thread_name_prefix="doctor") as pool:
        clock = pool.submit(doctor.clock)
        sign_in = doctor.sign_in()
        account = doctor.account(sign_in)
        pending = [pool.submit(look, account) for look in (doctor.gateway, doctor.firectl, doctor.rest)]
        sources = tuple(future.result() for future in pending)
        ahead, problem = clock.result()
    return Examination(sign_in, sources, tuple(doctor.accounts), account, ahead, problem)


@dataclass(slots=True)
class _Doctor:
    """The single looks. `accounts` are those that the key opens, once `sign_in` has worked."""

    endpoints: Endpoints
    credential: Credential | None
    environ: Mapping[str, str]
    cancelled: threading.Event
    now: datetime
    accounts: list[Account] = field(default_factory=list)
    _skipped: str = ""

    def clock(self) -> tuple[timedelta | None, str]:
        """How far our clock is ahead, or why that is not known."""
        try:
            return clock_offset(self.endpoints, cancelled=self.cancelled), ""
        except Cancelled:
            raise
        except FireworksError as error:
            return None, error.message

    def sign_in(self) -> Finding:
        """The accounts that the key opens."""
        name, label = "accounts", "accounts (REST)"
        credential = self.credential
        if credential is None or not credential.usable:
            self._skipped = credential.problem if credential else "there is no sign-in to try"
            return Finding(name, label, "skipped", self._skipped)

        def ask() -> str:
            with self._client(credential) as client:
                self.accounts.extend(client.accounts())
            ids = [account.id for account in self.accounts]
            if credential.account_id not in (None, *ids):
                what = f"{credential.account_id} is not among the accounts that the key opens, which are {', '.join(ids)}"
                raise make(NoSuchAccount, f"accounts at {self.endpoints.host}", what)
            many = len(ids) > 1 and credential.account_id is None
            return ", ".join(ids) + ("; the first is looked at, choose with --account-id" if many else "")

        finding = _look(name, label, ask)
        if finding.error is not None:
            self._skipped = "the key was refused" if isinstance(finding.error, SignInRefused) else "no account is known"
        return finding

    def account(self, sign_in: Finding) -> str | None:
        """The account to ask the sources about, if the key may be good."""
        if self.credential is None or isinstance(sign_in.error, SignInRefused):
            return None
        return self.credential.account_id or (self.accounts[0].id if self.accounts else None)

    def gateway(self, account: str | None) -> Finding:
        """An export of one minute, whose file is not fetched."""
        name, label = "gateway", "gateway export"
        credential = self.credential
        if credential is None or not credential.usable or account is None:
            return Finding(name, label, "skipped", self._skipped)
        start = self.now.replace(second=0, microsecond=0) - timedelta(days=1)

        def ask() -> str:
            with Gateway(self.endpoints, credential, cancelled=self.cancelled, policy=ONCE, deadline=DEADLINE) as gateway:
                gateway.export_metrics(account, TimeRange(start, start + timedelta(minutes=1)))
            return f"single events, from {self.endpoints.gateway_addr}"

        return _look(name, label, ask)

    def rest(self, account: str | None) -> Finding:
        """Yesterday's usage."""
        name, label = "rest", "billingUsage (REST)"
        credential = self.credential
        if credential is None or not credential.usable or account is None:
            return Finding(name, label, "skipped", self._skipped)
        today = self.now.replace(hour=0, minute=0, second=0, microsecond=0)
        edges = {"startTime": today - timedelta(days=1), "endTime": today}

        def ask() -> str:
            with self._client(credential) as client:
                parameters = {name: f"{edge:%Y-%m-%dT%H:%M:%SZ}" for name, edge in edges.items()}
                client.read(f"/v1/accounts/{account}/billingUsage", parameters, call="billingUsage")
            return f"usage by day, from {self.endpoints.host}"

        return _look(name, label, ask)

    def firectl(self, account: str | None) -> Finding:
        """Whether it is installed, and which one."""
        name, label = "firectl", "firectl"
        try:
            program = find_firectl(self.environ)
        except FireworksError as error:
            return Finding(name, label, "refused", error.message, error.advice, error=error)
        if program is None:
            sso = self.credential is not None and self.credential.kind == "sso"
            advice = "install it: a sign-in by SSO works through it alone" if sso else "needed only where nothing else works"
            return Finding(name, label, "absent", "not installed, or not on PATH", advice)
        try:
            version = firectl_version(program, environ=self.environ, cancelled=self.cancelled)
        except StorageError as error:
            return Finding(name, label, "refused", error.message, error.advice, error=error)
        said = f"{program}, {version or 'version unknown'}"
        if self.credential is not None:
            ways = AccountWays(self.endpoints, self.credential, account or "unknown", environ=self.environ)
            if closed := ways.closed("firectl"):
                return Finding(name, label, "skipped", f"{said}; {closed}")
        return Finding(name, label, "there", f"{said}; not tried, since it exports whole days")

    def _client(self, credential: Credential) -> RestClient:
        return RestClient(self.endpoints, credential, cancelled=self.cancelled, policy=ONCE, timeout=QUICK)


def _look(name: str, label: str, ask: Callable[[], str]) -> Finding:
    """What `ask` says, and how long it took. Raises Cancelled."""
    began = time.perf_counter()
    try:
        said = ask()
    except Cancelled:
        raise
    except FireworksError as error:
        return Finding(name, label, "refused", error.message, error.advice, time.perf_counter() - began, error)
    return Finding(name, label, "works", said, seconds=time.perf_counter() - began)
