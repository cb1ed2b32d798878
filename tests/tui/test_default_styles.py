"""Textual takes a class's default styles from its first base that is a node: a mixin in front must not be one."""

from __future__ import annotations

import importlib
import pkgutil

from textual.screen import ModalScreen, Screen, SystemModalScreen
from textual.scroll_view import ScrollView
from textual.widget import Widget

import fwbill_tui.tui


def widgets() -> list[type[Widget]]:
    for module in pkgutil.walk_packages(fwbill_tui.tui.__path__, "fwbill_tui.tui."):
        importlib.import_module(module.name)
    found, kinds = [], [Widget]
    while kinds:
        kinds += (below := kinds.pop().__subclasses__())
        found += [kind for kind in below if kind.__module__.startswith("fwbill_tui.")]
    return found


def test_no_widget_loses_the_styles_of_its_bases() -> None:
    kinds = widgets()
    assert len(kinds) > 30
    for kind in kinds:
        for base in (Widget, ScrollView, Screen, ModalScreen):
            if issubclass(kind, base) and not issubclass(kind, SystemModalScreen):  # these are to have none of their bases
                assert base.__name__ in kind._css_type_names, f"{kind.__name__} has no default styles of {base.__name__}"
