"""A load under way: one bar per window, and one for all of it."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from fwbill_tui.sources.source import FINAL_STATES, Progress, WindowProgress
from fwbill_tui.tui import cells
from fwbill_tui.tui.bars import compact_bytes, share_bar
from fwbill_tui.tui.widgets.painted import Painted
from fwbill_tui.usage.literal import literal
from fwbill_tui.usage.ranges import describe_span

_MOST_WINDOWS = 6
_BAR = 16
_STATES = {"waiting": "waits", "exporting": "export asked for"}
"""States that have a better name than their own."""


class FetchPanel(Painted, Widget):
    """Shown while a load runs. Windows that are done make room for those that are not when there are many."""

    PART = "fetch"
    COMPONENT_CLASSES: ClassVar[set[str]] = {"fetch--text", "fetch--bar", "fetch--quiet", "fetch--problem"}
    DEFAULT_CSS = """
    FetchPanel {
        height: auto; max-height: 8; width: 1fr; display: none; padding: 0 1; background: $surface;
        &.running { display: block; }
        & > .fetch--text { color: $foreground; background: $surface; }
        & > .fetch--bar { color: $primary; background: $surface; }
        & > .fetch--quiet { color: $text-muted; background: $surface; }
        & > .fetch--problem { color: $text-error; background: $surface; }
    }
    """

    progress: reactive[Progress | None] = reactive[Progress | None](None)
    found: reactive[str] = reactive("")
    """What is there already, as in `8,500 events`; nothing at first."""

    def watch_progress(self, before: Progress | None, after: Progress | None) -> None:
        self.set_class(after is not None, "running")
        if _lines(before) != _lines(after):
            self.refresh(layout=True)

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        return _lines(self.progress)

    def render_line(self, y: int) -> Strip:
        progress = self.progress
        if progress is None:
            return Strip.blank(self.size.width, self.ground)
        windows = _shown(progress)
        strip = self._all(progress) if y == 0 else self._window(windows[y - 1]) if y <= len(windows) else Strip([])
        return strip.adjust_cell_length(self.size.width, self.ground)

    def _all(self, progress: Progress) -> Strip:
        text, bar, quiet = self.part("text"), self.part("bar"), self.part("quiet")
        windows = progress.windows
        ended = sum(window.state in FINAL_STATES for window in windows)
        if windows:
            share, of = ended / len(windows), f"{ended} of {len(windows)} window{'s' * (len(windows) > 1)}"
        else:
            share, of = (progress.bytes_done / progress.bytes_total if progress.bytes_total else 0), ""
        if progress.bytes_total and not windows:
            of = f"{share:.0%} of {compact_bytes(progress.bytes_total)}"
        found = f" · {self.found} so far" if self.found else ""
        said = f" {of} · {compact_bytes(progress.bytes_done)}{found}"
        done = Segment(share_bar(share, 1, _BAR), bar)
        return Strip([Segment("Loading ", text), done, Segment(said, text), Segment("   esc stops", quiet)])

    def _window(self, window: WindowProgress) -> Strip:
        text, bar, quiet = self.part("text"), self.part("bar"), self.part("quiet")
        share = window.bytes_done / window.bytes_total if window.bytes_total else 1.0 if window.state == "done" else 0.0
        name = cells.fit(describe_span(window.range, "UTC"), 26)
        segments = [Segment(f"  {name} ", text), Segment(share_bar(share, 1, _BAR), bar)]
        if window.problem:
            segments.append(Segment(f" {literal(window.problem)}", self.part("problem")))
        else:
            size = f" {compact_bytes(window.bytes_done)}" if window.bytes_done else ""
            segments.append(Segment(f" {_STATES.get(window.state, window.state)}{size}", quiet))
        return Strip(segments)


def _shown(progress: Progress) -> list[WindowProgress]:
    """The windows to show: all, or those still under way and the failed ones first."""
    windows = list(progress.windows)
    if len(windows) > _MOST_WINDOWS:
        windows.sort(key=lambda window: (window.state == "done", window.state == "waiting"))
    return windows[:_MOST_WINDOWS]


def _lines(progress: Progress | None) -> int:
    return 0 if progress is None else 1 + min(len(progress.windows), _MOST_WINDOWS)
