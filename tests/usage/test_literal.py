from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fwbill_tui.usage.literal import literal, literal_letters

# Format characters with a shape of their own: Arabic, Syriac, Kaithi and Egyptian signs that enclose what follows.
DRAWN_FORMATS = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD, *range(0x13430, 0x13440)}

everything = st.text(st.characters(codec=None, exclude_categories=()))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("accounts/fireworks/models/kimi-k3", "accounts/fireworks/models/kimi-k3"),
        ("", ""),
        ("[red]x[/]", "[red]x[/]"),
        ("\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
        ("a\r\nb\tc\x00", "a␍␊b␉c␀"),
        ("del\x7f", "del␡"),
        ("\x9b31m", "<U+009B>31m"),
        ("user\u202egpj.exe", "user<U+202E>gpj.exe"),
        ("\u2066x\u2069", "<U+2066>x<U+2069>"),
        ("ad\u200bmin\ufeff", "ad<U+200B>min<U+FEFF>"),
        ("line\u2028end\u2029", "line<U+2028>end<U+2029>"),
        ("\ud800", "<U+D800>"),
        ("a\U000e0041b", "a<U+E0041>b"),
        ("naïve 模型 🚀 שלום é", "naïve 模型 🚀 שלום é"),
    ],
)
def test_what_acts_or_hides_is_shown(text: str, shown: str) -> None:
    assert literal(text) == shown


@given(everything)
def test_again_changes_nothing_and_the_result_can_be_encoded(text: str) -> None:
    once = literal(text)
    assert literal(once) == once
    once.encode("utf-8")
    assert len(once.splitlines()) <= 1


@given(everything)
def test_letter_by_letter_the_same_is_shown(text: str) -> None:
    shown = literal_letters(text)
    assert len(shown) == len(text)
    for letter, here in zip(text, shown, strict=True):
        alone = literal(letter)
        assert here == (alone if len(alone) == 1 else "�")


def test_no_character_that_acts_or_hides_is_left_in_all_of_unicode() -> None:
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        category = unicodedata.category(character)
        acts = category in {"Cc", "Cs", "Zl", "Zp"} or (category == "Cf" and code not in DRAWN_FORMATS)
        if acts:
            assert literal(character) != character, f"U+{code:04X} {category}"
        elif category[0] in "LNPS" and code not in {0x115F, 0x1160, 0x3164, 0xFFA0, 0xFFFC, 0xFFFD}:
            assert literal(character) == character, f"U+{code:04X} {category}"
