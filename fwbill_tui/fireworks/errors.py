"""One tree for everything that can go wrong with Fireworks: what happened and where, and what to do about it.

Answers are classified by HTTP or gRPC status alone; the service's own words are quoted, never interpreted. Whatever
is quoted is redacted, put on one line and cut, so that no key, no signed link and no control character gets into a message.
"""

# Exceptions here are named after what happened, in the words of the service's contract.
# ruff: noqa: N818

from __future__ import annotations

import re
from typing import ClassVar

_KEY = re.compile(r"\bfw_\w{4,}")
_QUERY_STRING = re.compile(r"(https?://[^\s?#\"'<>]+)[?#][^\s\"'<>]*", re.IGNORECASE)
_BEARER = re.compile(r"(bearer\s+|x-api-key\W+)[^\s\"',;]+", re.IGNORECASE)
_LONGEST_QUOTE = 300


def redact(text: str, *secrets: str) -> str:
    """`text` without API keys, bearer tokens, the query strings of links, and the `secrets` given."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "[redacted]")
    text = _QUERY_STRING.sub(r"\1?[redacted]", text)
    return _KEY.sub("[redacted]", _BEARER.sub(r"\1[redacted]", text))


def one_line(text: str, longest: int = _LONGEST_QUOTE) -> str:
    """`text` as one printable line of at most `longest` characters."""
    printable = "".join(character if character.isprintable() else " " for character in text[: longest * 4])
    line = " ".join(printable.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


class FireworksError(Exception):
    """Something went wrong with Fireworks. `message`: what happened, where. `advice`: what to do next."""

    transient: ClassVar[bool] = False
    """Whether the same call may well succeed a moment later."""
    everywhere: ClassVar[bool] = False
    """Whether every further call of the same sign-in would fail in the same way."""
    retry_after: float | None = None
    """Seconds that the service asks to wait, where it does."""

    def __init__(self, message: str, advice: str) -> None:
        self.message = one_line(redact(message), 600)
        self.advice = advice
        super().__init__(self.message, self.advice)

    def __str__(self) -> str:
        return f"{self.message}: {self.advice}"


class BadSetting(FireworksError):
    """Something the user gave cannot be right; no call was made."""

    everywhere = True


class BadKey(BadSetting):
    """Not the form of an API key, or no key at all."""


class BadAccountId(BadSetting):
    """Not the form of an account id."""


class BadEndpoint(BadSetting):
    """Not an address that a key may be sent to."""


class SignInRefused(FireworksError):
    """The service does not accept the key (HTTP 401, UNAUTHENTICATED)."""

    everywhere = True


class NoPermission(FireworksError):
    """The key is known but may not do this (HTTP 403, PERMISSION_DENIED)."""

    everywhere = True


class NoSuchAccount(FireworksError):
    """There is no such account, or the key cannot see it (HTTP 404, NOT_FOUND)."""

    everywhere = True


class AccountSuspended(FireworksError):
    """The account is suspended (HTTP 412)."""

    everywhere = True


class Unimplemented(FireworksError):
    """The service does not have this call (HTTP 501 and 405, UNIMPLEMENTED)."""

    everywhere = True


class NoEvents(FireworksError):
    """No way to single events is there, can be reached or takes this sign-in; usage by day may be had all the same."""

    everywhere = True


class StorageError(FireworksError):
    """What was fetched cannot be written to this machine."""

    everywhere = True


class NetworkError(FireworksError):
    """The service was not reached, or the connection broke."""

    transient = True


class TimedOut(NetworkError):
    """The service did not answer in time."""


class UntrustedConnection(NetworkError):
    """TLS could not be set up; trying again does not help."""

    transient = False
    everywhere = True


class CutShort(FireworksError):
    """A download began and came only in part. The service was reached: this is no reason to read usage another way."""

    transient = True


class TooManyRequests(FireworksError):
    """The account's rate limit is used up (HTTP 429, RESOURCE_EXHAUSTED)."""

    transient = True

    def __init__(self, message: str, advice: str, retry_after: float | None = None) -> None:
        super().__init__(message, advice)
        self.retry_after = retry_after


class ServiceError(FireworksError):
    """The service failed on its side (HTTP 5xx, INTERNAL and the like)."""

    transient = True


class RequestRefused(FireworksError):
    """The service understood the request and refuses it as such (HTTP 400, INVALID_ARGUMENT and the like)."""


