"""The Query: a value that can be compared, hashed, changed, and that refuses what it cannot mean."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fwbill_tui.usage.query import MEASURE_CONDITIONS, Condition, Query, QueryError, SortKey, TimeRange

NAMES = st.sampled_from(["model", "user", "tag"])
VALUES = st.lists(st.sampled_from(["", "a", "b", "c*"]), max_size=3)
CHANGES = st.lists(st.tuples(st.booleans(), NAMES, VALUES), max_size=6)
AT = datetime(2026, 10, 1, tzinfo=UTC)


@given(CHANGES, st.randoms())
def test_equal_whatever_the_order_of_choosing(changes: list[tuple[bool, str, list[str]]], shuffled: object) -> None:
    last = {(kind, name): values for kind, name, values in changes if kind}  # choices only: they do not touch each other
    one = two = Query()
    for (_, name), values in last.items():
        one = one.choose(name, values)
    for (_, name), values in reversed(last.items()):
        two = two.choose(name, [*reversed(values), *values])
    assert one == two
    assert hash(one) == hash(two)
    assert {one: 1}[two] == 1


@given(CHANGES)
def test_what_is_chosen_and_excluded(changes: list[tuple[bool, str, list[str]]]) -> None:
    query, only, without = Query(), dict[str, set[str]](), dict[str, set[str]]()
    for chooses, name, values in changes:
        query = query.choose(name, values) if chooses else query.exclude(name, values)
        if chooses:
            only[name] = set(values)
            without[name] = without.get(name, set()) - set(values)
        else:
            without[name] = set(values)
    for name in ("model", "user", "tag"):
        assert query.chosen(name) == tuple(sorted(only.get(name, set())))
        assert query.excluded(name) == tuple(sorted(without.get(name, set())))
    assert query.filtered == any([*only.values(), *without.values()])
    assert query.clear_filters() == Query()


def test_made_directly_it_is_the_same_value() -> None:
    made = Query(only=(("user", ("b", "a", "b")), ("model", ("k",)), ("tag", ())))
    assert made == Query().choose("model", ["k"]).choose("user", ["a", "b"])
    assert Query(only=(("user", ("a",)), ("user", ("b",)))).chosen("user") == ("a", "b")


def test_toggle_chooses_and_takes_back() -> None:
    query = Query().exclude("user", ["a", "b"]).toggle("user", "a")
    assert (query.chosen("user"), query.excluded("user")) == (("a",), ("b",))
    assert query.toggle("user", "c").toggle("user", "a").chosen("user") == ("c",)
    assert Query().toggle("user", "").toggle("user", "") == Query()


def test_clearing_keeps_range_sort_grouping_and_columns() -> None:
    query = Query(
        range=TimeRange(AT), time_zone="Asia/Kolkata", sort=(SortKey("email"),), group_by=("day",), columns=("email",)
    )  # fmt: skip
    filtered = replace(query, search="kimi", where=(Condition("prompt_tokens", ">", 1),))
    filtered = filtered.choose("user", ["a"]).exclude("model", ["b"])
    assert filtered.filtered
    assert filtered.clear_filters() == query
    assert not Query(search="  ").filtered


def test_it_is_immutable_and_can_be_pickled() -> None:
    query = Query(range=TimeRange(AT)).choose("user", ["a"])
    with pytest.raises(FrozenInstanceError):
        query.search = "x"  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(query)).only == query.only


# -- ranges --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "edge", [AT.replace(tzinfo=None), AT.astimezone(ZoneInfo("UTC")), AT.astimezone(timezone(timedelta(hours=1)))]
)
def test_edges_are_utc(edge: datetime) -> None:
    with pytest.raises(QueryError, match="UTC"):
        TimeRange(edge)


def test_a_range_has_a_length() -> None:
    for end in (AT, AT - timedelta(seconds=1)):
        with pytest.raises(QueryError, match="empty"):
            TimeRange(AT, end)
    assert TimeRange(AT, AT + timedelta.resolution).end is not None


# -- conditions ----------------------------------------------------------------------------------------------------------
@given(
    st.sampled_from(MEASURE_CONDITIONS), st.sampled_from(["<", "<=", "=", "!=", ">=", ">"]),
    st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False),
)  # fmt: skip
def test_a_condition_reads_back_what_it_says(measure: str, operator: str, value: float) -> None:
    condition = Condition(measure, operator, value)  # type: ignore[arg-type]
    assert Condition.parse(str(condition)) == condition


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("prompt_tokens>1000", Condition("prompt_tokens", ">", 1000)),
        (" total_tokens == 1_000_000 ", Condition("total_tokens", "=", 1_000_000)),
        ("accelerator_seconds<=.5", Condition("accelerator_seconds", "<=", 0.5)),
        ("accelerator_seconds != -2.50", Condition("accelerator_seconds", "!=", -2.5)),
        ("parameter_count>=1e9", Condition("parameter_count", ">=", 1e9)),
        ("cached_prompt_tokens<+3", Condition("cached_prompt_tokens", "<", 3)),
    ],
)
def test_conditions_as_people_write_them(text: str, condition: Condition) -> None:
    assert Condition.parse(text) == condition


@pytest.mark.parametrize(
    "text",
    [
        "", "prompt_tokens", "prompt_tokens>", ">3", "prompt_tokens>_", "prompt_tokens>+", "prompt_tokens>1k", "prompt_tokens><3",
        "prompt_tokens=>3", "prompt_tokens>nan", "prompt_tokens>inf", "prompt_tokens>1e999", "prompt_tokens>1 000", "events>3",
        "prompt_tokens>٣", "prompt_tokens>1e", "cost>3", "prompt_tokens>" + "9" * 5000,
    ],
)  # fmt: skip
def test_conditions_that_mean_nothing_are_refused(text: str) -> None:
    with pytest.raises(QueryError) as refused:
        Condition.parse(text)
    assert len(str(refused.value).splitlines()) == 1


# -- sort keys -----------------------------------------------------------------------------------------------------------
def test_sort_keys_as_people_write_them() -> None:
    assert SortKey.parse("-completion_tokens") == SortKey("completion_tokens", descending=True)
    assert SortKey.parse("+model") == SortKey("base_model_name")
    assert SortKey.parse("user") == SortKey("email")
    for text in ("", "-", "+", "- "):
        with pytest.raises(QueryError, match="sort key"):
            SortKey.parse(text)
