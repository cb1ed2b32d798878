"""One way of trying again, for REST, gRPC and downloads alike: with jitter, within bounds, and given up at once on cancel."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import tenacity

from fwbill_tui.fireworks.errors import Cancelled, FireworksError, TimedOut, TooManyRequests

_log = logging.getLogger("fwbill.fireworks")
Result = TypeVar("Result")
OnWait = Callable[[float, FireworksError], None]
"""Told before each pause how many seconds it lasts and why."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently a transient failure is tried again. Times in seconds.

    The n-th pause is `first * 2**n` at most and half of that at least, never above `longest`; after "too many requests"
    it starts from `first_when_limited`. A service that asks for a pause gets that one, and is not waited for when it asks for
    more than `patience`. After "too many requests" it is tried up to `attempts_when_limited` times: the limit is counted by
    the minute, so the pauses together take more than one. A call that timed out is tried `timeouts` times at most, since
    each try takes its whole time limit.
    """

    attempts: int = 5
    attempts_when_limited: int = 10
    timeouts: int = 2
    first: float = 0.5
    first_when_limited: float = 2.0
    longest: float = 20.0
    patience: float = 90.0

    def pause(self, tries: int, error: BaseException | None) -> float:
        """The pause after the `tries`-th failed try (from 1)."""
        if isinstance(error, FireworksError) and error.retry_after is not None:
            return error.retry_after + random.uniform(0, min(1.0, self.first))
        first = self.first_when_limited if isinstance(error, TooManyRequests) else self.first
        return min(self.longest, first * 2.0 ** (tries - 1)) * random.uniform(0.5, 1)

    def gives_up(self, tries: int, error: BaseException | None) -> bool:
        """Whether a failure is final after the `tries`-th try."""
        if not isinstance(error, FireworksError) or not error.transient:
            return True
        if (error.retry_after or 0) > self.patience:
            return True
        if isinstance(error, TooManyRequests):
            return tries >= self.attempts_when_limited
        return tries >= (self.timeouts if isinstance(error, TimedOut) else self.attempts)


def retrying(
    call: Callable[[], Result],
    *,
    policy: RetryPolicy,
    cancelled: threading.Event | None = None,
    on_wait: OnWait | None = None,
) -> Result:
    """What `call` returns, after as many tries as `policy` allows. Raises its last FireworksError, or Cancelled."""
    stop = cancelled or threading.Event()

    def failure(state: tenacity.RetryCallState) -> BaseException | None:
        return state.outcome.exception() if state.outcome else None

    def tell(state: tenacity.RetryCallState) -> None:
        error = failure(state)
        if state.next_action:
            _log.info("trying again in %.1f s: %s", state.next_action.sleep, error)
        if on_wait and isinstance(error, FireworksError) and state.next_action:
            on_wait(state.next_action.sleep, error)

    def sleep(seconds: float) -> None:
        if stop.wait(seconds):
            raise Cancelled

    def attempt() -> Result:
        if stop.is_set():
            raise Cancelled
        return call()

    retryer = tenacity.Retrying(
        retry=tenacity.retry_if_exception(lambda error: isinstance(error, FireworksError) and error.transient),
        stop=lambda state: policy.gives_up(state.attempt_number, failure(state)),
        wait=lambda state: policy.pause(state.attempt_number, failure(state)),
        sleep=sleep,
        before_sleep=tell,
        reraise=True,
    )
    try:
        return retryer(attempt)
    except FireworksError as error:
        _log.info("given up: %s", error)
        raise
