"""Help is read from the live bindings."""

from __future__ import annotations

from datetime import date

from textual.binding import Binding
from textual.screen import Screen
from textual.widgets import OptionList, Static

from fwbill_tui.tui.screens.date_range import RangeLine
from fwbill_tui.tui.screens.help import HelpScreen, live_help
from fwbill_tui.tui.widgets.fields import ChoiceList
from fwbill_tui.tui.widgets.key_list import KeyGroup
from fwbill_tui.tui.widgets.search_box import SearchBox
from fwbill_tui.usage.ranges import parse_range
from fwbill_tui.usage.search import parse_search, refuse_unfinished


class Part(Screen[None]):
    """A screen with two parts and keys of its own."""

    BINDINGS = [  # noqa: RUF012
        Binding("g", "group", "Group by"),
        Binding("f5,r", "fetch", "Fetch", tooltip="Fetch what is new"),
        Binding("n", "nameless", ""),
        Binding("w", "off", "Never now"),
        Binding("question_mark", "help", "Help"),
    ]

    def compose(self):
        yield ChoiceList("a", "b")
        yield Static("c")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "off"

    def action_help(self) -> None:
        self.app.push_screen(HelpScreen.of(self))


async def test_the_focused_part_comes_first_and_every_live_key_is_there(show) -> None:
    screen = Part()
    async with show(screen):
        groups = live_help(screen)
        assert [group.title for group in groups] == ["List", "Part", "Everywhere"]
        assert ("↑ k", "up") in groups[0].rows
        assert ("^pgdn", "page right") in groups[0].rows  # Page Right, as Textual has it
        assert ("f5 r", "fetch what is new") in groups[1].rows
        shown = {does for group in groups for _, does in group.rows}
        assert "never now" not in shown
        named = {active.tooltip or active.binding.description for active in screen.active_bindings.values()} - {""}
        assert {does.casefold() for does in named} == {does.casefold() for does in shown}
        screen.set_focus(None)
        assert [group.title for group in live_help(screen)] == ["Part", "Everywhere"]


async def test_it_opens_on_its_key_and_closes_on_any_of_its_own(show, size) -> None:
    screen = Part()
    async with show(screen, size) as pilot:
        for key in ("escape", "question_mark", "q"):
            await pilot.press("question_mark")
            await pilot.pause()
            assert isinstance(pilot.app.screen, HelpScreen)
            text = "\n".join(pilot.app.lines())
            assert "group by" in text or size == (80, 24)
            assert "esc Close" in text
            await pilot.press(key)
            assert pilot.app.screen is screen


async def test_it_scrolls_by_keys(show) -> None:
    async with show(Part()) as pilot:
        await pilot.press("question_mark")
        await pilot.press("end")
        await pilot.pause(0.1)
        assert any("Everywhere" in line for line in pilot.app.lines())


async def test_overridden_keys_are_told_once(show) -> None:
    screen = Part()
    async with show(screen):
        keys = [key for group in live_help(screen) for keys, _ in group.rows for key in keys.split()]
        assert len(keys) == len(set(keys))
        assert screen.query_one(OptionList).has_focus


async def test_what_is_longer_than_a_line_goes_on_below(show) -> None:
    long = "one two three four five six seven eight nine ten eleven twelve"
    screen = HelpScreen((KeyGroup("Part", (("a", "short"), ("ctrl+b", long))),))
    async with show(screen, (40, 20)) as pilot:
        lines = [line.strip(" │") for line in pilot.app.lines()]
        first = next(number for number, line in enumerate(lines) if line.startswith("ctrl+b"))
        assert " ".join([lines[first].removeprefix("ctrl+b"), *lines[first + 1 : first + 3]]).split() == long.split()
        assert lines[first - 1] == "a  short"


async def test_a_line_of_text_says_what_can_be_written_in_it(show) -> None:
    for line in (SearchBox(), RangeLine()):
        screen = Screen[None]()
        async with show(screen) as pilot:
            await screen.mount(line)
            line.focus()
            await pilot.pause()
            assert live_help(screen)[0] == KeyGroup("What to write", line.TYPED)


def test_the_examples_of_a_search_and_of_a_range_can_be_written() -> None:
    for example, _ in SearchBox.TYPED:
        refuse_unfinished(example)
        assert parse_search(example)
    for examples, _ in RangeLine.TYPED:
        for example in examples.split() if ":" not in examples and "last" not in examples else [examples]:
            parse_range(example, today=date(2026, 11, 27), time_zone="Europe/Berlin")
