"""An account's usage fetched from the embedded server: real REST, gRPC and downloads on loopback."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from left_behind import threads

from fwbill_tui.demo.faults import (
    Answer,
    Delay,
    ExpiredLinks,
    Fault,
    Faults,
    Gzip,
    Hang,
    Links,
    OldHeader,
    Reset,
    Status,
    Truncated,
    html,
    refusal,
)
from fwbill_tui.demo.server import DemoServer
from fwbill_tui.fireworks import errors
from fwbill_tui.fireworks.credentials import Credential
from fwbill_tui.fireworks.endpoints import Endpoints
from fwbill_tui.fireworks.retry import RetryPolicy
from fwbill_tui.sources.account import AccountSource
from fwbill_tui.sources.source import FINAL_STATES, Progress
from fwbill_tui.usage.query import TimeRange
from fwbill_tui.usage.schema import Batch, EventTypes

QUICK = RetryPolicy(first=0.002, first_when_limited=0.002, longest=0.01)
EXPORT, DOWNLOAD = "grpc.ExportBillingMetrics", "download"


@pytest.fixture(scope="module")
def server() -> Iterator[DemoServer]:
    with DemoServer(4_000, end=date(2026, 11, 22)) as running:
        yield running
        assert running.errors == ()


class Fetch:
    """One source on the embedded server, with everything its progress said."""

    def __init__(self, server: DemoServer, workspace: Path, **options: Any) -> None:
        self.server = server
        self.workspace = workspace
        endpoints = Endpoints(server.base_url, server.gateway_addr)
        key = options.pop("key", server.api_key)
        account = options.pop("account", "acme-prod")
        options = {"policy": QUICK, "workspace": workspace} | options
        self.source = AccountSource(endpoints, Credential.pasted(key), account, **options)
        self.types = EventTypes()
        self.progress: list[Progress] = []
        self.cancelled = threading.Event()

    def start(self, wanted: TimeRange) -> Iterator[Batch]:
        return self.source.batches(wanted, types=self.types, progress=self.progress.append, cancelled=self.cancelled)

    def events(self, wanted: TimeRange) -> pl.DataFrame:
        frames = [batch.events for batch in self.start(wanted)]
        return pl.concat(frames) if frames else pl.DataFrame(schema=self.types.frame_schema())

    def left_behind(self) -> list[str]:
        return threads("fwbill", "read-csv") + [str(path) for path in self.workspace.iterdir()]

    @property
    def missing(self) -> list[TimeRange]:
        return [window for window, _ in self.source.provenance().missing]


@pytest.fixture
def fetch(server: DemoServer, tmp_path: Path) -> Iterator[Callable[..., Fetch]]:
    def start(*faults: Fault, **options: Any) -> Fetch:
        server.forget_requests()
        server.faults = Faults(faults)
        made.append(Fetch(server, tmp_path, **options))
        return made[-1]

    made: list[Fetch] = []
    yield start
    server.faults = Faults()
    for one in made:
        assert one.left_behind() == []


def same(got: pl.DataFrame, expected: pl.DataFrame) -> bool:
    """Whether two frames have the same rows, in whatever order."""
    texts = [frame.select(pl.all().cast(pl.String)) for frame in (got, expected)]
    return texts[0].sort(texts[0].columns).equals(texts[1].sort(texts[1].columns))


def test_a_range_of_many_windows_is_what_the_account_used(server: DemoServer, fetch: Any) -> None:
    one = fetch()
    span = server.range
    assert span.start is not None
    wanted = TimeRange(span.start - timedelta(days=200, hours=5), span.end)
    events = one.events(wanted)
    assert events.height == 4_000
    assert same(events, server.expected(types=one.types))
    assert len(one.progress[-1].windows) == 10
    provenance = one.source.provenance()
    assert provenance.complete
    assert (provenance.kind, provenance.label, provenance.account) == ("gateway", "gateway export", "acme-prod")
    assert provenance.notes == ()
    calls = [request for request in server.requests if request.side == "grpc"]
    assert len(calls) == 10


def test_the_key_goes_to_the_gateway_alone(server: DemoServer, fetch: Any) -> None:
    fetch(Fault(Links(3))).events(server.range)
    sides = {request.side for request in server.requests}
    assert sides == {"grpc", "download"}
    for request in server.requests:
        carries = server.api_key in str(dict(request.headers)) + request.path + repr(request.body)
        assert carries == (request.side == "grpc")


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param([Fault(Links(3))], id="several links"),
        pytest.param([Fault(Gzip(), DOWNLOAD)], id="gzip files"),
        pytest.param([Fault(Gzip(encoded=True), DOWNLOAD)], id="gzip on the way"),
        pytest.param([Fault(ExpiredLinks(), EXPORT, times=2)], id="expired links"),
        pytest.param([Fault(Reset(), times=4)], id="resets"),
        pytest.param([Fault(Reset("inside"), DOWNLOAD, times=3)], id="resets inside"),
        pytest.param([Fault(Truncated(), DOWNLOAD, times=3)], id="truncated"),
        pytest.param([Fault(Truncated(length=False), DOWNLOAD, times=3)], id="truncated without length"),
        pytest.param([Fault(refusal(503), DOWNLOAD, times=3)], id="storage down"),
        pytest.param([Fault(refusal(429, retry_after=0), DOWNLOAD, times=3)], id="storage limited"),
        pytest.param([Fault(Status("UNAVAILABLE"), EXPORT, times=3)], id="gateway down"),
        pytest.param([Fault(Status("RESOURCE_EXHAUSTED", trailers=True), EXPORT, times=3)], id="gateway limited"),
        pytest.param([Fault(Delay(0.01)), Fault(Reset(), share=0.1)], id="a bad line"),
    ],
)
def test_passing_trouble_loses_and_doubles_nothing(server: DemoServer, fetch: Any, faults: list[Fault]) -> None:
    one = fetch(*faults)
    assert same(one.events(server.range), server.expected(types=one.types))
    assert one.source.provenance().complete


def test_the_older_header_is_read(server: DemoServer, fetch: Any) -> None:
    one = fetch(Fault(OldHeader(), DOWNLOAD, times=1))
    assert one.events(server.range).height == 4_000


SECOND = TimeRange(datetime(2026, 9, 30, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC))
"""A day within the second of the three windows of the ninety days."""


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(Status("INTERNAL"), EXPORT, window=SECOND), "INTERNAL"),
        (Fault(Status("INVALID_ARGUMENT"), EXPORT, window=SECOND), "INVALID_ARGUMENT"),
        (Fault(Links(0), EXPORT, window=SECOND), "no download link"),
        (Fault(ExpiredLinks(), EXPORT, window=SECOND), "expired"),
        (Fault(Truncated(), DOWNLOAD, window=SECOND), "only in part|broke"),
        (Fault(Reset("inside"), DOWNLOAD, window=SECOND), "broke"),
        (Fault(html(), DOWNLOAD, window=SECOND), "web page.*proxy"),
        (Fault(Answer(200), DOWNLOAD, window=SECOND), "file is empty.*fetch again"),
        (Fault(refusal(500), DOWNLOAD, window=SECOND), "HTTP 500"),
    ],
)
def test_a_window_that_fails_leaves_the_others_and_can_be_fetched_again(
    server: DemoServer, fetch: Any, fault: Fault, said: str
) -> None:
    one = fetch(fault)
    events = one.events(server.range)
    ((window, reason),) = one.source.provenance().missing
    assert re.search(said, reason)
    assert server.api_key not in reason
    assert "signature" not in reason
    assert window.start <= SECOND.start < SECOND.end <= window.end
    outside = (pl.col("start_time") < window.start) | (pl.col("start_time") >= window.end)
    assert same(events, server.expected(types=one.types).filter(outside))
    states = [(shown.state, bool(shown.problem)) for shown in one.progress[-1].windows]
    assert sorted(states) == [("done", False), ("done", False), ("failed", True)]

    server.faults = Faults()
    again = one.events(window)
    assert one.source.provenance().complete
    assert same(pl.concat([events, again]), server.expected(types=one.types))


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"key": "fw_nobodyKnowsThisKey"}, errors.SignInRefused),
        ({"account": "somebody-else"}, errors.NoPermission),
        ({"faults": [Fault(Status("UNIMPLEMENTED"), EXPORT)]}, errors.Unimplemented),
        ({"faults": [Fault(Status("NOT_FOUND"), EXPORT)]}, errors.NoSuchAccount),
        ({"faults": [Fault(Status("UNAUTHENTICATED"), EXPORT, window=SECOND)]}, errors.SignInRefused),
    ],
)
def test_what_stands_for_all_windows_ends_the_fetch(
    server: DemoServer, fetch: Any, options: dict[str, Any], kind: type[Exception]
) -> None:
    one = fetch(*options.pop("faults", ()), **options)
    with pytest.raises(kind):
        one.events(server.range)
    assert one.missing
    assert all(reason != "not fetched" for _, reason in one.source.provenance().missing)


def test_when_nothing_could_be_had_that_is_an_error_not_an_empty_answer(server: DemoServer, fetch: Any) -> None:
    one = fetch(Fault(Status("INTERNAL"), EXPORT))
    with pytest.raises(errors.ServiceError):
        one.events(server.range)
    assert len(one.missing) == 3
    assert {window.state for window in one.progress[-1].windows} == {"failed"}


def test_days_without_usage_are_an_answer(server: DemoServer, fetch: Any) -> None:
    one = fetch()
    assert one.events(TimeRange(datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 2, 1, tzinfo=UTC))).height == 0
    assert one.source.provenance().complete


def test_open_edges_are_the_last_day(server: DemoServer, fetch: Any) -> None:
    now = datetime(2026, 11, 20, 15, 30, 7, 5, tzinfo=UTC)
    one = fetch(clock=lambda: now)
    events = one.events(TimeRange())
    end = now.replace(microsecond=0)
    assert same(events, server.expected(TimeRange(end - timedelta(hours=24), end), types=one.types))
    assert one.source.provenance().fetched_at == end


@pytest.mark.parametrize(
    "fault", [Fault(Hang(), EXPORT), Fault(Hang(), DOWNLOAD), Fault(Hang("inside"), DOWNLOAD), Fault(Delay(5), DOWNLOAD)]
)
def test_a_cancel_ends_everything_soon(server: DemoServer, fetch: Any, fault: Fault) -> None:
    one = fetch(fault)
    timer = threading.Timer(0.15, one.cancelled.set)
    timer.start()
    with pytest.raises(errors.Cancelled):
        one.events(server.range)
    timer.join()
    assert one.left_behind() == []
    assert {window.state for window in one.progress[-1].windows} == {"cancelled"}
    assert len(one.missing) == 3


def test_a_cancel_while_waiting_to_try_again(server: DemoServer, fetch: Any) -> None:
    one = fetch(Fault(Status("UNAVAILABLE"), EXPORT), policy=RetryPolicy(first=30, longest=30))
    seen = threading.Event()

    def progress(now: Progress) -> None:
        if any("trying again in" in window.problem for window in now.windows):
            seen.set()

    threading.Thread(target=lambda: seen.wait(5) and one.cancelled.set()).start()
    with pytest.raises(errors.Cancelled):
        list(one.source.batches(server.range, types=one.types, progress=progress, cancelled=one.cancelled))
    assert seen.is_set()


def test_an_iterator_that_is_closed_leaves_nothing_running(server: DemoServer, fetch: Any) -> None:
    one = fetch(Fault(Hang("inside"), DOWNLOAD, window=SECOND))
    batches = one.start(server.range)
    next(batches)
    batches.close()  # type: ignore[attr-defined]
    assert one.left_behind() == []
    assert one.missing


def test_progress_is_told_at_a_rate_a_screen_can_follow(server: DemoServer, fetch: Any) -> None:
    one = fetch()
    started = time.monotonic()
    overlapping = threading.Lock()

    def progress(now: Progress) -> None:
        assert overlapping.acquire(blocking=False)
        one.progress.append(now)
        overlapping.release()

    for batch in one.source.batches(server.range, types=one.types, progress=progress, cancelled=one.cancelled):
        assert batch.events.width == 13
    assert len(one.progress) <= (time.monotonic() - started) / 0.05 + 2
    last = one.progress[-1]
    assert {window.state for window in last.windows} <= FINAL_STATES
    assert last.bytes_done == last.bytes_total
    assert sum(window.events for window in last.windows) == 4_000
    done = [now.bytes_done for now in one.progress]
    assert done == sorted(done)


def test_a_consumer_that_raises_gets_its_own_error(server: DemoServer, fetch: Any) -> None:
    one = fetch()

    def progress(_: Progress) -> None:
        raise RuntimeError("the screen is gone")

    with pytest.raises(RuntimeError, match="the screen is gone"):
        list(one.source.batches(server.range, types=one.types, progress=progress, cancelled=one.cancelled))


def test_rows_outside_their_window_are_kept_and_counted(server: DemoServer, fetch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from fwbill_tui.sources import account

    def wider(gateway: Any, account_id: str, wanted: TimeRange, **options: Any) -> list[str]:
        assert wanted.end is not None
        return exported(gateway, account_id, replace(wanted, end=wanted.end + timedelta(days=1)), **options)

    exported = account.Gateway.export_metrics
    one = fetch()
    monkeypatch.setattr(account.Gateway, "export_metrics", wider)
    events = one.events(SECOND)
    expected = server.expected(replace(SECOND, end=datetime(2026, 10, 2, tzinfo=UTC)), types=one.types)
    assert same(events, expected)
    outside = expected.filter(pl.col("start_time") >= SECOND.end).height
    assert one.source.provenance().notes[0].startswith(f"{outside:,} events start outside")


def test_a_folder_for_downloads_that_cannot_be_made_is_said(server: DemoServer, fetch: Any, tmp_path: Path) -> None:
    one = fetch()
    one.source._workspace = tmp_path / "gone"
    with pytest.raises(errors.StorageError, match="TMPDIR"):
        one.events(server.range)


def test_downloads_are_private_while_they_are_read(server: DemoServer, fetch: Any, tmp_path: Path) -> None:
    one = fetch(Fault(Hang("inside"), DOWNLOAD))
    modes: set[int] = set()

    def look() -> None:
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and not any(path.is_file() for path in tmp_path.rglob("*")):
            time.sleep(0.01)
        modes.update(path.stat().st_mode & 0o077 for path in tmp_path.rglob("*"))
        one.cancelled.set()

    watcher = threading.Thread(target=look)
    watcher.start()
    with pytest.raises(errors.Cancelled):
        one.events(server.range)
    watcher.join()
    assert modes == {0}
