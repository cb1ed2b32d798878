"""Our dark and light theme; Textual's own can be chosen from the palette."""

from __future__ import annotations

from textual.theme import Theme

_QUIET = "auto 55%"
"""Textual's 38 % has less than 3:1 of contrast on a light ground; placeholders are there to be read."""

DARK = Theme(
    name="fwbill-dark",
    primary="#8b7cf6",
    secondary="#4cc2ff",
    accent="#ffb454",
    success="#7fd88f",
    warning="#ffcb6b",
    error="#ff6b6b",
    foreground="#e6e3f0",
    background="#14121c",
    surface="#1b1826",
    panel="#252134",
    dark=True,
    variables={"footer-key-foreground": "#ffb454", "text-disabled": _QUIET, "block-cursor-text-style": "bold"},
)
LIGHT = Theme(
    name="fwbill-light",
    primary="#5b4bd6",
    secondary="#0077b6",
    accent="#b45309",
    success="#2f855a",
    warning="#8a6100",
    error="#c53030",
    foreground="#221f2e",
    background="#faf9fd",
    surface="#f2f0f8",
    panel="#e4e0f0",
    dark=False,
    variables={"footer-key-foreground": "#9a4507", "text-disabled": _QUIET, "block-cursor-text-style": "bold"},
)
THEMES = (DARK, LIGHT)
