"""Facets: the values of a dimension with the number of events behind each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl

from fwbill_tui.usage.answers import Facet, FacetValue
from fwbill_tui.usage.labels import EMPTY, Labels
from fwbill_tui.usage.query import Query
from fwbill_tui.usage.rollup import EVENTS


def counted(cube: pl.DataFrame, column: str) -> dict[str, int]:
    """The events of a rollup's rows, by the labels of a column."""
    rows = cube.group_by(column).agg(pl.col(EVENTS).sum()).rows()
    return {EMPTY if label is None else label: events for label, events in rows}


def facet_of(query: Query, labels: Labels, counts: Mapping[str, int]) -> Facet:
    """A facet of all the labels there are, those without a count at 0."""
    dimension = labels.dimension
    chosen = {label for value in query.chosen(dimension) for label in labels.named(value)}
    excluded = {label for value in query.excluded(dimension) for label in labels.named(value)}
    values = [FacetValue(label, counts.get(label, 0), label in chosen, label in excluded) for label in labels.values]
    return Facet(dimension, tuple(sorted(values, key=lambda value: (-value.events, value.value))))


def spelled_out(query: Query, labels: Labels) -> Query:
    """The query with whole labels for what it chooses and excludes of theirs by a short name or a pattern."""

    def whole(values: Iterable[str]) -> set[str]:
        return {label for value in values for label in labels.named(value) or (value,)}

    dimension = labels.dimension
    return query.choose(dimension, whole(query.chosen(dimension))).exclude(dimension, whole(query.excluded(dimension)))
