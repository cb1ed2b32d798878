"""Every key that applies now, read from the live bindings: those of the focused part first, then what surrounds it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.dom import DOMNode
from textual.screen import Screen
from textual.types import CSSPathType
from textual.widgets import Static

from fwbill_tui.tui.live_keys import live_bindings
from fwbill_tui.tui.screens.dialog import Dialog

_PART_NAMES = {"Input": "Text line", "OptionList": "List", "VerticalScroll": "Scrolling"}


@dataclass(frozen=True, slots=True)
class HelpGroup:
    """The keys of one part of the screen: pairs of keys and what they do."""

    title: str
    rows: tuple[tuple[str, str], ...]


def live_help(screen: Screen[Any]) -> tuple[HelpGroup, ...]:
    """The bindings that are active on a screen now, from the focused part outwards; keys of one action share a row."""
    groups: dict[DOMNode, dict[str, tuple[list[str], str]]] = {}
    for node, binding, _, tooltip in live_bindings(screen):
        does = tooltip or binding.description
        if does:
            keys, _ = groups.setdefault(node, {}).setdefault(binding.action, ([], does))
            keys.append(screen.app.get_key_display(replace(binding, key_display=None)))
    return tuple(
        HelpGroup(_title(node), tuple((" ".join(keys), does) for keys, does in rows.values())) for node, rows in groups.items()
    )


def _title(node: DOMNode) -> str:
    if node.BINDING_GROUP_TITLE:
        return node.BINDING_GROUP_TITLE
    if isinstance(node, App):
        return "Everywhere"
    if isinstance(node, Dialog):
        return node.heading
    name = next((known for kind in type(node).__mro__ if (known := _PART_NAMES.get(kind.__name__))), None)
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(node).__name__.removesuffix("Screen"))
    return name or words.capitalize()


class HelpScreen(Dialog[None]):
    """The keys, grouped by the part of the screen they belong to."""

    HEADING = "Keys"
    CSS_PATH: ClassVar[CSSPathType | None] = ["dialog.tcss", "help.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,f1,question_mark", "cancel", "Close", key_display="esc"),
    ]

    def __init__(self, groups: tuple[HelpGroup, ...]) -> None:
        super().__init__()
        self._groups = groups

    @classmethod
    def of(cls, screen: Screen[Any]) -> Self:
        """Help for a screen as it stands: its focused part, what contains it, the screen, the program."""
        return cls(live_help(screen))

    def compose_content(self) -> ComposeResult:
        """One paragraph per part, in a single column that scrolls where it must."""
        width = max((len(keys) for group in self._groups for keys, _ in group.rows), default=0)
        paragraphs = []
        for group in self._groups:
            rows = (Content.assemble((keys.rjust(width), "bold $text-accent"), "  ", does) for keys, does in group.rows)
            paragraphs.append(Content("\n").join([Content.styled(group.title, "bold underline $text-primary"), *rows]))
        with VerticalScroll(id="keys"):
            yield Static(Content("\n\n").join(paragraphs))
