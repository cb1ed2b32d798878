"""The key in the system's keyring. The `keyring` package is imported late and spoken to in a thread with a time limit.

What a keyring does is up to the machine: there may be none, it may ask the user to unlock it, it may hang. None of that may
hold up the program, so nothing here waits without end, and every failure says what else there is.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from fwbill_tui.fireworks.credentials import Credential, account_id, check_key
from fwbill_tui.fireworks.endpoints import BASE_URL, Endpoints
from fwbill_tui.fireworks.errors import BadAccountId, BadKey, Cancelled, FireworksError, one_line, redact
from fwbill_tui.fireworks.secret import Secret

SERVICE = "fwbill"
ORIGIN = "OS keyring"
FIRECONNECT_ORIGIN = "FireConnect"
FIRECONNECT = ("FireworksAI", "fireworks-api-key")
"""Service and account of FireConnect's entry in the macOS keychain (its cli reference)."""

LOOK = 10.0
"""Seconds for a look without anybody having asked for the keyring."""
ASK = 60.0
"""Seconds when the user has asked for it, and may have to unlock it first."""
ALTERNATIVES = (
    "set FIREWORKS_API_KEY in the environment, name a password manager with --api-key-command, or run `firectl set-api-key` once"
)
_LEAST_PRIORITY = 1
"""Below it, backends are not recommended by the keyring package: they keep secrets in plain text, or not at all."""
_POLL = 0.05

T = TypeVar("T")


class KeyringUnavailable(FireworksError):  # noqa: N818 - named after what happened, as its whole family is
    """The keyring cannot be used: locked, broken, or silent for too long."""

    def __init__(self, message: str, advice: str = ALTERNATIVES) -> None:
        super().__init__(message, advice)


class NoKeyring(KeyringUnavailable):
    """This machine has no keyring that protects what is put into it."""


class KeyringStore:
    """Our own entry for one service host: service "fwbill", user name the host, such as `api.fireworks.ai`.

    The entry is the key alone, or `{"api_key": …, "account_id": …}` where an account was chosen. Every method raises
    KeyringUnavailable, and Cancelled soon after `cancelled` is set; a call that was given up may still end on its own.
    """

    def __init__(self, host: str, *, cancelled: threading.Event | None = None, time_limit: float = ASK) -> None:
        self._host = host
        self._cancelled = cancelled or threading.Event()
        self._time_limit = time_limit

    def store(self, key: Secret, account: str | None = None) -> str:
        """Put the key there, in place of what was; read it back, since some keyrings forget at once. Returns its name."""
        value = key.reveal()
        text = json.dumps({"api_key": value, "account_id": account}) if account else value

        def work(backend: Any) -> str:
            backend.set_password(SERVICE, self._host, text)
            if backend.get_password(SERVICE, self._host) != text:
                raise KeyringUnavailable(f"{_named(backend)} did not keep the key")
            return _named(backend)

        return self._within(work, value)

    def load(self, account: str | None = None) -> Credential | None:
        """The credential kept there; None without one. An entry that is no key has a `problem`.

        `account` goes before the one that is kept with the key.
        """
        found = self._within(lambda backend: (backend.get_password(SERVICE, self._host), _named(backend)))
        return _credential(found[0], ORIGIN, found[1], account)

    def load_fireconnect(self, account: str | None = None) -> Credential | None:
        """What FireConnect keeps, with which it shares the macOS keychain; None without it."""
        found = self._within(lambda backend: (backend.get_password(*FIRECONNECT), _named(backend)))
        return _credential(found[0], FIRECONNECT_ORIGIN, found[1], account)

    def delete(self) -> bool:
        """Take the key out; False when there was none."""

        def work(backend: Any) -> bool:
            if backend.get_password(SERVICE, self._host) is None:
                return False
            backend.delete_password(SERVICE, self._host)
            return True

        return self._within(work)

    def _within(self, work: Callable[[Any], T], *secrets: str) -> T:
        """What `work` gives for the keyring of this machine, in a thread that nobody waits for when it hangs."""
        answers: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()

        def run() -> None:
            try:
                answers.put((work(_backend()), None))
            except BaseException as error:
                answers.put((None, error))

        threading.Thread(target=run, name="fwbill-keyring", daemon=True).start()
        until = time.monotonic() + self._time_limit
        while True:
            try:
                answer, error = answers.get(timeout=_POLL)
            except queue.Empty:
                if self._cancelled.is_set():
                    raise Cancelled from None
                if time.monotonic() >= until:
                    raise KeyringUnavailable(
                        f"the keyring did not answer within {self._time_limit:g} s; it may be waiting to be unlocked",
                        f"unlock it and try again; or {ALTERNATIVES}",
                    ) from None
                continue
            if error is not None:
                raise _translated(error, *secrets) from None
            return answer  # type: ignore[return-value]  # None only where it is one of T


