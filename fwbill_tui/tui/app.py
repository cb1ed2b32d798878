"""The application: which screen comes first, and what leads from one to the next. Wiring only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen

from fwbill_tui.sources.source import Source
from fwbill_tui.tui import themes
from fwbill_tui.tui.screens.explorer import ExplorerScreen
from fwbill_tui.usage.query import Query


class FwbillApp(App[int]):
    """Explore billing and usage of Fireworks AI."""

    TITLE = "fwbill"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+q,ctrl+c", "quit", "quit", show=False)]

    def __init__(self, source: Source, query: Query, *, account: str | None = None) -> None:
        super().__init__()
        self._first = ExplorerScreen(source, query, account=account)

    def on_mount(self) -> None:
        """Dress, and open the first screen."""
        for theme in themes.THEMES:
            self.register_theme(theme)
        self.theme = themes.DARK.name
        self.push_screen(self._first)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Textual's own commands, and every action of the screen's keys."""
        yield from super().get_system_commands(screen)
        for _, binding, enabled, _ in screen.active_bindings.values():
            if enabled and binding.description and binding.action:
                key = self.get_key_display(binding)
                yield SystemCommand(binding.description.capitalize(), f"key {key}", _runner(screen, binding.action))


def _runner(screen: Screen[object], action: str):  # type: ignore[no-untyped-def]
    async def run() -> None:
        await screen.run_action(action)

    return run
