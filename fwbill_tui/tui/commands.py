"""What the command palette offers: every action there is."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from textual.app import App, SystemCommand
from textual.screen import Screen

from fwbill_tui.tui.here import here
from fwbill_tui.tui.writing import Written
from fwbill_tui.usage.literal import literal

if TYPE_CHECKING:
    _Mixed = App[int]
else:
    _Mixed = object  # Textual takes default styles from the first base that is a node, and only from there on (8.2)


class Commands(_Mixed):
    """Mixed into the app."""

    _written: Written

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Every action that has a key now, a fresh start for the terminal, and Textual's own commands; each of them once."""
        from fwbill_tui.tui.widgets.status import NoticeLine  # late: the login screen has none

        commands: dict[str, SystemCommand] = {}
        for node, binding, enabled, tooltip in screen.active_bindings.values():
            if enabled and binding.description and "command_palette" not in binding.action:
                words = tooltip or binding.description
                title, key = words[0].upper() + words[1:], self.get_key_display(binding)
                commands.setdefault(title, SystemCommand(title, f"key {key}", self._runner(node, binding.action)))
        for line in screen.query(NoticeLine):
            if line.whole:
                about = "what the line above the totals says, to its end"
                commands["Notices"] = SystemCommand("Notices in full", about, line.action_read_whole)
        commands["Redraw"] = SystemCommand("Redraw the screen", "where another program wrote over it", self._redraw)
        for command in super().get_system_commands(screen):
            if command.title == "Screenshot":
                about = "a picture of the screen (SVG) in the current folder"
                command = command._replace(help=about, callback=lambda: self.set_timer(0.1, self._take_picture))
            commands.setdefault(command.title, command)
        yield from commands.values()

    def action_command_palette(self) -> None:
        """Show every action there is."""
        from fwbill_tui.tui.screens.palette import Palette

        if not isinstance(self.screen, Palette):
            self.push_screen(Palette(id="--command-palette"))

    def _take_picture(self) -> None:
        """Textual would save it where downloads are, a folder that there need not be, and not say why it could not."""
        from fwbill_tui.export.atomic import new_file
        from fwbill_tui.export.errors import ExportError

        path = here() / f"{self.title}-{datetime.now().astimezone():%Y-%m-%d-%H%M%S}.svg"
        try:
            with new_file(path, overwrite=True) as file:
                file.write(self.export_screenshot().encode())
        except (ExportError, OSError) as error:
            self.notify(literal(str(error)), title="No screenshot", severity="error", timeout=8, markup=False)
        else:
            self.notify(literal(str(path)), title="Screenshot saved", timeout=6, markup=False)

    def _redraw(self) -> None:
        self._written.forget()
        self.refresh()

    def _runner(self, node: Any, action: str) -> Callable[[], Coroutine[Any, Any, None]]:
        async def run() -> None:
            await self.run_action(action, default_namespace=node)

        return run
