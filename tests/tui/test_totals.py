"""The totals panel in terminals of every width."""

from __future__ import annotations

import re

import pytest
from textual.app import App, ComposeResult

from fwbill_tui.tui.bars import percent
from fwbill_tui.tui.widgets.totals import TotalsPanel
from fwbill_tui.usage.answers import Totals

TOTALS = Totals(
    events=100_000,
    prompt_tokens=798_765_432,
    completion_tokens=36_812_345,
    cached_prompt_tokens=215_000_000,
    accelerator_seconds=9_196_560.0,
)


class Panelled(App[None]):
    def compose(self) -> ComposeResult:
        yield TotalsPanel()


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (120, "prompt 798,765,432 (27% cached)  completion 36,812,345  total 835,577,777  GPU 2,554.6 h"),
        (80, "prompt 799 M (27% cached)  completion 36.8 M  total 836 M  GPU 2,554.6 h"),
        (66, "prompt 799 M  completion 36.8 M  total 836 M  GPU 2,554.6 h"),
        (50, "prompt 799 M  completion 36.8 M  total 836 M"),
        (30, "total 836 M"),
    ],
)
async def test_a_number_is_never_cut(width: int, shown: str) -> None:
    async with Panelled().run_test(size=(width, 4)) as pilot:
        panel = pilot.app.query_one(TotalsPanel)
        panel.totals = panel.whole = TOTALS
        await pilot.pause()
        line = panel.render_line(1)
        assert line.cell_length == width
        assert re.sub(r"\s+$", "", line.text).strip() == shown


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [
        (1, 3, "33%"),
        (4_983, 5_000, ">99%"),
        (5_000, 5_000, "100%"),
        (0, 5, "0%"),
        (960, 1_000_000, "<1%"),
        (-1, 1_000, "0%"),
        (1, 0, ""),
    ],
)
def test_some_is_never_nothing_and_not_all_is_never_all(part: int, whole: int, shown: str) -> None:
    assert percent(part, whole) == shown
