"""`--log-file`: what the program and its libraries do, for a person who looks for a fault. Off unless asked for.

Whatever is written passes through one redaction: no API key, no bearer token, no query string of a link.
"""

from __future__ import annotations

import atexit
import logging
import os
import platform
import re
import sys
from pathlib import Path
from typing import TextIO

from fwbill_tui import __version__
from fwbill_tui.cli.exits import USAGE, CommandError
from fwbill_tui.cli.output import say
from fwbill_tui.cli.streams import give_up, why
from fwbill_tui.fireworks.errors import redact
from fwbill_tui.usage.literal import literal

_LINE = re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:,]{8,12} [A-Z]+ ")
"""How lines of a log begin."""
_FORM = "%(asctime)s %(levelname)s %(name)s %(threadName)s %(message)s"


class _Redacting(logging.Formatter):
    """A record as lines without secrets, and without anything that could steer a terminal it is shown on."""

    def format(self, record: logging.LogRecord) -> str:
        return "\n".join(map(literal, redact(super().format(record)).splitlines()))


class _LogFile(logging.StreamHandler[TextIO]):
    """Writes to the file as long as that can be done; that it could not is said when the program ends, on no screen."""

    def __init__(self, stream: TextIO, path: Path) -> None:
        super().__init__(stream)
        self.path = path

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):  # a library's text and its values do not go together
            told = {"name": record.name, "levelno": logging.WARNING, "levelname": "WARNING", "threadName": record.threadName}
            self.emit(logging.makeLogRecord(told | {"msg": f"a line is missing: {type(error).__name__}"}))
            return
        self.setLevel(logging.CRITICAL + 1)  # it stays: without any handler logging would write to stderr
        give_up(self.stream)
        atexit.register(say, f"the log in {self.path} is not whole: {why(error)}; name another file")


def begin_log(path: Path) -> None:
    """Write everything from now on to the end of a file that is for the user alone. Raises CommandError.

    What is in the file already must be a log, too: an export with a line of a log at its end would be damaged.
    """
    try:
        if path.is_file() and path.stat().st_size:
            with path.open("rb") as there:
                if not _LINE.match(there.read(40)):
                    raise CommandError(f"{path} is there already, and no log: name another file for --log-file", USAGE)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        stream = os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace")
    except (OSError, ValueError) as error:
        raise CommandError(f"cannot write the log to {path}: {getattr(error, 'strerror', None) or error}") from None
    handler = _LogFile(stream, path)
    handler.setFormatter(_Redacting(_FORM))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    logging.getLogger("fwbill").info("fwbill %s, Python %s, %s", __version__, platform.python_version(), platform.system())


def log_in_use() -> Path | None:
    """The file that is written to since `begin_log`."""
    return next((handler.path for handler in logging.getLogger().handlers if isinstance(handler, _LogFile)), None)
