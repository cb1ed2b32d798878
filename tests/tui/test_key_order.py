"""Keys that arrive together, faster than the screen can follow."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from explorer_support import Explorer, explorer
from textual.app import App, ComposeResult
from textual.events import Event, Key, MouseDown, MouseEvent, MouseScrollDown, MouseUp, Paste
from textual.keys import _character_to_key
from textual.widgets import Input

from fwbill_tui.demo.generator import write_csv
from fwbill_tui.tui import key_order
from fwbill_tui.tui.explorer.answering import RowsReady
from fwbill_tui.tui.key_order import KeysInOrder
from fwbill_tui.tui.screens.explorer import ExplorerScreen
from fwbill_tui.tui.screens.painting import PaintedOnce
from fwbill_tui.tui.widgets.facets import FacetPanel
from fwbill_tui.tui.widgets.usage_table import UsageTable


def send(app: App[Any], *keys: str) -> None:
    """Put keys into the app's queue all at once, as a terminal does with what was pasted or sent by a script."""
    for key in keys:
        name, character = (_character_to_key(key), key) if len(key) == 1 else (key, None)
        app.post_message(Key(name, character))


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "usage.csv"
    write_csv(path, 1000)
    return path


def where(seen: Explorer) -> tuple[str, str]:
    """The screen that is open, and the part with the focus."""
    return type(seen.app.screen).__name__, type(seen.app.focused).__name__


@pytest.mark.parametrize(
    ("keys", "screen", "focused"),
    [
        (["?", "escape", "d"], "DateRangeScreen", "RangeLine"),
        (["e", "escape", "/"], "ExplorerScreen", "SearchBox"),
        (["down", "enter", "escape", "down", "enter"], "RowDetailScreen", "FieldList"),
        (["g", "m", "enter", "?"], "HelpScreen", "KeyList"),
        (["o", "escape", "c", "escape", "home"], "ExplorerScreen", "UsageTable"),
        (["/", "escape", "t", "escape", "u"], "ExplorerScreen", "FacetPanel"),
    ],
)  # fmt: skip
async def test_each_key_finds_the_screen_as_the_one_before_left_it(
    export: Path, keys: list[str], screen: str, focused: str
) -> None:
    async with explorer(export) as seen:
        send(seen.app, *keys)
        stays = 0

        def settled() -> bool:  # some end where they begin, so once is not enough
            nonlocal stays
            stays = stays + 1 if where(seen) == (screen, focused) else 0
            return stays == 25

        await seen.until(settled)


async def test_what_is_typed_behind_the_slash_is_searched_for(export: Path) -> None:
    async with explorer(export) as seen:
        send(seen.app, "/", *"kimi -k2")
        await seen.until(lambda: seen.screen.query_now.search == "kimi -k2")


async def test_keys_that_change_a_text_change_it_as_it_was_then(export: Path) -> None:
    async with explorer(export) as seen:
        send(seen.app, "/", *"kumo", "backspace", "left", "left", "delete", "i", "end", "i")
        await seen.until(lambda: seen.screen.query_now.search == "kimi")


async def test_what_is_typed_behind_a_facets_key_narrows_it(export: Path) -> None:
    async with explorer(export) as seen:
        send(seen.app, "m", *"glm")
        panel = seen.screen.query_one(FacetPanel)
        await seen.until(lambda: panel._narrow == "glm")


async def test_what_is_typed_into_the_palette_stays_there(export: Path) -> None:
    async with explorer(export) as seen:
        send(seen.app, "ctrl+p", *"redraw")
        await seen.until(lambda: isinstance(seen.app.focused, Input) and seen.app.focused.value == "redraw")


async def test_what_is_pasted_behind_the_slash_is_searched_for(export: Path) -> None:
    async with explorer(export) as seen:
        send(seen.app, "/")
        seen.app.post_message(Paste("kimi"))
        send(seen.app, "x")
        await seen.until(lambda: seen.screen.query_now.search == "kimix")


async def test_keys_that_move_do_not_wait_for_each_other(export: Path) -> None:
    async with explorer(export) as seen:
        table = seen.screen.query_one(UsageTable)
        send(seen.app, *["down"] * 7, "up", "pagedown", "pageup", "j", "k")
        await seen.until(lambda: table.cursor == 6)
        send(seen.app, "down")
        await seen.pilot.pause()
        assert seen.app._keys._ahead is None


