"""A Query's filters as Polars conditions, kept apart by what they need to be answered.

Conditions on dictionary columns can be asked of the rollup, of any regrouping of it, and of the events alike.
Conditions on measures or on free text need the events.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple

import polars as pl

from fwbill_tui.usage.labels import EMPTY, Labels, matching
from fwbill_tui.usage.names import column_of
from fwbill_tui.usage.query import Condition, Operator, Query, TimeRange
from fwbill_tui.usage.search import SearchTerm, parse_search

_TRUE = pl.lit(value=True)
_LEAST, _MOST = -(2**64), 2**64
"""No count of an event, nor the sum of two, lies beyond."""


class LabelCondition(NamedTuple):
    """Holds where one of the columns `within` has one of its labels; if `negative`, where none has. For Python to look at.

    `own` is the column whose facet it does not count for, if there is one.
    """

    within: Mapping[str, frozenset[str]]
    negative: bool
    own: str | None = None

    @classmethod
    def of(cls, named: Sequence[tuple[Labels, Iterable[str]]], *, negative: bool, own: str | None = None) -> LabelCondition:
        """Of columns with labels that each has. One with none of them, or with all that it has, is not read."""
        within = {known.column: frozenset(labels) for known, labels in named}
        everywhere = any(len(within[known.column]) == len(known.codes) for known, _ in named)
        read = {column: labels for column, labels in within.items() if labels and not everywhere}
        return cls(read, not negative if everywhere else negative, own)

    def kept(self, places: Iterable[int], labels: Mapping[str, Sequence[str]]) -> list[int]:
        """The places where it holds; `labels` are those of each column by place."""
        tests = [(labels[column], wanted) for column, wanted in self.within.items()]
        return [place for place in places if any(texts[place] in wanted for texts, wanted in tests) is not self.negative]


class Predicate(NamedTuple):
    """The filters of one query.

    `by_column`: conditions that choose or exclude labels of one dictionary column (a facet's own condition does not
    count for that facet). `across`: search terms, over all dictionary columns. `spelled` are these two once more.
    `on_events`: what only events answer, each under a key that says what it asks, so that equal keys mean equal conditions.
    """

    by_column: Mapping[str, pl.Expr]
    across: tuple[pl.Expr, ...]
    spelled: tuple[LabelCondition, ...]
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
    spelled: list[LabelCondition] = []
    on_events: dict[Hashable, pl.Expr] = {condition: _measure_condition(condition, huge_counts) for condition in query.where}
    for choices, wanted in ((query.only, True), (query.without, False)):
        for dimension, values in choices:
            column = column_of(dimension)
            if column in labels:
                named = [label for value in values for label in labels[column].named(value)]
                inside = labels[column].condition(named)
                expr = inside if wanted else ~inside
                by_column[column] = by_column[column] & expr if column in by_column else expr
                spelled.append(LabelCondition.of([(labels[column], named)], negative=not wanted, own=column))
            else:
                inside = _text_choice(column, values) if column in free_text else pl.lit(value=False)
                on_events[(wanted, column, values)] = inside if wanted else ~inside
    across: list[pl.Expr] = []
    for term in parse_search(query.search, (*free_text, *labels)):
        texts = [column for column in free_text if term.dimension is None or column == column_of(term.dimension)]
        scope = None if term.dimension is None else column_of(term.dimension)
        within = [known for column, known in labels.items() if scope in (None, column)]
        found = [(known, hits) for known, hits in zip(within, matching(within, term.pattern), strict=True) if hits]
        condition = _search_condition(term, found, texts)
        if texts:
            on_events[term] = condition
        else:
            across.append(condition)
            spelled.append(LabelCondition.of(found, negative=term.negative))
    return Predicate(by_column, tuple(across), tuple(spelled), on_events)


def _search_condition(term: SearchTerm, hits: Sequence[tuple[Labels, list[str]]], texts: Sequence[str]) -> pl.Expr:
    found = [known.condition(labels) for known, labels in hits]
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
            return pl.lit(value=operator == "!=")
        value = math.floor(value) if operator in ("<", "<=") else math.ceil(value)
        operator = "<=" if operator in ("<", "<=") else ">="
    return _compared(measure, operator, int(value))


def _compared(measure: pl.Expr, operator: Operator, number: int | float) -> pl.Expr:
    if isinstance(number, int) and not _LEAST <= number <= _MOST:  # beyond every value
        if operator in ("=", "!="):
            return pl.lit(value=operator == "!=")
        return measure.is_not_null() if operator in (("<", "<=") if number > 0 else (">", ">=")) else pl.lit(value=False)
    value = pl.lit(number)  # Int64 where it fits, else Int128
    holds = {
        "<": measure < value, "<=": measure <= value, "=": measure == value,
        "!=": measure != value, ">=": measure >= value, ">": measure > value,
    }[operator]  # fmt: skip
    return holds.fill_null(value=operator == "!=")
