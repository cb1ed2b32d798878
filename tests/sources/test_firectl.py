"""An account's usage read through a stand-in for firectl."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from left_behind import threads

from fwbill_tui.demo.generator import Plan
from fwbill_tui.fireworks import errors
from fwbill_tui.fireworks.credentials import Credential
from fwbill_tui.fireworks.retry import RetryPolicy
from fwbill_tui.sources.firectl import FirectlSource
from fwbill_tui.sources.loading import NoRoomForLabels, load
from fwbill_tui.usage.names import COLUMNS
from fwbill_tui.usage.query import TimeRange

QUICK = RetryPolicy(first=0.002, first_when_limited=0.002, longest=0.01)


@pytest.fixture(scope="module")
def plan() -> Plan:
    return Plan(2_000, end=date(2026, 11, 22))


@pytest.fixture
def source(firectl: Any, plan: Plan, tmp_path: Path) -> Iterator[Callable[..., FirectlSource]]:
    plan.write_csv(firectl.program.with_name("events.csv"))
    workspace = tmp_path / "workspace"
    workspace.mkdir()

    def make(**options: Any) -> FirectlSource:
        environ = {"PATH": "/usr/bin:/bin", "FWBILL_FIRECTL": str(firectl.program)}
        options = {"environ": environ, "policy": QUICK, "workspace": workspace} | options
        return FirectlSource(Credential.pasted("fw_canaryCANARY"), options.pop("account", "acme-prod"), **options)

    yield make
    assert list(workspace.iterdir()) == []
    assert threads() == []


def same(got: pl.DataFrame, expected: pl.DataFrame) -> bool:
    texts = [frame.select(pl.all().cast(pl.String)) for frame in (got, expected)]
    return texts[0].sort(texts[0].columns).equals(texts[1].sort(texts[1].columns))


def test_a_range_of_many_windows_is_what_the_account_used(firectl: Any, plan: Plan, source: Any) -> None:
    one = source()
    loaded = load(one, [plan.range])
    assert same(loaded.ledger.events, plan.events())
    provenance = loaded.provenance
    assert (provenance.kind, provenance.label, provenance.grain) == ("firectl", "firectl export", "event")
    assert provenance.complete
    assert provenance.notes == ()
    assert len(firectl.calls) == 3


def test_parts_of_days_are_cut_from_whole_ones(plan: Plan, source: Any) -> None:
    assert plan.range.end is not None
    wanted = TimeRange(plan.range.end - timedelta(days=31, hours=7), plan.range.end - timedelta(hours=5))
    loaded = load(source(), [wanted])
    assert same(loaded.ledger.events, plan.events(wanted))
    assert loaded.provenance.notes == ()


def test_the_older_spelling_is_used_for_all_windows(firectl: Any, plan: Plan, source: Any) -> None:
    firectl.behave(spelling=["export", "billing-metrics"])
    assert load(source(workers=1), [plan.range]).ledger.events.height == 2_000
    assert len(firectl.calls) == 4


def test_a_window_that_fails_alone_is_named(firectl: Any, plan: Plan, source: Any) -> None:
    firectl.behave(failures=1, says="panic: out of luck")
    one = source(workers=1)
    loaded = load(one, [plan.range])
    ((window, reason),) = loaded.provenance.missing
    assert "out of luck" in reason
    again = load(one, [window], onto=loaded)
    assert same(again.ledger.events, plan.events())


def test_a_window_fetched_again_with_very_many_labels_asks_for_the_whole_range(firectl: Any, plan: Plan, source: Any) -> None:
    firectl.behave(failures=1, says="panic: out of luck")
    one = source(workers=1)
    loaded = load(one, [plan.range])
    ((window, _),) = loaded.provenance.missing
    with firectl.program.with_name("events.csv").open("a") as events:
        blank = dict.fromkeys(COLUMNS, "") | {"start_time": f"{window.start:%Y-%m-%d %H:%M:%S} UTC", "usage_type": "T"}
        for number in range(66_000):
            events.write(",".join((blank | {"base_model_name": f"m{number}"}).values()) + "\n")
    with pytest.raises(NoRoomForLabels) as refused:
        load(one, [window], onto=loaded)
    assert str(refused.value).startswith("more than 65,000 different labels in base_model_name")
    assert "\n" not in str(refused.value)
    assert load(one, [plan.range]).ledger.event_count == 68_000


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        ({"part": 0.5}, errors.UnexpectedAnswer),
        ({"killed": True}, errors.ToolFailed),
        ({"account": "other"}, errors.NoPermission),
    ],
)
def test_when_nothing_could_be_had_that_is_an_error(
    firectl: Any, plan: Plan, source: Any, behaviour: dict[str, Any], kind: type[Exception]
) -> None:
    plan.write_csv(firectl.program.with_name("events.csv"), TimeRange(datetime(2026, 11, 1, tzinfo=UTC), None))
    firectl.behave(**behaviour)
    with pytest.raises(kind):
        load(source(), [TimeRange(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC))])


def test_a_cancel_ends_all_of_them(firectl: Any, plan: Plan, source: Any) -> None:
    firectl.behave(hangs=True)
    cancelled = threading.Event()
    timer = threading.Timer(0.5, cancelled.set)
    timer.start()
    loaded = load(source(), [plan.range], cancelled=cancelled)
    timer.join()
    assert loaded.cancelled
    assert len(loaded.provenance.missing) == 3
