"""The manifest: which days of an account are kept, from which fetch, and how each file must look to be believed."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal

from fwbill_tui.archive.errors import ArchiveLayoutError, DamagedManifestError
from fwbill_tui.usage.schema import Reject

FORMAT = 1
"""The version of the layout. A change that an older fwbill would misread raises it."""
SETTLED_AFTER = timedelta(hours=48)
"""A day fetched this long after its end is final; until then late usage may still be added to it."""
CLOCK_TOLERANCE = timedelta(minutes=5)
"""A fetch may lie this far in the future by the machine's clock and still be believed."""

DayState = Literal["have", "provisional", "missing"]
"""A day is kept and final, kept but may still grow, or not kept."""

_GRAIN = "event"
"""What a kept row stands for. Older versions kept sums per day, too, without their time zone: those count as not kept."""
_FILE = re.compile(r"\d{4}-\d\d-\d\d\.[0-9a-f]{16}\.parquet")


@dataclass(frozen=True, slots=True)
class Fetch:
    """What days were fetched together: `source` as `Source.kind` names it, and when the fetch began (UTC).

    `rejects` are the rows that could not be read, of which of its days is not known; `outside` counts the events that came
    along though they start on other days, and are not kept.
    """

    key: str
    source: str
    fetched_at: datetime
    rejects: tuple[Reject, ...] = ()
    outside: int = 0

    def believed(self, now: datetime) -> bool:
        """Whether the time of the fetch can be right; it lies in the future when the clock was wrong then or is now."""
        return self.fetched_at <= now + CLOCK_TOLERANCE

    def state_of(self, day: date, now: datetime) -> DayState:
        """Whether a UTC day that was fetched then is final. A time of fetch that cannot be right proves nothing."""
        settled = start_of(day) + timedelta(days=1) + SETTLED_AFTER
        final = self.believed(now) and self.fetched_at >= settled
        return "have" if final else "provisional"


@dataclass(frozen=True, slots=True)
class Day:
    """One UTC day that is kept. A day without usage has no file.

    `file` is a name in the account's folder, `size` its bytes, `checksum` its SHA-256; `further` are its columns beyond
    the thirteen.
    """

    date: date
    fetch: Fetch
    rows: int
    file: str = ""
    size: int = 0
    checksum: str = ""
    further: tuple[str, ...] = ()

    def state(self, now: datetime) -> DayState:
        """Whether the day is final."""
        return self.fetch.state_of(self.date, now)


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything that is kept of an account of the Fireworks at `host`. A day that is not in `days` is missing."""

    host: str
    account: str
    days: Mapping[date, Day] = field(default_factory=dict)

    def with_days(self, days: Iterable[Day]) -> Manifest:
        """With these days in place of what there was of them."""
        return replace(self, days={**self.days, **{day.date: day for day in days}})

    def without(self, dates: Iterable[date]) -> Manifest:
        """Without these days."""
        dropped = set(dates)
        return replace(self, days={day: kept for day, kept in self.days.items() if day not in dropped})

    @property
    def files(self) -> frozenset[str]:
        """The names of all files that are kept."""
        return frozenset(day.file for day in self.days.values() if day.file)


def start_of(day: date) -> datetime:
    """The first instant of a UTC day."""
    return datetime.combine(day, time(), UTC)


def write_manifest(manifest: Manifest) -> bytes:
    """The manifest as JSON, with a checksum of its own."""
    fetches = {day.fetch.key: day.fetch for day in manifest.days.values()}
    content = {
        "host": manifest.host,
        "account": manifest.account,
        "fetches": {key: _fetch_to_json(fetch) for key, fetch in sorted(fetches.items())},
        "days": {str(day): _day_to_json(manifest.days[day]) for day in sorted(manifest.days)},
    }
    document = {"fwbill archive": FORMAT, "sha256": _checksum(content), "content": content}
    return json.dumps(document, indent=1).encode()


def read_manifest(data: bytes, *, name: str) -> Manifest:
    """Read a manifest; `name` is how messages name it.

    Raises DamagedManifestError when it is not as it was written, ArchiveLayoutError for the layout of another version.
    """
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        raise DamagedManifestError(f"{name} is damaged: it is not JSON") from None
    layout = document.get("fwbill archive") if isinstance(document, dict) else None
    if not isinstance(layout, int):
        raise DamagedManifestError(f"{name} is damaged: it does not say its layout")
    if layout != FORMAT:
        age = "a newer fwbill: update this one" if layout > FORMAT else "an older fwbill: move it away, and usage is fetched anew"
        raise ArchiveLayoutError(f"{name} has layout {layout}, this fwbill reads {FORMAT}; it was written by {age}")
    content = document.get("content")
    if document.get("sha256") != _checksum(content):
        raise DamagedManifestError(f"{name} is damaged: its checksum does not fit")
    try:
        return _from_content(content)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DamagedManifestError(f"{name} is damaged: {error!r}") from None


def _from_content(content: Any) -> Manifest:
    fetches = {key: _fetch_from_json(key, value) for key, value in content["fetches"].items()}
    sums = {key for key, value in content["fetches"].items() if value["grain"] != _GRAIN}
    days: dict[date, Day] = {}
    for name, value in content["days"].items():
        file = value.get("file", "")
        if file and not _FILE.fullmatch(file):
            raise ValueError(f"not a file of ours: {file!r}")
        if value["fetch"] in sums:
            continue
        days[date.fromisoformat(name)] = Day(
            date.fromisoformat(name),
            fetches[value["fetch"]],
            int(value["rows"]),
            file,
            int(value.get("bytes", 0)),
            value.get("sha256", ""),
            tuple(value.get("further", ())),
        )
    return Manifest(content["host"], content["account"], days)


def _fetch_to_json(fetch: Fetch) -> dict[str, Any]:
    value: dict[str, Any] = {"source": fetch.source, "grain": _GRAIN, "fetched_at": fetch.fetched_at.isoformat()}
    if fetch.rejects:
        value["rejects"] = [[reject.source, reject.line, reject.column, reject.reason, reject.text] for reject in fetch.rejects]
    if fetch.outside:
        value["outside"] = fetch.outside
    return value


def _fetch_from_json(key: str, value: Any) -> Fetch:
    if value["grain"] not in (_GRAIN, "day"):
        raise ValueError(f"not a grain: {value['grain']!r}")
    fetched_at = datetime.fromisoformat(value["fetched_at"])
    rejects = tuple(Reject(*reject) for reject in value.get("rejects", ()))
    return Fetch(key, value["source"], fetched_at.astimezone(UTC), rejects, value.get("outside", 0))


def _day_to_json(day: Day) -> dict[str, Any]:
    value: dict[str, Any] = {"fetch": day.fetch.key, "rows": day.rows}
    if day.file:
        value |= {"file": day.file, "bytes": day.size, "sha256": day.checksum}
    if day.further:
        value["further"] = list(day.further)
    return value


def _checksum(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
