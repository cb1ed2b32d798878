"""Rules that were kept are those that Textual finds anew."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, ClassVar

from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.dom import DOMNode
from textual.widget import Widget

from fwbill_tui.tui.stylesheet import KeptStylesheet


class Part(Widget, can_focus=True):
    COMPONENT_CLASSES: ClassVar[set[str]] = {"part--loud", "part--quiet"}
    DEFAULT_CSS = """
    Part {
        height: 2; color: $foreground; text-style: bold;
        &:focus { background: $primary; }
        & > .part--loud { color: $error; }
        &:focus > .part--loud { text-style: underline; }
    }
    """


class Parts(App[None]):
    CSS = """
    .strange Part { border: round red; }
    .strange .part--quiet { color: blue; }
    Part:last-of-type { margin: 1; }
    #second { color: green; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.stylesheet = KeptStylesheet(variables=self.get_css_variables())

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Part()
            yield Part(id="second")


def _rules(app: App[None]) -> list[dict[str, Any]]:
    return [dict(node.styles.base._rules) for node in _nodes(app)]


def _nodes(app: App[None]) -> Iterator[DOMNode]:
    for node in app.screen.walk_children(with_self=True):
        yield node
        for _, styles in sorted(node._component_styles.items()):
            assert styles.node is not None
            yield styles.node


async def test_they_are_the_same_however_a_part_stands() -> None:
    app = Parts()
    async with app.run_test() as pilot:
        first, second = app.query(Part)
        seen = []
        for change in (
            lambda: None,
            second.focus,
            first.focus,
            lambda: app.query_one("#box").add_class("strange"),
            lambda: app.query_one("#box").mount(Part(), Part()),
            lambda: setattr(second, "disabled", True),
            lambda: setattr(app, "theme", "textual-light"),
            lambda: app.query_one("#box").remove_class("strange"),
            lambda: setattr(app, "theme", "textual-dark"),
            lambda: setattr(second, "disabled", False),
            second.focus,
        ):
            change()
            await pilot.pause()
            kept = _rules(app)
            plain = app.stylesheet.copy()
            plain.parse()
            assert [rule.tie_breaker for rule in app.stylesheet.rules] == [rule.tie_breaker for rule in plain.rules]
            plain.update(app.screen)
            assert kept == _rules(app)
            seen.append(kept)
        assert all(one != other for one, other in pairwise(seen))


async def test_a_style_of_a_part_is_seen_when_only_that_changed() -> None:
    app = Parts()
    async with app.run_test() as pilot:
        part = app.query(Part).first()
        quiet = part.get_component_rich_style("part--quiet")
        app.query_one("#box").set_class(True, "strange")
        await pilot.pause()
        assert part.get_component_rich_style("part--quiet") != quiet
        app.query_one("#box").set_class(False, "strange")
        await pilot.pause()
        assert part.get_component_rich_style("part--quiet") == quiet
