"""Ranges of time as people write and read them: `7d`, `mtd`, `2026-10`, `10-01..10-15`, "Nov 1 – Nov 22 2026 · UTC".

What people write and read includes the last day; a `TimeRange` is half-open and in UTC. Days are local days of a zone
(see `usage.zones`). Clock times are exact: a range that ends at 14:30 does not include 14:30.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from fwbill_tui.usage.query import EVERYTHING, QueryError, TimeRange
from fwbill_tui.usage.zones import (
    at_local_time,
    check_date,
    end_of_day,
    local_date,
    months_later,
    start_of_day,
    zone,
)

EXAMPLES = "7d, mtd, 2026-10, 10-01..10-15 or 2026-10-01 12:00..2026-10-01 14:30"
# Never the locale's names: every machine shows the same.
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LONG_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_MONTH_NUMBERS = {name: number for names in (map(str.lower, _MONTHS), _LONG_MONTHS) for number, name in enumerate(names, start=1)}
_MONTH_NAME = rf"\b({'|'.join(sorted(_MONTH_NUMBERS, key=len, reverse=True))})\b(?:\.(?!\.))?"
_ONE_DAY = timedelta(days=1)
_INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[Tt ]+(\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?\s*(UTC|[Zz]|[+-]\d\d:?\d\d)?"
)
_YEARLESS = r"\d\d?-\d\d?"
_SEPARATOR = re.compile(r"\s*(?:\.{2,3}|…|–|\bto\b)\s*|\s+-\s+")


class Preset(NamedTuple):
    """A range that has a name; both the name and the shorter word can be typed."""

    label: str
    word: str


PRESETS = (
    Preset("today", "today"),
    Preset("yesterday", "yesterday"),
    Preset("last 7 days", "7d"),
    Preset("last 30 days", "30d"),
    Preset("month to date", "mtd"),
    Preset("last month", "last month"),
    Preset("quarter to date", "qtd"),
    Preset("last quarter", "last quarter"),
    Preset("year to date", "ytd"),
    Preset("everything", "everything"),
)


# -- reading ---------------------------------------------------------------------------------------------------------
def parse_range(text: str, *, today: date, time_zone: str) -> TimeRange:
    """Read a range. `today` is the local day in `time_zone`; ranges "to date" and "last N days" include it whole.

    A day without a year is the last one that is not after today. Raises QueryError, which says what would be right.
    """
    words = " ".join(text.lower().split())
    if not words:
        raise QueryError(f"write a range, such as {EXAMPLES}")
    if words in {"everything", "all", "all dates", ".."}:
        return EVERYTHING
    words = _without_month_names(words, today)
    days = _named_days(words, today)
    if days is not None:
        return _whole_days(*days, time_zone)
    sides = _SEPARATOR.split(words)
    if len(sides) > 2:
        raise QueryError(f"cannot read the range {text!r}: write one start and one end, as in 10-01..10-15")
    if len(sides) == 1:
        return _single(sides[0], today, time_zone, typed=text)
    return _two_sided(sides[0], sides[1], today, time_zone, typed=text)


def _without_month_names(words: str, today: date) -> str:
    """Months in numbers: `oct 5` and `5 oct` as `10-05`, `oct 5 2026` as `2026-10-05`, `oct 2026` as `2026-10`.

    `oct` alone is the last October that has begun.
    """

    def in_numbers(match: re.Match[str]) -> str:
        month, day, year = _MONTH_NUMBERS[match[1]], match[2], match[3]
        if day is None and year is None:
            return f"{today.year - (month > today.month)}-{month:02}"
        return "-".join(filter(None, (year, f"{month:02}", day and day.zfill(2))))

    words = re.sub(rf"(?<![\w:-])(?<!\d\.)(\d\d?)\.? {_MONTH_NAME}", r"\2 \1", words)
    return re.sub(rf"{_MONTH_NAME}(?: (\d\d?)(?!\d|:),?)?(?: (\d{{4}})\b)?", in_numbers, words)


def parse_instant(text: str, *, time_zone: str = "UTC") -> datetime:
    """Read `2026-10-01`, `2026-10-01 17:16:48` or RFC 3339 as a UTC time; without an offset it is `time_zone`'s."""
    match = _INSTANT.fullmatch(text.strip())
    if not match:
        raise QueryError(f"cannot read the time {text!r}: write 2026-10-01, '2026-10-01 17:16:48' or 2026-10-01T17:16:48Z")
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    on = _date(int(year), int(month), int(day))
    if hour is None and offset is None:
        return start_of_day(on, time_zone)
    try:
        clock = time(int(hour or 0), int(minute or 0), int(second or 0), int((fraction or "0").ljust(6, "0")[:6]))
        # %z checks the offset's own minutes; Z and UTC are its zero.
        shift = None if offset is None else datetime.strptime(_offset(offset), "%z").utcoffset()
    except ValueError:
        raise QueryError(f"{text.strip()!r} is no time of day: hours go to 23, minutes and seconds to 59") from None
    wall = datetime.combine(on, clock)
    return at_local_time(wall, time_zone) if shift is None else (wall - shift).replace(tzinfo=UTC)


