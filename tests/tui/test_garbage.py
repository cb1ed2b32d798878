"""What is gone from the screen is gone from memory, though much of the heap is never looked through again."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest
from explorer_support import Explorer, explorer
from textual._styles_cache import StylesCache

from fwbill_tui.demo.generator import write_csv
from fwbill_tui.sources.launch import Launch
from fwbill_tui.tui import garbage
from fwbill_tui.tui.entrance import open_files
from fwbill_tui.tui.screens.boxed import Boxed
from fwbill_tui.tui.screens.confirm import ConfirmScreen
from fwbill_tui.tui.screens.explorer import ExplorerScreen
from fwbill_tui.usage.query import Query


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "usage.csv"
    write_csv(path, 1000)
    return path


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    """Apps of other tests froze what they left."""
    gc.unfreeze()
    gc.collect()
    yield
    gc.unfreeze()


async def open_and_close(seen: Explorer) -> None:
    for _ in range(3):
        for key in ("question_mark", "enter", "d"):
            await seen.pilot.press(key)
            await seen.until(lambda: not isinstance(seen.app.screen, ExplorerScreen))
            await seen.pilot.pause(0.05)
            await seen.pilot.press("escape")
            await seen.until(lambda: isinstance(seen.app.screen, ExplorerScreen))
    await seen.until(lambda: not garbage._passing)


async def test_dialogs_leave_nothing_behind(export: Path) -> None:
    async with explorer(export) as seen:
        await open_and_close(seen)
        gc.collect()
        here = sum(1 + len(screen.query("*")) for screen in seen.app.screen_stack) + 1
        painted = sum(isinstance(thing, StylesCache) for thing in gc.get_objects())
        assert painted <= here + 4, "the lines of widgets that are gone are kept"


async def test_no_dialog_is_among_what_stays(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage, "_MUCH", -(10**9))
    async with explorer(export) as seen:
        await open_and_close(seen)
        assert gc.get_freeze_count() > 0
        gc.unfreeze()
        assert not any(isinstance(thing, Boxed) for thing in gc.get_objects())


async def test_what_other_threads_are_making_is_left_to_them(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with explorer(export) as seen:
        # A list of all objects holds tuples that are not whole yet, and buffers that should have been let go of.
        monkeypatch.setattr(gc, "get_objects", lambda *_: pytest.fail("all objects were listed"))
        await open_and_close(seen)


async def test_a_dialog_that_does_not_stand_yet_is_not_among_what_stays(export: Path) -> None:
    async with explorer(export):
        gc.unfreeze()
        dialog = ConfirmScreen("Replace it?")
        garbage.freeze()
        assert gc.get_freeze_count() == 0
        del dialog
        gc.collect()
        garbage.freeze()
        assert gc.get_freeze_count() > 0


@pytest.mark.parametrize("group", ["", "g"])
async def test_a_ledger_goes_with_the_next_load(export: Path, group: str) -> None:
    async with explorer(export) as seen:
        await seen.press("right", "s", "f")
        await seen.press("x")
        gone, before = weakref.ref(seen.screen._ledger), seen.screen._provenance
        gc.freeze()
        if group:
            await seen.pilot.press("g", "space", "enter")
            await seen.settle()
        await seen.pilot.press("r")
        await seen.until(lambda: seen.screen._provenance not in (None, before))
        await seen.settle()
        await seen.until(lambda: gone() is None)


async def test_a_ledger_goes_with_its_explorer(export: Path) -> None:
    async with explorer(export) as seen:
        gone, first = weakref.ref(seen.screen._ledger), weakref.ref(seen.screen)
        opening = open_files((str(export),), Launch(query=Query()))
        seen.app._show(ExplorerScreen(opening.source, opening.query))
        del opening
        await seen.until(lambda: seen.app.screen is not first() and isinstance(seen.app.screen, ExplorerScreen))
        await seen.until(lambda: seen.screen._provenance is not None)
        await seen.settle()
        await seen.until(lambda: gone() is None)
