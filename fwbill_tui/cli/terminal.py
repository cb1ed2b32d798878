"""What the terminal says of itself."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Terminal:
    """The terminal as the environment describes it. `colours` is how many it shows, 0 for none; the size is in cells."""

    term: str
    program: str
    colorterm: str
    no_color: bool
    colours: int
    columns: int | None
    rows: int | None
    encoding: str

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Self:
        """The terminal that any of our streams is on; its size is None when none is."""
        term, colorterm = environ.get("TERM", ""), environ.get("COLORTERM", "")
        no_color = bool(environ.get("NO_COLOR"))
        columns = rows = None
        for descriptor in (1, 2, 0):
            try:
                columns, rows = os.get_terminal_size(descriptor)
                break
            except OSError:
                continue
        return cls(
            term=term,
            program=environ.get("TERM_PROGRAM", ""),
            colorterm=colorterm,
            no_color=no_color,
            colours=0 if no_color else _colours(term, colorterm),
            columns=columns,
            rows=rows,
            encoding=(getattr(sys.stdout, "encoding", None) or "").lower(),
        )

    @property
    def described(self) -> str:
        """One line for a person."""
        words = [self.term or "TERM is not set", self.program]
        words.append(f"{self.columns}x{self.rows}" if self.columns else "not a terminal")
        words.append("no colours (NO_COLOR)" if self.no_color else f"{self.colours:,} colours" if self.colours else "no colours")
        words.append(self.encoding if "utf" in self.encoding else f"{self.encoding or 'no encoding'}, not Unicode")
        return ", ".join(word for word in words if word)

    def as_dict(self) -> Mapping[str, Any]:
        """The same for programs."""
        return asdict(self)


def _colours(term: str, colorterm: str) -> int:
    if term in ("", "dumb"):
        return 0
    if colorterm in ("truecolor", "24bit") or term.endswith("-direct"):
        return 1 << 24
    return 256 if "256color" in term or "kitty" in term else 16


def keys_from_terminal() -> bool:
    """Take keys from the terminal where standard input is a file or a pipe, which `sys.stdin` goes on being.

    False where there is no terminal, or the screen is not on one.
    """
    if sys.stdin is None or not sys.stdout.isatty():
        return False
    try:
        terminal = os.open(os.ctermid(), os.O_RDWR)
    except (OSError, AttributeError):  # no terminal of our own; no such call on Windows
        return False
    sys.stdin = os.fdopen(os.dup(0))
    os.dup2(terminal, 0)
    os.close(terminal)
    return True
