"""The edges of a chart, named in the same words on every system."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Literal

import pytest

from fwbill_tui.tui.widgets.chart import _Plot
from fwbill_tui.usage.answers import Series


class StrangeDay(date):
    """A day on a system with months of its own, and without `%-d`, as Windows."""

    def strftime(self, form: str, /) -> str:
        if "%-" in form:
            raise ValueError("Invalid format string")
        return super().strftime(form.replace("%b", "marraskuu"))


class StrangeHour(StrangeDay, datetime):
    """An hour there."""


DAYS = (StrangeDay(2026, 10, 5), StrangeDay(2026, 11, 20))
HOURS = (StrangeHour(2026, 10, 5, 9, tzinfo=UTC), StrangeHour(2026, 10, 5, 23, tzinfo=UTC))


@pytest.mark.parametrize(
    ("unit", "edges", "said"), [("day", DAYS, ["Oct 5", "Nov 20"]), ("hour", HOURS, ["Oct 5 09:00", "Oct 5 23:00"])]
)
def test_the_edges_are_named_in_the_same_words_everywhere(
    unit: Literal["day", "hour"], edges: tuple[date, date], said: list[str]
) -> None:
    starts = (*edges[:1] * 29, edges[1])
    series = Series(unit, "events", "base_model_name", starts, ("kimi-k3",), ((1.0,) * 30,))
    assert re.split(r"\s{2,}", _Plot(series, 60, 4).feet()) == said