async def test_a_move_takes_effect_and_is_painted_before_the_next_message(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with explorer(export) as seen:
        table = seen.screen.query_one(UsageTable)
        await seen.pilot.pause(0.1)
        cursors: list[int | None] = []
        monkeypatch.setattr(seen.app, "_display", lambda screen, update: cursors.append(table.cursor))
        await seen.app.on_event(Key("down", None))
        assert cursors == [1]
        await seen.pilot.pause(0.1)
        assert cursors == [1]


async def test_a_move_made_while_an_answer_is_shown_does_not_wait_for_its_painting(
    export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[str] = []
    show, paint, move = ExplorerScreen._show_rows, PaintedOnce.paint, UsageTable.action_move

    def shown(screen: ExplorerScreen, message: RowsReady) -> None:
        show(screen, message)
        happened.append("shown")
        screen.app.post_message(Key("down", None))

    def painted(screen: PaintedOnce) -> None:
        happened.append("painted")
        paint(screen)

    def moved(table: UsageTable, *by: int) -> None:
        happened.append("moved")
        move(table, *by)

    async with explorer(export) as seen:
        await seen.press("slash", *"kimi", "enter")
        await seen.pilot.pause(0.1)
        monkeypatch.setattr(ExplorerScreen, "_show_rows", shown)
        monkeypatch.setattr(PaintedOnce, "paint", painted)
        monkeypatch.setattr(UsageTable, "action_move", moved)
        await seen.pilot.press("x")
        await seen.until(lambda: "shown" in happened and happened[-1] == "painted")
        at = happened.index("shown")
        assert happened[at : at + 2] == ["shown", "moved"]


async def test_a_move_that_is_not_one_here_goes_its_way(export: Path) -> None:
    """`escape` leaves the cells; on the whole row it is the screen's."""
    async with explorer(export) as seen:
        await seen.press("g", "m", "enter")
        assert seen.query.group_by == ("model",)
        await seen.press("enter")
        assert seen.query.group_by == ()
        await seen.press("right", "escape")
        assert seen.query.group_by == ()
        await seen.press("escape")
        assert seen.query.group_by == ("model",)


def mouse(kind: type[MouseEvent], x: int, y: int) -> MouseEvent:
    return kind(None, x, y, 0, 0, 1, shift=False, meta=False, ctrl=False, screen_x=x, screen_y=y)


async def test_keys_come_behind_a_click(export: Path) -> None:
    async with explorer(export) as seen:
        table = seen.screen.query_one(UsageTable)
        x, y = table.region.x + 5, table.region.y + 10
        seen.app.post_message(mouse(MouseDown, x, y))
        seen.app.post_message(mouse(MouseUp, x, y))
        send(seen.app, "down", "down")
        await seen.until(lambda: table.cursor == 11)
        for _ in range(4):
            seen.app.post_message(mouse(MouseScrollDown, x, y))
        send(seen.app, "home")
        await seen.until(lambda: (table.cursor, table.top) == (0, 0))
        for _ in range(2):
            seen.app.post_message(mouse(MouseDown, x, y))
            seen.app.post_message(mouse(MouseUp, x, y))
        send(seen.app, "down", "escape")
        await seen.until(lambda: where(seen) == ("ExplorerScreen", "UsageTable") and table.cursor == 9)


async def test_a_dialog_may_be_closed_while_it_scrolls(export: Path) -> None:
    async with explorer(export, size=(80, 24)) as seen:
        for key in ("question_mark", "end", "escape"):
            send(seen.app, key)
            await asyncio.sleep(0.15)
        await seen.pilot.pause(0.5)
        assert where(seen) == ("ExplorerScreen", "UsageTable")


class _Ordered(App[None]):
    """Notes the keys that come up to it."""

    def __init__(self) -> None:
        super().__init__()
        self.keys = KeysInOrder(self)
        self.typed: list[str] = []

    def compose(self) -> ComposeResult:
        yield Input()

    async def on_event(self, event: Event) -> None:
        if isinstance(event, Key) and not event.is_forwarded:
            await self.keys.send(event, super().on_event)
        else:
            await super().on_event(event)

    def on_key(self, event: Key) -> None:
        self.typed.append(event.key)


async def test_a_key_that_is_lost_does_not_hold_up_the_others_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_order, "PATIENCE", 0.05)
    app = _Ordered()
    async with app.run_test() as pilot:
        monkeypatch.setattr(app.keys, "_follow", lambda key, way: None)
        send(app, "f1", "f2", "f3")
        for _ in range(100):
            if app.typed == ["f1", "f2", "f3"]:
                break
            await pilot.pause(0.02)
        assert app.typed == ["f1", "f2", "f3"]
