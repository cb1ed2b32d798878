"""Where no events can be had, sums per day complete the archive's events. They are cut in the query's zone, and never kept."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from left_behind import threads

from fwbill_tui.archive.account import AccountArchive
from fwbill_tui.archive.archive import Archive
from fwbill_tui.demo import cast
from fwbill_tui.demo.faults import Answer, Fault, Faults, Hang, Status, refusal
from fwbill_tui.demo.server import DemoServer
from fwbill_tui.fireworks import errors
from fwbill_tui.fireworks.credentials import Credential
from fwbill_tui.fireworks.endpoints import Endpoints
from fwbill_tui.fireworks.retry import RetryPolicy
from fwbill_tui.sources.archived import ArchivedSource, Refresh
from fwbill_tui.sources.auto import AccountWays, AutoSource
from fwbill_tui.sources.loading import Loaded, load
from fwbill_tui.sources.rest import EMPTY, RestSource
from fwbill_tui.usage.query import TimeRange
from fwbill_tui.usage.zones import start_of_day

QUICK = RetryPolicy(attempts=2, first=0.002, first_when_limited=0.002, longest=0.01)
USAGE = "rest.billingUsage"
NO_EXPORT = Fault(Status("UNIMPLEMENTED"), "grpc.ExportBillingMetrics")
LAST = date(2026, 11, 21)
SETTLED = datetime(2026, 12, 1, 9, tzinfo=UTC)
ZONES = ["UTC", "America/New_York", "Asia/Kolkata", "Pacific/Apia"]


@pytest.fixture(scope="module")
def shared_server() -> Iterator[DemoServer]:
    with DemoServer(4_000, end=LAST) as running:
        yield running
        assert running.errors == ()


class Desk:
    """Loads through an archive in front of an account, at a time that the test sets."""

    def __init__(self, server: DemoServer, root: Path) -> None:
        self.server = server
        self.now = SETTLED
        self.archive: AccountArchive = Archive(root, clock=lambda: self.now).account("127.0.0.1", "acme-prod")
        self.cancelled = threading.Event()

    def source(self, time_zone: str = "UTC", refresh: Refresh = "missing") -> ArchivedSource:
        endpoints, credential = Endpoints(self.server.base_url, self.server.gateway_addr), Credential.pasted(self.server.api_key)
        ways = AccountWays(endpoints, credential, "acme-prod", time_zone=time_zone, environ={}, policy=QUICK)
        by_day = self.by_day(time_zone)
        clock = lambda: self.now  # noqa: E731
        return ArchivedSource(AutoSource(ways, by_day=False), self.archive, by_day=by_day, refresh=refresh, clock=clock)

    def by_day(self, time_zone: str = "UTC") -> RestSource:
        endpoints, credential = Endpoints(self.server.base_url, self.server.gateway_addr), Credential.pasted(self.server.api_key)
        return RestSource(endpoints, credential, "acme-prod", time_zone=time_zone, policy=QUICK, clock=lambda: self.now)

    def open(self, wanted: TimeRange, *faults: Fault, time_zone: str = "UTC") -> Loaded:
        self.server.faults = Faults(faults)
        self.server.forget_requests()
        return load(self.source(time_zone), [wanted], cancelled=self.cancelled)

    @property
    def kept(self) -> set[date]:
        return set(self.archive.manifest().days)


@pytest.fixture
def desk(shared_server: DemoServer, tmp_path: Path) -> Iterator[Desk]:
    yield Desk(shared_server, tmp_path / "archive")
    shared_server.faults = Faults()
    assert threads() == []


def local(first: date, last: date, time_zone: str) -> TimeRange:
    """Days of a zone, both included."""
    return TimeRange(start_of_day(first, time_zone), start_of_day(last + timedelta(days=1), time_zone))


def prompts_by_day(events: pl.DataFrame, time_zone: str) -> dict[date, int]:
    """What both grains know: the prompt tokens of text, by local day."""
    text = events.filter(pl.col("usage_type").cast(pl.String) == cast.TEXT)
    days = pl.col("start_time").dt.convert_time_zone(time_zone).dt.date().alias("day")
    return dict(text.group_by(days).agg(pl.col("prompt_tokens").sum()).rows())


@pytest.mark.parametrize("zone", ZONES)
def test_sums_are_cut_in_the_zone_of_the_query_and_not_kept(desk: Desk, zone: str) -> None:
    wanted = local(date(2026, 10, 20), date(2026, 11, 9), zone)  # the clocks go back in New York
    loaded = desk.open(wanted, NO_EXPORT, time_zone=zone)
    assert loaded.provenance.complete
    assert (loaded.provenance.kind, loaded.provenance.grain) == ("rest", "day")
    assert any(f"a day's usage ({zone})" in note for note in loaded.provenance.notes)
    assert prompts_by_day(loaded.ledger.events, zone) == prompts_by_day(desk.server.expected(wanted), zone)
    assert loaded.ledger.events.height == load(desk.by_day(zone), [wanted]).ledger.events.height
    assert desk.kept == set()

    again = desk.open(wanted, time_zone=zone)
    assert (again.provenance.kind, again.provenance.grain, again.provenance.notes) == ("gateway", "event", ())
    assert again.ledger.events.height == desk.server.expected(wanted).height


@pytest.mark.parametrize("zone", ZONES)
def test_no_local_day_is_counted_by_events_and_by_sums(desk: Desk, zone: str) -> None:
    """Kept: Nov 1 to 3, Nov 5 (its neighbours are not), Nov 8 to 12. The kept days are UTC days, the sums are not."""
    for first, last in ((1, 3), (5, 5), (8, 12)):
        desk.open(local(date(2026, 11, first), date(2026, 11, last), "UTC"))
    before = desk.kept
    wanted = local(date(2026, 11, 2), date(2026, 11, 11), zone)
    loaded = desk.open(wanted, NO_EXPORT, time_zone=zone)
    assert loaded.provenance.complete
    assert loaded.provenance.label == "REST usage by day and archive"
    assert prompts_by_day(loaded.ledger.events, zone) == prompts_by_day(desk.server.expected(wanted), zone)
    assert any(note.endswith("sums per day, not single events") for note in loaded.provenance.notes)
    middle = local(date(2026, 11, 9), date(2026, 11, 10), zone)
    single = loaded.ledger.events.filter((pl.col("start_time") >= middle.start) & (pl.col("start_time") < middle.end))
    assert single.height == desk.server.expected(middle).height  # kept events stay events
    assert desk.kept == before


def test_kept_days_that_may_still_grow_are_better_than_sums(desk: Desk) -> None:
    desk.now = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
    desk.open(local(date(2026, 11, 20), date(2026, 11, 20), "UTC"))
    desk.now += timedelta(hours=1)
    wanted = local(date(2026, 11, 19), date(2026, 11, 20), "UTC")
    loaded = desk.open(wanted, NO_EXPORT)
    kept = local(date(2026, 11, 20), date(2026, 11, 20), "UTC")
    assert loaded.ledger.events.filter(pl.col("start_time") >= kept.start).height == desk.server.expected(kept).height
    assert any(note.startswith("Nov 20 2026: could not be fetched again (") for note in loaded.provenance.notes)
    assert "Nov 19 2026: sums per day, not single events" in loaded.provenance.notes
    assert not any("endTime=2026-11-21" in request.path for request in desk.server.requests)


def test_parts_of_days_are_missing_and_not_guessed(desk: Desk) -> None:
    start = datetime(2026, 11, 9, 12, tzinfo=UTC)
    loaded = desk.open(TimeRange(start, datetime(2026, 11, 12, tzinfo=UTC)), NO_EXPORT)
    ((part, reason),) = loaded.provenance.missing
    assert part == TimeRange(start, datetime(2026, 11, 10, tzinfo=UTC))
    assert "choose whole days" in reason
    assert loaded.ledger.span().start == datetime(2026, 11, 10, tzinfo=UTC)


def test_an_empty_answer_takes_no_events_away(desk: Desk) -> None:
    zone = "America/New_York"
    desk.open(local(date(2026, 11, 9), date(2026, 11, 9), "UTC"))
    wanted = local(date(2026, 11, 8), date(2026, 11, 10), zone)
    loaded = desk.open(wanted, NO_EXPORT, Fault(Answer(200, b"{}"), USAGE), time_zone=zone)
    assert EMPTY in loaded.provenance.notes
    assert loaded.ledger.events.height == desk.server.expected(local(date(2026, 11, 9), date(2026, 11, 9), "UTC")).height


def test_a_damaged_day_beside_a_missing_one_is_told_by_day(desk: Desk) -> None:
    desk.open(local(date(2026, 11, 5), date(2026, 11, 8), "UTC"))
    held = desk.archive.manifest().days[date(2026, 11, 8)]
    (desk.archive.folder / held.file).write_bytes(b"damaged")
    zone = "America/New_York"
    wanted = local(date(2026, 11, 6), date(2026, 11, 10), zone)
    loaded = desk.open(wanted, NO_EXPORT, time_zone=zone)
    shown = prompts_by_day(loaded.ledger.events, zone)
    expected = prompts_by_day(desk.server.expected(wanted), zone)
    missing = [part for part, _ in loaded.provenance.missing]
    assert {day: shown[day] for day in expected if day != date(2026, 11, 7)} == {
        day: prompts for day, prompts in expected.items() if day != date(2026, 11, 7)
    }
    assert missing == [TimeRange(datetime(2026, 11, 8, tzinfo=UTC), start_of_day(date(2026, 11, 8), zone))]
    assert "whole days" in loaded.provenance.missing[0][1]


def test_when_nothing_can_be_had_the_last_reason_counts(desk: Desk) -> None:
    wanted = local(date(2026, 11, 9), date(2026, 11, 10), "UTC")
    with pytest.raises(errors.ServiceError, match="billingUsage"):
        desk.open(wanted, NO_EXPORT, Fault(refusal(503), USAGE))
    desk.open(local(date(2026, 11, 9), date(2026, 11, 9), "UTC"))
    loaded = desk.open(wanted, NO_EXPORT, Fault(refusal(503), USAGE))
    ((part, reason),) = loaded.provenance.missing
    assert part == local(date(2026, 11, 10), date(2026, 11, 10), "UTC")
    assert "billingUsage" in reason
    assert (loaded.provenance.kind, loaded.provenance.grain) == ("archive", "event")


def test_a_load_that_is_stopped_gives_what_is_kept(desk: Desk) -> None:
    zone, kept = "America/New_York", local(date(2026, 11, 9), date(2026, 11, 9), "UTC")
    desk.open(kept)
    timer = threading.Timer(0.2, desk.cancelled.set)
    timer.start()
    loaded = desk.open(local(date(2026, 11, 8), date(2026, 11, 10), zone), NO_EXPORT, Fault(Hang(), USAGE), time_zone=zone)
    timer.join()
    assert loaded.cancelled
    assert loaded.ledger.events.height == desk.server.expected(kept).height
    assert {reason for _, reason in loaded.provenance.missing} == {"cancelled: start again when you like"}


def test_without_a_usable_archive_sums_are_told_all_the_same(desk: Desk) -> None:
    desk.archive.root.write_text("in the way")
    zone = "Asia/Kolkata"
    wanted = local(date(2026, 11, 9), date(2026, 11, 10), zone)
    loaded = desk.open(wanted, NO_EXPORT, time_zone=zone)
    assert prompts_by_day(loaded.ledger.events, zone) == prompts_by_day(desk.server.expected(wanted), zone)
    assert (loaded.provenance.kind, loaded.provenance.grain) == ("rest", "day")
    assert any(note.startswith("gateway export not used: ") for note in loaded.provenance.notes)


def test_the_same_source_in_another_zone(desk: Desk) -> None:
    desk.server.faults = Faults((NO_EXPORT,))
    zone = "Pacific/Apia"
    wanted = local(date(2026, 11, 9), date(2026, 11, 10), zone)
    loaded = load(desk.source("UTC").in_zone(zone), [wanted])
    assert loaded.provenance.complete
    assert prompts_by_day(loaded.ledger.events, zone) == prompts_by_day(desk.server.expected(wanted), zone)
