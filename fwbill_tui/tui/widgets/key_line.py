"""The line for an API key."""

from __future__ import annotations

from textual import events

from fwbill_tui.tui.widgets.fields import Line


class KeyLine(Line):
    """A key is pasted; while the line is empty, the letters of the screen's own keys are those keys.

    No key begins with one of `COMMANDS`: Fireworks' begin with `fw_`.
    """

    COMMANDS = frozenset("odq?")

    @property
    def takes_letters(self) -> bool:
        return bool(self.value)

    def check_consume_key(self, key: str, character: str | None) -> bool:
        return super().check_consume_key(key, character) and (self.takes_letters or character not in self.COMMANDS)

    async def _on_key(self, event: events.Key) -> None:
        if event.is_printable and not self.check_consume_key(event.key, event.character):
            event.prevent_default()
