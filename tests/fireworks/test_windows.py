from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fwbill_tui.fireworks.windows import LONGEST, closed, cut
from fwbill_tui.usage.query import TimeRange

times = st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive
spans = st.timedeltas(timedelta(microseconds=1), timedelta(days=800))


@given(times, spans, st.integers(1, 40))
def test_windows_tile_the_range_exactly(start: datetime, span: timedelta, days: int) -> None:
    longest = timedelta(days=days)
    windows = cut(TimeRange(start, start + span), longest)
    assert windows[0].start == start
    assert windows[-1].end == start + span
    for one, next_one in itertools.pairwise(windows):
        assert one.end == next_one.start
        assert one.end is not None
        assert one.end.timetz().replace(tzinfo=None) == datetime.min.time()
    for window in windows:
        assert window.start is not None
        assert window.end is not None
        assert timedelta(0) < window.end - window.start <= longest
    assert len(windows) <= span / longest + 2  # no more calls than need be: inner windows are full


def test_what_one_call_takes_is_one_window() -> None:
    start = datetime(2026, 10, 1, 5, 30, tzinfo=UTC)
    assert cut(TimeRange(start, start + LONGEST)) == [TimeRange(start, start + LONGEST)]
    longer = cut(TimeRange(start, start + LONGEST + timedelta(microseconds=1)))
    assert [window.end for window in longer] == [datetime(2026, 11, 1, tzinfo=UTC), start + LONGEST + timedelta(microseconds=1)]


def test_open_edges_are_closed_as_the_service_has_it() -> None:
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    end = datetime(2026, 11, 1, tzinfo=UTC)
    assert closed(TimeRange(), now) == TimeRange(now - timedelta(hours=24), now)
    assert closed(TimeRange(end=end), now) == TimeRange(end - timedelta(hours=24), end)
    assert closed(TimeRange(start=end), now) == TimeRange(end, now)


@pytest.mark.parametrize("wanted", [TimeRange(), TimeRange(start=datetime(2026, 1, 1, tzinfo=UTC))])
def test_an_open_range_is_not_cut(wanted: TimeRange) -> None:
    with pytest.raises(ValueError, match="closed"):
        cut(wanted)
