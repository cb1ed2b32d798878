"""A file being written."""

from __future__ import annotations

from rich.segment import Segment
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from fwbill_tui.tui import cells
from fwbill_tui.tui.bars import share_bar
from fwbill_tui.tui.widgets.painted import Painted


class SaveLine(Painted, Widget):
    """Name, bar and share of a file that is being written; no room when there is none."""

    DEFAULT_CSS = """
    SaveLine {
        height: 1; width: 1fr; display: none; padding: 0 1; background: $surface; color: $foreground;
        &.running { display: block; }
    }
    """

    name_written: reactive[str] = reactive("")
    """The file's name, made literal; '' when nothing is being written."""
    share: reactive[float] = reactive(0.0)

    def watch_name_written(self) -> None:
        self.set_class(bool(self.name_written), "running")

    def render_line(self, y: int) -> Strip:
        text = f"Saving {self.name_written} {share_bar(self.share, 1, 16)} {self.share:.0%}   esc stops"
        return Strip([Segment(cells.fit(text, self.size.width), self.ground)])
