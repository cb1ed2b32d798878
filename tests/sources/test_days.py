"""Which day a row that could not be read may be of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from fwbill_tui.sources.days import may_start_in
from fwbill_tui.usage.query import TimeRange
from fwbill_tui.usage.row_reader import REJECTED_TEXT
from fwbill_tui.usage.schema import Reject

START = datetime(2026, 10, 17, tzinfo=UTC)
DAY = TimeRange(START, START + timedelta(days=1))


@pytest.mark.parametrize(
    ("text", "column", "line", "may"),
    [
        ("ana@x,2026-10-17 23:59:59 UTC,TEXT,x", "prompt_tokens", 2, True),
        ("ana@x,2026-10-18 00:00:00 UTC,TEXT,x", "prompt_tokens", 2, False),
        ("2026-10-17 00:00:00.5,TEXT,x", "prompt_tokens", 2, True),
        ("2026-10-16T23:00:00-05:30,TEXT", None, 2, True),
        ("2026-10-17T23:00:00Z,TEXT", None, 2, True),
        ("2026-10-17 02:00:00 +0300,TEXT", None, 2, False),
        ("2026-10-16 23:00:00 UTC,2026-10-17 01:00:00 UTC,GPU,x", "accelerator_seconds", 2, True),  # which is its start?
        ("2026-10-16 23:00:00 UTC,2026-10-16 01:00:00 UTC,GPU,x", "accelerator_seconds", 2, False),
        ("never,2026-10-18 23:00:00 UTC,TEXT", "start_time", 2, True),
        ("2026-02-30 23:00:00 UTC,TEXT", None, 2, True),
        ("2026-10-18,TEXT,x", "prompt_tokens", 2, True),
        ("", None, 2, True),
        ("2026-10-18 00:00:00 UTC" + "x" * REJECTED_TEXT, None, 2, True),
        ("2026-10-18 00:00:00 UTC", None, 0, True),
    ],
)
def test_a_row_is_left_to_other_days_only_where_that_is_sure(text: str, column: str | None, line: int, may: bool) -> None:
    assert may_start_in(Reject("export", line, column, "no", text[:REJECTED_TEXT]), DAY) is may
