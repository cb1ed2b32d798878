"""The file name a view gets when nobody chose one."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from fwbill_tui.export.endings import ENDINGS, Format
from fwbill_tui.usage.query import Query, TimeRange
from fwbill_tui.usage.ranges import whole_days
from fwbill_tui.usage.zones import zone

_LONGEST = 120  # characters before the suffix; every file system takes that
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_PER_VALUE = 40


def default_name(account: str | None, query: Query, kind: Format = "csv") -> str:
    """A name from account, range and filters, such as `fwbill-acme-prod-2026-11-01_2026-11-21-kimi-k3.csv`.

    Letters, digits, `.`, `_` and `-` only, at most 130 characters; a longer one ends in a digest of what was cut. It
    starts with `fwbill-`, so that it is never hidden, an option, or a name that some system reserves.
    """
    words = ["fwbill", account or "", _range(query.range, query.time_zone)]
    words += [_last_segment(value) for _, values in query.only for value in values]
    words += ["without-" + _last_segment(value) for _, values in query.without for value in values]
    words += [query.search, *(f"{c.measure} {_SPOKEN[c.operator]} {c.value}" for c in query.where)]
    if query.group_by:
        words.append("by-" + "-".join(query.group_by))
    name = "-".join(filter(None, (_safe(word) for word in words)))
    if len(name) > _LONGEST:
        digest = hashlib.sha256(name.encode()).hexdigest()[:8]
        name = f"{name[: _LONGEST - 9].rstrip('-_.')}-{digest}"
    return name + ENDINGS[kind][0]


_SPOKEN: Mapping[str, str] = {"<": "below", "<=": "atmost", "=": "is", "!=": "not", ">=": "atleast", ">": "above"}


def _range(shown: TimeRange, time_zone: str) -> str:
    days = whole_days(shown, time_zone)
    if days is not None:
        first, last = map(str, days)  # people count the last day in
    else:
        edges = (shown.start, shown.end)
        first, last = (f"{edge.astimezone(zone(time_zone)):%Y-%m-%dT%H%M%S}" if edge else "" for edge in edges)
    if first and last:
        return first if first == last else f"{first}_{last}"
    return f"from-{first}" if first else f"until-{last}" if last else ""


def _last_segment(value: str) -> str:
    return value.rstrip("/").rpartition("/")[2][:_PER_VALUE] or "empty"


def _safe(text: str) -> str:
    return _UNSAFE.sub("-", text).strip("-._")