class UnexpectedAnswer(FireworksError):
    """The answer is not what the service's contract says; it is never read as "no usage"."""


class LinkExpired(UnexpectedAnswer):
    """A signed download link is no longer good; a new one may be."""


class ToolMissing(FireworksError):
    """There is no firectl on this machine that can be used for this."""

    everywhere = True


class ToolFailed(FireworksError):
    """firectl ended without saying anything that can be understood; that says nothing about the account."""


class Cancelled(FireworksError):
    """The user stopped it."""

    everywhere = True

    def __init__(self, message: str = "cancelled", advice: str = "start again when you like") -> None:
        super().__init__(message, advice)


_NOT_REACHED: tuple[tuple[str, str], ...] = (
    (r"connection refused", "connection refused"),
    (r"connection reset|broken pipe|socket closed|GOAWAY", "connection reset"),
    (r"no route to host|network is unreachable", "no route to the host"),
    (r"timed? ?out|FD shutdown|deadline", "no connection came about in time"),
    (r"dns resolution|name resolution|resolver", "the host name is not known"),
)
"""How the gRPC library says why it did not reach a service, and a person's words for that."""
_NO_GRPC: tuple[tuple[str, type[FireworksError], str], ...] = (
    (r"^received http2 header with status", UnexpectedAnswer, "a web server answers in place of the gateway"),
    (r"^no status received", UnexpectedAnswer, "the answer is none of a gateway"),
    (r"^stream removed", ServiceError, "the answer broke off"),
)
"""What it says by itself of an answer in which the service said nothing."""
BY_ITSELF = "try the same with firectl itself, or install a newer one"
"""The advice about a firectl that fails without a reason."""
NOT_GIVEN = "this does not mean no usage; fetch again, and check whether a proxy answers in the service's place"
"""The advice about a file that came, but is no export."""

_ADVICE: dict[type[FireworksError], str] = {
    SignInRefused: "check the API key, or make a new one in the console (app.fireworks.ai)",
    NoPermission: "check the account id, use a key of this account, or ask an administrator of the account for the permission",
    NoSuchAccount: "check the account id (`firectl account list` and the login screen show the ones your key sees)",
    AccountSuspended: "see Billing in the console (app.fireworks.ai)",
    Unimplemented: "check FIREWORKS_BASE_URL and FIREWORKS_GATEWAY_ADDR, or export with firectl and open the file",
    NetworkError: "check the network connection and proxy, then try again",
    CutShort: "check the network connection and proxy, then try again",
    TimedOut: "check the network connection and try again, or with a shorter range",
    UntrustedConnection: "check the machine's clock, its certificates (SSL_CERT_FILE), and any proxy in between",
    TooManyRequests: "wait a minute and try again (without a payment method an account has 10 requests a minute)",
    ServiceError: "try again in a few minutes",
    RequestRefused: "change the range or the account, then try again",
    LinkExpired: "fetch again; if this stays, check the machine's clock",
    ToolMissing: "install firectl, or name it in FWBILL_FIRECTL",
    ToolFailed: BY_ITSELF,
    UnexpectedAnswer: "check FIREWORKS_BASE_URL and FIREWORKS_GATEWAY_ADDR, and whether a proxy answers in the service's place",
}

_WORDS: dict[type[FireworksError], str] = {
    SignInRefused: "the key was refused",
    NoPermission: "the key has no permission for this",
    NoSuchAccount: "there is no such account, or the key cannot see it",
    AccountSuspended: "the account is suspended",
    Unimplemented: "the service does not have this call",
    TimedOut: "there was no answer in time",
    TooManyRequests: "too many requests",
    ServiceError: "the service failed",
    RequestRefused: "the request was refused",
    UnexpectedAnswer: "the answer is not what was expected",
}

_HTTP: dict[int, type[FireworksError]] = {
    400: RequestRefused,
    401: SignInRefused,
    403: NoPermission,
    404: NoSuchAccount,
    405: Unimplemented,
    408: TimedOut,
    409: RequestRefused,
    412: AccountSuspended,
    429: TooManyRequests,
    501: Unimplemented,
    504: TimedOut,
}

