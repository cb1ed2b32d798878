"""What stands in a terminal after only changes were written is what would stand there had all been written."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pyte
from explorer_support import explorer
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.color import Color, ColorSystem
from rich.console import Console
from rich.segment import ControlType, Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from fwbill_tui.demo.generator import write_csv
from fwbill_tui.tui.writing import Changes, Written
from fwbill_tui.usage.query import Query

WIDTH, HEIGHT = 24, 4
CONSOLE = Console(color_system="truecolor", force_terminal=True)
COLOURS = st.sampled_from([None, Color.parse("#ff8000"), Color.parse("#102030"), Color.parse("red"), Color.default()])
FLAGS = st.sampled_from([None, True, False])
STYLES = st.one_of(
    st.none(),
    st.builds(
        lambda color, bgcolor, bold, italic, reverse: Style(
            color=color, bgcolor=bgcolor, bold=bold, italic=italic, reverse=reverse
        ),
        COLOURS, COLOURS, FLAGS, FLAGS, FLAGS,
    ),
)  # fmt: skip
TEXTS = st.text("ab 数é▇", min_size=1, max_size=5)
SEGMENTS = st.lists(st.builds(lambda text, style: Segment(text, style), TEXTS, STYLES), max_size=6)


@st.composite
def lines(draw: st.DrawFn) -> tuple[dict[int, Strip], list[int]]:
    """A line cut into strips, by column, and where they end."""
    cuts = [0, *sorted(draw(st.sets(st.integers(1, WIDTH - 1), max_size=3))), WIDTH]
    widths = [end - begin for begin, end in pairwise(cuts)]
    strips = [Strip(draw(SEGMENTS)).adjust_cell_length(width) for width in widths]
    return dict(zip(cuts, strips, strict=False)), cuts[1:]


@st.composite
def updates(draw: st.DrawFn) -> ChopsUpdate | LayoutUpdate:
    painted = [draw(lines()) for _ in range(HEIGHT)]
    if draw(st.integers(0, 5)) == 0:
        return LayoutUpdate([list(strips.values()) for strips, _ in painted], Region(0, 0, WIDTH, HEIGHT))
    spans = []
    for y in sorted(draw(st.sets(st.integers(0, HEIGHT - 1), min_size=1))):
        begin = draw(st.sampled_from(list(painted[y][0])))
        spans.append((y, begin, draw(st.integers(begin + 1, WIDTH))))
    return ChopsUpdate([strips for strips, _ in painted], spans, [ends for _, ends in painted])


class Terminal:
    def __init__(self) -> None:
        self.screen = pyte.Screen(WIDTH, HEIGHT)
        self.stream = pyte.Stream(self.screen)

    def write(self, text: str) -> None:
        self.stream.feed(text.replace("\n", "\r\n"))

    def shows(self) -> list[list[object]]:
        return [[self.screen.buffer[y][x] for x in range(WIDTH)] for y in range(HEIGHT)]


@settings(max_examples=100, deadline=None)
@given(st.lists(updates(), min_size=1, max_size=6), st.booleans())
def test_changes_lead_to_what_whole_paintings_do(painted: list[ChopsUpdate | LayoutUpdate], cleared: bool) -> None:
    whole, changed, written = Terminal(), Terminal(), Written()
    for update in painted:
        if cleared and isinstance(update, LayoutUpdate):
            written.forget()
            whole.screen.reset()
            changed.screen.reset()
        whole.write(update.render_segments(CONSOLE))
        changed.write(Changes(update, written).render_segments(CONSOLE))
        assert changed.shows() == whole.shows()


def test_only_what_differs_is_written() -> None:
    red, bold = Style(color="#ff0000", bgcolor="#101010"), Style(color="#ff0000", bgcolor="#101010", bold=True)
    green, link = Style(color="#00ff00", bgcolor="#101010"), Style(link="https://fireworks.ai")
    written = Written()

    def write(*segments: Segment) -> str:
        strip = Strip(segments)
        update = LayoutUpdate([[strip]], Region(0, 0, strip.cell_length, 1))
        return Changes(update, written).render_segments(CONSOLE)

    first = Segment("ab", red), Segment("c", green), Segment("d", bold)
    assert write(*first) == (
        "\x1b[1;1H\x1b[38;2;255;0;0;48;2;16;16;16mab\x1b[38;2;0;255;0mc\x1b[0;1;38;2;255;0;0;48;2;16;16;16md\x1b[0m"
    )
    assert write(*first) == ""
    assert write(first[0], Segment("e", green), first[2]) == "\x1b[1;3H\x1b[38;2;0;255;0;48;2;16;16;16me\x1b[0m"
    linked = write(first[0], Segment("e", link), first[2])
    assert linked == f"\x1b[1;3H{Strip.render_style(link, 'e', ColorSystem.TRUECOLOR)}"
    written.forget()
    assert write(*first).count("H") == 1


def test_no_painted_text_steers_the_terminal() -> None:
    controls = "".join(map(chr, (*range(0x20), *range(0x7F, 0xA0))))
    painted = Segment("a\x1b]0;x\x07"), Segment(controls), Segment("数\u00a0b"), Segment("\x9b31m", Style(bold=True))
    update = LayoutUpdate([[Strip(painted)]], Region(0, 0, 12, 1))
    assert Changes(update, Written()).render_segments(CONSOLE) == "\x1b[1;1Ha]0;x数\u00a0b\x1b[0;1m31m\x1b[0m"


def test_what_textual_sends_to_steer_the_terminal_is_sent() -> None:
    home = Segment("\x1b[H", None, [(ControlType.HOME,)])
    update = LayoutUpdate([[Strip([home, Segment("a")])]], Region(0, 0, 1, 1))
    assert Changes(update, Written()).render_segments(CONSOLE) == "\x1b[1;1H\x1b[Ha"


async def test_a_search_that_would_steer_the_terminal_is_shown_literally(tmp_path: Path) -> None:
    write_csv(path := tmp_path / "usage.csv", 1000)
    async with explorer(path, query=Query(search="\x1b]0;pwn x\x9b31m")) as seen:
        painted = "".join(strip.text for strip in seen.screen._compositor.render_strips())
        assert "␛]0;pwn x�31m" in painted
        assert not any(letter in painted for letter in "\x1b\x9b")


async def test_a_screen_that_another_program_wrote_over_can_be_drawn_anew(tmp_path: Path) -> None:
    write_csv(path := tmp_path / "usage.csv", 1000)
    async with explorer(path) as seen:
        strip = Strip([Segment("a")])
        for _ in range(2):
            written = seen.app._written.replace(0, 0, strip)
        assert written == (0, ())
        (redraw,) = (found for found in seen.app.get_system_commands(seen.app.screen) if found.title.startswith("Redraw"))
        redraw.callback()
        assert seen.app._written.replace(0, 0, strip) == (0, strip._segments)
