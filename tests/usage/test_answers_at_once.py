"""Which answers are worked out where they are asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from usage_strategies import cases, ledger_of, queries

from fwbill_tui.usage import combinations
from fwbill_tui.usage import ledger as ledgers
from fwbill_tui.usage.ledger import Ledger
from fwbill_tui.usage.query import Condition, Query, TimeRange

AT = datetime(2026, 10, 1, 9, 2, 24, tzinfo=UTC)


def asked() -> Ledger:
    """A ledger that has answered for everything."""
    events = [{"start_time": AT, "usage_type": "TEXT", "base_model_name": name} for name in ("kimi", "glm")]
    ledger = ledger_of(events)
    for answer in (ledger.totals, ledger.facets, ledger.series):
        answer(Query())
    return ledger


@settings(max_examples=100, deadline=None)
@given(cases(), st.data())
def test_answers_at_once_are_read_from_what_is_known(case: Any, data: st.DataObject) -> None:
    ledger, _, query, _ = case
    fields = [name for name in ledger.further if name in ledger.dimensions]
    other, _ = data.draw(queries(further=ledger.further, groups=("model", *fields)))
    other = replace(query, only=other.only, without=other.without, search=other.search, where=other.where)

    def ask(query: Query) -> set[Any]:
        ledger.totals(query), ledger.whole(query), ledger.facets(query), ledger.series(query)
        return set(ledger._rollups._kept)

    known = ask(query)
    at_once = ledger.answers_at_once(other)
    assert not at_once or ask(other) == known


def test_filters_by_labels_are_answered_at_once_where_combinations_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    query = Query(search="kimi")
    assert not ledger_of([{"start_time": AT, "usage_type": "TEXT"}]).answers_at_once(query)
    ledger = asked()
    assert ledger.answers_at_once(query)
    assert ledger.answers_at_once(Query().choose("model", ["glm"]))
    assert not ledger.answers_at_once(Query(where=(Condition("prompt_tokens", ">", 2),)))
    assert not ledger.answers_at_once(Query(range=TimeRange(AT, AT + timedelta(hours=1))))
    monkeypatch.setattr(combinations, "_QUICK_CELLS", 1)
    assert not ledger.answers_at_once(query)


def test_many_combinations_are_not_answered_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, where in (("MOST", ledgers), ("MOST_CELLS", combinations)):
        with monkeypatch.context() as patch:
            patch.setattr(where, name, 1)
            assert not asked().answers_at_once(Query(search="kimi"))