_GRPC: dict[str, type[FireworksError]] = {
    "CANCELLED": ServiceError,
    "UNKNOWN": ServiceError,
    "INVALID_ARGUMENT": RequestRefused,
    "DEADLINE_EXCEEDED": TimedOut,
    "NOT_FOUND": NoSuchAccount,
    "ALREADY_EXISTS": RequestRefused,
    "PERMISSION_DENIED": NoPermission,
    "RESOURCE_EXHAUSTED": TooManyRequests,
    "FAILED_PRECONDITION": RequestRefused,
    "ABORTED": ServiceError,
    "OUT_OF_RANGE": RequestRefused,
    "UNIMPLEMENTED": Unimplemented,
    "INTERNAL": ServiceError,
    "UNAVAILABLE": NetworkError,
    "DATA_LOSS": ServiceError,
    "UNAUTHENTICATED": SignInRefused,
}


def make(kind: type[FireworksError], where: str, what: str = "", *, status: str = "") -> FireworksError:
    """An error of a kind with its usual advice. `where` names call and host; `what` says it better than the usual words."""
    words = what or _WORDS.get(kind, "failed")
    return kind(f"{where}: {words}" + (f" ({status})" if status else ""), _ADVICE[kind])


def from_http(status: int, body: bytes, *, where: str, retry_after: float | None = None) -> FireworksError:
    """The error behind an HTTP answer that is not a success.

    `body` is quoted when it is one of the service's two envelopes (control plane and inference) or short plain text.
    """
    if 300 <= status < 400:
        return make(UnexpectedAnswer, where, "the answer sends us to another address, where no key goes", status=str(status))
    kind = _HTTP.get(status, ServiceError if status >= 500 else UnexpectedAnswer)
    error = make(kind, where, _quoted(kind, _said(body)), status=f"HTTP {status}")
    if error.transient:
        error.retry_after = retry_after
    return error


def is_grpc_code(name: str) -> bool:
    """Whether that is the name of a gRPC status of failure, such as `PERMISSION_DENIED`."""
    return name in _GRPC


def from_grpc(code: str, details: str, *, where: str, retry_after: float | None = None) -> FireworksError:
    """The error behind a gRPC status. `code` is its name, such as `PERMISSION_DENIED`."""
    kind = _GRPC.get(code, ServiceError)
    if code == "UNAVAILABLE" and re.search(r"\b(ssl|tls|certificate|handshake)", details, re.IGNORECASE):
        kind = UntrustedConnection  # the library reports a failed handshake as an unreachable service
        words = f"no trusted connection, {untrusted(details)}"
    elif kind is TimedOut:
        words = _WORDS[kind]  # the details are the library's
    elif issubclass(kind, NetworkError):
        known = (said for pattern, said in _NOT_REACHED if re.search(pattern, details, re.IGNORECASE))
        words = f"not reached, {next(known, details)}"
    else:
        strange = ((other, said) for pattern, other, said in _NO_GRPC if re.search(pattern, details, re.IGNORECASE))
        kind, words = next(strange, (kind, _quoted(kind, details))) if kind is ServiceError else (kind, _quoted(kind, details))
    error = make(kind, where, one_line(words), status=code)
    if code == "FAILED_PRECONDITION":  # gRPC has no word for a suspended account
        error.advice = f"see Billing in the console (app.fireworks.ai), or {error.advice}"
    if error.transient:
        error.retry_after = retry_after
    return error


def untrusted(details: str) -> str:
    """Why TLS could not be set up, in the part of a library's words that says so."""
    reason = re.search(r".*certificate.verify.failed:?\s*(.*?)\s*(?:\(_ssl|$|[:;\]])", details, re.IGNORECASE)
    if reason:
        return f"the certificate is not trusted ({reason[1]})" if reason[1] else "the certificate is not trusted"
    return "TLS could not be set up"


def _quoted(kind: type[FireworksError], said: str) -> str:
    said = one_line(redact(said))
    words = _WORDS.get(kind, "failed")
    return f'{words}; the service says "{said}"' if said else words


def _said(body: bytes) -> str:
    """The message of an error body, or '' when there is none a person could use."""
    import json  # late: the login needs none of it

    text = body[:20_000].decode("utf-8", "replace").strip()
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return "" if "<" in text or len(text) > _LONGEST_QUOTE else text
    if isinstance(answer, dict):
        inner = answer.get("error")
        for message in (answer.get("message"), inner.get("message") if isinstance(inner, dict) else inner):
            if isinstance(message, str):
                return message
    return ""
