"""Exit codes, and which error ends with which."""

from __future__ import annotations

DONE = 0
FAILED = 1
USAGE = 2
SIGN_IN_REFUSED = 3
NO_ACCOUNT = 4
NETWORK = 5
REJECTED_ROWS = 6
INTERRUPTED = 130
BROKEN_PIPE = 141
TERMINATED = 143
SIGNALS_SAID = {INTERRUPTED: "stopped", TERMINATED: "ended by a signal"}
"""What is said when a signal ended the program."""


class CommandError(Exception):
    """A command cannot do what was asked: one line for the user, and the exit code."""

    def __init__(self, message: str, code: int = FAILED) -> None:
        super().__init__(message)
        self.code = code


class ReaderGone(Exception):  # noqa: N818 - nothing went wrong: whoever read our output had seen enough
    """The other end of the pipe was closed."""


class Interrupted(BaseException):
    """The user pressed ctrl+c; the work has cleaned up."""


class Terminated(BaseException):
    """The program was asked to end (SIGTERM, SIGHUP) and cleans up on its way out."""


def code_of(error: BaseException) -> int | None:
    """The exit code for an error that has a message for the user; None for one that is a fault of this program."""
    if isinstance(error, CommandError):
        return error.code
    # Late: when such an error was raised, its module is loaded already.
    from fwbill_tui.archive.errors import ArchiveError
    from fwbill_tui.export.errors import ExportError
    from fwbill_tui.files.errors import SpoolError
    from fwbill_tui.fireworks import errors as fireworks
    from fwbill_tui.fireworks.keyring_store import KeyringUnavailable
    from fwbill_tui.settings import SettingError
    from fwbill_tui.usage.names import ExportFormatError
    from fwbill_tui.usage.query import QueryError

    codes: tuple[tuple[tuple[type[Exception], ...], int], ...] = (
        ((QueryError,), USAGE),
        ((fireworks.BadKey, fireworks.SignInRefused), SIGN_IN_REFUSED),
        ((fireworks.NoPermission, fireworks.NoSuchAccount, fireworks.AccountSuspended), NO_ACCOUNT),
        ((fireworks.BadSetting, SettingError), USAGE),
        ((fireworks.StorageError, fireworks.Cancelled, KeyringUnavailable), FAILED),
        ((fireworks.FireworksError,), NETWORK),
        ((ExportError, ExportFormatError, ArchiveError, SpoolError), FAILED),
    )
    return next((code for kinds, code in codes if isinstance(error, kinds)), None)
