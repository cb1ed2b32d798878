"""A Query's filters as Polars conditions, kept apart by what they need to be answered.

Conditions on dictionary columns can be asked of the rollup, of any regrouping of it, and of the events alike.
Conditions on measures or on free text need the events.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from fwbill_tui.usage.labels import EMPTY, Labels
from fwbill_tui.usage.query import Condition, Query, TimeRange
from fwbill_tui.usage.schema import column_of
from fwbill_tui.usage.search import SearchTerm, parse_search

_TRUE = pl.lit(value=True)


@dataclass(frozen=True, slots=True)
class Predicate:
    """The filters of one query.

    `by_column`: conditions that choose or exclude labels of one dictionary column (a facet's own condition does not
    count for that facet). `across`: search terms, over all dictionary columns. `on_events`: what only events answer.
    """

    by_column: Mapping[str, pl.Expr] = field(default_factory=dict)
    across: tuple[pl.Expr, ...] = ()
    on_events: tuple[pl.Expr, ...] = ()

    def on_labels(self, *, but: str | None = None) -> pl.Expr:
        """All conditions on labels together, leaving out those on the column `but`."""
        return all_of([*(expr for column, expr in self.by_column.items() if column != but), *self.across])

    def whole(self) -> pl.Expr:
        """Everything, for the events."""
        return all_of([*self.by_column.values(), *self.across, *self.on_events])


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


def build(query: Query, labels: Mapping[str, Labels], free_text: Sequence[str]) -> Predicate:
    """The predicate of a query (without its range). Raises QueryError for a search that cannot be read."""
    by_column: dict[str, pl.Expr] = {}
    on_events = [_measure_condition(condition) for condition in query.where]
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
                on_events.append(inside if wanted else ~inside)
    across: list[pl.Expr] = []
    for term in parse_search(query.search, tuple(free_text) + tuple(labels)):
        expr, needs_events = _search_condition(term, labels, free_text)
        (on_events if needs_events else across).append(expr)
    return Predicate(by_column, tuple(across), tuple(on_events))


def _search_condition(term: SearchTerm, labels: Mapping[str, Labels], free_text: Sequence[str]) -> tuple[pl.Expr, bool]:
    scope = None if term.dimension is None else column_of(term.dimension)
    found: list[pl.Expr] = []
    matches = term.matcher()
    for column, known in labels.items():
        if scope in (None, column) and (hits := known.matching(matches)):
            found.append(known.condition(hits))
    texts = [column for column in free_text if scope in (None, column)]
    pattern = term.text if term.regex else _escaped(term.text)
    found += [pl.col(column).str.contains(f"(?i){pattern}").fill_null(value=False) for column in texts]
    anywhere = pl.any_horizontal(found) if len(found) > 1 else found[0] if found else pl.lit(value=False)
    return (~anywhere if term.negative else anywhere), bool(texts)


def _escaped(text: str) -> str:
    return "".join(f"\\{char}" if char in r"\.+*?()|[]{}^$#&-~" else char for char in text)


def _text_choice(column: str, values: Sequence[str]) -> pl.Expr:
    """Free text is chosen by its exact value."""
    solid = [value for value in values if value != EMPTY]
    inside = pl.col(column).is_in(solid).fill_null(value=False)
    return inside | pl.col(column).is_null() if EMPTY in values else inside


def _measure_condition(condition: Condition) -> pl.Expr:
    if condition.measure == "total_tokens":
        measure = pl.sum_horizontal("prompt_tokens", "completion_tokens", ignore_nulls=True)
    else:
        measure = pl.col(condition.measure)
    value = pl.lit(condition.value)
    holds = {
        "<": measure < value, "<=": measure <= value, "=": measure == value,
        "!=": measure != value, ">=": measure >= value, ">": measure > value,
    }[condition.operator]  # fmt: skip
    return holds.fill_null(value=False)
