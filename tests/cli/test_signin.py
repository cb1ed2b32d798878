"""`login`, `logout`, `accounts` and `--api-key-command`, on the embedded server and keyrings of several tempers."""

from __future__ import annotations

import io
import json
import os
import pty
import shlex
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keyring.backend
import keyring.core
import pytest

from fwbill_tui.cli.main import run
from fwbill_tui.demo.faults import Faults, refused
from fwbill_tui.demo.server import DemoServer
from fwbill_tui.sources.launch import Launch

Fwbill = Callable[..., tuple[int, str, str]]


class Sound(keyring.backend.KeyringBackend):
    """Keeps what it is given, in memory."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture(scope="module")
def healthy() -> Iterator[DemoServer]:
    with DemoServer(rows=1000) as running:
        yield running


@pytest.fixture
def server(healthy: DemoServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> DemoServer:
    for name in ("API_KEY", "ACCOUNT_ID", "PROFILE", "AUTH_FILE"):
        monkeypatch.delenv(f"FIREWORKS_{name}", raising=False)
    monkeypatch.setenv("FIREWORKS_BASE_URL", healthy.base_url)
    monkeypatch.setenv("FIREWORKS_GATEWAY_ADDR", healthy.gateway_addr)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return healthy


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> Sound:
    backend = Sound()
    monkeypatch.setattr(keyring.core, "_keyring_backend", backend)
    return backend


@pytest.fixture
def fwbill(capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Fwbill:
    def command(*arguments: str, typed: str = "", opened: Callable[[Launch], int] = lambda _: 0) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(typed.encode())))
        code = run(arguments, open_explorer=opened)
        out, err = capsysbinary.readouterr()
        assert b"Traceback" not in err
        return code, out.decode(), err.decode()

    return command


def host(server: DemoServer) -> str:
    return server.base_url.removeprefix("http://")


# -- login, logout -----------------------------------------------------------------------------------------------------
def test_a_key_from_standard_input_is_tried_kept_found_and_taken_out(server: DemoServer, ring: Sound, fwbill: Fwbill) -> None:
    code, out, err = fwbill("login", typed=f"\ufeff{server.staging_key}\r\n")
    assert (code, out) == (0, "")
    assert "signed in to acme-staging; the key …4mT9 is kept in " in err
    assert server.staging_key not in err
    assert ring.kept == {("fwbill", host(server)): server.staging_key}
    code, out, err = fwbill("summary", "-o", "json")
    assert (code, err) == (0, "")
    code, out, _ = fwbill("accounts", "-o", "json")
    assert json.loads(out)["credential"] == {
        "origin": "OS keyring",
        "place": ring.name,
        "kind": "api_key",
        "account_id": None,
        "key_ends_in": "4mT9",
        "problem": None,
    }
    assert fwbill("logout") == (0, "", f"fwbill: the key for {host(server)} is no longer in the keyring\n")
    assert ring.kept == {}
    assert "there was no key" in fwbill("logout")[2]
    code, _, err = fwbill("summary")
    assert code == 3
    assert "run `fwbill login`" in err


def test_of_several_accounts_the_chosen_one_is_kept_with_the_key(server: DemoServer, ring: Sound, fwbill: Fwbill) -> None:
    code, _, err = fwbill("login", typed=server.api_key)
    assert code == 4
    assert "choose one with --account-id: acme-prod, acme-staging" in err
    code, _, err = fwbill("login", "-a", "nobody", typed=server.api_key)
    assert code == 4
    assert "it opens acme-prod, acme-staging" in err
    assert ring.kept == {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FIREWORKS_ACCOUNT_ID", "nobody")
        assert "does not open the account nobody" in fwbill("login", typed=server.api_key)[2]
    assert fwbill("login", "-a", "accounts/acme-staging", typed=server.api_key)[0] == 0
    server.forget_requests()
    assert fwbill("summary")[0] == 0
    assert [request.path for request in server.requests if request.side == "grpc"] == ["accounts/acme-staging"]


@pytest.mark.parametrize(
    ("typed", "code", "said"),
    [
        ("", 3, "no key was given"),
        (" \n", 3, "no key was given"),
        ("fw_1 fw_2", 3, "contains a space"),
        ("fw_wrongwrongwrongwrong", 3, "the key was refused"),
        ("fw_" + "x" * 70_000, 3, "too long"),
        ("fw_\x00\x1b", 3, "characters that no key has"),
    ],
)
@pytest.mark.usefixtures("server")
def test_what_cannot_sign_in_is_not_kept(ring: Sound, fwbill: Fwbill, typed: str, code: int, said: str) -> None:
    got, out, err = fwbill("login", typed=typed)
    assert (got, out) == (code, "")
    assert said in err
    assert err.count("\n") == 1
    assert typed.strip() == "" or typed not in err
    assert ring.kept == {}


def test_without_a_keyring_the_alternatives_are_told(server: DemoServer, fwbill: Fwbill, monkeypatch: pytest.MonkeyPatch) -> None:
    from keyring.backends import fail

    monkeypatch.setattr(keyring.core, "_keyring_backend", fail.Keyring())
    code, _, err = fwbill("login", typed=server.staging_key)
    assert code == 1
    assert "this machine has no keyring that can be used: set FIREWORKS_API_KEY" in err
    assert "--api-key-command" in err
    assert fwbill("logout")[0] == 1


def test_what_goes_before_the_keyring_is_said(
    server: DemoServer, ring: Sound, fwbill: Fwbill, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "home" / ".fireworks"
    folder.mkdir(parents=True)
    (folder / "auth.ini").write_text(f"api_key = {server.powerless_key}\n")
    assert "firectl profile default (~/.fireworks/auth.ini) goes before it" in fwbill("login", typed=server.staging_key)[2]
    monkeypatch.setenv("FIREWORKS_API_KEY", server.powerless_key)
    assert "FIREWORKS_API_KEY goes before it" in fwbill("login", typed=server.staging_key)[2]
    assert ring.kept


@pytest.mark.usefixtures("ring")
def test_the_environments_account_goes_before_the_one_in_the_keyring(
    server: DemoServer, fwbill: Fwbill, monkeypatch: pytest.MonkeyPatch
) -> None:
    fwbill("login", "-a", "acme-staging", typed=server.api_key)
    monkeypatch.setenv("FIREWORKS_ACCOUNT_ID", "acme-prod")
    assert json.loads(fwbill("accounts", "-o", "json")[1])["credential"]["account_id"] == "acme-prod"
    monkeypatch.setenv("FIREWORKS_ACCOUNT_ID", "../x")
    code, _, err = fwbill("accounts")
    assert code == 3
    assert "not the form of an account id" in err


@pytest.mark.usefixtures("server")
def test_a_keyring_that_is_not_needed_is_not_asked(fwbill: Fwbill, healthy: DemoServer, monkeypatch: pytest.MonkeyPatch) -> None:
    class Untouchable(Sound):
        def get_password(self, service: str, username: str) -> str | None:
            raise AssertionError("it may want to be unlocked")

    monkeypatch.setattr(keyring.core, "_keyring_backend", Untouchable())
    monkeypatch.setenv("FIREWORKS_API_KEY", healthy.staging_key)
    assert fwbill("accounts")[0] == 0


# The file stands for a keyring that other processes see too.
BACKEND = """
import json, pathlib, os
from keyring.backend import KeyringBackend
class Keyring(KeyringBackend):
    priority = 1
    file = pathlib.Path(os.environ["TEST_KEYRING"])
    def get_password(self, service, username):
        return json.loads(self.file.read_text()).get(service + " " + username) if self.file.exists() else None
    def set_password(self, service, username, password):
        self.file.write_text(json.dumps({service + " " + username: password}))
