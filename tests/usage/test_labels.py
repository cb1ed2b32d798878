"""Labels: which of them a value names, and how they become conditions on codes."""

from __future__ import annotations

import warnings

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fwbill_tui.usage.labels import Labels
from fwbill_tui.usage.names import last_segment

MODELS = [
    "accounts/fireworks/models/kimi-k3", "accounts/acme/models/Kimi-K3", "accounts/acme/models/glm", "a*b", "axb", "kimi[1]",
    "x/", "/", None,
]  # fmt: skip


def labels_of(values: list[str | None], physical: type[pl.DataType] = pl.UInt16) -> tuple[Labels, pl.DataFrame]:
    dtype = pl.Categorical(pl.Categories("labels", namespace=f"test{physical}", physical=physical))
    frame = pl.DataFrame({"base_model_name": pl.Series(values, dtype=pl.String)}).cast(dtype)
    return Labels("base_model_name", frame["base_model_name"]), frame


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("accounts/acme/models/glm", ["accounts/acme/models/glm"]),
        ("GLM", ["accounts/acme/models/glm"]),
        ("kimi-k3", ["accounts/acme/models/Kimi-K3", "accounts/fireworks/models/kimi-k3"]),
        ("*kimi-k?", ["accounts/acme/models/Kimi-K3", "accounts/fireworks/models/kimi-k3"]),
        ("accounts/acme/*", ["accounts/acme/models/Kimi-K3", "accounts/acme/models/glm"]),
        ("a*b", ["a*b"]),  # exactly, though it is a glob as well
        ("A?B", ["a*b", "axb"]),
        ("kimi[1]", ["kimi[1]"]),
        ("kimi[[]1]", ["kimi[1]"]),
        ("x", ["x/"]),
        ("/", ["/"]),
        ("", [""]),
        ("nothing", []), ("[", []), ("[z-a]", []), ("*nothing*", []),
    ],
)  # fmt: skip
def test_what_a_value_names(value: str, named: list[str]) -> None:
    labels, _ = labels_of(MODELS)
    assert sorted(labels.named(value)) == named


def test_a_star_never_names_an_empty_cell() -> None:
    labels, _ = labels_of(["a", None])
    assert labels.named("*") == ["a"]
    assert labels_of(["a"])[0].named("") == []


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(MODELS), max_size=12), st.sets(st.sampled_from([model or "" for model in MODELS])), st.booleans())
def test_a_condition_keeps_the_rows_with_these_labels(values: list[str | None], wanted: set[str], wide: bool) -> None:
    labels, frame = labels_of(values, pl.UInt32 if wide else pl.UInt16)
    for condition, expected in (
        (labels.condition(wanted), [row for row, value in enumerate(values) if (value or "") in wanted]),
        (~labels.condition(wanted), [row for row, value in enumerate(values) if (value or "") not in wanted]),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            kept = frame.with_row_index("row").filter(condition)
        assert kept["row"].to_list() == expected


def test_ranks_order_codes_by_code_point() -> None:
    labels, frame = labels_of(["b", "é", "B", "\U0001f600", "\uffff", None])
    ranks = labels.ranks().gather(frame["base_model_name"].to_physical().cast(pl.UInt32))
    assert ranks.to_list() == [1, 2, 0, 4, 3, None]


@pytest.mark.parametrize(("label", "segment"), [("a/b/c", "c"), ("c", "c"), ("a/b/", "b"), ("/", "/"), ("", ""), ("//", "//")])
def test_last_segment(label: str, segment: str) -> None:
    assert last_segment(label) == segment