def _offset(text: str) -> str:
    return "+0000" if text.upper() in {"Z", "UTC"} else text


def _named_days(words: str, today: date) -> tuple[date, date] | None:
    """First and last day of `mtd`, `last 30 days`, `2026-q3` and the like; None if `words` is none of them."""
    year, month = today.year, today.replace(day=1)
    quarter = months_later(month, -((today.month - 1) % 3))
    monday = today - timedelta(days=today.weekday())
    to_date = {
        "wtd": monday, "week to date": monday, "week": monday, "this week": monday,
        "today": today, "mtd": month, "month to date": month, "month": month, "this month": month,
        "qtd": quarter, "quarter to date": quarter, "quarter": quarter, "this quarter": quarter, "ytd": date(year, 1, 1),
        "year to date": date(year, 1, 1), "year": date(year, 1, 1), "this year": date(year, 1, 1),
    }  # fmt: skip
    if words in to_date:
        return to_date[words], today
    if words == "yesterday":
        return today - _ONE_DAY, today - _ONE_DAY
    if words == "last week":
        return monday - timedelta(days=7), monday - _ONE_DAY
    before = {"last month": (month, 1), "last quarter": (quarter, 3), "last year": (date(year, 1, 1), 12)}
    if words in before:
        first, months = before[words]
        return months_later(first, -months), first - _ONE_DAY
    if match := re.fullmatch(r"(?:last )?(\d{1,6}) ?(d|w|m|y|days?|weeks?|months?|years?)", words):
        return _first_of_last(int(match[1]), match[2][0], today), today
    return _calendar_days(words, today)


def _first_of_last(count: int, unit: str, today: date) -> date:
    """The first of the last `count` days, weeks, months or years, today being the last day."""
    if not count:
        raise QueryError("a range needs at least one day: write 1d or more")
    try:
        if unit in "dw":
            return check_date(today - timedelta(days=count * (7 if unit == "w" else 1) - 1))
        return check_date(months_later(today, -count * (12 if unit == "y" else 1)) + _ONE_DAY)
    except (OverflowError, QueryError):
        raise QueryError("that reaches back before 1970: write fewer days, or 'everything'") from None


def _calendar_days(words: str, today: date) -> tuple[date, date] | None:
    """First and last day of a year, a quarter or a month."""
    if match := re.fullmatch(r"(\d{4})", words):
        return _date(int(match[1]), 1, 1), _date(int(match[1]), 12, 31)
    if match := re.fullmatch(r"(?:(\d{4})[- ]?)?q([1-4])(?: (\d{4}))?", words):
        month, year = int(match[2]) * 3 - 2, match[1] or match[3]
        first = _date(int(year), month, 1) if year else _latest(month, 1, today)
        return first, months_later(first, 3) - _ONE_DAY
    if match := re.fullmatch(r"(\d{4})-(\d\d?)", words):
        first = _date(int(match[1]), int(match[2]), 1)
        return first, months_later(first, 1) - _ONE_DAY
    return None


def _single(words: str, today: date, time_zone: str, *, typed: str) -> TimeRange:
    day = _day(words, lambda month, day: _latest(month, day, today))
    if day is not None:
        return _whole_days(day, day, time_zone)
    if _INSTANT.fullmatch(words):
        raise QueryError(f"a time alone is no range: write a start and an end, as in {words}..{words[:10]} 23:59")
    raise _unreadable(typed)


def _unreadable(typed: str) -> QueryError:
    return QueryError(f"cannot read the range {typed.strip()!r}: write {EXAMPLES}")


def _two_sided(left: str, right: str, today: date, time_zone: str, *, typed: str) -> TimeRange:
    """`left..right`, where either may be a day, month, quarter, year, a clock time, or open."""
    first = _edge_days(left, lambda month, day: _latest(month, day, today), today)
    last = _edge_days(right, lambda month, day: _latest(month, day, today), today)
    yearless_left, yearless_right = (re.fullmatch(_YEARLESS, side) is not None for side in (left, right))
    if first is not None and yearless_right:
        begin = first[0]
        end = _earliest(*_month_and_day(right), begin)
        if yearless_left and end > today and end.year > begin.year:  # 10-15..10-01 was meant to lie in the past
            begin = _latest(*_month_and_day(left), begin - _ONE_DAY)
            end = _earliest(*_month_and_day(right), begin)
        first, last = (begin, begin), (end, end)
    elif last is not None and yearless_left:
        begin = _latest(*_month_and_day(left), last[1])
        first = begin, begin
    if re.fullmatch(r"\d\d?:\d\d(:\d\d)?", right) and (on := re.match(r"\d{4}-\d\d-\d\d", left)):
        right = f"{on[0]} {right}"
    for side, days in ((left, first), (right, last)):
        if side and days is None and not _INSTANT.fullmatch(side.upper()):
            raise _unreadable(typed)
    start = _edge(left, first[0] if first else None, time_zone, start_of_day)
    end_time = _edge(right, last[1] if last else None, time_zone, end_of_day)
    if start is not None and end_time is not None and start >= end_time:
        raise QueryError("the range ends before it starts: write the earlier side first")
    return TimeRange(start, end_time)


