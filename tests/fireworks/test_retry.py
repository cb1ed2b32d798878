from __future__ import annotations

import threading
import time

import pytest

from fwbill_tui.fireworks.errors import (
    Cancelled,
    FireworksError,
    NetworkError,
    ServiceError,
    SignInRefused,
    TimedOut,
    TooManyRequests,
    from_http,
)
from fwbill_tui.fireworks.retry import RetryPolicy, retrying


class Script:
    """Raises its errors one after another, then returns."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def test_a_transient_failure_is_tried_again(quick: RetryPolicy) -> None:
    waits: list[tuple[float, FireworksError]] = []
    script = Script(ServiceError("a", "b"), NetworkError("a", "b"), TooManyRequests("a", "b"))
    assert retrying(script, policy=quick, on_wait=lambda *wait: waits.append(wait)) == "done"
    assert script.calls == 4
    assert [type(error) for _, error in waits] == [ServiceError, NetworkError, TooManyRequests]


def test_the_last_failure_is_raised_as_it_is(quick: RetryPolicy) -> None:
    script = Script(*[ServiceError(f"{number}", "b") for number in range(9)])
    with pytest.raises(ServiceError, match="4"):
        retrying(script, policy=quick)
    assert script.calls == 5


@pytest.mark.parametrize("error", [SignInRefused("a", "b"), ValueError("a bug")])
def test_what_will_not_pass_is_not_tried_again(quick: RetryPolicy, error: Exception) -> None:
    script = Script(error)
    with pytest.raises(type(error)):
        retrying(script, policy=quick)
    assert script.calls == 1


def test_a_call_that_takes_its_whole_time_limit_is_tried_twice_only(quick: RetryPolicy) -> None:
    script = Script(*[TimedOut("a", "b")] * 9)
    with pytest.raises(TimedOut):
        retrying(script, policy=quick)
    assert script.calls == 2


def test_the_service_says_how_long_to_wait() -> None:
    policy = RetryPolicy()
    assert 7 <= policy.pause(1, TooManyRequests("a", "b", retry_after=7)) <= 8
    script = Script(TooManyRequests("a", "b", retry_after=3600))
    with pytest.raises(TooManyRequests):
        retrying(script, policy=policy)
    assert script.calls == 1


@pytest.mark.parametrize("status", [429, 503])
def test_a_pause_is_asked_for_by_a_service_that_is_busy_or_limits(status: int) -> None:
    policy = RetryPolicy()
    assert 7 <= policy.pause(1, from_http(status, b"", where="x", retry_after=7)) <= 8
    assert not policy.gives_up(1, from_http(status, b"", where="x", retry_after=7))
    assert policy.gives_up(1, from_http(status, b"", where="x", retry_after=3600))


def test_pauses_grow_within_bounds_and_differ() -> None:
    policy = RetryPolicy()
    for tries in range(1, 12):
        pauses = {policy.pause(tries, ServiceError("a", "b")) for _ in range(20)}
        assert len(pauses) > 1
        assert all(min(20, 0.5 * 2 ** (tries - 1)) / 2 <= pause <= 20 for pause in pauses)
    assert policy.pause(1, TooManyRequests("a", "b")) >= 1


def test_a_cancel_ends_the_pause_at_once() -> None:
    cancelled = threading.Event()
    policy = RetryPolicy(first=60, longest=60)
    timer = threading.Timer(0.05, cancelled.set)
    timer.start()
    started = time.monotonic()
    with pytest.raises(Cancelled):
        retrying(Script(ServiceError("a", "b")), policy=policy, cancelled=cancelled)
    assert time.monotonic() - started < 20
    timer.join()


def test_nothing_is_called_after_a_cancel(quick: RetryPolicy) -> None:
    cancelled = threading.Event()
    cancelled.set()
    script = Script()
    with pytest.raises(Cancelled):
        retrying(script, policy=quick, cancelled=cancelled)
    assert script.calls == 0


def test_a_limit_counted_by_the_minute_is_waited_out() -> None:
    policy = RetryPolicy()
    error = TooManyRequests("a", "b")
    tries = next(tries for tries in range(1, 99) if policy.gives_up(tries, error))
    assert sum(min(policy.pause(number, error) for _ in range(20)) for number in range(1, tries)) > 60
