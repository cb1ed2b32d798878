"""What the embedded server can be told to do wrong, as values: which requests, how many of them, and what happens.

    Faults((
        refused(429, route="rest.accounts", retry_after=1, times=2),
        Fault(Truncated(), route="download", window=first_week),
        Fault(Delay(0.2)),
        Fault(refusal(503), share=0.05),
        Fault(RateLimit(10, seconds=60)),
    ))

Routes are `rest.accounts`, `rest.account`, `rest.verifyApiKey`, `rest.billingUsage`, `rest.summary`, `rest.usageCosts`,
`rest.quotas`, `rest.quota`, `rest.unknown`, `download`, `grpc.ExportBillingMetrics`, `grpc.ListAccounts` and
`grpc.GetBalance`; a rule's `route` is a glob over these names.
An effect that means nothing on a route (each says where it does) changes nothing there, but still counts.
"""

from __future__ import annotations

import json
import math
import random
import threading
import time
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from fwbill_tui.usage.query import TimeRange

Moment = Literal["before", "inside"]
"""Before the headers of an answer, or inside its body (half of it sent)."""

RPC_CODES = {400: 3, 401: 16, 403: 7, 404: 5, 409: 6, 412: 9, 429: 8, 500: 13, 501: 12, 503: 14, 504: 4}
"""HTTP status -> google.rpc.Code, as grpc-gateway maps them."""


@dataclass(frozen=True, slots=True)
class Delay:
    """Wait before answering; other effects still apply."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Hang:
    """Fall silent until the client gives up or the server stops."""

    moment: Moment = "before"


@dataclass(frozen=True, slots=True)
class Reset:
    """Break the connection with a TCP reset (HTTP), or end the call as UNAVAILABLE (gRPC)."""

    moment: Moment = "before"


@dataclass(frozen=True, slots=True)
class Truncated:
    """Send half the body and close in good order, with the whole length announced or none at all."""

    length: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer with exactly this instead; a gRPC call ends with the status that an HTTP status from 400 on maps to."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class WrongTypes:
    """Answer with JSON whose lists are texts, texts numbers, numbers lists and objects empty lists (REST)."""


@dataclass(frozen=True, slots=True)
class Gzip:
    """Compress the body; `encoded` says so in Content-Encoding, else the bytes are a gzip file (HTTP)."""

    encoded: bool = False


@dataclass(frozen=True, slots=True)
class OldHeader:
    """Write the export with the older header of eleven columns (downloads)."""


@dataclass(frozen=True, slots=True)
class Links:
    """Give this many signed URLs, the window cut into as many parts; 0 gives none (ExportBillingMetrics)."""

    count: int


@dataclass(frozen=True, slots=True)
class ExpiredLinks:
    """Give signed URLs that have already expired (ExportBillingMetrics)."""


@dataclass(frozen=True, slots=True)
class Status:
    """End the call with a status, in the headers alone or in trailers after headers (gRPC)."""

    code: str
    message: str = "made up by the demo server"
    trailers: bool = False


@dataclass(frozen=True, slots=True)
class RateLimit:
    """Answer so many requests in each stretch of seconds and the others with 429, as the service limits accounts by the minute.

    The first stretch begins with the first request. `told`: Retry-After says when the next one begins.
    """

    requests: int
    seconds: float = 60
    told: bool = True


Effect = Delay | Hang | Reset | Truncated | Answer | WrongTypes | Gzip | OldHeader | Links | ExpiredLinks | Status | RateLimit


@dataclass(frozen=True, slots=True)
class Fault:
    """One effect, and the requests it strikes: by route, by time range asked for, the first so many, a random share."""

    effect: Effect
    route: str = "*"
    times: int | None = None
    """The first so many matching requests; None: for ever."""
    share: float = 1.0
    """The part of the matching requests that is struck, drawn from the seed of the whole."""
    window: TimeRange | None = None
    """Only requests whose own range overlaps this one."""

    def matches(self, route: str, window: TimeRange | None) -> bool:
        """Whether a request on this route for this range is meant."""
        return fnmatchcase(route, self.route) and (self.window is None or _overlap(self.window, window))


@dataclass(frozen=True, slots=True)
class Faults:
    """All that goes wrong, in order: of the effects that strike one request the first counts, beside any delays."""

    rules: tuple[Fault, ...] = ()
    seed: int = 0


NO_FAULTS = Faults()


class Injector:
    """Counts requests against the rules of one `Faults`; safe to use from several threads."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self._struck = [0] * len(faults.rules)
        self._limits: dict[int, list[float]] = {}
        self._random = random.Random(faults.seed)
        self._lock = threading.Lock()

    def strike(self, route: str, window: TimeRange | None = None) -> tuple[Effect, ...]:
        """The effects for the next request on a route: delays, then at most one other."""
        delays: list[Effect] = []
        other: Effect | None = None
        with self._lock:
            for number, rule in enumerate(self.faults.rules):
                wanted = other is None or isinstance(rule.effect, Delay)
                spent = rule.times is not None and self._struck[number] >= rule.times
                if not wanted or spent or not rule.matches(route, window):
                    continue
                if rule.share < 1 and self._random.random() >= rule.share:
                    continue
                effect: Effect | None = rule.effect
                if isinstance(effect, RateLimit):
                    effect = self._over(number, effect)
                if effect is None:
                    continue
                self._struck[number] += 1
                if isinstance(effect, Delay):
                    delays.append(effect)
                else:
                    other = effect
        return (*delays, other) if other is not None else tuple(delays)

    def _over(self, number: int, limit: RateLimit) -> Answer | None:
        """The refusal of a request that is one too many; None for one within the limit."""
        now = time.monotonic()
        answered = self._limits.setdefault(number, [])
        if answered and now - answered[0] >= limit.seconds:
            answered.clear()
        if len(answered) < limit.requests:
            answered.append(now)
            return None
        left = math.ceil(answered[0] + limit.seconds - now)
        return refusal(429, "rate limit exceeded", retry_after=left if limit.told else None)


def refusal(status: int, message: str | None = None, *, retry_after: int | str | None = None) -> Answer:
    """A refusal as Fireworks' control plane words it; `retry_after` in seconds, or an HTTP date."""
    body = {"code": RPC_CODES.get(status, 2), "message": message or f"made up by the demo server ({status})", "details": []}
    headers = [("Content-Type", "application/json")]
    if retry_after is not None:
        headers.append(("Retry-After", str(retry_after)))
    return Answer(status, json.dumps(body).encode(), tuple(headers))


def html() -> Answer:
    """The page of a proxy or a captive portal, with status 200."""
    return Answer(200, b"<!doctype html><title>Sign in to the guest network</title>", (("Content-Type", "text/html"),))


def redirect(url: str) -> Answer:
    """A redirect to another address."""
    return Answer(307, b"", (("Location", url),))


def refused(status: int, *, route: str = "*", times: int | None = None, retry_after: int | str | None = None) -> Fault:
    """Refuse requests with an HTTP status."""
    return Fault(refusal(status, retry_after=retry_after), route=route, times=times)


def _overlap(one: TimeRange, other: TimeRange | None) -> bool:
    if other is None:
        return False
    starts = [edge for edge in (one.start, other.start) if edge is not None]
    ends = [edge for edge in (one.end, other.end) if edge is not None]
    return not starts or not ends or max(starts) < min(ends)
