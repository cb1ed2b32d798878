"""Where things are said: data on stdout, everything else on stderr, and nothing that could steer a terminal."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from fwbill_tui.cli import streams
from fwbill_tui.cli.exits import CommandError, ReaderGone
from fwbill_tui.usage.literal import literal

PROGRAM = "fwbill"


def say(message: str) -> None:
    """One line on stderr; where nobody can read it, the work goes on."""
    try:
        sys.stderr.write(f"{PROGRAM}: {literal(message)}\n")
    except OSError:
        streams.give_up(sys.stderr)


def print_text(text: str) -> None:
    """Data on stdout, whose cells the caller made safe where they came from usage."""
    with data_stream() as stream:
        stream.write(text.encode())


def has_terminal() -> bool:
    """Whether there is a person at a keyboard and a screen, which is drawn on the stderr that we were started with."""
    return sys.stdin is not None and sys.__stderr__ is not None and sys.stdin.isatty() and sys.stdout.isatty()


def width() -> int | None:
    """The columns of the terminal that stdout is; None when it is none, and nothing needs to be cut."""
    import shutil

    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


@contextmanager
def data_stream(*, binary: bool = False) -> Iterator[BinaryIO]:
    """Stdout for data. On a terminal each line is made harmless; `binary` data is refused there.

    A reader that has seen enough (`| head`) raises ReaderGone, with nothing left to be flushed at exit.
    """
    terminal = sys.stdout.isatty()
    if terminal and binary:
        raise CommandError("this format is not for a terminal: send it into a file or a pipe")
    sys.stdout.flush()
    try:
        yield cast(BinaryIO, _Harmless(sys.stdout.buffer)) if terminal else sys.stdout.buffer
        sys.stdout.flush()
    except Exception as error:
        from fwbill_tui.export.errors import as_os_error

        cause = as_os_error(error)
        if isinstance(cause, BrokenPipeError):
            streams.give_up(sys.stdout)
            raise ReaderGone from None
        if cause is not None and not isinstance(error, CommandError):
            streams.give_up(sys.stdout)
            raise CommandError(f"cannot write to stdout: {streams.why(cause)}") from error
        raise


class _Harmless(io.RawIOBase):
    """A terminal's stream that gets every line as `literal` shows it."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        content = bytes(memoryview(data))  # type: ignore[arg-type]
        lines = content.decode(errors="replace").split("\n")
        self._stream.write("\n".join(map(literal, lines)).encode())
        return len(content)