"""


def test_the_typed_key_is_not_shown_and_the_account_is_asked_for(server: DemoServer, tmp_path: Path) -> None:
    (tmp_path / "filed_keyring.py").write_text(BACKEND)
    environ = os.environ | {
        "PYTHON_KEYRING_BACKEND": "filed_keyring.Keyring",
        "PYTHONPATH": f"{tmp_path}{os.pathsep}{Path(__file__).parents[2]}",
        "TEST_KEYRING": str(tmp_path / "ring"),
    }
    parent, child = pty.openpty()
    command = [sys.executable, "-m", "fwbill_tui", "login"]
    with subprocess.Popen(command, env=environ, stdin=child, stdout=child, stderr=child, start_new_session=True) as process:
        os.close(child)
        seen = b""

        def read_until(text: bytes) -> None:
            nonlocal seen
            while text not in seen:
                seen += os.read(parent, 1000)

        timer = threading.Timer(60, process.kill)
        timer.start()
        try:
            read_until(b"API key (not shown): ")
            os.write(parent, server.api_key.encode() + b"\n")
            read_until(b"Account [acme-prod]: ")
            os.write(parent, b"acme-staging\n")
            read_until(b"is kept in")
        finally:
            timer.cancel()
    os.close(parent)
    assert process.returncode == 0
    assert server.api_key.encode() not in seen
    assert json.loads(next(iter(json.loads((tmp_path / "ring").read_text()).values())))["account_id"] == "acme-staging"


# -- accounts ----------------------------------------------------------------------------------------------------------
def test_accounts_as_a_table_and_as_json(server: DemoServer, fwbill: Fwbill, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIREWORKS_API_KEY", server.api_key)
    code, out, err = fwbill("accounts")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "FIREWORKS_API_KEY (environment, key …7Q2x)"
    assert lines[2].split() == ["account", "name", "state"]
    assert [line.split()[0] for line in lines[3:]] == ["acme-prod", "acme-staging"]
    found = json.loads(fwbill("accounts", "-o", "json")[1])
    assert [account["id"] for account in found["accounts"]] == ["acme-prod", "acme-staging"]
    assert found["accounts"][0]["display_name"] == "Acme"
    assert server.api_key not in out + json.dumps(found)


@pytest.mark.parametrize(("status", "code"), [(401, 3), (403, 4), (404, 4), (501, 5)])
@pytest.mark.usefixtures("server")
def test_refusals_of_accounts(fwbill: Fwbill, monkeypatch: pytest.MonkeyPatch, status: int, code: int) -> None:
    with DemoServer(rows=1000, faults=Faults((refused(status),))) as broken:
        monkeypatch.setenv("FIREWORKS_BASE_URL", broken.base_url)
        monkeypatch.setenv("FIREWORKS_API_KEY", broken.api_key)
        assert fwbill("accounts")[0] == code


# -- --api-key-command -------------------------------------------------------------------------------------------------
def printing(text: str) -> str:
    return shlex.join([sys.executable, "-c", f"print({text!r})"])


def test_a_commands_key_goes_before_everything(
    server: DemoServer, fwbill: Fwbill, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FIREWORKS_API_KEY", "fw_wrong_everywhere_1234")
    monkeypatch.setenv("FIREWORKS_PROFILE", "nowhere")
    command = printing(server.staging_key)
    assert fwbill("summary", "--api-key-command", command)[0] == 0
    assert fwbill("export", "--api-key-command", command, "--filename", str(tmp_path / "x.csv"))[0] == 0
    assert "--api-key-command (output of python" in fwbill("accounts", "--api-key-command", command)[1]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["summary", "--api-key-command", "false"], 3, "the command false of --api-key-command ended with exit code 1"),
        (["summary", "--api-key-command", ""], 2, "--api-key-command is empty"),
        (["summary", "--api-key-command", "true", "-p", "work"], 2, "--profile cannot apply with --api-key-command"),
        (["summary", "--api-key-command", "true", "x.csv"], 2, "--api-key-command cannot apply to files"),
        (["accounts", "--api-key-command", "true"], 3, "printed nothing"),
        (["accounts", "--api-key", "fw_1"], 2, "there is no --api-key"),
        (["login", "--api-key", "fw_1"], 2, "name a command that prints the key with --api-key-command"),
    ],
)
@pytest.mark.usefixtures("server")
def test_what_cannot_be_done_is_one_line(fwbill: Fwbill, arguments: list[str], code: int, said: str) -> None:
    got, out, err = fwbill(*arguments)
    assert (got, out) == (code, "")
    assert said in err
    assert err.count("\n") == 1


@pytest.mark.usefixtures("server")
def test_the_explorer_gets_the_key_and_not_the_command(
    fwbill: Fwbill, healthy: DemoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    launches: list[Any] = []
    monkeypatch.setattr("fwbill_tui.cli.explore.has_terminal", lambda: True)
    command = printing(healthy.api_key)
    assert fwbill("--api-key-command", command, "-a", "acme-prod", opened=lambda launch: launches.append(launch) or 0)[0] == 0
    (launch,) = launches
    assert launch.credential.require_key().reveal() == healthy.api_key
    assert launch.credential.account_id == "acme-prod"
    assert healthy.api_key not in repr(launch)
