"""The manifest says what was written or is refused; it is never misread."""

from __future__ import annotations

import hashlib
import json
import random
from datetime import UTC, date, datetime, timedelta

import pytest
from archive_support import ACCOUNT, HOST, NOW, day
from hypothesis import given, settings
from hypothesis import strategies as st

from fwbill_tui.archive.errors import ArchiveError, ArchiveLayoutError, DamagedManifestError
from fwbill_tui.archive.manifest import FORMAT, Day, Fetch, Manifest, read_manifest, start_of, write_manifest
from fwbill_tui.usage.schema import Reject

REJECTS = st.builds(
    Reject, st.text(), st.integers(0, 10**9), st.none() | st.text(max_size=20), st.text(max_size=50), st.text(max_size=50)
)
FETCHES = st.builds(
    Fetch,
    st.text("0123456789abcdef", min_size=12, max_size=12),
    st.sampled_from(["gateway", "firectl", "demo"]),
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)).map(lambda at: at.replace(microsecond=0)),  # noqa: DTZ001
    st.lists(REJECTS, max_size=3).map(tuple),
    st.integers(0, 10**6),
)


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    fetches = draw(st.lists(FETCHES, min_size=1, max_size=3, unique_by=lambda fetch: fetch.key))
    days = {}
    for on in draw(st.sets(st.dates(date(1970, 1, 1), date(2999, 1, 1)), max_size=5)):
        kept = Day(on, draw(st.sampled_from(fetches)), 0)
        if draw(st.booleans()):
            further = tuple(draw(st.lists(st.text(max_size=9), max_size=2)))
            kept = Day(on, kept.fetch, draw(st.integers(1, 10**9)), f"{on}.{'0f' * 8}.parquet", 99, "ab" * 32, further)
        days[on] = kept
    return Manifest(HOST, ACCOUNT, days)


@settings(deadline=None)
@given(manifests())
def test_what_is_written_is_read_back(manifest: Manifest) -> None:
    assert read_manifest(write_manifest(manifest), name="it") == manifest


@settings(deadline=None)
@given(manifests(), st.randoms(use_true_random=False), st.integers(1, 255))
def test_a_changed_byte_is_never_believed(manifest: Manifest, chance: random.Random, change: int) -> None:
    data = bytearray(write_manifest(manifest))
    data[chance.randrange(len(data))] ^= change
    try:
        read = read_manifest(bytes(data), name="it")
    except ArchiveError:
        return
    assert read == manifest  # white space was changed, or the case of a letter in \u00e9


@settings(deadline=None)
@given(manifests(), st.floats(0, 1, exclude_max=True))
def test_a_cut_manifest_is_damaged(manifest: Manifest, share: float) -> None:
    data = write_manifest(manifest)
    with pytest.raises(DamagedManifestError, match="it is damaged"):
        read_manifest(data[: int(len(data) * share)], name="it")


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"[" * 100_000, b'{"days": {}}', b"\xff\xfe", b'{"fwbill archive": "1"}'])
def test_something_else_is_damaged(data: bytes) -> None:
    with pytest.raises(DamagedManifestError):
        read_manifest(data, name="it")


@pytest.mark.parametrize(("layout", "said"), [(FORMAT + 1, "newer fwbill"), (FORMAT - 1, "older fwbill"), (-5, "older fwbill")])
def test_another_layout_is_refused_in_words(layout: int, said: str) -> None:
    document = json.loads(write_manifest(Manifest(HOST, ACCOUNT))) | {"fwbill archive": layout}
    with pytest.raises(ArchiveLayoutError, match=said) as caught:
        read_manifest(json.dumps(document).encode(), name="/data/manifest.json")
    assert "/data/manifest.json" in str(caught.value)


def test_days_that_an_older_version_kept_as_sums_are_not_there() -> None:
    """They were cut in UTC whatever the query's zone, and nobody said so when they were read again."""
    sums, events = Fetch("1", "rest", NOW), Fetch("2", "gateway", NOW)
    written = write_manifest(Manifest(HOST, ACCOUNT, {day(0): Day(day(0), sums, 0), day(1): Day(day(1), events, 0)}))
    document = json.loads(written)
    document["content"]["fetches"]["1"]["grain"] = "day"
    plain = json.dumps(document["content"], sort_keys=True, separators=(",", ":")).encode()
    document["sha256"] = hashlib.sha256(plain).hexdigest()
    assert set(read_manifest(json.dumps(document).encode(), name="it").days) == {day(1)}


@pytest.mark.parametrize("file", ["../../etc/passwd", "/etc/passwd", "manifest.json", "2026-10-01.parquet", ".", "a\0b"])
def test_a_file_name_that_is_not_ours_is_never_touched(file: str) -> None:
    manifest = Manifest(HOST, ACCOUNT, {day(0): Day(day(0), Fetch("1", "gateway", NOW), 1, file, 1, "")})
    with pytest.raises(DamagedManifestError, match="not a file of ours"):
        read_manifest(write_manifest(manifest), name="it")


def state(on: date, fetched_at: datetime, now: datetime) -> str:
    return Day(on, Fetch("1", "gateway", fetched_at), 0).state(now)


def test_a_day_is_final_when_it_was_fetched_two_days_after_its_end() -> None:
    settled = start_of(day(0)) + timedelta(days=3)
    assert state(day(0), settled, settled) == "have"
    assert state(day(0), settled, settled + timedelta(days=900)) == "have"
    assert state(day(0), settled - timedelta(seconds=1), settled + timedelta(days=900)) == "provisional"
    assert state(day(0), start_of(day(0)), settled) == "provisional"


def test_a_fetch_from_the_future_proves_nothing() -> None:
    """The clock was ahead when the day was fetched, or has been put back since."""
    fetched_at = start_of(day(30))
    assert state(day(0), fetched_at, fetched_at - timedelta(days=1)) == "provisional"
    assert state(day(0), fetched_at, fetched_at - timedelta(minutes=4)) == "have"
    assert state(day(0), fetched_at, fetched_at) == "have"
