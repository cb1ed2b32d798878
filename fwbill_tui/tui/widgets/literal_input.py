"""Textual's line of text, whose value may hold what would steer a terminal."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import ClassVar

from rich.cells import cell_len, get_character_cell_size
from rich.text import Text
from textual.widgets import Input

from fwbill_tui.usage.literal import literal_letters


class LiteralInput(Input):
    """Shows its value as `literal_letters` does; the value itself stays as it is. Textual paints it raw (8.2)."""

    BINDING_GROUP_TITLE = "Text line"
    TYPED: ClassVar[tuple[tuple[str, str], ...]] = ()
    """What can be written in it, by example, and what that means; for the help."""

    @property
    def takes_letters(self) -> bool:
        """Whether every letter is text."""
        return True

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """`ctrl+c` copies only what is selected: where nothing is, it quits."""
        return bool(self.selected_text) if action == "copy" else True

    @property
    def _shown(self) -> str:
        return literal_letters(self.value)

    @property
    def _value(self) -> Text:
        return super()._value if self.password else Text(self._shown, no_wrap=True, overflow="ignore", end="")

    def _position_to_cell(self, position: int) -> int:
        return cell_len(self._shown[:position])

    def _cell_offset_to_index(self, offset: int) -> int:
        ends = list(accumulate(map(get_character_cell_size, self._shown)))
        return bisect_right(ends, offset + self.scroll_offset.x)
