"""The documented HTTP API: which accounts a key opens, and reading its JSON."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx

from fwbill_tui.fireworks.credentials import Credential, account_id
from fwbill_tui.fireworks.endpoints import Endpoints
from fwbill_tui.fireworks.errors import (
    BadAccountId,
    FireworksError,
    NetworkError,
    NoPermission,
    NoSuchAccount,
    SignInRefused,
    UnexpectedAnswer,
    from_http,
    make,
)
from fwbill_tui.fireworks.http import TIMEOUT, HttpSession, Parameters, retry_after
from fwbill_tui.fireworks.retry import OnWait, RetryPolicy, retrying

PAGE_SIZE = 200  # the service's own limit
_MOST_PAGES = 500
_LARGEST_ANSWER = 32 << 20
ACCOUNT_HEADER = "x-fireworks-account-id"


@dataclass(frozen=True, slots=True)
class Account:
    """An account that a key opens. Texts are the service's own and '' where it did not say.

    `state` is READY and the like; `suspend_state` is UNSUSPENDED, or why the account is suspended.
    """

    id: str
    display_name: str = ""
    state: str = ""
    suspend_state: str = ""


class RestClient:
    """Calls of one credential. Every method raises FireworksError, and Cancelled at once when `cancelled` is set."""

    def __init__(
        self,
        endpoints: Endpoints,
        credential: Credential,
        *,
        cancelled: threading.Event | None = None,
        policy: RetryPolicy | None = None,
        on_wait: OnWait | None = None,
        timeout: httpx.Timeout = TIMEOUT,
    ) -> None:
        self._endpoints = endpoints
        self._key = credential.require_key()
        self._cancelled = cancelled
        self._policy = policy or RetryPolicy()
        self._on_wait = on_wait
        self._session = HttpSession(direct=endpoints.local, cancelled=cancelled, timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._session.close()

    def accounts(self) -> list[Account]:
        """The accounts the key opens, at least one, ordered by id.

        Some keys may not list accounts, or see none; the account that the service names when it verifies such a key is
        returned then. Raises SignInRefused, NoPermission or NoSuchAccount where neither way leads to an account.
        """
        refusal: FireworksError
        try:
            found = list(self._listed())
        except (SignInRefused, NoPermission, NoSuchAccount) as error:
            refusal = error
        else:
            if found:
                return sorted(found, key=lambda account: account.id)
            refusal = make(NoSuchAccount, self.where("accounts"), "the key sees no account")
        try:
            verified = self.verified_account()
        except (NoPermission, NoSuchAccount, UnexpectedAnswer):
            raise refusal from None
        if verified is None:
            raise refusal
        return [Account(verified)]

    def verified_account(self) -> str | None:
        """The id of the account that the service says the key belongs to, or None when it does not say.

        Raises SignInRefused for a key that is not valid.
        """
        where = self.where("verifyApiKey")
        _, headers = self._get("/verifyApiKey", {}, where)
        named = headers.get(ACCOUNT_HEADER, "")
        try:
            return account_id(named) if named else None
        except BadAccountId:
            raise make(UnexpectedAnswer, where, "the account it names is not an account id") from None

    def read(self, path: str, parameters: Parameters, *, call: str, on_wait: OnWait | None = None) -> dict[str, Any]:
        """The JSON object behind a path below the base address; `call` names it in messages."""
        where = self.where(call)
        return _object(self._get(path, parameters, where, on_wait)[0], where)

    def where(self, call: str) -> str:
        """How messages name a call: with the host it goes to."""
        return f"{call} at {self._endpoints.host}"

    def _listed(self) -> Iterator[Account]:
        where, token, seen = self.where("accounts"), "", set()
        for _ in range(_MOST_PAGES):
            parameters = {"pageSize": str(PAGE_SIZE)} | ({"pageToken": token} if token else {})
            page = self.read("/v1/accounts", parameters, call="accounts")
            entries = _typed(page, "accounts", list, where) or []
            yield from (_account(entry, where) for entry in entries)
            token = _typed(page, "nextPageToken", str, where) or ""
            if not token:
                return
            if token in seen:
                break
            seen.add(token)
        raise make(UnexpectedAnswer, where, "the list of accounts does not end")

    def _get(self, path: str, parameters: Parameters, where: str, on_wait: OnWait | None = None) -> tuple[bytes, httpx.Headers]:
        return retrying(
            lambda: self._attempt(path, parameters, where),
            policy=self._policy,
            cancelled=self._cancelled,
            on_wait=on_wait or self._on_wait,
        )

    def _attempt(self, path: str, parameters: Parameters, where: str) -> tuple[bytes, httpx.Headers]:
        headers = {"Accept": "application/json", "Authorization": f"Bearer {self._key.reveal()}"}
        with self._session.get(self._endpoints.base_url + path, where=where, headers=headers, parameters=parameters) as response:
            body = bytearray()
            for piece in response.iter_bytes():
                body += piece
                if len(body) > _LARGEST_ANSWER:
                    raise make(UnexpectedAnswer, where, "the answer is far too large")
            if response.status_code != httpx.codes.OK:
                wait = retry_after(response.headers)
                said = bytes(body).replace(self._key.reveal().encode(), b"[redacted]")  # a proxy may say the key back
                raise from_http(response.status_code, said, where=where, retry_after=wait)
            if not {"content-length", "transfer-encoding"} & response.headers.keys() and _cut(bytes(body)):
                raise make(NetworkError, where, "the answer came only in part")
            return bytes(body), response.headers


def _cut(body: bytes) -> bool:
    """Whether JSON ends too early, as it may where nobody has told its length."""
    try:
        text = body.decode().rstrip()
        json.loads(text)
    except UnicodeDecodeError as error:
        return error.end == len(body)
    except json.JSONDecodeError as error:
        return bool(text) and (error.pos >= len(text) or error.msg.startswith("Unterminated string"))
    except RecursionError:
        return False
    return False


def _object(body: bytes, where: str) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        words = "a web page instead of JSON" if body.lstrip()[:1] == b"<" else "the answer is not JSON"
        words = words if body.strip() else "the answer is empty; this does not mean no usage"
        raise make(UnexpectedAnswer, where, words) from None
    if not isinstance(answer, dict):
        raise make(UnexpectedAnswer, where, "the answer is not a JSON object")
    return answer


def _typed(answer: Mapping[str, Any], name: str, kind: type, where: str) -> Any:
    """A field of the type the contract says; None where it is absent or null, as zero values may be.

    A text can be written as UTF-8, though JSON may hold half a character.
    """
    value = answer.get(name)
    if value is not None and not isinstance(value, kind):
        raise make(UnexpectedAnswer, where, f"{name} has the wrong type in the answer")
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def _account(entry: Any, where: str) -> Account:
    if not isinstance(entry, dict):
        raise make(UnexpectedAnswer, where, "an account in the answer has the wrong type")
    try:
        bare = account_id(_typed(entry, "name", str, where) or "")
    except BadAccountId:
        raise make(UnexpectedAnswer, where, "an account in the answer has no proper name") from None
    texts = (_typed(entry, name, str, where) or "" for name in ("displayName", "state", "suspendState"))
    return Account(bare, *texts)
