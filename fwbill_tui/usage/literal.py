"""Text from the data, made safe to show: nothing in it can steer a terminal or hide from the reader."""

from __future__ import annotations

import re

# Ranges, by what they would do if a terminal got them. Combining marks and right-to-left letters are text and stay.
_UNSAFE = (  # compiled when it is first needed: most texts are plain
    "["
    "\x00-\x1f\x7f-\x9f"  # controls, escape, line ends, the eight-bit controls
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"  # drawn as nothing, or they change the direction of text
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f"  # zero width, line separators, bidirectional marks, overrides, isolates
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"  # fillers, variation selectors, byte order mark, annotations
    "\ud800-\udfff"  # halves of surrogate pairs: they cannot be encoded for the terminal at all
    "\ufdd0-\ufdef\ufffe\uffff"  # no characters, now or ever
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"  # invisible formats, tags
    "]"
)


def _visible(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"<U+{code:04X}>"


def _letter(match: re.Match[str]) -> str:
    shown = _visible(match)
    return shown if len(shown) == 1 else "\ufffd"


def literal(text: str) -> str:
    """The text as one line in which every character that acts or hides is shown instead: `␛` for escape, `<U+202E>`.

    Control characters become their pictures; the eight-bit controls, bidirectional marks, overrides and isolates,
    zero-width and other invisible characters, line separators, lone surrogates and noncharacters become `<U+....>`.
    Everything else stays as it is. Calling it again changes nothing.
    """
    if text.isascii() and text.isprintable():
        return text
    return re.sub(_UNSAFE, _visible, text)


def literal_letters(text: str) -> str:
    """The same with one character for each, for text in which a cursor moves: `�` where `literal` would spell a code out."""
    if text.isascii() and text.isprintable():
        return text
    return re.sub(_UNSAFE, _letter, text)
