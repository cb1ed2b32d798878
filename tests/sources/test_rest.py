"""Usage by day from the embedded server's REST API, against the events it is made of."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from left_behind import threads

from fwbill_tui.demo import cast
from fwbill_tui.demo.faults import Answer, Delay, Fault, Faults, Hang, Reset, WrongTypes, html, refusal
from fwbill_tui.demo.server import DemoServer
from fwbill_tui.fireworks import errors
from fwbill_tui.fireworks.credentials import Credential
from fwbill_tui.fireworks.endpoints import Endpoints
from fwbill_tui.fireworks.retry import RetryPolicy
from fwbill_tui.sources import rest
from fwbill_tui.sources.loading import Loaded, load
from fwbill_tui.sources.rest import RestSource
from fwbill_tui.sources.source import Progress
from fwbill_tui.usage.query import Query, TimeRange
from fwbill_tui.usage.zones import local_date, start_of_day

QUICK = RetryPolicy(first=0.002, first_when_limited=0.002, longest=0.01)
USAGE = "rest.billingUsage"
SECOND = TimeRange(datetime(2026, 9, 30, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC))
LATER = datetime(2026, 12, 24, tzinfo=UTC)


@pytest.fixture(scope="module")
def server() -> Iterator[DemoServer]:
    with DemoServer(4_000, end=date(2026, 11, 22)) as running:
        yield running
        assert running.errors == ()


@pytest.fixture
def source(server: DemoServer) -> Iterator[Callable[..., RestSource]]:
    def make(*faults: Fault, **options: Any) -> RestSource:
        server.forget_requests()
        server.faults = Faults(faults)
        key = options.pop("key", server.api_key)
        options = {"policy": QUICK, "clock": lambda: LATER} | options
        endpoints = Endpoints(server.base_url, server.gateway_addr)
        return RestSource(endpoints, Credential.pasted(key), options.pop("account", "acme-prod"), **options)

    yield make
    server.faults = Faults()
    assert threads() == []


def days(first: date, last: date, time_zone: str) -> TimeRange:
    return TimeRange(start_of_day(first, time_zone), start_of_day(last, time_zone))


def of_types(events: pl.DataFrame, *types: str) -> pl.DataFrame:
    return events.filter(pl.col("usage_type").cast(pl.String).is_in(types))


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Pacific/Apia"])
def test_days_add_up_to_the_events_in_every_zone(server: DemoServer, source: Any, zone: str) -> None:
    wanted = days(date(2026, 9, 1), date(2026, 11, 20), zone)  # the clocks go back in Berlin and New York
    loaded: Loaded = load(source(time_zone=zone), [wanted])
    assert loaded.provenance.complete
    assert (loaded.provenance.kind, loaded.provenance.label) == ("rest", "REST usage by day")
    assert loaded.provenance.grain == "day"
    got, expected = loaded.ledger.events, server.expected(wanted)
    text = of_types(expected, cast.TEXT)
    for measure in ("prompt_tokens", "cached_prompt_tokens", "uncached_prompt_tokens", "completion_tokens"):
        assert of_types(got, cast.TEXT)[measure].sum() == text[measure].sum() > 0
    assert of_types(got, cast.TUNING)["prompt_tokens"].sum() == of_types(expected, cast.TUNING)["prompt_tokens"].sum()
    machines = of_types(got, cast.DEDICATED)
    seconds = of_types(expected, cast.DEDICATED)["accelerator_seconds"].sum()
    assert machines["accelerator_seconds"].sum() == pytest.approx(seconds, abs=machines.height)

    def by_day(frame: pl.DataFrame) -> pl.DataFrame:
        local = pl.col("start_time").dt.convert_time_zone(zone).dt.date().alias("day")
        return frame.group_by(local).agg(pl.col("prompt_tokens").sum()).sort("day")

    assert by_day(of_types(got, cast.TEXT)).equals(by_day(text))
    assert all(start_of_day(local_date(start, zone), zone) == start for start in got["start_time"].unique())
    assert all(request.path.count("startTime") == 1 for request in server.requests)
    assert len(server.requests) == len({request.path for request in server.requests}) == 3


def test_every_dimension_is_one_of_ours(source: Any, server: DemoServer) -> None:
    ledger = load(source(), [days(date(2026, 11, 1), date(2026, 11, 20), "UTC")]).ledger
    expected = {"api_key_id", "api_key_name", "deployment", "placement", "job_id", "job_type", "annotations.team"}
    assert expected <= set(ledger.dimensions)
    query = Query(group_by=("model", "api_key_name"))
    groups = ledger.groups(query)
    assert groups["api_key_name"].drop_nulls().n_unique() > 1
    facets = ledger.facets(Query())
    assert len(facets["deployment"].values) > 1
    assert "cost_nano_usd" not in ledger.events.columns


def test_parts_of_days_are_missing_and_not_guessed(source: Any) -> None:
    start = datetime(2026, 11, 1, 5, tzinfo=UTC)
    wanted = TimeRange(start, datetime(2026, 11, 10, 7, tzinfo=UTC))
    loaded = load(source(), [wanted])
    assert [window for window, _ in loaded.provenance.missing] == [
        TimeRange(start, datetime(2026, 11, 2, tzinfo=UTC)),
        TimeRange(datetime(2026, 11, 10, tzinfo=UTC), wanted.end),
    ]
    assert "whole days" in loaded.provenance.missing[0][1]
    found = loaded.ledger.span()
    assert found.start == datetime(2026, 11, 2, tzinfo=UTC)


def test_a_day_that_is_still_going_on_is_read(source: Any) -> None:
    now = datetime(2026, 11, 20, 15, tzinfo=UTC)
    one = source(clock=lambda: now)
    loaded = load(one, [TimeRange(datetime(2026, 11, 19, tzinfo=UTC), now)])
    assert loaded.provenance.complete
    assert loaded.ledger.events["start_time"].max() == datetime(2026, 11, 20, tzinfo=UTC)


def test_a_few_hours_are_no_day(source: Any, server: DemoServer) -> None:
    loaded = load(source(), [TimeRange(datetime(2026, 11, 3, 5, tzinfo=UTC), datetime(2026, 11, 3, 9, tzinfo=UTC))])
    assert not loaded.provenance.complete
    assert loaded.ledger.events.height == 0
    assert server.requests == ()


def test_an_empty_answer_is_not_a_zero(source: Any) -> None:
    provenance = load(source(), [days(date(2020, 1, 1), date(2020, 3, 1), "UTC")]).provenance
    assert rest.EMPTY in provenance.notes
    assert provenance.complete


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param([Fault(Reset(), USAGE, times=3)], id="resets"),
        pytest.param([Fault(Reset("inside"), USAGE, times=3)], id="resets inside"),
        pytest.param([Fault(refusal(503), USAGE, times=4)], id="down"),
        pytest.param([Fault(refusal(429), USAGE, times=12)], id="limited"),
        pytest.param([Fault(Delay(0.01)), Fault(Reset(), share=0.2)], id="a bad line"),
    ],
)
def test_passing_trouble_loses_and_doubles_nothing(server: DemoServer, source: Any, faults: list[Fault]) -> None:
    wanted = days(date(2026, 9, 1), date(2026, 11, 20), "UTC")
    loaded = load(source(*faults), [wanted])
    assert loaded.provenance.complete
    assert (
        loaded.ledger.totals(Query()).completion_tokens == of_types(server.expected(wanted), cast.TEXT)["completion_tokens"].sum()
    )


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(WrongTypes(), USAGE, window=SECOND), "serverlessCosts has the wrong type"),
        (Fault(html(), USAGE, window=SECOND), "web page"),
        (Fault(Answer(200, b"[1]"), USAGE, window=SECOND), "not a JSON object"),
        (Fault(refusal(500), USAGE, window=SECOND), "HTTP 500"),
        (Fault(refusal(400), USAGE, window=SECOND), "HTTP 400"),
    ],
)
def test_a_window_that_fails_leaves_the_others_and_can_be_fetched_again(
    server: DemoServer, source: Any, fault: Fault, said: str
) -> None:
    wanted = days(date(2026, 9, 1), date(2026, 11, 20), "UTC")
    one = source(fault)
    loaded = load(one, [wanted])
    ((window, reason),) = loaded.provenance.missing
    assert said in reason
    server.faults = Faults()
    again = load(one, [window], onto=loaded)
    assert again.ledger.totals(Query()) == load(source(), [wanted]).ledger.totals(Query())


def test_a_wrong_key_and_a_foreign_account_end_it(source: Any) -> None:
    with pytest.raises(errors.SignInRefused):
        load(source(key="fw_nobodyKnowsThisKey"), [SECOND])
    with pytest.raises(errors.NoSuchAccount):
        load(source(account="somebody-else"), [SECOND])


def test_a_rate_limit_is_counted_down(source: Any) -> None:
    said: set[str] = set()

    def progress(now: Progress) -> None:
        said.update(window.problem.partition(": ")[0] for window in now.windows if window.problem)

    one = source(Fault(refusal(429, retry_after=2), USAGE, times=1))
    loaded = load(one, [SECOND], progress=progress)
    assert loaded.provenance.complete
    assert {"trying again in 2 s", "trying again in 1 s"} <= said


def test_a_cancel_ends_it_soon(source: Any) -> None:
    cancelled = threading.Event()
    timer = threading.Timer(0.15, cancelled.set)
    timer.start()
    loaded = load(source(Fault(Hang(), USAGE)), [SECOND], cancelled=cancelled)
    timer.join()
    assert loaded.cancelled
    assert not loaded.provenance.complete


def test_never_more_than_two_requests_at_once(server: DemoServer, source: Any) -> None:
    asking: set[int] = set()

    def progress(_: Progress) -> None:
        asking.add(sum(thread.name.startswith("fwbill-window") for thread in threading.enumerate()))

    assert server.range.start is not None
    long = TimeRange(server.range.start - timedelta(days=200), server.range.end)
    load(source(Fault(Delay(0.06), USAGE)), [long], progress=progress)
    assert max(asking) == 2


def test_days_cut_elsewhere_and_usage_without_a_date_are_said(server: DemoServer, source: Any) -> None:
    body = b'{"serverlessCosts": [{"startTime": "2026-09-30T00:00:00Z", "promptTokens": "5"}, {"promptTokens": "6"}]}'
    berlin = days(date(2026, 9, 30), date(2026, 10, 1), "Europe/Berlin")
    loaded = load(source(Fault(Answer(200, body), USAGE), time_zone="Europe/Berlin"), [berlin])
    assert {rest.OTHER_DAYS, rest.UNDATED} <= set(loaded.provenance.notes)
    assert loaded.ledger.totals(Query()).prompt_tokens == 11
    assert loaded.ledger.events["start_time"].to_list() == [datetime(2026, 9, 30, tzinfo=UTC), berlin.start]


def test_the_demo_takes_no_longer_windows(source: Any, server: DemoServer) -> None:
    autumn = days(date(2026, 10, 1), date(2026, 11, 1), "Europe/Berlin")  # 31 days and an hour
    loaded = load(source(time_zone="Europe/Berlin"), [autumn])
    assert loaded.provenance.complete
    assert len(server.requests) == 2
