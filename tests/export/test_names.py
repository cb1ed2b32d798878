"""Default file names say what is inside and work everywhere."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fwbill_tui.export.names import default_name
from fwbill_tui.usage.query import Condition, Query, TimeRange

NOVEMBER = TimeRange(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC))


@pytest.mark.parametrize(
    ("account", "query", "name"),
    [
        (None, Query(), "fwbill.csv"),
        ("acme-prod", Query(NOVEMBER), "fwbill-acme-prod-2026-11-01_2026-11-21.csv"),
        (
            "acme",
            Query(NOVEMBER).choose("model", ["accounts/fireworks/models/kimi-k3"]),
            "fwbill-acme-2026-11-01_2026-11-21-kimi-k3.csv",
        ),
        (None, Query().exclude("user", ["", 'Ops, "EU" <x@y>']), "fwbill-without-empty-without-Ops-EU-x-y.csv"),
        (None, Query(search="/kimi.*/", group_by=("model", "day")), "fwbill-kimi-by-model-day.csv"),
        (None, Query(where=(Condition("prompt_tokens", ">=", 5),)), "fwbill-prompt_tokens-atleast-5.csv"),
        (None, Query(TimeRange(start=NOVEMBER.start)), "fwbill-from-2026-11-01T000000.csv"),
    ],
)
def test_names_are_built_from_account_range_and_filters(account: str | None, query: Query, name: str) -> None:
    assert default_name(account, query) == name


def test_days_are_those_of_the_query_s_zone() -> None:
    local = TimeRange(datetime(2026, 10, 31, 18, 30, tzinfo=UTC), datetime(2026, 11, 1, 18, 30, tzinfo=UTC))
    assert default_name(None, Query(local, "Asia/Kolkata"), "parquet") == "fwbill-2026-11-01.parquet"


@given(
    st.text() | st.none(),
    st.text(),
    st.lists(st.text(), max_size=20),
)
def test_names_are_safe_and_bounded_whatever_the_data_says(account: str | None, search: str, values: list[str]) -> None:
    name = default_name(account, Query(NOVEMBER, search=search).choose("user", values))
    assert re.fullmatch(r"fwbill-[A-Za-z0-9._-]*\.csv", name)
    assert len(name) <= 130


def test_cut_names_stay_different() -> None:
    def long(last: str) -> str:
        return default_name(None, Query().choose("user", [f"{i}-{'u' * 30}" for i in range(9)] + [last]))

    assert long("zz-a") != long("zz-b")
