"""Make the pictures in `screenshots/` from the demo: `python tests/make_screenshots.py`.

Everything in them comes from the running program on the embedded server, so that they cannot show what it does not do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from textual.pilot import Pilot
from textual.screen import Screen

from fwbill_tui.demo.server import DemoServer
from fwbill_tui.fireworks.credentials import Credential
from fwbill_tui.fireworks.endpoints import Endpoints
from fwbill_tui.sources.account import AccountSource
from fwbill_tui.sources.launch import Launch
from fwbill_tui.tui import themes
from fwbill_tui.tui.app import FwbillApp
from fwbill_tui.tui.screens.explorer import ExplorerScreen
from fwbill_tui.tui.screens.login import LoginScreen
from fwbill_tui.usage.query import Query, TimeRange

FOLDER = Path(__file__).parent.parent / "screenshots"
ROWS = 120_000
LAST_DAY = date(2026, 11, 21)
SHOWN = TimeRange(datetime(2026, 10, 23, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC))
_Shot = tuple[str, Callable[[], Screen[Any]], tuple[int, int], tuple[str, ...], str]
"""File name, screen, size, keys to press first, theme."""
WIDE, SMALL, USUAL = (160, 48), (80, 24), (120, 36)


class Studio(FwbillApp):
    """The program with a screen of our choice."""

    def __init__(self, screen: Screen[Any], theme: str) -> None:
        super().__init__(Launch(query=Query()))
        self._shown, self._dress = screen, theme

    def enter(self, *, ask: bool = False) -> None:  # type: ignore[override]
        """Open that screen in place of what was asked for."""
        self.theme = self._dress
        self.push_screen(self._shown)


async def _settled(pilot: Pilot[Any]) -> None:
    for _ in range(600):
        await pilot.pause(0.05)
        screen = pilot.app.screen_stack[1]
        if not isinstance(screen, ExplorerScreen):
            return
        rows = screen._rows
        if screen._provenance and rows and rows.whole and rows.question is screen._asked is screen._summed:
            return
    raise RuntimeError("the demo did not load")


async def _take(file: Path, screen: Screen[Any], size: tuple[int, int], *keys: str, theme: str = themes.DARK.name) -> None:
    async with Studio(screen, theme).run_test(size=size, notifications=True) as pilot:
        await _settled(pilot)
        for key in keys:
            await pilot.press(key)
            await pilot.pause(0.05)
        await _settled(pilot)
        await pilot.pause(0.3)
        picture = pilot.app.export_screenshot(title="fwbill")
        file.write_text(picture, encoding="utf-8")
        print(file)


async def main(folder: Path = FOLDER, rows: int = ROWS) -> None:
    """Take every picture."""
    folder.mkdir(exist_ok=True)
    with ExitStack() as stack:
        server = stack.enter_context(DemoServer(rows, end=LAST_DAY))
        endpoints = Endpoints(server.base_url, server.gateway_addr)
        key = Credential.pasted(server.api_key, server.account_ids[0])
        found = (
            key._replace(origin="FIREWORKS_API_KEY", place="environment"),
            key._replace(origin="firectl profile staging", place="~/.fireworks/profiles/staging", account_id="acme-staging"),
        )

        def explorer() -> ExplorerScreen:
            source = AccountSource(endpoints, key, "acme-prod")
            return ExplorerScreen(source, Query(range=SHOWN), account="acme-prod")

        shots: list[_Shot] = [
            ("login", lambda: LoginScreen(found, endpoints), (100, 30), (), themes.DARK.name),
            ("explorer", explorer, WIDE, (), themes.DARK.name),
            ("explorer-80x24", explorer, SMALL, ("down", "down"), themes.DARK.name),
            ("explorer-light", explorer, USUAL, ("slash", *"kimi", "enter"), themes.LIGHT.name),
            ("facet", explorer, USUAL, ("m", *"kimi", "space"), themes.DARK.name),
            ("dates", explorer, USUAL, ("d",), themes.DARK.name),
            ("grouped", explorer, USUAL, ("g", "u", "m", "enter"), themes.DARK.name),
            ("export", explorer, USUAL, ("e",), themes.DARK.name),
            ("help", explorer, USUAL, ("question_mark",), themes.DARK.name),
        ]
        for name, make, size, keys, theme in shots:
            await _take(folder / f"{name}.svg", make(), size, *keys, theme=theme)


if __name__ == "__main__":
    asyncio.run(main())
