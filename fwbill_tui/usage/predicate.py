"""A Query's filters as Polars conditions, kept apart by what they need to be answered.

Conditions on dictionary columns can be asked of the rollup, of any regrouping of it, and of the events alike.
Conditions on measures or on free text need the events.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

import polars as pl

from fwbill_tui.usage.labels import EMPTY, Labels, matching
from fwbill_tui.usage.names import column_of
from fwbill_tui.usage.query import Condition, Operator, Query, TimeRange
from fwbill_tui.usage.search import SearchTerm, parse_search

_TRUE = pl.lit(value=True)
_LEAST, _MOST = -(2**64), 2**64
"""No count of an event, nor the sum of two, lies beyond."""


class Predicate(NamedTuple):
    """The filters of one query.

    `by_column`: conditions that choose or exclude labels of one dictionary column (a facet's own condition does not
    count for that facet). `across`: search terms, over all dictionary columns. `on_events`: what only events answer,
    each under a key that says what it asks, so that equal keys mean equal conditions.
    """

    by_column: Mapping[str, pl.Expr]
    across: tuple[pl.Expr, ...]
    on_events: Mapping[Hashable, pl.Expr]

    def on_labels(self, *, but: str | None = None) -> pl.Expr:
        """All conditions on labels together, leaving out those on the column `but`."""
        return all_of([*(expr for column, expr in self.by_column.items() if column != but), *self.across])

    def label_columns(self) -> tuple[str, ...]:
        """The label columns that conditions on labels read."""
        read = (name for condition in (*self.by_column.values(), *self.across) for name in condition.meta.root_names())
        return tuple(dict.fromkeys(read))


def all_of(conditions: Sequence[pl.Expr]) -> pl.Expr:
    """All of the conditions; true when there are none."""
    return pl.all_horizontal(conditions) if len(conditions) > 1 else conditions[0] if conditions else _TRUE


def in_range(range_: TimeRange, column: str) -> list[pl.Expr]:
    """The half-open range as conditions on a time column."""
    conditions = []
    if range_.start is not None:
        conditions.append(pl.col(column) >= range_.start)
    if range_.end is not None:
        conditions.append(pl.col(column) < range_.end)
    return conditions


def build(
    query: Query, labels: Mapping[str, Labels], free_text: Sequence[str], *, huge_counts: bool = False
) -> Predicate:  # fmt: skip
    """The predicate of a query (without its range). Raises QueryError for a search that cannot be read.

    `huge_counts` says that prompt and completion tokens of one event together might not fit 64 bits.
    """
    by_column: dict[str, pl.Expr] = {}
    on_events: dict[Hashable, pl.Expr] = {condition: _measure_condition(condition, huge_counts) for condition in query.where}
    for choices, wanted in ((query.only, True), (query.without, False)):
        for dimension, values in choices:
            column = column_of(dimension)
            if column in labels:
                named = [label for value in values for label in labels[column].named(value)]
                inside = labels[column].condition(named)
                expr = inside if wanted else ~inside
                by_column[column] = by_column[column] & expr if column in by_column else expr
            else:
                inside = _text_choice(column, values) if column in free_text else pl.lit(value=False)
                on_events[(wanted, column, values)] = inside if wanted else ~inside
    across: list[pl.Expr] = []
    for term in parse_search(query.search, (*free_text, *labels)):
        texts = [column for column in free_text if term.dimension is None or column == column_of(term.dimension)]
        if texts:
            on_events[term] = _search_condition(term, labels, texts)
        else:
            across.append(_search_condition(term, labels, ()))
    return Predicate(by_column, tuple(across), on_events)


def _search_condition(term: SearchTerm, labels: Mapping[str, Labels], texts: Sequence[str]) -> pl.Expr:
    scope = None if term.dimension is None else column_of(term.dimension)
    within = [known for column, known in labels.items() if scope in (None, column)]
    found = [known.condition(hits) for known, hits in zip(within, matching(within, term.pattern), strict=True) if hits]
    found += [pl.col(column).str.contains(term.pattern).fill_null(value=False) for column in texts]
    anywhere = pl.any_horizontal(found) if len(found) > 1 else found[0] if found else pl.lit(value=False)
    return ~anywhere if term.negative else anywhere


def _text_choice(column: str, values: Sequence[str]) -> pl.Expr:
    """Free text is chosen by its exact value."""
    solid = [value for value in values if value != EMPTY]
    inside = pl.col(column).is_in(solid).fill_null(value=False)
    return inside | pl.col(column).is_null() if EMPTY in values else inside


def _measure_condition(condition: Condition, huge_counts: bool) -> pl.Expr:
    if condition.measure == "accelerator_seconds":
        return _compared(pl.col(condition.measure), condition.operator, float(condition.value))
    if condition.measure == "total_tokens":
        whole = pl.Int128 if huge_counts else pl.Int64
        prompt, completion = pl.col("prompt_tokens").cast(whole), pl.col("completion_tokens").cast(whole)
        measure = pl.coalesce(prompt + completion, prompt, completion)
    else:
        measure = pl.col(condition.measure)
    operator, value = condition.operator, condition.value
    if isinstance(value, float) and not value.is_integer():
        if operator in ("=", "!="):
            return measure.is_not_null() if operator == "!=" else pl.lit(value=False)
        value = math.floor(value) if operator in ("<", "<=") else math.ceil(value)
        operator = "<=" if operator in ("<", "<=") else ">="
    return _compared(measure, operator, int(value))


def _compared(measure: pl.Expr, operator: Operator, number: int | float) -> pl.Expr:
    if isinstance(number, int) and not _LEAST <= number <= _MOST:  # beyond every value
        always = operator == "!=" or operator in (("<", "<=") if number > 0 else (">", ">="))
        return measure.is_not_null() if always else pl.lit(value=False)
    value = pl.lit(number)  # Int64 where it fits, else Int128
    holds = {
        "<": measure < value, "<=": measure <= value, "=": measure == value,
        "!=": measure != value, ">=": measure >= value, ">": measure > value,
    }[operator]  # fmt: skip
    return holds.fill_null(value=False)
