"""The search line: what its words mean. Matching happens on labels (`usage.labels`) and on free text (`usage.predicate`).

All matching is done by Polars' regular expressions, so that a word means the same in a label and in free text. They
know neither look-around nor back-references, and in return never take long.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from functools import lru_cache
from typing import NamedTuple

import polars as pl

from fwbill_tui.usage.names import DIMENSION_COLUMNS
from fwbill_tui.usage.query import QueryError

_TOKEN = re.compile(
    r"""\s*(?P<minus>-)?
        (?P<rest>(?:(?P<scope>[A-Za-z_][\w.]*):)?
        (?:/(?P<regex>(?:\\.|[^/\\])*)(?P<closed>/)(?=\s|$)
          |"(?P<quoted>[^"]*)"?
          |(?P<word>\S+)))""",
    re.VERBOSE,
)
_SURROGATE = re.compile("[\ud800-\udfff]")
"""What Python makes of an argument's bytes that are no UTF-8."""
MOST_CHARACTERS = 2_000
"""Of a line. Each takes its part of the size that Polars allows a regular expression, and each word a pass over the labels."""
_SCOPES = {"type": "usage_type", **{name: name for name in DIMENSION_COLUMNS}}


class SearchTerm(NamedTuple):
    """One word of a search. `dimension` None looks in all of them; `negative` asks that it occurs in none."""

    text: str
    dimension: str | None = None
    negative: bool = False
    regex: bool = False

    @property
    def pattern(self) -> str:
        """The word as a regular expression for Polars, without regard to case. A space finds `_`, too, which is shown as one."""
        return _without_case(self.text if self.regex else "[ _]".join(map(pl.escape_regex, self.text.split(" "))))


def parse_search(text: str, further: tuple[str, ...] = ()) -> tuple[SearchTerm, ...]:
    """Read a search line: words that must all occur, `model:kimi`, `-word`, `"two words"`, `/regex/`.

    `further` names additional columns that may stand before a colon; an unknown name before a colon is an ordinary
    word (`12:30`). A word still being typed (`model:`, `-`, `/`, an open `/(`) restricts nothing yet; a regex need not be closed.
    Raises QueryError for a broken regex that is closed, with the regex engine's reason, and for a line that is too long or
    no Unicode.
    """
    return tuple(term for _, term in _terms(text, further) if term is not None)


def refuse_unfinished(text: str) -> None:
    """Raise QueryError for a search in which a word restricts nothing: nobody is typing it on. Also as `parse_search`."""
    for word, term in _terms(text, ()):
        if term is None:
            raise QueryError(f"{word!r} looks for nothing: write a word, model:kimi, -word or /regex/")


def _terms(text: str, further: tuple[str, ...]) -> Iterator[tuple[str, SearchTerm | None]]:
    """Every word, and what it asks for; None where that is nothing yet. Raises QueryError as `parse_search`."""
    if len(text) > MOST_CHARACTERS:
        raise QueryError(f"the search is too long ({len(text):,} characters): use at most {MOST_CHARACTERS:,}")
    if _SURROGATE.search(text):
        raise QueryError("the search has bytes that are not UTF-8, which no label has: leave them out")
    position = 0
    while (match := _TOKEN.match(text, position)) and match.end() > position:
        position = match.end()
        scope, regex = match["scope"], bool(match["closed"])
        dimension = scope if scope in further else _SCOPES.get(scope.lower()) if scope else None
        if scope and dimension is None:
            body, regex = f"{scope}:{match['quoted']}" if match["quoted"] is not None else match["rest"], False
        elif regex:
            body = match["regex"]
            _check(body)
        else:
            body = match["quoted"] if match["quoted"] is not None else match["word"]
            if match["word"] and _being_typed(body, scope, further):
                body = ""
            elif match["word"] and body.startswith("/"):
                body, regex = body[1:] if _problem(body[1:]) is None else "", True
        yield match[0].strip(), SearchTerm(body, dimension, bool(match["minus"]), regex) if body else None


def unknown_names(text: str, further: Container[str] = ()) -> list[str]:
    """Names before a colon that are no dimension, so that the word they stand in is an ordinary one."""
    # Stripped, since every blank at the end would be begun at once more.
    names = [match["scope"] for match in _TOKEN.finditer(text.rstrip()) if match["scope"]]
    return [name for name in names if name not in further and name.lower() not in _SCOPES]


def _being_typed(word: str, scope: str | None, further: tuple[str, ...]) -> bool:
    """`-` or `model:` before its word."""
    if scope is None and word.endswith(":"):
        return word[:-1] in further or word[:-1].lower() in _SCOPES
    return word == "-"


def _without_case(pattern: str) -> str:
    return f"(?i){pattern}"


def _check(pattern: str) -> None:
    if (problem := _problem(pattern)) is not None:
        raise QueryError(f"/{pattern}/ is not a regular expression: {problem}")


@lru_cache(maxsize=64)
def _problem(pattern: str) -> str | None:
    """Why a pattern is no regular expression; None when it is one."""
    try:
        pl.Series([""]).str.contains(_without_case(pattern))
    except pl.exceptions.ComputeError as error:
        # Polars' message: "regex error: …\n    <pattern>\n    ^^^\nerror: <reason>\n\nThis error occurred in …"
        problem = str(error).partition("\n\nThis error occurred")[0].rpartition("error: ")[2]
        return " ".join(problem.split())
    return None
