from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from fwbill_tui.tui.cells import ELLIPSIS, fit, path, seconds, texts, usage_type, width
from fwbill_tui.usage.literal import literal

wild = st.text(st.sampled_from("ab /é\u0301漢字🚀👍🏽ｗｶﾞ한ก็שلe\u200d\ufe0f❤©\t\x1b")) | st.text()
times = pl.Series([datetime(2026, 11, 1, 5, 59, 58, tzinfo=UTC), datetime(2026, 11, 1, 6, 0, 0, 250_000, tzinfo=UTC), None])


@given(wild.map(literal), st.integers(0, 30), st.booleans())
def test_a_fitted_text_takes_exactly_its_cells(text: str, cells: int, right: bool) -> None:
    fitted = fit(text, cells, right=right)
    assert cell_len(fitted) == cells
    assert width(text) == cell_len(text)
    if not cells:
        assert not fitted  # also of a text that takes none, such as a skin tone by itself
    elif width(text) <= cells:
        assert fitted.strip(" ") == text.strip(" ")
    else:
        kept = fitted.strip(" ").removesuffix(ELLIPSIS)
        assert fitted.rstrip(" ").endswith(ELLIPSIS)
        assert text.strip(" ").startswith(kept.strip(" "))


@pytest.mark.parametrize(
    ("text", "cells", "fitted"),
    [
        ("kimi-k3", 7, "kimi-k3"),
        ("kimi-k3", 6, "kimi-…"),
        ("漢字漢字", 8, "漢字漢字"),
        ("漢字漢字", 7, "漢字漢…"),
        ("漢字漢字", 6, "漢字… "),
        ("漢", 1, "…"),
        ("🚀🚀", 3, "🚀…"),
        ("e\u0301e\u0301e\u0301", 2, "e\u0301…"),
        ("", 3, "   "),
    ],
)
def test_where_a_text_is_cut(text: str, cells: int, fitted: str) -> None:
    assert fit(text, cells) == fitted


def test_numbers_have_separators_and_zero_is_not_empty() -> None:
    assert texts(pl.Series([1204331, 0, None, -5], dtype=pl.Int64), "count", "UTC") == ["1,204,331", "0", "", "-5"]
    assert texts(pl.Series([7200.25, 0.0, None, 0.0004]), "seconds", "UTC") == ["7,200.25", "0.00", "", "0.0004"]
    assert seconds(float("nan")) == "nan"


def test_times_are_in_the_zone_asked_for_with_a_fraction_only_if_any() -> None:
    assert texts(times, "time", "UTC") == ["2026-11-01 05:59:58", "2026-11-01 06:00:00.250", ""]
    # The hour that comes twice in New York, and a zone half an hour off.
    assert texts(times, "time", "America/New_York") == ["2026-11-01 01:59:58", "2026-11-01 01:00:00.250", ""]
    assert texts(times, "day", "Pacific/Apia") == ["2026-11-01", "2026-11-01", ""]
    assert texts(times, "month", "America/Los_Angeles") == ["2026-10", "2026-10", ""]
    assert texts(pl.Series([date(2026, 11, 1)]), "day", "Asia/Kolkata") == ["2026-11-01"]
    assert texts(pl.Series([date(2026, 11, 1)]), "month", "Asia/Kolkata") == ["2026-11"]
    assert texts(pl.Series(["not a time"]), "day", "UTC") == ["not a time"]


def test_labels_from_dictionary_codes_are_shown_literally() -> None:
    codes = pl.Series(["accounts/fireworks/models/kimi-k3", "", None, "x/\x1b[2J"], dtype=pl.Categorical)
    assert texts(codes, "path", "UTC") == ["kimi-k3", "", "", "␛[2J"]
    assert texts(codes, "label", "UTC") == ["accounts/fireworks/models/kimi-k3", "", "", "x/␛[2J"]
    assert path("///") == "///"
    assert len(path("x" * 10_000_000)) < 1000


def test_usage_types_read_as_words_and_strange_ones_stay() -> None:
    assert usage_type("TEXT_COMPLETION_INFERENCE_USAGE") == "Text completion"
    assert usage_type("DEDICATED_DEPLOYMENT_USAGE") == "Dedicated deployment"
    assert usage_type("something_NEW\x1b") == "something_NEW␛"
    assert usage_type("_USAGE") == "_USAGE"


@pytest.mark.parametrize(
    ("zone", "first", "shown"),
    [
        ("Asia/Kolkata", datetime(2026, 11, 1, 5, 30, tzinfo=UTC), ["2026-11-01 11:00", "2026-11-01 12:00"]),
        ("Europe/Berlin", datetime(2026, 10, 25, 0, tzinfo=UTC), ["2026-10-25 02:00 +0200", "2026-10-25 02:00 +0100"]),
        ("Australia/Lord_Howe", datetime(2026, 4, 4, 14, tzinfo=UTC), ["2026-04-05 01:00", "2026-04-05 01:30 +1030"]),
    ],
)
def test_no_two_hours_read_alike(zone: str, first: datetime, shown: list[str]) -> None:
    hours = pl.Series([first, first + timedelta(hours=1), None])
    assert texts(hours, "hour", zone) == [*shown, ""]
