"""The keyring, with backends of every temper: sound, absent, locked, forgetful, careless, silent."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import keyring
import keyring.backend
import keyring.core
import keyring.errors
import pytest
from keyring.backends import fail, null

from fwbill_tui.fireworks import keyring_store
from fwbill_tui.fireworks.endpoints import Endpoints
from fwbill_tui.fireworks.errors import Cancelled
from fwbill_tui.fireworks.keyring_store import (
    ALTERNATIVES,
    FIRECONNECT,
    KeyringStore,
    KeyringUnavailable,
    NoKeyring,
    keyring_credentials,
)
from fwbill_tui.fireworks.secret import Secret

KEY = "fw_3ZcanaryCANARY1234"
HOST = "api.fireworks.ai"


class Sound(keyring.backend.KeyringBackend):
    """Keeps what it is given, in memory."""

    priority: ClassVar[float] = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


class Failing(Sound):
    """Raises what it is told to."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def get_password(self, service: str, username: str) -> str | None:
        raise self.error

    def set_password(self, service: str, username: str, password: str) -> None:
        raise self.error


class Forgetful(Sound):
    def set_password(self, service: str, username: str, password: str) -> None:
        pass


class Careless(Sound):
    """As backends do that write plain text."""

    priority: ClassVar[float] = 0.5  # type: ignore[assignment]


class Silent(Sound):
    """Waits, as for an unlock that nobody gives."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        self.go_on.wait(10)
        return None


@pytest.fixture(autouse=True)
def put() -> Iterator[Callable[[Any], Any]]:
    """Set the machine's keyring."""
    before = keyring.core._keyring_backend

    def setting(backend: Any) -> Any:
        keyring.core._keyring_backend = backend
        return backend

    yield setting
    keyring.core._keyring_backend = before


def test_what_is_stored_is_found_and_can_be_taken_out(put: Callable[[Any], Any]) -> None:
    backend = put(Sound())
    store = KeyringStore(HOST)
    assert store.load() is None
    assert store.delete() is False
    assert store.store(Secret(KEY)) == backend.name
    assert backend.kept == {("fwbill", HOST): KEY}
    found = store.load()
    assert found
    assert (found.require_key().reveal(), found.origin, found.account_id) == (KEY, "OS keyring", None)
    store.store(Secret(KEY), "acme-prod")
    found = store.load()
    assert found
    assert (found.require_key().reveal(), found.account_id, found.hint) == (KEY, "acme-prod", "1234")
    assert KEY not in repr(found)
    assert KeyringStore("127.0.0.1:9").load() is None  # a key is for the service it was given for
    assert store.delete() is True
    assert backend.kept == {}


@pytest.mark.parametrize(
    "entry", ["", "two words", "{", "{}", '{"api_key": "a b"}', '{"api_key": "fw_123456789012", "account_id": "../x"}', "[" * 99]
)
def test_an_entry_that_is_no_key_says_so(put: Callable[[Any], Any], entry: str) -> None:
    put(Sound()).kept["fwbill", HOST] = entry
    found = KeyringStore(HOST).load()
    assert found
    if entry == "[" * 99:
        assert found.usable  # the form of a key is not ours to know
    else:
        assert not found.usable
        assert "kept there" in found.problem


@pytest.mark.parametrize("entry", ['{"api_key": "fw_123456789012", "account_id": 7}', '{"api_key": "fw_123456789012"}'])
def test_an_entry_made_by_hand_is_read_leniently(put: Callable[[Any], Any], entry: str) -> None:
    put(Sound()).kept["fwbill", HOST] = entry
    found = KeyringStore(HOST).load()
    assert found
    assert found.usable


@pytest.mark.parametrize(
    ("backend", "said"),
    [
        (fail.Keyring(), "no keyring that can be used"),
        (null.Keyring(), "switched off"),
        (Careless(), "does not protect what it keeps"),
    ],
)
def test_a_machine_without_a_keyring_worth_the_name(put: Callable[[Any], Any], backend: Any, said: str) -> None:
    put(backend)
    with pytest.raises(NoKeyring, match=said) as caught:
        KeyringStore(HOST).store(Secret(KEY))
    assert caught.value.advice == ALTERNATIVES
    assert keyring_credentials(Endpoints()) == []
    if isinstance(backend, Careless):
        assert backend.kept == {}


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (keyring.errors.KeyringLocked("x"), "the keyring is locked"),
        (keyring.errors.InitError(f"no bus\n\x1b[31m for {KEY}"), "the keyring failed: no bus [31m for [redacted]"),
        (OSError(5, "Input/output error"), "the keyring failed:"),
        (ZeroDivisionError(), "the keyring failed: ZeroDivisionError"),
    ],
)
def test_a_keyring_that_fails(put: Callable[[Any], Any], error: Exception, said: str) -> None:
    put(Failing(error))
    with pytest.raises(KeyringUnavailable) as caught:
        KeyringStore(HOST).store(Secret(KEY))
    assert said in str(caught.value)
    assert "--api-key-command" in caught.value.advice
    assert KEY not in str(caught.value)
    assert caught.value.__cause__ is None
    (found,) = keyring_credentials(Endpoints())
    assert not found.usable
    assert found.problem


