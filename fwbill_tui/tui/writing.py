"""What of a painting is written to the terminal: only what differs from what stands there.

Terminals and multiplexers take as long to read a line as to show it. Textual (8.2) writes every line that was painted whole,
and each piece of it with all of its style.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from rich.color import Color, ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.strip import Strip

_ATTRIBUTES = (
    "bold", "dim", "italic", "underline", "blink", "blink2", "reverse", "conceal", "strike", "underline2", "frame", "encircle",
    "overline",
)  # fmt: skip
_NO_CONTROLS = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0)))
"""Takes out what steers a terminal. Such characters have no width, so that what comes after them stands where it should."""


class Written:
    """The strips that stand in a terminal, by line and column."""

    def __init__(self) -> None:
        self._lines: dict[int, dict[int, Strip]] = {}

    def forget(self) -> None:
        """Something else may stand there."""
        self._lines.clear()

    def replace(self, y: int, x: int, strip: Strip) -> tuple[int, Sequence[Segment]]:
        """Put a strip there. Returns what has to be written for it, and from which column on."""
        line = self._lines.setdefault(y, {})
        before, line[x] = line.get(x), strip
        if before is not None and before.cell_length == strip.cell_length:
            same, segments = _difference(before._segments, strip._segments)
            return x + same, segments
        end = x + strip.cell_length
        for at in [at for at, there in line.items() if at != x and at < end and at + there.cell_length > x]:
            del line[at]
        return x, strip._segments


class Changes(CompositorUpdate):
    """An update of which only what differs is written. Textual renders it as soon as it writes it, and else not at all."""

    def __init__(self, update: LayoutUpdate | ChopsUpdate, written: Written) -> None:
        self._update = update
        self._written = written

    def render_segments(self, console: Console) -> str:
        """The changes as a terminal reads them."""
        system, plain, output = console._color_system or ColorSystem.TRUECOLOR, Style.null(), list[str]()
        now = plain
        for y, begin, strip in _painted(self._update):
            x, segments = self._written.replace(y, begin, strip)
            if segments:
                output.append(f"\x1b[{y + 1};{x + 1}H")
            for text, style, control in segments:
                if not control and not text.isprintable():  # whatever a widget was given: nothing painted steers the terminal
                    text = text.translate(_NO_CONTROLS)
                wanted = style or plain
                if wanted is not now:
                    output.append(_turn(now, plain if wanted.link else wanted, system))
                    now = plain if wanted.link else wanted
                output.append(Strip.render_style(wanted, text, system) if wanted.link else text)
        output.append(_turn(now, plain, system))
        return "".join(output)


def _painted(update: LayoutUpdate | ChopsUpdate) -> Iterator[tuple[int, int, Strip]]:
    """Line, column and strip of every part that Textual would write."""
    if isinstance(update, LayoutUpdate):
        for y, strips in enumerate(update.strips, update.region.y):
            x = update.region.x
            for strip in strips:
                yield y, x, strip
                x += strip.cell_length
        return
    for y, x1, x2 in update.spans:
        for end, (x, part) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if part is not None and x < x2 and end > x1:
                yield y, x, part if end <= x2 and x >= x1 else part.crop(0, min(end, x2) - x)


def _difference(before: Sequence[Segment], after: Sequence[Segment]) -> tuple[int, Sequence[Segment]]:
    """Cells that are the same at the beginning, and what comes then, without what is the same at the end."""
    if before is after:
        return 0, ()
    most = min(len(before), len(after))
    first = 0
    while first < most and before[first] == after[first]:
        first += 1
    last = 0
    while last < most - first and before[-1 - last] == after[-1 - last]:
        last += 1
    return sum(segment.cell_length for segment in after[:first]), after[first : len(after) - last]


@lru_cache(maxsize=4096)
def _turn(before: Style, after: Style, system: ColorSystem) -> str:
    """What makes a terminal go on in another style; colours alone are changed one by one."""
    if before == after:
        return ""
    plain = after.color is None and after.bgcolor is None
    if plain or any(bool(getattr(before, name)) != bool(getattr(after, name)) for name in _ATTRIBUTES):
        codes = ["0", Strip.render_ansi(after, system)]
    else:
        codes = [
            *_colour(before.color, after.color, system, foreground=True),
            *_colour(before.bgcolor, after.bgcolor, system, foreground=False),
        ]
    wanted = ";".join(code for code in codes if code)
    return f"\x1b[{wanted}m" if wanted else ""


def _colour(before: Color | None, after: Color | None, system: ColorSystem, *, foreground: bool) -> tuple[str, ...]:
    if before == after:
        return ()
    return (after or Color.default()).downgrade(system).get_ansi_codes(foreground)
