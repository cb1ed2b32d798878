"""One of several, told by its mark rather than by colour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget


class OneOf(Widget, can_focus=True):
    """`◉ CSV   ○ Parquet`: one value of several, side by side, or below each other with `stacked`."""

    BINDING_GROUP_TITLE = "One of several"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,down,l,j,space", "step(1)", "Change", key_display="←→", tooltip="Choose the next one"),
        Binding("left,up,h,k", "step(-1)", "Back", show=False, tooltip="Choose the one before"),
    ]
    DEFAULT_CSS = """
    OneOf {
        width: 1fr;
        height: auto;
        &:focus > .one-of--chosen {
            background: $block-cursor-background;
            color: $block-cursor-foreground;
            text-style: bold;
        }
        &:disabled { text-style: dim; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"one-of--chosen"}

    @dataclass
    class Changed(Message):
        """Another value was chosen."""

        widget: OneOf
        value: str

        @property
        def control(self) -> OneOf:
            """For `@on` selectors."""
            return self.widget

    value: reactive[str] = reactive("", init=False)

    def __init__(
        self,
        options: Mapping[str, str],
        value: str,
        *,
        stacked: bool = False,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        """`options`: value -> label, shown literally."""
        super().__init__(id=id)
        self._options = dict(options)
        self._stacked = stacked
        self.set_reactive(OneOf.value, value)

    def relabel(self, options: Mapping[str, str]) -> None:
        """Other labels for the same values."""
        self._options = dict(options)
        self.refresh(layout=True)

    def _labels(self) -> list[str]:
        return [f"{'◉' if value == self.value else '○'} {label}" for value, label in self._options.items()]

    def render(self) -> Content:
        """The labels with their marks."""
        chosen = list(self._options).index(self.value)
        labels = [Content(label) for label in self._labels()]
        labels[chosen] = Content.styled(self._labels()[chosen], self.get_visual_style("one-of--chosen"))
        return Content("\n" if self._stacked else "   ").join(labels)

    def watch_value(self) -> None:
        """Tell the screen."""
        self.post_message(self.Changed(self, self.value))

    def action_step(self, by: int) -> None:
        """Choose another value, round and round."""
        values = list(self._options)
        self.value = values[(values.index(self.value) + by) % len(values)]

    def on_click(self, event: Click) -> None:
        """Choose the value under the mouse."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        start = 0
        for number, (value, label) in enumerate(zip(self._options, self._labels(), strict=True)):
            if offset.y == number if self._stacked else start <= offset.x < start + len(label):
                self.value = value
            start += len(label) + 3
