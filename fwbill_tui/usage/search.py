"""The search line: what its words mean. Matching happens on labels, in `usage.labels`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from fwbill_tui.usage.query import QueryError
from fwbill_tui.usage.schema import DIMENSION_COLUMNS

_TOKEN = re.compile(
    r"""\s*(?P<minus>-)?
        (?:(?P<scope>[A-Za-z_][\w.]*):)?
        (?:/(?P<regex>(?:\\.|[^/\\])*)(?P<closed>/)(?=\s|$)
          |"(?P<quoted>[^"]*)"?
          |(?P<word>\S+))""",
    re.VERBOSE,
)
_SCOPES = {"type": "usage_type", **{name: name for name in DIMENSION_COLUMNS}}


@dataclass(frozen=True, slots=True)
class SearchTerm:
    """One word of a search. `dimension` None looks in all of them; `negative` asks that it occurs in none."""

    text: str
    dimension: str | None = None
    negative: bool = False
    regex: bool = False

    def matcher(self) -> Callable[[str], bool]:
        """A test of one label, without regard to case. A regex is checked when the term is made."""
        if self.regex:
            return _compiled(self.text).search  # type: ignore[return-value]
        needle = self.text.casefold()
        return lambda label: needle in label.casefold()


def parse_search(text: str, further: tuple[str, ...] = ()) -> tuple[SearchTerm, ...]:
    """Read a search line: words that must all occur, `model:kimi`, `-word`, `"two words"`, `/regex/`.

    `further` names additional columns that may stand before a colon; an unknown name before a colon is an ordinary
    word (`12:30`). A word still being typed (`model:`, `-`, an open `/`) restricts nothing yet. Raises QueryError for a
    broken regex, with the regex engine's reason.
    """
    terms: list[SearchTerm] = []
    position = 0
    while (match := _TOKEN.match(text, position)) and match.end() > position:
        position = match.end()
        scope, minus = match["scope"], bool(match["minus"])
        dimension = scope if scope in further else _SCOPES.get(scope.lower()) if scope else None
        if match["closed"]:
            body, regex = match["regex"], True
        else:
            body, regex = match["quoted"] if match["quoted"] is not None else match["word"], False
            if body.startswith("/") and match["word"]:
                continue  # a regex whose closing slash is not typed yet
        if scope and dimension is None:
            body = f"{scope}:{body}"
            regex = False
        if not body or (scope is None and body.endswith(":") and body[:-1].lower() in _SCOPES):
            continue  # `model:` before its word is typed
        if regex:
            _compiled(body)
        terms.append(SearchTerm(body, dimension, minus, regex))
    return tuple(terms)


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise QueryError(f"/{pattern}/ is not a regular expression: {error}") from None
