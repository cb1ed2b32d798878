"""Every key that applies now, read from the live bindings: those of the focused part first, then what surrounds it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, ClassVar, Self

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.dom import DOMNode
from textual.screen import Screen
from textual.types import CSSPathType

from fwbill_tui.tui.live_keys import live_bindings
from fwbill_tui.tui.screens.dialog import Dialog
from fwbill_tui.tui.widgets.key_list import KeyGroup, KeyList
from fwbill_tui.tui.widgets.literal_input import LiteralInput

_PART_NAMES = {"Input": "Text line", "OptionList": "List"}


def live_help(screen: Screen[Any]) -> tuple[KeyGroup, ...]:
    """The bindings that are active on a screen now, from the focused part outwards; keys of one action share a row.

    A line of text comes with what can be written in it.
    """
    groups: dict[DOMNode, dict[str, tuple[list[str], str]]] = {}
    for node, binding, _, tooltip in live_bindings(screen):
        does = _spoken(tooltip or binding.description)
        if does:
            keys, _ = groups.setdefault(node, {}).setdefault(binding.action, ([], does))
            keys.append(screen.app.get_key_display(replace(binding, key_display=None)))
    typed = screen.focused.TYPED if isinstance(screen.focused, LiteralInput) else ()
    return (
        *((KeyGroup("What to write", typed),) if typed else ()),
        *(KeyGroup(_title(node), tuple((" ".join(keys), does) for keys, does in rows.values())) for node, rows in groups.items()),
    )


def _spoken(does: str) -> str:
    """In one manner, whoever named it: `page left` for Textual's `Page Left`."""
    words = does.lower() if does.istitle() else does
    return words if words[:2].isupper() else words[:1].lower() + words[1:]


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

    def __init__(self, groups: tuple[KeyGroup, ...]) -> None:
        super().__init__()
        self._groups = groups

    @classmethod
    def of(cls, screen: Screen[Any]) -> Self:
        """Help for a screen as it stands: its focused part, what contains it, the screen, the program."""
        return cls(live_help(screen))

    def compose_content(self) -> ComposeResult:
        """The groups in a single column that scrolls where it must."""
        yield KeyList(self._groups, id="keys")