def _month_and_day(words: str) -> tuple[int, int]:
    month, _, day = words.partition("-")
    return int(month), int(day)


def _edge(words: str, day: date | None, time_zone: str, cut: Callable[[date, str], datetime]) -> datetime | None:
    if not words:
        return None
    return parse_instant(words.upper(), time_zone=time_zone) if day is None else cut(day, time_zone)


def _edge_days(words: str, yearless: Callable[[int, int], date], today: date) -> tuple[date, date] | None:
    """First and last day of one side; None when it is open or names a clock time."""
    if words in {"today", "now", "yesterday"}:
        day = today - _ONE_DAY if words == "yesterday" else today
        return day, day
    if (day_found := _day(words, yearless)) is not None:
        return day_found, day_found
    return _calendar_days(words, today)


def _day(words: str, yearless: Callable[[int, int], date]) -> date | None:
    """A single day, with its year or without; None if `words` is something else."""
    if match := re.fullmatch(r"(\d{4})-(\d\d?)-(\d\d?)", words):
        return _date(int(match[1]), int(match[2]), int(match[3]))
    return yearless(*_month_and_day(words)) if re.fullmatch(_YEARLESS, words) else None


def _date(year: int, month: int, day: int) -> date:
    if not 1 <= month <= 12:
        raise QueryError(f"there is no month {month}: write the month before the day, as in 2026-10-15")
    try:
        return check_date(date(year, month, day))
    except ValueError as error:
        if isinstance(error, QueryError):
            raise
        raise QueryError(f"{_MONTHS[month - 1]} {year} has no day {day}") from None


def _latest(month: int, day: int, limit: date) -> date:
    """The last such day that is not after `limit`."""
    return _nearest(month, day, range(limit.year, limit.year - 9, -1), lambda found: found <= limit)


def _earliest(month: int, day: int, limit: date) -> date:
    """The first such day that is not before `limit`."""
    return _nearest(month, day, range(limit.year, limit.year + 9), lambda found: found >= limit)


def _nearest(month: int, day: int, years: range, fits: Callable[[date], bool]) -> date:
    leap_year = 2024
    _date(leap_year, month, 1)  # says what is wrong with 13-01
    if not 1 <= day <= monthrange(leap_year, month)[1]:
        raise QueryError(f"{_MONTHS[month - 1]} has no day {day}")
    for year in years:  # nine years hold a February 29 always, around 2100 too
        try:
            found = date(year, month, day)
        except ValueError:
            continue
        if fits(found):
            return check_date(found)
    raise AssertionError("a day of the year comes within nine years")


def _whole_days(first: date, last: date, time_zone: str) -> TimeRange:
    start, end = start_of_day(check_date(first), time_zone), end_of_day(check_date(last), time_zone)
    if start >= end:
        raise QueryError(f"{first} never came in {time_zone}, its calendar jumped over it: take a day beside it")
    return TimeRange(start, end)


# -- saying ----------------------------------------------------------------------------------------------------------
def whole_days(time_range: TimeRange, time_zone: str) -> tuple[date, date] | None:
    """First and last local day of a range that has both edges and cuts no day in two; else None."""
    start, end = time_range.start, time_range.end
    if start is None or end is None or not (_begins_day(start, time_zone) and _begins_day(end, time_zone)):
        return None
    return local_date(start, time_zone), local_date(end - timedelta.resolution, time_zone)


def describe(time_range: TimeRange, time_zone: str) -> str:
    """The range as a person reads it, its last day included: `Nov 1 – Nov 22 2026 · UTC`."""
    return f"{describe_span(time_range, time_zone)} · {time_zone}"


