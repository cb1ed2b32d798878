"""The totals of what is shown, beside the whole of the range."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from fwbill_tui.tui.bars import compact, percent
from fwbill_tui.tui.widgets.painted import Painted
from fwbill_tui.usage.answers import Totals


class TotalsPanel(Painted, Widget):
    """Two lines that follow every query: how many events of how many, and what they add up to.

    While a range is incomplete the panel says so in words; a total is never silently short.
    """

    PART = "totals"
    COMPONENT_CLASSES: ClassVar[set[str]] = {"totals--head", "totals--name", "totals--value", "totals--partial"}
    DEFAULT_CSS = """
    TotalsPanel {
        height: 2; width: 1fr; background: $background;
        & > .totals--head { color: $text-muted; }
        & > .totals--name { color: $text-muted; }
        & > .totals--value { color: $foreground; text-style: bold; }
        & > .totals--partial { color: $warning; text-style: bold; }
    }
    """

    totals: reactive[Totals] = reactive(Totals())
    whole: reactive[Totals] = reactive(Totals())
    row_names: reactive[tuple[str, str]] = reactive(("event", "events"))
    """What one of what is counted is called, and several."""
    partial: reactive[str] = reactive("")
    """Why the totals are not those of the whole range; '' when they are."""

    def render_line(self, y: int) -> Strip:
        segments = self._head() if y == 0 else self._sums() if y == 1 else []
        return Strip(segments).adjust_cell_length(self.size.width, self.ground)

    def _head(self) -> list[Segment]:
        value, quiet = self.part("value"), self.part("head")
        shown, whole = self.totals.events, self.whole.events
        segments = [Segment(f" {shown:,}", value)]
        if shown != whole:
            share = f" ({percent(shown, whole)})" if whole else ""
            segments.append(Segment(f" of {whole:,} {self.row_names[1]}{share}", quiet))
        else:
            segments.append(Segment(f" {self.row_names[shown != 1]}", quiet))
        if self.partial:
            segments.append(Segment(f"  ⚠ partial: {self.partial}", self.part("partial")))
        return segments

    def _sums(self) -> list[Segment]:
        """In full where there is room, else rounded, else without the least of them; a number is never cut."""
        for exact, parts in ((True, _PARTS), (False, _PARTS), (False, _PARTS - {"cached"}), (False, _PARTS - {"cached", "GPU"})):
            segments = self._parts(parts, exact=exact)
            if sum(segment.cell_length for segment in segments) <= self.size.width:
                return segments
        return self._parts(frozenset({"total"}), exact=False)

    def _parts(self, wanted: frozenset[str], *, exact: bool) -> list[Segment]:
        name, value, totals = self.part("name"), self.part("value"), self.totals
        segments = []
        measures = {"prompt": totals.prompt_tokens, "completion": totals.completion_tokens, "total": totals.total_tokens}
        for label, tokens in measures.items():
            if label not in wanted:
                continue
            segments += [Segment(f" {label} ", name), Segment(f"{tokens:,}" if exact else compact(tokens), value)]
            if label == "prompt" and tokens and "cached" in wanted:
                segments.append(Segment(f" ({percent(totals.cached_prompt_tokens, tokens)} cached)", name))
            segments.append(Segment(" ", name))
        if totals.accelerator_seconds and "GPU" in wanted:
            segments += [Segment(" GPU ", name), Segment(_hours(totals.accelerator_seconds), value)]
        return segments


def _hours(seconds: float) -> str:
    hours = seconds / 3600
    return f"{hours:,.1f} h" if abs(hours) >= 0.1 else f"{hours:.1g} h"  # some is never 0.0


_PARTS = frozenset({"prompt", "cached", "completion", "total", "GPU"})
