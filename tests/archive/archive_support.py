"""What the tests of the archive share: small typed frames, and looks at an archive that believe nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from fwbill_tui.archive.account import MANIFEST, AccountArchive
from fwbill_tui.archive.archive import Archive
from fwbill_tui.archive.manifest import Fetch
from fwbill_tui.usage.names import COLUMNS
from fwbill_tui.usage.schema import EventTypes

FIRST = date(2026, 10, 1)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOST, ACCOUNT = "api.fireworks.ai", "acme-prod"

Row = tuple[date, int, str | None, int | None]
"""Day, second of the day, model, prompt tokens."""


TYPES = EventTypes()


def day(number: int) -> date:
    """The first day of the tests, or one so many days later."""
    return FIRST + timedelta(days=number)


def frame(rows: Iterable[Row], types: EventTypes | None = None) -> pl.DataFrame:
    """Events as a source gives them."""
    types = types or TYPES
    rows = list(rows)
    starts = [datetime(on.year, on.month, on.day, tzinfo=UTC) + timedelta(seconds=second) for on, second, _, _ in rows]
    values: dict[str, list[object]] = {column: [None] * len(rows) for column in COLUMNS}
    values |= {"start_time": list(starts), "end_time": list(starts), "usage_type": ["TEXT_COMPLETION"] * len(rows)}
    values |= {"base_model_name": [row[2] for row in rows], "prompt_tokens": [row[3] for row in rows]}
    return pl.DataFrame(values, schema=types.frame_schema())


def version(on: date, number: int, rows: int = 20) -> pl.DataFrame:
    """What fetch `number` gets for a day; every row says so. Identical rows are among them."""
    return frame((on, second // 2, f"model-{second % 3}", number) for second in range(rows))


def fetch(number: int = 1, *, at: datetime = NOW, source: str = "gateway") -> Fetch:
    """A fetch a few seconds after the one before."""
    return Fetch(f"{number:012x}", source, at + timedelta(seconds=number))


def an_archive(root: Path, *, now: datetime = NOW + timedelta(days=1), account: str = ACCOUNT) -> AccountArchive:
    """The archive of one account, by a clock that stands still."""
    return Archive(root, clock=lambda: now).account(HOST, account)


def texts(events: pl.DataFrame) -> pl.DataFrame:
    """The events as text, sorted, to be compared whatever their types and order."""
    plain = events.select(pl.all().cast(pl.String))
    return plain.sort(plain.columns)


def contents(archive: AccountArchive, types: EventTypes | None = None) -> dict[date, pl.DataFrame]:
    """Every kept day with its events, read as anybody would. Damage is an error."""
    manifest = archive.manifest()
    found: dict[date, pl.DataFrame] = {}
    days = [manifest.days[on] for on in sorted(manifest.days)]
    for part in archive.read(days, types or EventTypes()):
        assert part.damaged == ()
        dates = part.events.get_column("start_time").dt.date()
        assert dates.is_sorted()
        for each in part.days:
            events = part.events.filter(dates == each.date)
            assert events.height == each.rows
            found[each.date] = events
    assert list(found) == sorted(manifest.days)
    return found


def same(found: Mapping[date, pl.DataFrame], expected: Mapping[date, pl.DataFrame]) -> bool:
    """Whether two archives hold the same days with the same events."""
    return found.keys() == expected.keys() and all(texts(found[on]).equals(texts(expected[on])) for on in found)


def left_over(archive: AccountArchive) -> set[str]:
    """Files that the manifest does not name."""
    return {path.name for path in archive.folder.iterdir() if path.is_file()} - archive.manifest().files - {MANIFEST}
