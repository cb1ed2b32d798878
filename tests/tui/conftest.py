"""A bare app that shows one screen and keeps its answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.screen import Screen

NO_ANSWER = object()


class Host(App[None]):
    """Pushes the screen as the program does; `answer` is what it dismissed with, `no_answer` until then."""

    no_answer = NO_ANSWER

    def __init__(self, shown: Screen[Any]) -> None:
        super().__init__()
        self.shown = shown
        self.answer: Any = NO_ANSWER

    def on_mount(self) -> None:
        self.push_screen(self.shown, self.keep)

    def keep(self, answer: Any) -> None:
        self.answer = answer

    def text_of(self, selector: str) -> str:
        """What a Static of the topmost screen says."""
        return str(self.screen.query_one(selector).render())

    def lines(self) -> list[str]:
        """The terminal's lines as they stand."""
        width, height = self.size
        strips = self.screen._compositor.render_strips()
        return [strip.text for strip in strips][:height] if width else []


ShowScreen = Callable[..., AbstractAsyncContextManager[Pilot[None]]]


@pytest.fixture
def show() -> ShowScreen:
    """`async with show(screen, (80, 24)) as pilot`: the screen in a running app of that size."""

    @asynccontextmanager
    async def showing(screen: Screen[Any], size: tuple[int, int] = (80, 24)) -> AsyncIterator[Pilot[None]]:
        async with Host(screen).run_test(size=size) as pilot:
            await pilot.pause()
            yield pilot

    return showing


@pytest.fixture(params=[(80, 24), (120, 36)], ids=["80x24", "120x36"])
def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    """The two sizes that are drawn in the design."""
    return request.param
