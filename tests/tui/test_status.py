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
            76,
            Standing("acme-prod", RANGE, 20_000, "gateway export"),
            f"acme-prod  {RANGE}  20,000 events  gateway, 2 min ago",
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
        (34, ("2 rows could not be read",), ("kept as of 12:00",), "⚠ 2 rows could not be read|ℹ kept as of 12:00"),
        (21, ("2 rows could not be read",), (), "⚠ 2 rows could not|be read"),
        (40, (), ("a" * 60,), "ℹ|" + "a" * 38 + "|" + "a" * 22),
        (
            30,
            ("eins zwei drei vier fünf sechs " * 5,),
            (),
            "⚠ eins zwei drei vier fünf|sechs eins zwei drei vier|fünf sechs eins zwei drei…",
        ),
        (20, ("你" * 12,), (), "⚠|" + "你" * 9 + "|" + "你" * 3),
    ],
)
async def test_what_presses_comes_first(width: int, notices: tuple[str, ...], notes: tuple[str, ...], shown: str) -> None:
    async with Lined().run_test(size=(width, 12)) as pilot:
        line = pilot.app.query_one(NoticeLine)
        assert not line.display
        line.notices, line.notes = notices, notes
        await pilot.pause()
        assert line.display
        strips = [line.render_line(y) for y in range(line.size.height)]
        assert [strip.text.rstrip() for strip in strips] == shown.split("|")
        assert {strip.cell_length for strip in strips} == {line.size.width}
        line.notices, line.notes = ("short",), ()
        await pilot.pause()
        assert line.size.height == 1


async def test_a_tall_screen_shows_more_of_a_long_notice() -> None:
    async with Lined().run_test(size=(30, 36)) as pilot:
        line = pilot.app.query_one(NoticeLine)
        line.notices = ("eins zwei drei vier fünf sechs " * 5,)
        await pilot.pause()
        assert line.size.height == 6
        assert "…" not in "".join(line.render_line(y).text for y in range(6))
