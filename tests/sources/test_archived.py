"""An account's usage through the archive: fetched from the embedded server once, and then kept."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from left_behind import threads

from fwbill_tui.archive.account import MANIFEST, AccountArchive
from fwbill_tui.archive.archive import Archive
from fwbill_tui.demo.faults import Delay, Fault, Faults, Hang, OldHeader, Reset, Status, html
from fwbill_tui.demo.server import DemoServer
from fwbill_tui.fireworks import errors
from fwbill_tui.fireworks.credentials import Credential
from fwbill_tui.fireworks.endpoints import Endpoints
from fwbill_tui.fireworks.proto import gateway_pb2 as pb
from fwbill_tui.fireworks.retry import RetryPolicy
from fwbill_tui.sources.account import AccountSource
from fwbill_tui.sources.archived import ArchivedSource
from fwbill_tui.sources.loading import load
from fwbill_tui.sources.source import Progress, Provenance
from fwbill_tui.sources.summing import load_sums
from fwbill_tui.usage.query import Query, TimeRange
from fwbill_tui.usage.schema import Batch, EventTypes, Reject

QUICK = RetryPolicy(attempts=3, first=0.002, first_when_limited=0.002, longest=0.01)
EXPORT, DOWNLOAD = "grpc.ExportBillingMetrics", "download"
LAST = date(2026, 11, 21)
NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def shared_server() -> Iterator[DemoServer]:
    with DemoServer(4_000, end=LAST) as running:
        yield running
        assert running.errors == ()


@pytest.fixture
def server(shared_server: DemoServer) -> Iterator[DemoServer]:
    shared_server.faults = Faults()
    shared_server.forget_requests()
    yield shared_server
    shared_server.faults = Faults()


class Desk:
    """Loads through an archive, at a time that the test sets."""

    def __init__(self, server: DemoServer, root: Path) -> None:
        self.server = server
        self.now = NOW
        self.archive: AccountArchive = Archive(root, clock=lambda: self.now).account("127.0.0.1", "acme-prod")
        self.progress: list[Progress] = []
        self.cancelled = threading.Event()
        self.provenance = Provenance("", "")
        self.rejects: list[Reject] = []

    def source(self, inner: Any = None, **options: Any) -> ArchivedSource:
        endpoints = Endpoints(self.server.base_url, self.server.gateway_addr)
        credential = Credential.pasted(self.server.api_key)
        account = AccountSource(endpoints, credential, "acme-prod", policy=QUICK, clock=lambda: self.now)
        return ArchivedSource(inner or account, self.archive, clock=lambda: self.now, **options)

    def batches(self, source: ArchivedSource, wanted: TimeRange, types: EventTypes) -> Iterator[Batch]:
        return source.batches(wanted, types=types, progress=self.progress.append, cancelled=self.cancelled)

    def open(self, wanted: TimeRange, source: ArchivedSource | None = None, **options: Any) -> pl.DataFrame:
        """Load a range; the number of calls to the gateway that it took is in `calls`."""
        self.server.forget_requests()
        source = source or self.source(**options)
        types = EventTypes()
        frames = [types.frame_schema().to_frame()]
        self.rejects = []
        try:
            for batch in self.batches(source, wanted, types):
                frames.append(batch.events)
                self.rejects += batch.rejects
        finally:
            self.provenance = source.provenance()
        return pl.concat(frames, how="diagonal")

    def expected(self, wanted: TimeRange) -> pl.DataFrame:
        return self.server.expected(wanted)

    @property
    def calls(self) -> list[TimeRange]:
        """The ranges that the gateway was asked for."""
        calls = []
        for request in self.server.requests:
            if request.side == "grpc":
                asked = pb.ExportBillingMetricsRequest.FromString(request.body)
                calls.append(TimeRange(asked.start_time.ToDatetime(UTC), asked.end_time.ToDatetime(UTC)))
        return calls

    @property
    def kept(self) -> list[date]:
        return sorted(self.archive.manifest().days)


@pytest.fixture
def desk(server: DemoServer, tmp_path: Path) -> Desk:
    return Desk(server, tmp_path / "archive")


def same(got: pl.DataFrame, expected: pl.DataFrame) -> bool:
    """Whether two frames have the same rows, in whatever order."""
    texts = [frame.select(pl.all().cast(pl.String)) for frame in (got, expected)]
    return texts[0].sort(texts[0].columns).equals(texts[1].sort(texts[1].columns))


def days(first: int, last: int) -> TimeRange:
    """From one day to another, counted back from the last day of the usage, both included."""
    start = datetime(LAST.year, LAST.month, LAST.day, tzinfo=UTC)
    return TimeRange(start - timedelta(days=first), start - timedelta(days=last - 1))


# -- the good days -------------------------------------------------------------------------------------------------------
def test_the_second_time_needs_no_network(desk: Desk) -> None:
    wanted = desk.server.range
    assert same(desk.open(wanted), desk.expected(wanted))
    assert len(desk.calls) == 3
    first = desk.provenance
    assert (first.kind, first.label, first.complete, first.notes) == ("gateway", "gateway export", True, ())
    assert len(desk.kept) == 90

    assert same(desk.open(wanted), desk.expected(wanted))
    assert desk.server.requests == ()
    again = desk.provenance
    assert (again.kind, again.complete, again.fetched_at) == ("archive", True, NOW)
    assert again.notes == ("Nov 20 – Nov 21 2026: kept as of 2026-11-22 09:30 UTC, may still grow",)
    assert 0 < desk.progress[-1].bytes_done == desk.progress[-1].bytes_total


def test_a_load_that_needs_few_labels_keeps_all_of_them(desk: Desk) -> None:
    wanted = days(10, 5)
    loaded = load_sums(desk.source(), Query(range=wanted))
    assert loaded.ledger.totals(Query(range=wanted)).events == desk.expected(wanted).height
    assert len(desk.kept) == 6
    assert same(desk.open(wanted), desk.expected(wanted))
    assert desk.server.requests == ()
    by_model = Query(range=wanted, group_by=("model",))
    again = load_sums(desk.source(), by_model).ledger.groups(by_model)
    assert again.height == desk.expected(wanted)["base_model_name"].n_unique()


def test_days_without_usage_are_known_too(desk: Desk) -> None:
    empty = TimeRange(datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 2, 1, tzinfo=UTC))
    assert desk.open(empty).is_empty()
    assert len(desk.kept) == 31
    assert desk.open(empty).is_empty()
    assert desk.calls == []
    assert desk.provenance.complete


def test_only_missing_days_are_fetched(desk: Desk) -> None:
    desk.open(days(40, 35))
    desk.open(days(30, 25))
    assert same(desk.open(days(45, 20)), desk.expected(days(45, 20)))
    assert sorted((call.start, call.end) for call in desk.calls) == [
        (days(45, 41).start, days(45, 41).end), (days(34, 31).start, days(34, 31).end), (days(24, 20).start, days(24, 20).end),
    ]  # fmt: skip
    assert desk.provenance.label == "gateway export and archive"


@pytest.mark.parametrize("again", [False, True])
def test_parts_of_days_are_kept_whole_and_given_in_part(desk: Desk, again: bool) -> None:
    middle = days(20, 18)
    assert middle.start is not None
    assert middle.end is not None
    wanted = TimeRange(middle.start + timedelta(hours=7, seconds=3), middle.end - timedelta(hours=5))
    if again:
        desk.open(middle)
    assert same(desk.open(wanted), desk.expected(wanted))
    assert len(desk.calls) == (not again)
    assert len(desk.kept) == 3
    assert same(desk.open(middle), desk.expected(middle))
    assert desk.calls == []


def test_open_edges_are_the_last_24_hours(desk: Desk) -> None:
    events = desk.open(TimeRange())
    assert same(events, desk.expected(TimeRange(NOW - timedelta(hours=24), NOW)))
    assert desk.kept == [LAST, NOW.date()]


def test_days_to_come_are_neither_asked_for_nor_missing(desk: Desk) -> None:
    wanted = replace(days(3, 0), end=NOW + timedelta(days=400))
    assert same(desk.open(wanted), desk.expected(wanted))
    assert [call.end for call in desk.calls] == [datetime(2026, 11, 23, tzinfo=UTC)]
    assert desk.provenance.complete
    desk.open(wanted)
    assert desk.calls == []
    desk.open(TimeRange(NOW + timedelta(days=4), NOW + timedelta(days=5)))
    assert desk.calls == []


def test_a_header_that_changes_between_windows(desk: Desk) -> None:
    desk.server.faults = Faults((Fault(OldHeader(), DOWNLOAD, times=1),))
    assert desk.open(desk.server.range).height == 4_000
    assert desk.open(desk.server.range).height == 4_000
    assert desk.calls == []


# -- what may still grow -------------------------------------------------------------------------------------------------
def test_fresh_days_stay_and_old_ones_are_fetched_again(desk: Desk) -> None:
    wanted = replace(days(10, 0), end=NOW)
    desk.open(wanted)
    desk.now = NOW + timedelta(minutes=14)
    desk.open(wanted)
    assert desk.calls == []
    desk.now = NOW + timedelta(minutes=16)
    assert same(desk.open(wanted), desk.expected(wanted))
    assert [(call.start, call.end) for call in desk.calls] == [(days(1, 0).start, datetime(2026, 11, 23, tzinfo=UTC))]
    assert desk.provenance.fetched_at == desk.now
    assert desk.provenance.notes == ()
    desk.now = NOW + timedelta(days=30)
    desk.open(wanted)
    assert len(desk.calls) == 1
    desk.now = NOW + timedelta(days=60)
    desk.open(wanted)  # everything was fetched long after it had ended
    assert desk.calls == []


def test_a_known_range_opens_without_a_request_however_old(desk: Desk) -> None:
    wanted = days(10, 0)
    expected = desk.open(wanted)
    desk.now = NOW + timedelta(hours=30)
    assert same(desk.open(wanted, refresh="opening"), expected)
    assert desk.server.requests == ()
    assert desk.provenance.fetched_at == NOW
    assert desk.provenance.notes == ("Nov 20 – Nov 21 2026: kept as of 2026-11-22 09:30 UTC, may still grow",)


def test_a_range_that_is_not_known_brings_what_may_have_grown_up_to_date_as_well(desk: Desk) -> None:
    desk.open(days(10, 0))
    desk.now = NOW + timedelta(minutes=5)
    desk.open(days(11, 0), refresh="opening")
    assert [(call.start, call.end) for call in desk.calls] == [(days(11, 11).start, days(11, 11).end)]
    desk.now = NOW + timedelta(hours=1)
    desk.open(days(12, 0), refresh="opening")
    assert {(call.start, call.end) for call in desk.calls} == {
        (days(12, 12).start, days(12, 12).end), (days(1, 0).start, days(1, 0).end),
    }  # fmt: skip


def test_stale_fetches_whatever_may_still_grow(desk: Desk) -> None:
    desk.open(days(10, 0))
    desk.open(days(10, 0), desk.source().refreshing("stale"))
    assert [(call.start, call.end) for call in desk.calls] == [(days(1, 0).start, days(1, 0).end)]


NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def kept_at_noon(desk: Desk) -> TimeRange:
    """A day that was fetched when half of it was over; the service knew a little more than it should have by its clock."""
    day = days(0, 0)
    desk.now = NOON
    desk.open(day)
    desk.now = NOW
    return day


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"refresh": "none"}, "kept as of 2026-11-21 12:00 UTC, before it had ended"),
        ({"fault": Fault(Status("INTERNAL"), EXPORT)}, "INTERNAL"),
        ({"fault": Fault(Status("UNAUTHENTICATED"), EXPORT), "refresh": "opening"}, "the key was refused"),
    ],
)
def test_what_came_after_a_day_was_fetched_is_missing(desk: Desk, options: dict[str, Any], said: str) -> None:
    day = kept_at_noon(desk)
    desk.server.faults = Faults((options.pop("fault"),) if "fault" in options else ())
    got = desk.open(day, **options)
    assert same(got, desk.expected(TimeRange(day.start, NOON)))
    ((part, reason),) = desk.provenance.missing
    assert part == TimeRange(NOON, day.end)
    assert said in reason
    assert desk.open(TimeRange(day.start, NOON), **options).height == got.height
    assert desk.provenance.missing == ()


def test_what_is_missing_of_a_day_is_fetched_once_and_added_once(desk: Desk) -> None:
    day = kept_at_noon(desk)
    first = load(desk.source(refresh="none"), [day])
    ((part, _),) = first.provenance.missing
    again = load(desk.source().refreshing("stale"), [part], onto=first)
    assert same(again.ledger.events, desk.expected(day))
    assert again.provenance.missing == ()


def test_a_copy_does_not_answer_for_what_came_after_it_however_fresh(desk: Desk) -> None:
    desk.now = datetime(2026, 11, 21, 18, tzinfo=UTC)
    until = TimeRange(days(0, 0).start, desk.now)
    desk.open(until)
    desk.now += timedelta(minutes=10)
    for wanted, calls in (
        (until, 0),
        (replace(until, end=None), 0),
        (replace(until, end=days(0, 0).end), 0),
        (replace(until, end=desk.now), 1),
        (replace(until, end=desk.now), 0),
    ):
        assert same(desk.open(wanted), desk.expected(replace(wanted, end=wanted.end or desk.now)))
        assert len(desk.calls) == calls, wanted
        assert desk.provenance.missing == ()


def test_a_day_that_was_fetched_before_it_ended_is_fetched_when_its_range_is_opened(desk: Desk) -> None:
    day = kept_at_noon(desk)
    assert same(desk.open(day, refresh="opening"), desk.expected(day))
    assert len(desk.calls) == 1


def test_none_fetches_nothing_and_says_what_is_missing(desk: Desk) -> None:
    desk.open(days(10, 5))
    got = desk.open(days(12, 3), refresh="none")
    assert same(got, desk.expected(days(10, 5)))
    assert desk.calls == []
    assert [part for part, _ in desk.provenance.missing] == [days(12, 11), days(4, 3)]
    assert all("not in the archive" in reason for _, reason in desk.provenance.missing)
    offline = ArchivedSource(None, desk.archive, refresh="none", clock=lambda: NOW)
    assert same(desk.open(days(10, 5), offline), got)
    assert desk.provenance.kind == offline.kind == "archive"
    with pytest.raises(ValueError, match="nothing to fetch through"):
        ArchivedSource(None, desk.archive)


def test_a_clock_that_went_back_believes_no_fetch_from_the_future(desk: Desk) -> None:
    desk.now = NOW + timedelta(days=3650)
    desk.open(days(5, 0))
    assert set(desk.archive.day_states(LAST, LAST).values()) == {"have"}
    desk.now = NOW
    assert set(desk.archive.day_states(LAST, LAST).values()) == {"provisional"}
    desk.open(days(5, 0))
    assert len(desk.calls) == 1
    desk.open(days(5, 0))
    assert desk.calls == []


def test_a_day_that_grew_is_replaced_not_added_to(desk: Desk) -> None:
    class Growing:
        kind, label, needs_range, rows = "gateway", "gateway export", True, 1

        def batches(self, wanted: TimeRange, /, *, types: EventTypes, **_: Any) -> Iterator[Batch]:
            yield Batch(desk.server.expected(wanted, types=types).head(self.rows))

        def provenance(self) -> Provenance:
            return Provenance(self.kind, self.label)

    inner = Growing()
    assert desk.open(days(0, 0), inner=inner).height == 1
    inner.rows = 5
    desk.now += timedelta(hours=1)
    assert desk.open(days(0, 0), inner=inner).height == 5
    assert desk.open(days(0, 0), inner=inner, refresh="none").height == 5


# -- the bad days --------------------------------------------------------------------------------------------------------
def test_with_the_server_stopped_it_still_opens_and_says_how_old_it_is(tmp_path: Path) -> None:
    with DemoServer(2_000, end=LAST) as server:
        desk = Desk(server, tmp_path)
        expected = desk.open(server.range)
        wanted = server.range
    desk.now = NOW + timedelta(hours=3)
    assert same(desk.open(wanted), expected)
    assert desk.provenance.complete
    assert desk.provenance.fetched_at == NOW
    (note,) = desk.provenance.notes
    assert note.startswith("Nov 20 – Nov 21 2026: could not be fetched again (")
    assert "not reached" in note
    assert note.endswith("; kept as of 2026-11-22 09:30 UTC, may still grow")

    assert wanted.start is not None
    longer = replace(wanted, start=wanted.start - timedelta(days=10))
    assert same(desk.open(longer), expected)
    ((part, reason),) = desk.provenance.missing
    assert part == TimeRange(longer.start, wanted.start)
    assert "not reached" in reason
    with pytest.raises(errors.NetworkError):
        desk.open(TimeRange(longer.start, wanted.start))


MIDDLE = days(45, 45)
"""A day in the second of the three windows of the ninety days."""


@pytest.mark.parametrize("effect", [Status("INTERNAL"), Status("INVALID_ARGUMENT")])
def test_a_window_that_fails_is_missing_and_the_others_are_kept(desk: Desk, effect: Status) -> None:
    desk.server.faults = Faults((Fault(effect, EXPORT, window=MIDDLE),))
    got = desk.open(desk.server.range)
    ((part, reason),) = desk.provenance.missing
    assert effect.code in reason
    outside = (pl.col("start_time") < part.start) | (pl.col("start_time") >= part.end)
    assert same(got, desk.expected(desk.server.range).filter(outside))
    assert len(desk.kept) == 90 - 31

    desk.server.faults = Faults()
    again = desk.open(part)
    assert desk.calls == [part]
    assert same(pl.concat([got.cast(pl.String), again.cast(pl.String)]), desk.expected(desk.server.range).cast(pl.String))
    desk.open(desk.server.range)
    assert desk.calls == []


def test_what_is_fetched_again_later_makes_the_rest_no_younger(desk: Desk) -> None:
    desk.open(days(10, 0))
    desk.archive.drop([days(5, 5).start.date()])
    desk.now = NOW + timedelta(hours=6)
    desk.server.faults = Faults((Fault(Status("INTERNAL"), EXPORT),))
    first = load(desk.source(refresh="opening"), [days(10, 0)])
    ((part, reason),) = first.provenance.missing
    assert (part, first.provenance.kind) == (days(5, 5), "archive")
    assert "INTERNAL" in reason

    desk.now = NOW + timedelta(hours=7)
    desk.server.faults = Faults((Fault(Status("UNAUTHENTICATED"), EXPORT),))
    vain = load(desk.source().refreshing("stale"), [part], onto=first)
    ((missing, reason),) = vain.provenance.missing
    assert missing == part
    assert "the key was refused" in reason

    desk.now = NOW + timedelta(hours=8)
    desk.server.faults = Faults()
    whole = load(desk.source().refreshing("stale"), [part], onto=vain)
    assert same(whole.ledger.events, desk.expected(days(10, 0)))
    assert whole.provenance.missing == ()
    assert (whole.provenance.kind, whole.provenance.label) == ("gateway", "gateway export and archive")
    assert whole.provenance.fetched_at == NOW
    assert any("Nov 20 – Nov 21 2026: " in note and "may still grow" in note for note in whole.provenance.notes)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault(Status("UNAUTHENTICATED"), EXPORT), errors.SignInRefused),
        (Fault(Status("INTERNAL"), EXPORT), errors.ServiceError),
        (Fault(html(), DOWNLOAD), Exception),
    ],
)
def test_when_nothing_is_kept_and_nothing_can_be_had_that_is_raised(desk: Desk, fault: Fault, kind: type[Exception]) -> None:
    desk.server.faults = Faults((fault,))
    with pytest.raises(kind):
        desk.open(days(5, 0))
    assert [part for part, _ in desk.provenance.missing] == [days(5, 0)]
    assert desk.kept == []


def test_a_bad_line_over_every_day_ends_complete(desk: Desk) -> None:
    desk.server.faults = Faults(
        (Fault(Delay(0.01)), Fault(Reset(), share=0.05), Fault(Status("UNAVAILABLE"), EXPORT, share=0.05))
    )
    wanted = days(399, 0)
    for _ in range(9):  # a window may fail for good on such a line
        got = desk.open(wanted)
        if desk.provenance.complete:
            break
    assert same(got, desk.expected(wanted))
    assert len(desk.kept) == 400
    by_day = Counter(desk.open(wanted).get_column("start_time").dt.date().to_list())
    assert by_day == {on: kept.rows for on, kept in desk.archive.manifest().days.items() if kept.rows}
    assert desk.calls == []


def test_a_cancelled_fetch_keeps_the_windows_that_were_whole(desk: Desk) -> None:
    desk.server.faults = Faults((Fault(Hang("inside"), DOWNLOAD, window=MIDDLE),))

    def stop() -> None:
        while len(desk.kept) < 59:
            if stopping.wait(0.01):
                return
        desk.cancelled.set()

    stopping = threading.Event()
    watcher = threading.Thread(target=stop)
    watcher.start()
    try:
        with pytest.raises(errors.Cancelled):
            desk.open(desk.server.range)
    finally:
        stopping.set()
        watcher.join()
    assert len(desk.kept) == 59
    ((part, reason),) = desk.provenance.missing
    assert "cancelled" in reason
    desk.server.faults = Faults()
    desk.cancelled.clear()
    assert same(desk.open(desk.server.range), desk.expected(desk.server.range))
    assert desk.calls == [part]


def test_a_cancelled_refresh_shows_what_is_kept(desk: Desk) -> None:
    desk.open(days(5, 0))
    desk.server.faults = Faults((Fault(Hang(), EXPORT),))
    timer = threading.Timer(0.1, desk.cancelled.set)
    timer.start()
    loaded = load(desk.source(refresh="stale"), [days(5, 0)], cancelled=desk.cancelled)
    timer.join()
    assert loaded.cancelled
    assert loaded.ledger.events.height == desk.expected(days(5, 0)).height
    assert loaded.provenance.complete
    assert "could not be fetched again (cancelled" in loaded.provenance.notes[0]


def test_an_iterator_that_is_closed_keeps_what_was_whole(desk: Desk) -> None:
    desk.server.faults = Faults((Fault(Hang("inside"), DOWNLOAD, window=MIDDLE),))
    source = desk.source()
    batches = desk.batches(source, desk.server.range, EventTypes())
    next(batches)
    batches.close()  # type: ignore[attr-defined]
    assert len(desk.kept) in (28, 31, 59)
    assert not source.provenance().complete
    assert threads() == []


# -- an archive in trouble -----------------------------------------------------------------------------------------------
def damage(desk: Desk, on: date) -> Path:
    path = desk.archive.folder / desk.archive.manifest().days[on].file
    path.write_bytes(b"damaged")
    return path


def test_a_damaged_day_is_named_and_fetched_again(desk: Desk) -> None:
    desk.open(days(30, 10))
    middle = LAST - timedelta(days=20)
    path = damage(desk, middle)
    assert same(desk.open(days(30, 10)), desk.expected(days(30, 10)))
    assert desk.calls == [days(20, 20)]
    assert desk.provenance.complete
    assert any(str(path) in note and "set aside" in note for note in desk.provenance.notes)
    assert (path.parent / "damaged" / path.name).exists()
    desk.open(days(30, 10))
    assert desk.calls == []
    assert desk.provenance.notes == ()


@pytest.mark.parametrize("offline", [False, True])
def test_a_damaged_day_that_cannot_be_fetched_is_missing(desk: Desk, offline: bool) -> None:
    desk.open(days(30, 10))
    damage(desk, LAST - timedelta(days=20))
    desk.server.faults = Faults((Fault(Status("UNAVAILABLE"), EXPORT),))
    desk.open(days(30, 10), refresh="none" if offline else "missing")
    ((part, reason),) = desk.provenance.missing
    assert part == days(20, 20)
    assert ("damaged" if offline else "not reached") in reason


def test_a_damaged_day_that_may_still_grow_is_missing_when_it_cannot_be_fetched(desk: Desk) -> None:
    desk.open(days(3, 0))
    damage(desk, LAST)
    desk.server.faults = Faults((Fault(Status("UNAVAILABLE"), EXPORT),))
    got = desk.open(days(3, 0), refresh="stale")
    assert same(got, desk.expected(days(3, 1)))
    assert [part for part, _ in desk.provenance.missing] == [days(0, 0)]


@pytest.mark.parametrize("offline", [False, True])
def test_a_day_that_cannot_be_read_now_is_a_damage_of_its_own(desk: Desk, offline: bool) -> None:
    desk.open(days(10, 3))
    kept = desk.archive.manifest().days[days(5, 5).start.date()]
    file = desk.archive.folder / kept.file
    aside = file.rename(file.with_name("elsewhere"))
    file.mkdir()  # an error that is not that it is gone, and binds root as well
    got = desk.open(days(10, 3), refresh="none" if offline else "missing")
    if offline:
        assert [part for part, _ in desk.provenance.missing] == [days(5, 5)]
        assert same(got, desk.expected(days(10, 3)).filter(pl.col("start_time").dt.date() != days(5, 5).start.date()))
        file.rmdir()
        aside.rename(file)
        assert same(desk.open(days(10, 3), refresh="none"), desk.expected(days(10, 3))), "it was sound, and stayed"
    else:
        assert same(got, desk.expected(days(10, 3)))
        assert desk.calls == [days(5, 5)]
    (verified,) = Archive(desk.archive.root).verify()
    assert verified[1] == []


def test_a_damaged_manifest_starts_the_archive_anew(desk: Desk) -> None:
    desk.open(days(5, 0))
    (desk.archive.folder / MANIFEST).write_bytes(b"{}")
    assert same(desk.open(days(5, 0)), desk.expected(days(5, 0)))
    assert len(desk.calls) == 1
    assert any("moved to" in note for note in desk.provenance.notes)
    assert len(desk.kept) == 6


@pytest.mark.parametrize("trouble", ["layout", "file"])
def test_an_archive_that_cannot_be_used_is_a_note(desk: Desk, trouble: str) -> None:
    if trouble == "layout":
        desk.open(days(5, 0))
        path = desk.archive.folder / MANIFEST
        path.write_bytes(path.read_bytes().replace(b'"fwbill archive": 1', b'"fwbill archive": 2'))
    else:
        desk.archive.root.write_text("in the way")
    assert same(desk.open(days(5, 0)), desk.expected(days(5, 0)))
    assert "kept" in desk.provenance.notes[0]
    assert desk.provenance.kind == "gateway"
    with pytest.raises(errors.StorageError, match="archive"):
        desk.open(days(5, 0), refresh="none")


def test_usage_is_shown_when_the_disk_is_full(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    assert same(desk.open(days(5, 0)), desk.expected(days(5, 0)))
    assert any("the disk is full" in note for note in desk.provenance.notes)
    monkeypatch.undo()
    assert desk.kept == []


# -- rows that could not be read, and rows of other days -----------------------------------------------------------------
class Scripted:
    """A source whose batches a test makes up; it knows nothing of windows."""

    kind, label, needs_range = "firectl", "firectl", True

    def __init__(self, make: Callable[[TimeRange, EventTypes], list[Batch]], *missing: tuple[TimeRange, str]) -> None:
        self.make, self.missing = make, missing

    def batches(self, wanted: TimeRange, /, *, types: EventTypes, **_: Any) -> Iterator[Batch]:
        yield from self.make(wanted, types)

    def provenance(self) -> Provenance:
        return Provenance(self.kind, self.label, missing=self.missing)


def test_rows_that_could_not_be_read_are_told_every_time(desk: Desk) -> None:
    reject = Reject("export", 17, "prompt_tokens", "not a whole number: '1.5'", "a,b,1.5")
    inner = Scripted(lambda wanted, types: [Batch(desk.server.expected(wanted, types=types), (reject,))])
    for _ in range(2):
        assert same(desk.open(days(9, 5), inner=inner), desk.expected(days(9, 5)))
        assert desk.rejects == [reject]
    desk.open(days(7, 7), inner=inner)
    assert desk.rejects == [reject]


def test_rows_that_could_not_be_read_are_told_once_where_some_of_their_days_could_not_be_fetched_again(desk: Desk) -> None:
    def unreachable(wanted: TimeRange, types: EventTypes) -> list[Batch]:
        raise errors.make(errors.NetworkError, "accounts at 127.0.0.1", "not reached")

    reject = Reject("export", 17, "prompt_tokens", "not a whole number: '1.5'", "a,b,1.5")
    desk.open(days(5, 0), inner=Scripted(lambda wanted, types: [Batch(desk.server.expected(wanted, types=types), (reject,))]))
    desk.now += timedelta(hours=2)
    assert same(desk.open(days(5, 0), inner=Scripted(unreachable)), desk.expected(days(5, 0)))
    assert "could not be fetched again" in desk.provenance.notes[0]
    assert desk.rejects == [reject]


def test_days_of_which_much_could_not_be_read_are_not_kept(desk: Desk) -> None:
    rejects = tuple(Reject("export", line, None, "5 fields", "") for line in range(201))
    inner = Scripted(lambda wanted, types: [Batch(desk.server.expected(wanted, types=types), rejects)])
    assert same(desk.open(days(9, 5), inner=inner), desk.expected(days(9, 5)))
    assert desk.kept == []
    assert "too many" in desk.provenance.notes[0]


def test_events_of_other_days_are_left_to_their_own_days(desk: Desk) -> None:
    inner = Scripted(lambda wanted, types: [Batch(desk.server.expected(days(12, 4), types=types))])
    for _ in range(2):
        assert same(desk.open(days(9, 5), inner=inner), desk.expected(days(9, 5)))
        assert any("left to their own days" in note for note in desk.provenance.notes)
    assert len(desk.kept) == 5


def test_a_source_that_fails_in_the_middle_of_a_day_keeps_whole_days(desk: Desk) -> None:
    def make(wanted: TimeRange, types: EventTypes) -> list[Batch]:
        return [Batch(desk.server.expected(replace(wanted, end=torn.start), types=types))]

    end = days(5, 5)
    assert end.start is not None
    torn = TimeRange(end.start - timedelta(hours=6), end.end)
    got = desk.open(days(9, 5), inner=Scripted(make, (torn, "the line broke")))
    assert same(got, desk.expected(days(9, 7)))
    assert desk.provenance.missing == ((days(6, 5), "the line broke"),)
    assert len(desk.kept) == 3


def test_nothing_is_kept_of_the_future(desk: Desk) -> None:
    desk.open(TimeRange(NOW - timedelta(days=1), NOW))
    source = desk.source()
    assert source.kept(TimeRange(NOW - timedelta(hours=1))) == "all"
    assert source.kept(TimeRange(NOW + timedelta(hours=1))) == "none"