def describe_span(time_range: TimeRange, time_zone: str) -> str:
    """`describe` without the zone."""
    start, end = time_range.start, time_range.end
    if start is None and end is None:
        return "all dates"
    if start is None or end is None:
        return f"from {_said(start, time_zone)}" if start is not None else f"until {_said(end, time_zone, last=True)}"
    days = whole_days(time_range, time_zone)
    if days is not None:
        first, last = days
        if first == last:
            return day_said(first)
        return f"{day_said(first, with_year=first.year != last.year)} – {day_said(last)}"
    local_start, local_end = start.astimezone(zone(time_zone)), end.astimezone(zone(time_zone))
    if local_start.date() == local_end.date():
        return f"{day_said(local_start)} {_clock(local_start)} – {_clock(local_end)}"
    first_day = day_said(local_start, with_year=local_start.year != local_end.year)
    return f"{first_day} {_clock(local_start)} – {day_said(local_end)} {_clock(local_end)}"


def describe_length(time_range: TimeRange, time_zone: str) -> str:
    """How long the range is: `15 days`, `2 h 30 min`; empty when a side is open."""
    if time_range.start is None or time_range.end is None:
        return ""
    length = time_range.end - time_range.start
    if whole_days(time_range, time_zone) is not None:
        days = round(length / _ONE_DAY)
        return "1 day" if days == 1 else f"{days:,} days"
    days, seconds = length.days, length.seconds
    parts = ((days, "d"), (seconds // 3600, "h"), (seconds // 60 % 60, "min"), (seconds % 60, "s"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "less than a second"


def range_text(time_range: TimeRange, time_zone: str) -> str:
    """The range as `parse_range` reads it back: `2026-10-01..2026-10-15`."""
    if time_range == EVERYTHING:
        return "everything"
    days = whole_days(time_range, time_zone)
    if days is not None:
        return str(days[0]) if days[0] == days[1] else f"{days[0]}..{days[1]}"
    start, end = time_range.start, time_range.end
    if start is None and end is not None and _begins_day(end, time_zone):
        return f"..{local_date(end - timedelta.resolution, time_zone)}"
    return "..".join("" if edge is None else _edge_text(edge, time_zone) for edge in (start, end))


def shift(time_range: TimeRange, time_zone: str, by: int, *, today: date) -> TimeRange:
    """The range so many of its own lengths later (`by` > 0) or earlier.

    Whole months move by months, whole days by local days, all others by elapsed time. What is the month, the quarter or the
    year to date on the local day `today` moves as if it were whole. An open range stays where it is.
    """
    start, end = time_range.start, time_range.end
    if start is None or end is None:
        return time_range
    days = whole_days(time_range, time_zone)
    if days is None:
        length = end - start
        return TimeRange(_within_years(start, length * by), _within_years(end, length * by))
    first, after = days[0], _after_period(*days, today)
    if first.day == after.day == 1:
        months = (after.year - first.year) * 12 + after.month - first.month
        return _whole_days(months_later(first, months * by), months_later(after, months * by) - _ONE_DAY, time_zone)
    length = after - first
    while True:  # a single day may land on one that the zone left out: then go on
        try:
            first, after = first + length * by, after + length * by
        except OverflowError:
            raise QueryError("that is out of reach") from None
        if start_of_day(check_date(first), time_zone) < start_of_day(check_date(after), time_zone):
            return _whole_days(first, after - _ONE_DAY, time_zone)


def _after_period(first: date, last: date, today: date) -> date:
    """The day after the last one; that after the whole month, quarter or year if the days are one up to today."""
    if last == today and first < last:
        for word, months in (("mtd", 1), ("qtd", 3), ("ytd", 12)):
            if _named_days(word, today) == (first, last):
                return months_later(first, months)
    return last + _ONE_DAY


def _within_years(edge: datetime, by: timedelta) -> datetime:
    try:
        moved = edge + by
    except OverflowError:
        raise QueryError("that is out of reach") from None
    check_date(moved.date())
    return moved


def _begins_day(instant: datetime, time_zone: str) -> bool:
    return start_of_day(local_date(instant, time_zone), time_zone) == instant


def _said(edge: datetime | None, time_zone: str, *, last: bool = False) -> str:
    assert edge is not None
    if _begins_day(edge, time_zone):
        return day_said(local_date(edge - timedelta.resolution if last else edge, time_zone))
    local = edge.astimezone(zone(time_zone))
    return f"{day_said(local)} {_clock(local)}"


def day_said(day: date, *, with_year: bool = True) -> str:
    """`Oct 5 2026`, in every language and on every system."""
    return f"{_MONTHS[day.month - 1]} {day.day}" + (f" {day.year}" if with_year else "")


def _clock(local: datetime) -> str:
    if local.microsecond:
        return f"{local:%H:%M:%S.%f}".rstrip("0")
    return f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"


def _edge_text(edge: datetime, time_zone: str) -> str:
    local = edge.astimezone(zone(time_zone))
    if local.fold:  # the second of two equal clock times needs its offset; RFC 3339 has it
        return edge.isoformat().replace("+00:00", "Z")
    return f"{local:%Y-%m-%d} {_clock(local)}"
