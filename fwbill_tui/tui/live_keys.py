"""The key bindings that apply now."""

from __future__ import annotations

from typing import Any

from textual.binding import ActiveBinding
from textual.screen import Screen


def live_bindings(screen: Screen[Any]) -> list[ActiveBinding]:
    """A screen's active bindings, from the focused part outwards, without those that the focused part takes as text.

    Textual leaves such keys out itself, but for the slash, of which it does not know the character (8.2).
    """
    focused = screen.focused
    typed = focused is not None and focused.check_consume_key("slash", "/")
    return [
        active for key, active in screen.active_bindings.items() if not (typed and key == "slash" and active.node is not focused)
    ]