def keyring_credentials(
    endpoints: Endpoints,
    *,
    account: str | None = None,
    cancelled: threading.Event | None = None,
    time_limit: float = LOOK,
    platform: str = sys.platform,
) -> list[Credential]:
    """What the keyring holds for a service: our own entry, on macOS FireConnect's too, which is for Fireworks' own host.

    `account` is the one that the user named, unchecked. A machine without a keyring has nothing to say. The first entry that
    cannot be had, as when the user denies it, says why, and is the last one. Raises Cancelled alone.
    """
    store = KeyringStore(endpoints.host, cancelled=cancelled, time_limit=time_limit)
    entries = [(ORIGIN, store.load)]
    if platform == "darwin" and endpoints.base_url == BASE_URL:
        entries.append((FIRECONNECT_ORIGIN, store.load_fireconnect))
    found: list[Credential] = []
    for origin, load in entries:
        try:
            if credential := load(account):
                found.append(credential)
        except NoKeyring:
            break
        except KeyringUnavailable as error:
            found.append(Credential(None, origin, "this machine", problem=error.message))
            break
    return found


def _backend() -> Any:
    """The keyring of this machine. Raises NoKeyring where there is none worth the name."""
    import keyring
    import keyring.backend
    import keyring.core
    from keyring.backends import fail, null

    if keyring.core._keyring_backend is None:
        # Among several, only those that protect what they keep; a chain of several heeds this too.
        keyring.core.init_backend(limit=keyring.core.recommended)
    backend = keyring.get_keyring()
    if isinstance(backend, fail.Keyring):
        raise NoKeyring("this machine has no keyring that can be used")
    if isinstance(backend, null.Keyring):
        raise NoKeyring("the keyring is switched off on this machine")
    if backend.priority < _LEAST_PRIORITY:
        raise NoKeyring(f"the keyring that is set up here ({_named(backend)}) does not protect what it keeps")
    return backend


def _named(backend: Any) -> str:
    """How a person knows a keyring: "macOS Keyring", "SecretService Keyring"."""
    return one_line(str(backend.name), 60)


def _translated(error: BaseException, *secrets: str) -> BaseException:
    from keyring.errors import KeyringLocked, NoKeyringError

    if isinstance(error, FireworksError) or not isinstance(error, Exception):
        return error
    if isinstance(error, NoKeyringError):
        return NoKeyring("this machine has no keyring that can be used")
    if isinstance(error, KeyringLocked):
        return KeyringUnavailable("the keyring is locked", f"unlock it and try again; or {ALTERNATIVES}")
    said = one_line(redact(str(error), *secrets), 200)
    return KeyringUnavailable(f"the keyring failed: {said or type(error).__name__}")


def _credential(text: str | None, origin: str, place: str, chosen: str | None) -> Credential | None:
    """The credential that an entry's text is."""
    if text is None:
        return None
    key, account = text.strip(), ""
    if key.startswith("{"):
        try:
            entry = json.loads(key)
            key, account = str(entry["api_key"]), str(entry.get("account_id") or "")
        except (ValueError, KeyError, RecursionError):
            return Credential(None, origin, place, problem="what is kept there is not a key")
    account = chosen or account
    try:
        return Credential(Secret(check_key(key)), origin, place, account_id=account_id(account) if account else None)
    except (BadKey, BadAccountId) as error:
        return Credential(None, origin, place, problem=f"what is kept there cannot be used: {error.message}")
