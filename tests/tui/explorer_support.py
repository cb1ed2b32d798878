"""The explorer as its tests see it: what is on screen, and how to wait until it is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual.app import App
from textual.pilot import Pilot

from fwbill_tui.sources.launch import Launch
from fwbill_tui.tui.app import FwbillApp
from fwbill_tui.tui.screens.explorer import ExplorerScreen
from fwbill_tui.usage.query import Query


class Explorer:
    """What a test looks at, and how it waits."""

    def __init__(self, app: App[Any], pilot: Pilot[Any]) -> None:
        self.app, self.pilot = app, pilot

    @property
    def screen(self) -> ExplorerScreen:
        assert isinstance(self.app.screen, ExplorerScreen)
        return self.app.screen

    def part(self, kind: type[Any]) -> Any:
        return self.screen.query_one(kind)

    @property
    def query(self) -> Query:
        return self.screen.query_now

    async def until(self, holds: Callable[[], bool]) -> None:
        for _ in range(200):
            if holds():
                return
            await self.pilot.pause(0.02)
        raise AssertionError("not seen on screen in time")

    async def press(self, *keys: str) -> None:
        """Press keys and wait until rows and totals are those of the query they led to."""
        await self.pilot.press(*keys)
        await self.settle()

    async def settle(self) -> None:
        await self.pilot.pause()
        await self.until(self._answered)

    def _answered(self) -> bool:
        rows, asked = self.screen._rows, self.screen._asked
        return rows is not None and rows.question is asked and rows.whole and self.screen._summed is asked

    def column(self, name: str) -> list[object]:
        """A column of the rows on show, in their order."""
        rows = self.screen._rows
        assert rows is not None
        values = rows.frame.get_column(name)
        return (values if rows.order is None else values.gather(rows.order)).to_list()


@asynccontextmanager
async def explorer(
    path: Path, size: tuple[int, int] = (120, 36), query: Query | None = None, launch: Launch | None = None
) -> AsyncIterator[Explorer]:
    app = FwbillApp(launch or Launch(query=query or Query(), inputs=(str(path),)))
    async with app.run_test(size=size, notifications=True) as pilot:
        seen = Explorer(app, pilot)
        await seen.until(lambda: isinstance(app.screen, ExplorerScreen) and app.screen._provenance is not None)
        await seen.settle()
        yield seen
