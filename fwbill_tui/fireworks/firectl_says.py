"""What firectl says when it fails, as our errors. It is made for people, so its words are all there is to go by."""

from __future__ import annotations

import re

from fwbill_tui.fireworks.child import Ended
from fwbill_tui.fireworks.errors import (
    FireworksError,
    NetworkError,
    NoPermission,
    NoSuchAccount,
    RequestRefused,
    ServiceError,
    SignInRefused,
    StorageError,
    TimedOut,
    ToolFailed,
    TooManyRequests,
    Unimplemented,
    UntrustedConnection,
    from_grpc,
    is_grpc_code,
    make,
    one_line,
    redact,
)

_STATUS = re.compile(r"\bcode = ([A-Z][A-Za-z]+)(?:\s+desc = ([^\n]*))?")
_OTHER_SPELLING = re.compile(r"\bunknown (?:command|flag|shorthand flag)\b", re.IGNORECASE)
_TOKEN = re.compile(r"[\w+=.-]{40,}")  # of a browser sign-in; nothing that helps a person is as long without a slash
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_WORDS: tuple[tuple[type[FireworksError], str], ...] = (
    (StorageError, r"no space left on device|disk quota exceeded|read-only file system|open /\S+: permission denied"),
    (SignInRefused, r"unauthenticated|unauthorized|\b401\b|invalid api key|token (?:has |is )?expired|invalid_grant"),
    (SignInRefused, r"not (?:logged|signed) in|(?:log|sign) ?in (?:again|first)|firectl (?:log|sign)in\b"),
    (NoPermission, r"permission_?denied|\b403\b|forbidden"),
    (TooManyRequests, r"resource_?exhausted|too many requests|\b429\b"),
    (UntrustedConnection, r"x509|certificate|tls: "),
    (TimedOut, r"deadline_?\s?exceeded|i/o timeout|timed out|client\.timeout"),
    (
        NetworkError,
        r"no such host|connection refused|connection reset|network is unreachable|no route to host|dial tcp|unavailable",
    ),
    (Unimplemented, r"\bunimplemented\b|\b501\b"),
    (RequestRefused, r"invalid_?argument|31 days"),
    (NoSuchAccount, r"not_?\s?found|\b404\b"),
    (ServiceError, r"internal (?:server )?error|\b50[023]\b"),
)


def knows_no_such_command(ended: Ended) -> bool:
    """Whether this firectl spells the command another way. It may then show its help and call that a success."""
    return bool(_OTHER_SPELLING.search(ended.said)) or (ended.status == 0 and "\nUsage:" in f"\n{ended.said}")


def failure(ended: Ended, where: str, *secrets: str, sso: bool) -> FireworksError:
    """The error behind an end that was no success. `secrets` are in no message, nor is what looks like a token."""
    said = _TOKEN.sub("[redacted]", redact(_COLOURS.sub("", ended.said), *secrets))
    error = _understood(said, where)
    if error is None:
        how = f"ended by signal {-ended.status}" if ended.status < 0 else f"failed with status {ended.status}"
        last = one_line(_telling_line(said), 200)
        error = make(ToolFailed, where, f'it {how}; it says "{last}"' if last else f"it {how} and says nothing")
    if sso and isinstance(error, SignInRefused):
        return SignInRefused(error.message, "sign in again with `firectl login`")
    return error


def _understood(said: str, where: str) -> FireworksError | None:
    for name, words in reversed(_STATUS.findall(said)):
        code = "CANCELLED" if name == "Canceled" else re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper()
        if is_grpc_code(code):
            return from_grpc(code, words, where=where)
    for kind, pattern in _WORDS:
        if found := re.search(pattern, said, re.IGNORECASE):
            line = said[said.rfind("\n", 0, found.start()) + 1 :].partition("\n")[0]
            words = f'firectl says "{one_line(line, 200)}"'
            if kind is StorageError:
                return StorageError(f"{where}: {words}", "make room, or name another folder in TMPDIR")
            return make(kind, where, words)
    return None


def _telling_line(said: str) -> str:
    """The line that says most: the last that calls itself an error, or else the last."""
    lines = [line for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"\s*(?:error|fatal|panic)\b", line, re.IGNORECASE)]
    return (errors or lines or [""])[-1]
