"""The ways in, and what is kept of them."""

from __future__ import annotations

import os
import threading
from contextlib import ExitStack
from datetime import UTC, date, datetime, tzinfo

import pytest

from fwbill_tui.archive.archive import Archive, archive_folder
from fwbill_tui.archive.manifest import Fetch
from fwbill_tui.sources.launch import Launch
from fwbill_tui.tui.entrance import check_with_archive, demo_doorway, with_range
from fwbill_tui.usage.query import Query, TimeRange
from fwbill_tui.usage.schema import EventTypes

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def keep(*hosts: str) -> Archive:
    """The archive of whoever runs this, with a day without usage at each of the hosts."""
    archive = Archive(archive_folder(os.environ))
    for host in hosts:
        nothing = EventTypes().frame_schema().to_frame()
        archive.account(host, "acme-prod").store(Fetch("0" * 12, "gateway", NOW), [(date(2026, 11, 1), nothing)])
    return archive


def test_a_demo_drops_what_is_kept_of_other_demos_alone() -> None:
    others = ["api.fireworks.ai", "demo", "demo-1000.corp.example", "demo-9-2026-11-01.corp", "demo.fireworks.corp.example"]
    archive = keep(*others, "demo-1000-2026-11-01", "demo-5-2026-11-02.invalid")
    with ExitStack() as stack:
        host = demo_doorway(1000, stack).archive_host
    assert host is not None
    assert host.endswith(".invalid")
    assert [kept.host for kept in archive.accounts()] == sorted(others)
    keep(host)
    with ExitStack() as stack:
        assert demo_doorway(1000, stack).archive_host == host
    assert [kept.host for kept in archive.accounts()] == sorted([*others, host])


def test_the_first_range_ends_with_the_day_of_the_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    class Evening(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Evening:
            return cls(2026, 11, 21, 20, tzinfo=tz)

    monkeypatch.setattr("fwbill_tui.tui.entrance.datetime", Evening)
    for zone, end in (("UTC", datetime(2026, 11, 22, tzinfo=UTC)), ("Asia/Tokyo", datetime(2026, 11, 22, 15, tzinfo=UTC))):
        assert with_range(Query(time_zone=zone)).range.end == end


def test_the_service_is_asked_about_a_key_where_the_range_is_still_to_come() -> None:
    keep("api.fireworks.ai")
    launch = Launch(query=Query(range=TimeRange(datetime(2999, 1, 1, tzinfo=UTC))))
    with ExitStack() as stack:
        doorway = demo_doorway(1000, stack)
        check = check_with_archive(doorway, launch, lambda _: None)
        accounts = check(doorway.credentials[0]._replace(account_id="acme-prod"), threading.Event(), lambda *_: None)
    assert "acme-prod" in [account.id for account in accounts]
