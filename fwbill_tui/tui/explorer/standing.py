"""What the status line, the notices and the totals say about where the events are from and what is missing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from fwbill_tui.sources.source import Provenance, Source
from fwbill_tui.tui import cells
from fwbill_tui.tui.explorer.answering import RowsReady
from fwbill_tui.tui.explorer.columns import title_of_column
from fwbill_tui.tui.widgets.status import Standing
from fwbill_tui.usage.day_sums import unsearched, untold
from fwbill_tui.usage.ledger import Ledger
from fwbill_tui.usage.query import Query, TimeRange
from fwbill_tui.usage.ranges import describe, describe_span
from fwbill_tui.usage.zones import end_of_day, local_date, start_of_day

_MISSING_NAMED = 2


def standing_of(
    source: Source,
    account: str | None,
    provenance: Provenance | None,
    query: Query,
    ledger: Ledger | None,
    in_range: int | None,
) -> Standing:
    """The top line. `in_range` is how many events the query's range has, as far as that is known."""
    shown = query.range
    if ledger is not None:
        shown = _whole_days(_with_ends(shown, ledger.span()), query)
    label = provenance.label if provenance is not None else source.label
    count = in_range if in_range is not None or ledger is None else ledger.event_count
    return Standing(
        account=cells.label(account) if account else "",
        range=describe(shown, query.time_zone),
        events=count,
        rows=ledger.row_names[count != 1] if ledger is not None else "events",
        source=cells.label(label),
        fetched_at=provenance.fetched_at if provenance is not None else None,
    )


def _with_ends(shown: TimeRange, events: TimeRange) -> TimeRange:
    """An open range with the ends of the events in it; as it is where all events lie beside it."""
    start, end = shown.start or events.start, shown.end or events.end
    return shown if start is not None and end is not None and start >= end else TimeRange(start, end)


def _whole_days(shown: TimeRange, query: Query) -> TimeRange:
    """The days that an open range's events are from; a range with both ends is as it is."""
    start, end = shown.start, shown.end
    if query.range.start is None and start is not None:
        start = start_of_day(local_date(start, query.time_zone), query.time_zone)
    if query.range.end is None and end is not None:
        end = end_of_day(local_date(end - timedelta.resolution, query.time_zone), query.time_zone)
    return TimeRange(start, end)


def notices_of(
    problem: str,
    load_problem: str,
    provenance: Provenance | None,
    shown: TimeRange,
    ledger: Ledger | None,
    rows: RowsReady | None = None,
    rejects: Path | None = None,
) -> tuple[str, ...]:
    """What must not be overlooked of the range on show, the most pressing first. Rejected rows are written to `rejects`."""
    notices = [cells.label(text) for text in (problem, load_problem) if text]
    if rows is not None and rows.shown < rows.total:
        notices.append(f"the first {rows.shown:,} of {rows.total:,} rows{_sorted_by(rows.question.query)}; sums are of all")
    if rows is not None:
        question = rows.question
        lacking = untold(question.ledger, question.query) or unsearched(question.ledger, question.query)
        notices += [cells.label(f"not the whole answer: {lacking}")] if lacking else []
    if provenance is not None:
        notices += _missing_said(provenance, shown)
    if ledger is not None and ledger.rejected:
        rejected, were = ("1 row", "was") if ledger.rejected == 1 else (f"{ledger.rejected:,} rows", "were")
        kept = "all" if len(ledger.rejects) == ledger.rejected else f"the first {len(ledger.rejects):,}"
        where = f"{kept} in {rejects}" if rejects is not None else "a start with --rejects FILE writes them down"
        first = f"; the first: {ledger.rejects[0]}" if ledger.rejects else ""
        notices.append(cells.label(f"{rejected} could not be read and {were} not counted ({where}){first}"))
    return tuple(notices)


def _missing_said(provenance: Provenance, shown: TimeRange) -> list[str]:
    missing = _missing(provenance, shown)
    first = missing[:_MISSING_NAMED]
    if provenance.kind in ("files", "rollup"):  # a file that cannot be read has no range
        left = len(missing) - len(first)
        more = [f"{left} more file{'s' if left > 1 else ''} could not be read"] if left else []
        return [*(cells.label(why) for _, why in first), *more]
    if len(missing) == 1:
        ((part, why),) = missing
        return [f"{describe_span(part, 'UTC')} is missing, r fetches it again: {cells.label(why)}"]
    many = [f"{len(missing)} windows are missing; r fetches them again"] if missing else []
    return many + [f"{describe_span(part, 'UTC')} is missing: {cells.label(why)}" for part, why in first]


def notes_of(provenance: Provenance | None, shown: TimeRange) -> tuple[str, ...]:
    """What is good to know about where the events of the range on show are from."""
    if provenance is None:
        return ()
    elsewhere = {note for part, note in provenance.noted if not part.meets(shown)}
    return tuple(cells.label(note) for note in provenance.notes if note not in elsewhere)


def _sorted_by(query: Query) -> str:
    keys = [f"{title_of_column(key.column)} {'▼' if key.descending else '▲'}" for key in query.sort]
    return f", sorted by {', '.join(keys)}" if keys else ""


def _missing(provenance: Provenance, shown: TimeRange) -> list[tuple[TimeRange, str]]:
    """What is missing of the range on show, which may be a part of what was loaded."""
    return [(part, why) for part, why in provenance.missing if part.meets(shown)]


def partial_of(provenance: Provenance | None, shown: TimeRange, *, failed: bool) -> str:
    """Why the totals are not those of the whole range on show; '' when they are. Without provenance, no load has ended yet."""
    if failed:
        return "the load failed"
    if provenance is None:
        return "still loading"
    missing = len(_missing(provenance, shown))
    return f"{missing} part{'s' * (missing > 1)} missing" if missing else ""