def test_a_keyring_that_forgets_is_found_out(put: Callable[[Any], Any]) -> None:
    put(Forgetful())
    with pytest.raises(KeyringUnavailable, match="did not keep the key"):
        KeyringStore(HOST).store(Secret(KEY))


def test_a_keyring_that_never_answers_is_not_waited_for(put: Callable[[Any], Any]) -> None:
    backend = put(Silent())
    (found,) = keyring_credentials(Endpoints(), time_limit=0.1)
    assert "did not answer within 0.1 s" in found.problem
    cancelled = threading.Event()
    threading.Timer(0.1, cancelled.set).start()
    with pytest.raises(Cancelled):
        KeyringStore(HOST, cancelled=cancelled).load()
    backend.go_on.set()


def test_a_program_ends_while_its_keyring_hangs() -> None:
    program = (
        "import time, keyring, keyring.core\n"
        "from keyring.backends.null import Keyring\n"
        "class Silent(Keyring):\n"
        "    priority = 5\n"
        "    def get_password(self, *_): time.sleep(60)\n"
        "from fwbill_tui.fireworks import keyring_store as ks\n"
        "from fwbill_tui.fireworks.endpoints import Endpoints\n"
        "ks._backend = Silent\n"
        "print(ks.keyring_credentials(Endpoints(), time_limit=0.1)[0].problem)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    assert "did not answer" in done.stdout
    assert done.stderr == ""


def test_fireconnects_entry_is_read_on_macos_for_fireworks_own_host(put: Callable[[Any], Any]) -> None:
    put(Sound()).kept[FIRECONNECT] = KEY
    assert keyring_credentials(Endpoints(), platform="linux") == []
    assert keyring_credentials(Endpoints("http://127.0.0.1:9"), platform="darwin") == []
    (found,) = keyring_credentials(Endpoints(), platform="darwin")
    assert (found.origin, found.usable, found.hint) == ("FireConnect", True, "1234")
    KeyringStore(HOST).store(Secret(KEY), "acme")
    assert [one.origin for one in keyring_credentials(Endpoints(), platform="darwin")] == ["OS keyring", "FireConnect"]


class OursAlone(Sound):
    """FireConnect's entry is another program's, for which macOS asks the user."""

    def __init__(self, answer: Callable[[], str | None]) -> None:
        super().__init__()
        self.answer = answer

    def get_password(self, service: str, username: str) -> str | None:
        return self.answer() if (service, username) == FIRECONNECT else super().get_password(service, username)


def test_our_own_key_is_kept_when_fireconnects_entry_cannot_be_had(put: Callable[[Any], Any]) -> None:
    def denied() -> None:
        raise keyring.errors.KeyringLocked("denied")

    waiting = threading.Event()
    for answer, said in ((denied, "is locked"), (lambda: waiting.wait(10) and None, "did not answer")):
        put(OursAlone(answer)).kept["fwbill", HOST] = KEY
        own, other = keyring_credentials(Endpoints(), platform="darwin", time_limit=0.3)
        assert (own.origin, own.usable, own.hint) == ("OS keyring", True, "1234")
        assert (other.origin, other.usable) == ("FireConnect", False)
        assert said in other.problem
    waiting.set()


def test_the_keyring_of_a_machine_is_looked_for_among_the_protecting_ones(
    put: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(None)
    monkeypatch.setattr(keyring.backend, "get_all_keyring", lambda: [fail.Keyring(), Careless()])
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND", raising=False)
    monkeypatch.setattr(keyring.core, "load_config", lambda: None)
    with pytest.raises(NoKeyring):
        KeyringStore(HOST).store(Secret(KEY))


def test_a_keyring_that_was_named_but_is_not_there(put: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    put(None)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "nowhere.at.all.Keyring")
    with pytest.raises(KeyringUnavailable, match="No module named"):
        KeyringStore(HOST).load()


def test_importing_this_imports_no_keyring() -> None:
    program = "import sys, fwbill_tui.fireworks.keyring_store; print('keyring' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
    assert keyring_store.SERVICE == "fwbill"
