"""The line on top, and the one for what must not be overlooked and what is good to know."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from textual.app import App, ComposeResult

from fwbill_tui.tui.widgets.status import NoticeLine, Standing, StatusLine

RANGE, NEW_YORK = "Oct 28 – Nov 26 2026 · UTC", "Nov 25 2026 08:00 – Nov 26 2026 09:30 · America/New_York"


class Lined(App[None]):
    def compose(self) -> ComposeResult:
        yield StatusLine()
        yield NoticeLine()


@pytest.mark.parametrize(
    ("width", "standing", "shown"),
    [
        (
            120,
            Standing("acme-prod", RANGE, 20_000, "gateway export"),
            f"fwbill   acme-prod   {RANGE}   20,000 events   gateway export, 2 min ago",
        ),
        (
            80,
            Standing("acme-prod", RANGE, 20_000, "gateway export"),
            f"acme-prod  {RANGE}  20,000 events  gateway export, 2 min ago",
        ),
        (
            80,
            Standing("acme-prod", RANGE, 1_000_000, "REST usage by day and archive"),
            f"acme-prod  {RANGE}  REST by day and archive, 2 min",
        ),
        (80, Standing("acme-prod", NEW_YORK, 20_000, "gateway export"), f"acme…  {NEW_YORK}  gateway, 2 min"),
        (
            80,
            Standing("", RANGE, 8_503, "a-very-long-name-of-a-file.csv and 3 more files"),
            f"{RANGE}  a-very-long-name-of-a-file.csv and 3 more f…, 2 min",
        ),
    ],
)
async def test_what_is_on_show_keeps_account_range_source_and_age(width: int, standing: Standing, shown: str) -> None:
    async with Lined().run_test(size=(width, 3)) as pilot:
        line = pilot.app.query_one(StatusLine)
        line.standing = standing._replace(fetched_at=datetime.now(UTC) - timedelta(seconds=150))
        await pilot.pause()
        assert line.render_line(0).text.strip() == shown
        assert line.render_line(0).cell_length == width


@pytest.mark.parametrize(
    ("width", "notices", "notes", "shown"),
    [
        (60, (), ("kept as of 12:00",), "ℹ kept as of 12:00"),
        (60, ("2 rows could not be read",), ("kept as of 12:00",), "⚠ 2 rows could not be read   ℹ kept as of 12:00"),
        (34, ("2 rows could not be read",), ("kept as of 12:00",), "⚠ 2 rows could not be read"),
        (21, ("2 rows could not be read",), (), "⚠ 2 rows could not…"),
        (40, (), ("a" * 60,), "ℹ " + "a" * 35 + "…"),
    ],
)
async def test_what_presses_comes_first(width: int, notices: tuple[str, ...], notes: tuple[str, ...], shown: str) -> None:
    async with Lined().run_test(size=(width, 3)) as pilot:
        line = pilot.app.query_one(NoticeLine)
        assert not line.display
        line.notices, line.notes = notices, notes
        await pilot.pause()
        assert line.display
        strip = line.render_line(0)
        assert strip.text.rstrip() == shown
        assert strip.cell_length == line.size.width
