"""What is said of where the events are from, and of what is missing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from fwbill_tui.sources.source import Provenance
from fwbill_tui.tui.bars import compact, compact_bytes
from fwbill_tui.tui.explorer.standing import notes_of, notices_of, partial_of
from fwbill_tui.usage.query import EVERYTHING, TimeRange


def days(first: int, last: int) -> TimeRange:
    return TimeRange(datetime(2026, 11, first, tzinfo=UTC), datetime(2026, 11, last + 1, tzinfo=UTC))


def test_notes_about_other_days_than_those_on_show_are_left_out() -> None:
    noted = ((days(24, 25), "Nov 24 – 25 may grow"), (days(12, 12), "Nov 12 may grow"))
    provenance = Provenance("gateway", "gateway export", notes=("always", *(note for _, note in noted)), noted=noted)
    assert notes_of(provenance, EVERYTHING) == provenance.notes
    assert notes_of(provenance, days(4, 12)) == ("always", "Nov 12 may grow")
    assert notes_of(provenance, days(13, 23)) == ("always",)
    assert notes_of(None, EVERYTHING) == ()


def test_what_is_missing_names_the_key_that_fetches_it() -> None:
    one, two = (days(3, 4), "refused"), (days(7, 7), "[cut] off")
    provenance = Provenance("gateway", "gateway export", missing=(one,))
    assert notices_of("", "", provenance, days(1, 9), None) == ("Nov 3 – Nov 4 2026 is missing, r fetches it again: refused",)
    assert partial_of(provenance, days(1, 9), failed=False) == "1 part missing"
    both = provenance._replace(missing=(one, two))
    assert notices_of("", "", both, days(1, 9), None) == (
        "2 windows are missing; r fetches them again",
        "Nov 3 – Nov 4 2026 is missing: refused",
        "Nov 7 2026 is missing: [cut] off",
    )
    assert partial_of(both, days(1, 9), failed=False) == "2 parts missing"
    assert partial_of(both, days(10, 11), failed=False) == ""


@pytest.mark.parametrize(
    ("value", "said"),
    [(0, "0"), (0.0083, "0.008"), (0.1, "0.1"), (9.98, "10"), (11.25, "11.2"), (999.4, "999.4"), (999_499, "999 k"),
     (999_600, "1 M"), (999_600_000, "1 B"), (1234, "1.23 k"), (-999_600, "-1 M")],
)  # fmt: skip
def test_quantities_in_few_characters(value: float, said: str) -> None:
    assert compact(value) == said


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 B"), (194, "194 B"), (999, "999 B"), (963_000, "963 kB"), (1_860_000_000, "1.86 GB")],
)
def test_sizes(count: int, said: str) -> None:
    assert compact_bytes(count) == said
