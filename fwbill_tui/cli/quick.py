"""Answers that need no parser: the version, the help of `fwbill`, and the shell's completion of its first word."""

from __future__ import annotations

from fwbill_tui import __version__
from fwbill_tui.cli.flags import COMMANDS, EXPLORER_FLAGS, VERSION, VERSION_FLAG

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` itself, and what it brings, would be a third of the time that these answers take
    from collections.abc import Iterable, Iterator, Mapping, Sequence

WIDEST, NARROWEST = 100, 50
"""Columns of a terminal that the help fills at most, and columns of the help at least."""
_FIRST_COLUMN = 30
"""Flags longer than that have their text on the next line."""
_ABOUT = (
    "Explore the billing and usage of Fireworks AI: FILEs that were exported, or the account itself.",
    "FILEs are exports (CSV, gzip, zstd, Parquet), globs, folders, or - for standard input.",
)
_USAGE = """\
Usage: fwbill [FILE]... [OPTIONS]
       fwbill COMMAND [FILE]... [OPTIONS]
"""
_EXAMPLES = """\
  Examples:
    fwbill                                 the account that is signed in
    fwbill usage.csv --model '*kimi*'      exported files, filtered
    fwbill demo                            made-up usage; no account needed
    fwbill summary --range mtd             totals without a screen
    fwbill COMMAND --help                  everything about one command

  A FILE that is called like a command: ./summary
"""


def answer(arguments: Sequence[str], environ: Mapping[str, str]) -> str | None:
    """What `fwbill` prints for these arguments; None where it takes a parser to know."""
    if instruction := environ.get("_FWBILL_COMPLETE"):
        return _completed(instruction, environ)
    if arguments == ["--version"]:
        return f"fwbill {__version__}\n"
    if arguments in (["--help"], ["-h"]):
        import shutil

        return help_text(max(min(shutil.get_terminal_size().columns, WIDEST) - 2, NARROWEST))
    return None


def help_text(width: int) -> str:
    """The help of `fwbill`, so many columns wide; laid out as click lays out that of the commands."""
    import textwrap

    lines = _USAGE.splitlines()
    for paragraph in _ABOUT:
        lines += ["", *textwrap.wrap(paragraph, width, initial_indent="  ", subsequent_indent="  ")]
    sections: dict[str, list[tuple[str, str]]] = {"Commands": [(name, told) for name, (_, told) in COMMANDS.items()]}
    for flag in EXPLORER_FLAGS:
        sections.setdefault(flag.section, []).append((f"{', '.join(flag.names)} {flag.takes}".rstrip(), flag.told))
    sections[VERSION] = [(", ".join(VERSION_FLAG.names), VERSION_FLAG.told)]
    for section, rows in sections.items():
        lines += ["", f"{section}:"]
        column = min(max(len(name) for name, _ in rows), _FIRST_COLUMN) + 2
        for name, told in rows:
            first, *others = textwrap.wrap(told, max(width - column - 2, 10), replace_whitespace=False)
            lines += [f"  {name:{column}}{first}"] if len(name) <= column - 2 else [f"  {name}", f"  {'':{column}}{first}"]
            lines += [f"  {'':{column}}{other}" for other in others]
    return "\n".join(lines) + "\n\n" + _EXAMPLES


def completions(incomplete: str) -> Iterator[tuple[str, str, str]]:
    """What the first word may become: its kind as click's completion names it ("plain", "file"), the word, what it does."""
    if not incomplete.startswith("-"):
        for name, (_, told) in COMMANDS.items():
            if name.startswith(incomplete):
                yield "plain", name, told
        yield "file", incomplete, ""
        return
    for flag in (VERSION_FLAG, *EXPLORER_FLAGS):
        for name in flag.names:
            if name.startswith(incomplete):
                yield "plain", name, flag.told


def _completed(instruction: str, environ: Mapping[str, str]) -> str | None:
    """The answer to the scripts that click installs in bash, zsh and fish, where the word is the first and a plain one."""
    text, word = environ.get("COMP_WORDS", ""), environ.get("COMP_CWORD", "")
    if any(mark in text for mark in "'\"\\="):
        return None
    words = text.split()[1:]
    if instruction == "fish_complete":
        if words not in ([], [word]):
            return None
        return _lines(f"{kind},{name}\t{told}" if told else f"{kind},{name}" for kind, name, told in completions(word))
    if word != "1" or instruction not in ("bash_complete", "zsh_complete"):
        return None
    found = completions(words[0] if words else "")
    if instruction == "bash_complete":
        return _lines(f"{kind},{name}" for kind, name, _ in found)
    return _lines(f"{kind}\n{name}\n{told or '_'}" for kind, name, told in found)


def _lines(found: Iterable[str]) -> str:
    return "\n".join(found) + "\n"


def show(text: str) -> int:
    """Print it; the exit code. Where nobody can read it, that is said in a line."""
    import sys

    from fwbill_tui.cli.exits import BROKEN_PIPE, DONE, FAILED

    try:
        sys.stdout.buffer.write(text.encode(sys.stdout.encoding, "replace"))
        sys.stdout.flush()
    except OSError as error:
        from fwbill_tui.cli import streams

        streams.give_up(sys.stdout)
        if isinstance(error, BrokenPipeError):
            return BROKEN_PIPE
        sys.stderr.write(f"fwbill: cannot write to stdout: {streams.why(error)}\n")
        return FAILED
    return DONE
