"""What dialogs need when they first open, made ready before: modules, the names of time zones, the styles of widgets.

Else the first one to open holds the loop up for fifty milliseconds, twice.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import NamedTuple

from textual.css.stylesheet import Stylesheet
from textual.css.types import CSSLocation
from textual.widget import Widget

_DIALOGS = ("columns_dialog", "confirm", "date_range", "export_dialog", "group_dialog", "help", "row_detail", "sort_dialog")


class Styles(NamedTuple):
    """What a class says of the looks of its widgets, as Textual reads it when the first of them is mounted."""

    read_from: CSSLocation
    css: str
    tie_breaker: int
    scope: str


def prepare(stylesheet: Stylesheet) -> list[Styles]:
    """In a thread: import the dialogs, and parse the styles of all kinds of widgets that there are then."""
    for name in _DIALOGS:
        importlib.import_module(f"fwbill_tui.tui.screens.{name}")
    importlib.import_module("fwbill_tui.usage.zones").zone_names()
    found: dict[CSSLocation, Styles] = {}
    for kind in _kinds(Widget):
        for styles in map(Styles._make, kind.__new__(kind)._get_default_css()):
            known = found.get(styles.read_from, styles)
            found[styles.read_from] = min(known, styles, key=lambda styles: styles.tie_breaker)
    for read_from, css, tie_breaker, scope in found.values():
        stylesheet._parse_rules(css, read_from, True, tie_breaker, scope)
    return list(found.values())


def take_in(stylesheet: Stylesheet, prepared: list[Styles]) -> None:
    """Have the styles before the widgets: each that comes later makes the stylesheet forget what it found out about rules.

    Nothing is forgotten where all of them are there already, as after a second load.
    """
    for read_from, css, tie_breaker, scope in prepared:
        stylesheet.add_source(css, read_from=read_from, is_default_css=True, tie_breaker=tie_breaker, scope=scope)
    if stylesheet._require_parse:
        stylesheet.parse()


def _kinds(kind: type[Widget]) -> Iterator[type[Widget]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _kinds(below)
