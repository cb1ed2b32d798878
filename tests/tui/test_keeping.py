"""What outlasts a session of the whole program: the key in a keyring, and the last account."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import keyring.backend
import keyring.core
import pytest
from textual.pilot import Pilot

from fwbill_tui.demo.server import DemoServer
from fwbill_tui.fireworks.credentials import Credential
from fwbill_tui.sources.launch import Launch
from fwbill_tui.tui.app import FwbillApp
from fwbill_tui.tui.screens.accounts import AccountsScreen
from fwbill_tui.tui.screens.explorer import ExplorerScreen
from fwbill_tui.tui.screens.login import LoginScreen
from fwbill_tui.usage.query import Query


class Ring(keyring.backend.KeyringBackend):
    """Keeps what it is given, in memory; answers when `open` is set."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}
        self.open = threading.Event()
        self.open.set()

    def get_password(self, service: str, username: str) -> str | None:
        self.open.wait(20)
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.open.wait(20)
        self.kept[service, username] = password


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
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("FWBILL_CONFIG_DIR", str(tmp_path / "config"))
    return healthy


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ring]:
    backend = Ring()
    monkeypatch.setattr(keyring.core, "_keyring_backend", backend)
    yield backend
    backend.open.set()


@asynccontextmanager
async def running(launch: Launch | None = None) -> AsyncIterator[Pilot[int]]:
    app = FwbillApp(launch or Launch(query=Query()))
    async with app.run_test(size=(100, 30)) as pilot:
        yield pilot


async def shown(pilot: Pilot[int], kind: type[Any]) -> Any:
    """The screen, once it is there."""
    async with asyncio.timeout(30):
        while not isinstance(pilot.app.screen, kind):
            await pilot.pause(0.02)
    await pilot.pause()
    return pilot.app.screen


async def said(pilot: Pilot[int], text: str) -> None:
    async with asyncio.timeout(30):
        while not any(text in note.message for note in pilot.app._notifications):
            await pilot.pause(0.02)


def remembered(tmp_path: Path) -> Any:
    return json.loads((tmp_path / "config" / "state.json").read_text())["last_accounts"]


async def test_a_pasted_key_is_kept_and_opens_the_same_account_the_next_time(
    server: DemoServer, ring: Ring, tmp_path: Path
) -> None:
    host = server.base_url.removeprefix("http://")
    async with running() as pilot:
        await shown(pilot, LoginScreen)
        await pilot.press(*server.api_key, "tab", "space", "shift+tab", "enter")
        await shown(pilot, AccountsScreen)
        await pilot.press("down", "enter")
        await shown(pilot, ExplorerScreen)
        await said(pilot, "The key is kept in ")
        async with asyncio.timeout(10):
            while len(remembered(tmp_path)[host]) < 2:
                await pilot.pause(0.02)
    assert ring.kept == {("fwbill", host): server.api_key}
    assert remembered(tmp_path)[host] == {"OS keyring": "acme-staging", "pasted key": "acme-staging"}
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(server.api_key.encode() in path.read_bytes() for path in files)
    async with running() as pilot:
        explorer = await shown(pilot, ExplorerScreen)
        assert explorer.account == "acme-staging"
        await pilot.press("ctrl+l")
        await shown(pilot, LoginScreen)
        async with asyncio.timeout(10):
            while not pilot.app.screen.query("#found"):
                await pilot.pause(0.02)
        await pilot.press("enter")
        await shown(pilot, AccountsScreen)
        await pilot.press("up", "enter")
        assert (await shown(pilot, ExplorerScreen)).account == "acme-prod"


async def test_a_keyring_that_cannot_keep_does_not_stop_the_sign_in(
    server: DemoServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from keyring.backends import fail

    monkeypatch.setattr(keyring.core, "_keyring_backend", fail.Keyring())
    async with running() as pilot:
        await shown(pilot, LoginScreen)
        await pilot.press(*server.staging_key, "tab", "space", "shift+tab", "enter")
        await shown(pilot, ExplorerScreen)
        await said(pilot, "this machine has no keyring that can be used: set FIREWORKS_API_KEY")


async def test_a_keyring_that_hangs_holds_up_neither_the_sign_in_nor_the_end(server: DemoServer, ring: Ring) -> None:
    ring.open.clear()
    async with running() as pilot:
        await shown(pilot, LoginScreen)
        await pilot.press(*server.staging_key, "tab", "space", "shift+tab", "enter")
        await shown(pilot, ExplorerScreen)
    assert ring.kept == {}


async def test_settings_that_cannot_be_written_are_said(
    server: DemoServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text("a file")
    monkeypatch.setenv("FIREWORKS_API_KEY", server.staging_key)
    async with running() as pilot:
        await shown(pilot, ExplorerScreen)
        await said(pilot, "the account is not remembered")


async def test_a_key_that_a_command_printed_comes_first(server: DemoServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIREWORKS_API_KEY", "fw_wrongwrongwrong")
    printed = Credential(Credential.pasted(server.staging_key).key, "--api-key-command", "output of pass")
    async with running(Launch(query=Query(), credential=printed)) as pilot:
        assert (await shown(pilot, ExplorerScreen)).account == "acme-staging"


async def test_nothing_of_the_demo_is_remembered(ring: Ring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FWBILL_CONFIG_DIR", str(tmp_path / "config"))
    ring.open.clear()
    async with running(Launch(query=Query(), demo_rows=1000)) as pilot:
        await shown(pilot, ExplorerScreen)
        await pilot.app.workers.wait_for_complete()
    assert not (tmp_path / "config").exists()
