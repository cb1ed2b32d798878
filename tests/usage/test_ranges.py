"""Ranges as people write and read them, on the days when clocks change too."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from fwbill_tui.usage.query import EVERYTHING, QueryError, TimeRange
from fwbill_tui.usage.ranges import (
    PRESETS,
    describe,
    describe_length,
    describe_span,
    parse_instant,
    parse_range,
    range_text,
    shift,
    whole_days,
)
from fwbill_tui.usage.zones import end_of_day, local_date, months_later, start_of_day, zone_name

TODAY = date(2026, 11, 22)
ZONES = (
    "UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "Pacific/Apia", "Australia/Lord_Howe", "Asia/Beirut",
    "America/Havana", "America/Sao_Paulo", "America/St_Johns", "Africa/Cairo", "Asia/Kathmandu", "Pacific/Kiritimati",
)  # fmt: skip

zones = st.sampled_from(ZONES)
days = st.dates(date(1985, 1, 1), date(2060, 12, 31))
instants = st.datetimes(datetime(1985, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def read(text: str, time_zone: str = "UTC", today: date = TODAY) -> TimeRange:
    return parse_range(text, today=today, time_zone=time_zone)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("today", "2026-11-22", "2026-11-22"),
        ("yesterday", "2026-11-21", "2026-11-21"),
        ("1d", "2026-11-22", "2026-11-22"),
        ("7d", "2026-11-16", "2026-11-22"),
        ("last 7 days", "2026-11-16", "2026-11-22"),
        (" LAST  30 Days ", "2026-10-24", "2026-11-22"),
        ("4w", "2026-10-26", "2026-11-22"),
        ("3m", "2026-08-23", "2026-11-22"),
        ("1y", "2025-11-23", "2026-11-22"),
        ("mtd", "2026-11-01", "2026-11-22"),
        ("week", "2026-11-16", "2026-11-22"),
        ("wtd", "2026-11-16", "2026-11-22"),
        ("last week", "2026-11-09", "2026-11-15"),
        ("oct", "2026-10-01", "2026-10-31"),
        ("December", "2025-12-01", "2025-12-31"),
        ("nov", "2026-11-01", "2026-11-30"),
        ("Feb. 2024", "2024-02-01", "2024-02-29"),
        ("Oct 5", "2026-10-05", "2026-10-05"),
        ("may 31, 2026", "2026-05-31", "2026-05-31"),
        ("Oct 1 – Oct 31 2026", "2026-10-01", "2026-10-31"),
        ("Dec 30 2025 – Jan 2 2026", "2025-12-30", "2026-01-02"),
        ("sep..oct", "2026-09-01", "2026-10-31"),
        ("june 3 to july 4", "2026-06-03", "2026-07-04"),
        ("qtd", "2026-10-01", "2026-11-22"),
        ("quarter", "2026-10-01", "2026-11-22"),
        ("month", "2026-11-01", "2026-11-22"),
        ("year", "2026-01-01", "2026-11-22"),
        ("ytd", "2026-01-01", "2026-11-22"),
        ("last month", "2026-10-01", "2026-10-31"),
        ("last quarter", "2026-07-01", "2026-09-30"),
        ("last year", "2025-01-01", "2025-12-31"),
        ("2026-10", "2026-10-01", "2026-10-31"),
        ("2024-2", "2024-02-01", "2024-02-29"),
        ("2026", "2026-01-01", "2026-12-31"),
        ("2026-q3", "2026-07-01", "2026-09-30"),
        ("q4 2025", "2025-10-01", "2025-12-31"),
        ("q1", "2026-01-01", "2026-03-31"),
        ("2026-10-05", "2026-10-05", "2026-10-05"),
        ("10-01..10-15", "2026-10-01", "2026-10-15"),
        ("10-01 – 10-15", "2026-10-01", "2026-10-15"),
        ("10-01 to 10-15", "2026-10-01", "2026-10-15"),
        ("5 Oct", "2026-10-05", "2026-10-05"),
        ("5. October 2025", "2025-10-05", "2025-10-05"),
        ("1 oct - 5 oct", "2026-10-01", "2026-10-05"),
        ("1 oct 2025..3 nov", "2025-10-01", "2025-11-03"),
        ("12-20", "2025-12-20", "2025-12-20"),
        ("12-20..01-05", "2025-12-20", "2026-01-05"),
        ("10-15..10-01", "2025-10-15", "2026-10-01"),
        ("10-01..11-30", "2026-10-01", "2026-11-30"),
        ("02-29", "2024-02-29", "2024-02-29"),
        ("2025-12-20..01-05", "2025-12-20", "2026-01-05"),
        ("12-20..2026-01-05", "2025-12-20", "2026-01-05"),
        ("2026-08..2026-10", "2026-08-01", "2026-10-31"),
        ("2025..2026-q1", "2025-01-01", "2026-03-31"),
        ("2026-10-01..2026-10-15", "2026-10-01", "2026-10-15"),
        ("2026-11-01..today", "2026-11-01", "2026-11-22"),
    ],
)
def test_days_are_read_with_the_last_one_included(text: str, first: str, last: str) -> None:
    for time_zone in ("UTC", "America/New_York", "Asia/Kolkata"):
        assert whole_days(read(text, time_zone), time_zone) == (date.fromisoformat(first), date.fromisoformat(last))


def test_first_days_of_a_quarter_and_a_year() -> None:
    assert whole_days(read("last quarter", today=date(2026, 1, 1)), "UTC") == (date(2025, 10, 1), date(2025, 12, 31))
    assert whole_days(read("last month", today=date(2026, 3, 31)), "UTC") == (date(2026, 2, 1), date(2026, 2, 28))
    assert whole_days(read("3m", today=date(2026, 5, 31)), "UTC") == (date(2026, 3, 1), date(2026, 5, 31))


def test_clock_times_are_exact() -> None:
    expected = TimeRange(at("2026-10-01 12:00"), at("2026-10-01 14:30"))
    assert read("2026-10-01 12:00..2026-10-01 14:30") == expected
    assert read("2026-10-01 12:00..14:30") == expected
    assert read("2026-10-01T12:00:00Z..2026-10-01T16:30:00+02:00") == expected
    assert read("2026-10-01 14:00 .. 2026-10-01 16:30", "Europe/Berlin") == expected
    assert read("2026-10-01..2026-10-02 12:00") == TimeRange(at("2026-10-01"), at("2026-10-02 12:00"))


def test_open_sides() -> None:
    assert read("everything") == read("all") == read("..") == EVERYTHING
    assert read("2026-10-01..") == TimeRange(at("2026-10-01"), None)
    assert read("..2026-10") == TimeRange(None, at("2026-11-01"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "write a range"),
        ("0d", "at least one day"),
        ("99999d", "back before 1970"),
        ("999y", "back before 1970"),
        ("fortnight", "cannot read the range 'fortnight'"),
        ("2026-13", "no month 13"),
        ("15-10..31-10", "month before the day"),
        ("2026-02-30", "Feb 2026 has no day 30"),
        ("02-30", "Feb has no day 30"),
        ("2026-10-15..2026-10-01", "ends before it starts"),
        ("2026-10-01 12:00..2026-10-01 12:00", "ends before it starts"),
        ("2026-10-01 12:00", "a time alone is no range"),
        ("2026-10-01 25:00..2026-10-02", "no time of day"),
        ("2026-10-01T00:00:00+99:00..2026-10-02", "no time of day"),
        ("1..2..3", "one start and one end"),
        ("0001", "out of reach"),
        ("9999-12-31", "out of reach"),
        ("2026-10-01..9999-12-31", "out of reach"),
        ("[red]..x", "cannot read the range"),
        ("mtd - today", "cannot read the range 'mtd - today'"),
        ("2026-W46", "cannot read the range '2026-W46'"),
    ],
)
def test_what_cannot_be_says_what_would_be_right(text: str, says: str) -> None:
    with pytest.raises(QueryError, match=says.replace(".", r"\.")):
        read(text)


def test_days_and_times_that_a_zone_left_out() -> None:
    with pytest.raises(QueryError, match="2011-12-30 never came in Pacific/Apia"):
        read("2011-12-30", "Pacific/Apia")
    over = read("2011-12-29..2011-12-31", "Pacific/Apia")
    assert over == TimeRange(at("2011-12-29 10:00"), at("2011-12-31 10:00"))
    assert describe_length(over, "Pacific/Apia") == "2 days"
    with pytest.raises(QueryError, match="02:30 never came"):
        read("2026-03-08 02:30..2026-03-08 05:00", "America/New_York")
    # The clocks jumped from 00:00 to 01:00: the day begins with the jump.
    assert read("2018-11-04", "America/Sao_Paulo").start == at("2018-11-04 03:00")
    # And from 23:30 to 00:30: neither midnight by the old clock nor by the new one is the day's first instant.
    assert start_of_day(date(1919, 3, 31), "America/Toronto") == at("1919-03-31 04:30")


def test_days_on_which_clocks_change_have_their_own_length() -> None:
    spring, autumn = read("2026-03-08", "America/New_York"), read("2026-11-01", "America/New_York")
    assert spring == TimeRange(at("2026-03-08 05:00"), at("2026-03-09 04:00"))
    assert autumn == TimeRange(at("2026-11-01 04:00"), at("2026-11-02 05:00"))
    assert describe_length(spring, "America/New_York") == describe_length(autumn, "America/New_York") == "1 day"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mtd", "Nov 1 – Nov 22 2026 · UTC"),
        ("today", "Nov 22 2026 · UTC"),
        ("12-20..01-05", "Dec 20 2025 – Jan 5 2026 · UTC"),
        ("2026-10-01 12:00..14:30", "Oct 1 2026 12:00 – 14:30 · UTC"),
        ("2026-10-01 12:00..2026-10-03 00:00:01", "Oct 1 12:00 – Oct 3 2026 00:00:01 · UTC"),
        ("2025-12-31 12:00..2026-01-01 12:00", "Dec 31 2025 12:00 – Jan 1 2026 12:00 · UTC"),
        ("everything", "all dates · UTC"),
        ("2026-10-01..", "from Oct 1 2026 · UTC"),
        ("..2026-10-15", "until Oct 15 2026 · UTC"),
        ("..2026-10-15 06:00", "until Oct 15 2026 06:00 · UTC"),
    ],
)
def test_a_range_is_said_with_its_last_day(text: str, said: str) -> None:
    assert describe(read(text), "UTC") == said


def test_a_range_that_cuts_days_in_another_zone_shows_its_times() -> None:
    assert describe(read("2026-10-01"), "Asia/Kolkata") == "Oct 1 05:30 – Oct 2 2026 05:30 · Asia/Kolkata"


@pytest.mark.parametrize(
    ("text", "by", "expected"),
    [
        ("2026-10", -1, "2026-09"),
        ("2026-q1", -1, "2025-q4"),
        ("2024", 1, "2025"),
        ("2026-11-16..2026-11-22", -1, "2026-11-09..2026-11-15"),
        ("2026-11-16..2026-11-22", 2, "2026-11-30..2026-12-06"),
        ("2026-10-01 12:00..14:30", 1, "2026-10-01 14:30..17:00"),
        ("2026-10-01..", 1, "2026-10-01.."),
        ("everything", -1, "everything"),
        ("mtd", -1, "2026-10"),
        ("mtd", 1, "2026-12"),
        ("qtd", -1, "2026-q3"),
        ("ytd", -1, "2025"),
        ("today", -1, "yesterday"),
        ("7d", -1, "2026-11-09..2026-11-15"),
        ("2026-11-01..2026-11-21", -1, "2026-10-11..2026-10-31"),
    ],
)
def test_one_period_back_and_forward(text: str, by: int, expected: str) -> None:
    for time_zone in ("UTC", "Europe/Berlin"):
        assert shift(read(text, time_zone), time_zone, by, today=TODAY) == read(expected, time_zone)


def test_the_first_day_of_a_month_is_a_day() -> None:
    today = date(2026, 11, 1)
    assert shift(read("mtd", today=today), "UTC", -1, today=today) == read("2026-10-31")


def test_to_date_is_the_shortest_period_that_it_can_be() -> None:
    today = date(2026, 1, 20)
    assert read("mtd", today=today) == read("qtd", today=today) == read("ytd", today=today)
    assert shift(read("ytd", today=today), "UTC", -1, today=today) == read("2025-12")


def test_a_quarter_without_its_year_is_the_latest_that_has_begun() -> None:
    today = date(2026, 2, 10)
    assert read("q1", today=today) == read("2026-01-01..2026-03-31")
    assert read("q2", today=today) == read("2025-04-01..2025-06-30")
    assert read("q4", today=today) == read("2025-10-01..2025-12-31")


def test_shifting_passes_a_day_that_was_left_out() -> None:
    last = read("2011-12-31", "Pacific/Apia")
    assert shift(last, "Pacific/Apia", -1, today=TODAY) == read("2011-12-29", "Pacific/Apia")


def test_instants_for_the_command_line() -> None:
    assert parse_instant("2026-10-01") == at("2026-10-01")
    assert parse_instant("2026-10-01 17:16:48") == at("2026-10-01 17:16:48")
    assert parse_instant("2026-10-01 17:16:48 UTC", time_zone="Asia/Kolkata") == at("2026-10-01 17:16:48")
    assert parse_instant("2026-10-01T17:16:48.123456789+05:30") == at("2026-10-01 11:46:48.123456")
    assert parse_instant("2026-10-01", time_zone="Asia/Kolkata") == at("2026-09-30 18:30")
    for wrong in ("10-01", "2026-10-01T", "tomorrow", "2026-10-01 12:60", "2026-10-01 24:00", "2026-10-01 10:00 +1"):
        with pytest.raises(QueryError):
            parse_instant(wrong)


def test_zones_are_found_in_any_case_and_near_names_are_offered() -> None:
    assert zone_name("europe/berlin") == "Europe/Berlin"
    assert zone_name(" utc ") == "UTC"
    for wrong, hint in (("Berlin", "Europe/Berlin"), ("Europe/Berln", "Europe/Berlin"), ("../etc/passwd", "such as UTC")):
        with pytest.raises(QueryError, match=hint):
            zone_name(wrong)
    with pytest.raises(QueryError, match="no time zone is called 'America'"):
        parse_range("7d", today=TODAY, time_zone="America")


@given(days, zones)
def test_days_leave_no_gap_and_begin_at_their_first_instant(day: date, time_zone: str) -> None:
    start, end = start_of_day(day, time_zone), end_of_day(day, time_zone)
    assert start <= end == start_of_day(day + timedelta(days=1), time_zone)
    assume(start < end)
    assert start.astimezone(ZoneInfo(time_zone)).date() == day
    if time_zone != "America/St_Johns":  # its clocks went back at 00:01, so that a date came, went and came again
        assert local_date(start - timedelta.resolution, time_zone) < day == local_date(end - timedelta.resolution, time_zone)


@given(days, st.integers(0, 800), zones)
def test_whole_days_are_written_and_read_back(first: date, length: int, time_zone: str) -> None:
    try:
        time_range = read(f"{first}..{first + timedelta(days=length)}", time_zone)
    except QueryError:
        assume(False)
    assert read(range_text(time_range, time_zone), time_zone) == time_range
    assert whole_days(time_range, time_zone) is not None


@given(days, st.integers(0, 800))
def test_whole_days_are_read_as_they_are_said(first: date, length: int) -> None:
    time_range = read(f"{first}..{first + timedelta(days=length)}")
    assert read(describe_span(time_range, "UTC")) == time_range


@given(instants, st.timedeltas(timedelta(microseconds=1), timedelta(days=400)), zones)
def test_any_range_is_written_and_read_back(start: datetime, length: timedelta, time_zone: str) -> None:
    for time_range in (TimeRange(start, start + length), TimeRange(start, None), TimeRange(None, start)):
        assert read(range_text(time_range, time_zone), time_zone) == time_range
        assert describe(time_range, time_zone).endswith(f" · {time_zone}")


@example(date(2000, 1, 30), 31, 1, "UTC")
@given(days, st.integers(1, 400), st.integers(-3, 3), st.sampled_from(("UTC", "Europe/Berlin", "Asia/Kolkata")))
def test_shifting_there_and_back(first: date, length: int, by: int, time_zone: str) -> None:
    time_range = read(f"{first}..{first + timedelta(days=length - 1)}", time_zone)
    there = shift(time_range, time_zone, by, today=date.max)
    landed = whole_days(there, time_zone)
    assert landed is not None
    whole_months = landed[0].day == (landed[1] + timedelta(days=1)).day == 1  # which go back by months, of other lengths
    assert shift(there, time_zone, -by, today=date.max) == time_range or first.day == 1 or whole_months
    if by:
        moved = shift(time_range, time_zone, 1, today=date.max)
        assert moved.start == time_range.end


@given(st.dates(date(1990, 1, 1), date(2050, 1, 1)))
def test_presets_are_read_by_name_and_by_word_and_end_by_today(today: date) -> None:
    for preset in PRESETS:
        by_label, by_word = read(preset.label, today=today), read(preset.word, today=today)
        assert by_label == by_word
        assert by_label.end is None or by_label.end <= end_of_day(today, "UTC")


@given(st.text(alphabet="0123456789-.:qdwmyTZ +toldas…–", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        time_range = read(text, "America/New_York")
    except QueryError:
        return
    assert read(range_text(time_range, "America/New_York"), "America/New_York") == time_range


@given(st.dates(date(1971, 1, 1), date(2900, 1, 1)), st.integers(-10, 10))
def test_months_later_stays_in_its_month(day: date, months: int) -> None:
    moved = months_later(day, months)
    assert (moved.year * 12 + moved.month) - (day.year * 12 + day.month) == months
    assert moved.day == day.day or (moved + timedelta(days=1)).day == 1
