"""What the explorer's chart is about: which measure, and by which dimension."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from textual import on

from fwbill_tui.tui.explorer.answering import ChartView, Question
from fwbill_tui.tui.explorer.loads import ExplorerLoads
from fwbill_tui.tui.widgets.chart import UsageChart
from fwbill_tui.tui.widgets.facets import FacetPanel
from fwbill_tui.tui.widgets.totals import TotalsPanel
from fwbill_tui.usage.answers import Series
from fwbill_tui.usage.groups import drill_down, narrowed
from fwbill_tui.usage.query import EVERYTHING, Query, TimeRange

_MEASURES = (
    "total_tokens", "prompt_tokens", "cached_prompt_tokens", "completion_tokens", "accelerator_seconds", "events",
)  # fmt: skip


class ExplorerChart(ExplorerLoads):
    """Turns the chart to other measures and dimensions. The query stays as it is, and so do the rows."""

    chart_view = ChartView()
    _summed: Question | None = None
    """What totals, facets and chart on screen are the answer to."""

    def action_chart_measure(self) -> None:
        """Chart the next measure: tokens, prompt, cached, completion, GPU time, events; those there are some of."""
        series = self._charted()
        if series is not None:
            totals = self.query_one(TotalsPanel).totals
            if not totals.events:
                self.notify("there is nothing to chart", timeout=4)
                return
            some = [name for name in _MEASURES if name == "events" or getattr(totals, name)]
            wanted = self.chart_view.measure  # on show, unless there is nothing of it
            self._show_chart(self.chart_view._replace(measure=_after(some, wanted if wanted in some else series.measure)))

    def action_chart_dimension(self) -> None:
        """Stack the chart by the next dimension: model, bucket, user, accelerator, usage type."""
        if self._charted() is not None:
            facets = self.query_one(FacetPanel).facets
            some = [name for name, facet in facets.items() if any(value.value for value in facet.values)]
            if some:
                self._show_chart(self.chart_view._replace(dimension=_after(some, self.chart_view.dimension)))

    @on(UsageChart.Picked)
    def _on_chart(self, message: UsageChart.Picked) -> None:
        if self._summed is None:
            return
        unit = "hour" if isinstance(message.first, datetime) else "day"
        seen = self._summed.current(self.query_now)

        def inside() -> Query:
            buckets = replace(seen, range=EVERYTHING, group_by=(unit,))
            first, last = (drill_down(buckets, {unit: edge}).range for edge in (message.first, message.last))
            return replace(seen, range=narrowed(seen.range, TimeRange(first.start, last.end)))

        query = self.allowed(inside)
        if query is not None:
            self.ask(query)

    def _charted(self) -> Series | None:
        """What the chart shows; None, and why is said, where it shows nothing."""
        chart = self.query_one(UsageChart)
        if not chart.display:
            self.notify("the chart needs a window of 30 lines", timeout=4)
            return None
        return chart.series

    def _show_chart(self, view: ChartView) -> None:
        self.chart_view = view
        self.answer(fewer=False)


def _after(names: Sequence[str], name: str) -> str:
    """The one that comes after another, round and round; the first after one that is not among them."""
    return names[(names.index(name) + 1) % len(names)] if name in names else names[0]
