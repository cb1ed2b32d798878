"""A canary for a key runs through every flow; then everything that was written, said, logged, sent and started is searched.

The commands run as processes of their own, in which a hook notes every log record, every process that is started with its
arguments and environment, and every address that is connected to.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import shlex
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.widgets import Input

from fwbill_tui.demo.faults import Fault, Faults, Status, refused
from fwbill_tui.demo.server import DemoServer
from fwbill_tui.sources.launch import Launch
from fwbill_tui.tui.app import FwbillApp
from fwbill_tui.tui.screens.explorer import ExplorerScreen
from fwbill_tui.usage.query import Query

CANARY = "fw_caNAry7Secret9Hidden2Zx4KqW"
ROOT = Path(__file__).parents[1]
RANGE = ["--range", "7d"]
NEEDLES = {CANARY, CANARY.removeprefix("fw_"), CANARY[3:15]} | {
    # whatever stands before it, in one of three positions the whole bytes of it are the same in base64
    base64.b64encode(b"x" * shift + CANARY.encode()).decode()[4:-4]
    for shift in range(3)
}

HOOK = """
import json, logging, os, sys
logging.basicConfig(level=logging.DEBUG, filename=os.environ["TEST_LOG"], format="%(name)s %(message)s %(args)s")
logging.debug("this log is written")
file = open(os.environ["TEST_STARTED"], "a", buffering=1)
def text(value):
    return os.fsdecode(value) if isinstance(value, (str, bytes, os.PathLike)) else value
def hook(event, args):
    if event in ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.system"):
        words = [text(word) for word in args[1]] if len(args) > 1 and not isinstance(args[1], (str, bytes)) else text(args[0])
        env = args[3] if event == "subprocess.Popen" else args[2] if len(args) > 2 else None
        env = {text(name): text(value) for name, value in dict(os.environ if env is None else env).items()}
        file.write(json.dumps({"event": event, "argv": words, "environ": env}) + "\\n")
    elif event == "socket.connect" and isinstance(args[1], tuple):
        file.write(json.dumps({"event": event, "address": list(args[1][:2])}) + "\\n")
sys.addaudithook(hook)
"""
RING = """
import json, os, pathlib
from keyring.backend import KeyringBackend
class Keyring(KeyringBackend):
    priority = 1
    file = pathlib.Path(os.environ["TEST_RING"])
    def get_password(self, service, username):
        return self.file.read_text() if self.file.exists() else None
    def set_password(self, service, username, password):
        self.file.write_text(password)
    def delete_password(self, service, username):
        self.file.unlink()
"""
FIRECTL = """#!{python} -IS
import json, os, pathlib, sys
here = pathlib.Path(__file__).parent
call = {{"argv": sys.argv, "environ": dict(os.environ)}}
(here / f"call-{{os.getpid()}}.json").write_text(json.dumps(call))
if "--filename" not in sys.argv:
    print("1.7.21")
    sys.exit()
sign_in = pathlib.Path(os.environ["HOME"]) / ".fireworks" / "auth.ini"
assert {key!r} in sign_in.read_text()
header = "email,start_time,end_time,usage_type,accelerator_type,accelerator_seconds,base_model_name,model_bucket,"
header += "parameter_count,prompt_tokens,completion_tokens,cached_prompt_tokens,uncached_prompt_tokens"
pathlib.Path(sys.argv[sys.argv.index("--filename") + 1]).write_text(header + "\\n")
"""


def leaks(text: str | bytes) -> set[str]:
    """What of the canary is in it."""
    content = text if isinstance(text, bytes) else text.encode()
    return {needle for needle in NEEDLES if needle.encode() in content}


@dataclass
class Machine:
    """A machine for one test: its home, its folders, and where the hook writes."""

    folder: Path
    environ: dict[str, str]

    def run(self, *arguments: str, typed: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
        """Run `fwbill`."""
        return subprocess.run(
            [sys.executable, "-m", "fwbill_tui", *arguments],
            env=self.environ | environ,
            cwd=self.folder / "work",
            input=typed,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def files_with_the_canary(self) -> list[str]:
        """Every file below the machine's folder that has it, by its path or by what is in it."""
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return [str(path.relative_to(self.folder)) for path in files if leaks(str(path)) or leaks(path.read_bytes())]

    def noted(self) -> list[dict[str, Any]]:
        """What the hook saw."""
        return [json.loads(line) for line in (self.folder / "hook" / "started").read_text().splitlines()]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    for name in ("home", "work", "temporary", "hook", "path"):
        (tmp_path / name).mkdir()
    (tmp_path / "path" / "sitecustomize.py").write_text(HOOK)
    (tmp_path / "path" / "filed_ring.py").write_text(RING)
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
    environ = kept | {
        "HOME": str(tmp_path / "home"),
        "TMPDIR": str(tmp_path / "temporary"),
        "FWBILL_CONFIG_DIR": str(tmp_path / "home" / "config"),
        "FWBILL_DATA_DIR": str(tmp_path / "home" / "data"),
        "PYTHONPATH": f"{tmp_path / 'path'}{os.pathsep}{ROOT}",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        "TEST_LOG": str(tmp_path / "hook" / "log"),
        "TEST_STARTED": str(tmp_path / "hook" / "started"),
    }
    return Machine(tmp_path, environ)


@pytest.fixture(scope="module")
def healthy() -> Iterator[DemoServer]:
    with DemoServer(rows=1000, api_key=CANARY) as server:
        yield server


@pytest.fixture
def server(healthy: DemoServer, machine: Machine) -> DemoServer:
    healthy.forget_requests()
    machine.environ |= {"FIREWORKS_BASE_URL": healthy.base_url, "FIREWORKS_GATEWAY_ADDR": healthy.gateway_addr}
    return healthy


def search(machine: Machine, *done: subprocess.CompletedProcess[str]) -> None:
    """Search everything that a flow has left, except what was sent."""
    for one in done:
        assert not leaks(one.stdout), one.args
        assert not leaks(one.stderr), one.args
        assert "Traceback" not in one.stderr
    assert "this log is written" in (machine.folder / "hook" / "log").read_text()
    assert machine.files_with_the_canary() == []
    for started in machine.noted():
        assert not leaks(json.dumps(started)), started


def search_requests(server: DemoServer) -> None:
    """The key goes to the API and to the gateway, in the header for it, and nowhere else."""
    assert server.requests
    for request in server.requests:
        allowed = {"rest": "authorization", "grpc": "x-api-key"}.get(request.side)
        assert not leaks(request.path + request.method)
        assert not leaks(request.body)
        assert [name for name, value in request.headers.items() if leaks(value)] in ([], [allowed]), request
        assert request.side != "download" or not any(leaks(name) for name in request.headers)


def test_the_search_finds_what_it_searches(machine: Machine) -> None:
    """Each net has no hole where the canary would be caught."""
    assert leaks(f"x{CANARY}x")
    assert all(leaks(base64.b64encode(before + CANARY.encode() + b"after")) for before in (b"", b"a", b"ab", b"Bearer "))
    program = (
        "import os, subprocess, logging, socket\n"
        "subprocess.run(['true', os.environ['KEY']], env={'A': os.environ['KEY']})\n"
        "logging.getLogger('httpx').debug('%s', os.environ['KEY'])\n"
        "open('file', 'w').write(os.environ['KEY'])\n"
    )
    command = [sys.executable, "-c", program]
    subprocess.run(command, env=machine.environ | {"KEY": CANARY}, cwd=machine.folder / "work", check=True)
    assert sorted(machine.files_with_the_canary()) == ["hook/log", "hook/started", "work/file"]
    (started,) = machine.noted()
    assert leaks(json.dumps(started["argv"]))
    assert started["environ"]["A"] == CANARY


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["summary", "-a", "acme-prod", *RANGE, "--log-file", "log"], 0),
        (["export", "-a", "acme-prod", *RANGE, "--no-archive"], 0),
        (["summary", "-a", "acme-prod", *RANGE, "--source", "rest"], 0),
        (["summary", "-a", "acme-prod", *RANGE, "--source", "archive"], 5),
        (["archive", "list"], 0),
        (["archive", "verify"], 0),
        (["doctor", "-o", "json"], 0),
        (["summary", "-a", "nobody", *RANGE], 4),
        (["summary", "--api-key", CANARY], 2),
    ],
)
def test_commands_with_the_key_in_the_environment(machine: Machine, server: DemoServer, arguments: list[str], code: int) -> None:
    done = machine.run(*arguments, FIREWORKS_API_KEY=CANARY)
    assert done.returncode == code, done.stderr
    if "--log-file" in arguments:
        log = machine.folder / "work" / "log"
        assert "?[redacted]" in log.read_text(), "the signed links were to be seen"
        assert "signature=" not in log.read_text().lower()
        assert log.stat().st_mode & 0o777 == 0o600
    # Its own environment is where the key must be; what it starts has none of it, but starts nothing here at all.
    search(machine, done)
    assert not [one for one in machine.noted() if one["event"] != "socket.connect"]
    if server.requests:
        search_requests(server)
    ports = {int(url.rpartition(":")[2]) for url in (server.base_url, server.downloads_url)}
    assert {one["address"][1] for one in machine.noted() if one["address"][0] != "::1"} <= ports


EXPORT = ["export", "-a", "acme-prod", "--source", "gateway", *RANGE]
FAILING: Mapping[str, tuple[list[str], Fault]] = {
    "the key is not known": (["accounts"], refused(401)),
    "too many requests": (["accounts"], refused(429, retry_after=600)),
    "the service fails": (["accounts"], refused(501)),
    "the gateway refuses": (EXPORT, Fault(Status("PERMISSION_DENIED"), route="grpc.ExportBillingMetrics")),
    "the link is refused": (EXPORT, refused(403, route="download")),
}


@pytest.mark.parametrize("name", FAILING)
def test_commands_that_fail(machine: Machine, name: str) -> None:
    arguments, fault = FAILING[name]
    with DemoServer(rows=1000, api_key=CANARY, faults=Faults((fault,))) as server:
        reach = {"FIREWORKS_BASE_URL": server.base_url, "FIREWORKS_GATEWAY_ADDR": server.gateway_addr}
        done = machine.run(*arguments, "--log-file", "log", FIREWORKS_API_KEY=CANARY, **reach)
        search(machine, done)
        search_requests(server)
    assert done.returncode
    assert "given up: " in (machine.folder / "work" / "log").read_text()


class Parrot(BaseHTTPRequestHandler):
    """Says the key back, in every part of an answer that can be said back; or sends the client elsewhere."""

    elsewhere = ""
    seen: list[Mapping[str, str]]

    def do_GET(self) -> None:
        type(self).seen.append(dict(self.headers))
        key = self.headers.get("Authorization", "")
        body = json.dumps({"message": f"{key} is not good", "accounts": key, key: key}).encode()
        self.send_response(302 if self.elsewhere else 200 if "verify" in self.path else 400, f"No {key}")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-fireworks-account-id", key)
        self.send_header("Date", key)
        if self.elsewhere:
            self.send_header("Location", f"{self.elsewhere}/{key}")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


@pytest.fixture
def parrots() -> Iterator[Callable[[str], tuple[str, list[Mapping[str, str]]]]]:
    servers = []

    def start(elsewhere: str = "") -> tuple[str, list[Mapping[str, str]]]:
        handler = type("Handler", (Parrot,), {"elsewhere": elsewhere, "seen": []})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}", handler.seen

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_service_that_says_the_key_back_or_sends_us_elsewhere(
    machine: Machine, parrots: Callable[..., tuple[str, list[Mapping[str, str]]]]
) -> None:
    url, heard = parrots()
    plain = CANARY.removeprefix("fw_")  # a key whose form does not give it away
    done = [machine.run("accounts", FIREWORKS_API_KEY=key, FIREWORKS_BASE_URL=url) for key in (CANARY, plain)]
    assert len(heard) >= 2
    assert "[redacted] is not good" in done[1].stderr
    assert all(one.returncode for one in done)
    elsewhere, heard = parrots()
    url, first = parrots(elsewhere)
    done.append(machine.run("accounts", FIREWORKS_API_KEY=CANARY, FIREWORKS_BASE_URL=url))
    assert first
    assert heard == []
    gateway = {"FIREWORKS_BASE_URL": "http://127.0.0.1:9", "FIREWORKS_GATEWAY_ADDR": "127.0.0.1:9"}
    done.append(machine.run("doctor", "-a", "acme", FIREWORKS_API_KEY=CANARY, **gateway))
    done.append(machine.run("accounts", FIREWORKS_API_KEY=CANARY, FIREWORKS_BASE_URL="http://example.com"))
    done.append(machine.run("accounts", FIREWORKS_API_KEY=f"{CANARY} x"))
    search(machine, *done)


def test_the_key_of_a_command_a_profile_and_the_keyring(machine: Machine, server: DemoServer) -> None:
    said = machine.folder / "key"
    said.write_text(CANARY)
    command = shlex.join(["cat", str(said)])
    done = [
        machine.run("summary", "-a", "acme-prod", *RANGE, "--api-key-command", command),
        machine.run("accounts", "--api-key-command", shlex.join(["sh", "-c", f"cat {said}; cat {said} >&2; exit 1"])),
    ]
    assert [one.returncode for one in done] == [0, 3]
    said.unlink()
    search(machine, *done)

    ring = machine.folder / "ring"
    keyring = {"PYTHON_KEYRING_BACKEND": "filed_ring.Keyring", "TEST_RING": str(ring)}
    done = [
        machine.run("login", "-a", "acme-prod", typed=f"{CANARY}\n", **keyring),
        machine.run("doctor", **keyring),
    ]
    assert [one.returncode for one in done] == [0, 0]
    assert machine.files_with_the_canary() == ["ring"]
    done.append(machine.run("logout", **keyring))
    assert not ring.exists()
    search(machine, *done)

    auth = machine.folder / "home" / ".fireworks" / "auth.ini"
    auth.parent.mkdir()
    auth.write_text(f"api_key = {CANARY}\nid_token = {CANARY}\n")
    done = [machine.run("accounts"), machine.run("login", typed=CANARY)]
    assert [one.returncode for one in done] == [0, 4]
    auth.unlink()
    search(machine, *done)
    search_requests(server)


def test_firectl_gets_the_key_in_a_file_that_is_gone_afterwards(machine: Machine) -> None:
    folder = machine.folder / "firectl"
    folder.mkdir()
    program = folder / "firectl"
    program.write_text(FIRECTL.format(python=sys.executable, key=CANARY))
    program.chmod(0o755)
    fault = Fault(Status("UNIMPLEMENTED"), route="grpc.ExportBillingMetrics")
    with DemoServer(rows=1000, api_key=CANARY, faults=Faults((fault,))) as server:
        environ = {
            "FIREWORKS_API_KEY": CANARY,
            "FIREWORKS_BASE_URL": server.base_url,
            "FIREWORKS_GATEWAY_ADDR": server.gateway_addr,
            "FWBILL_FIRECTL": str(program),
        }
        done = machine.run("summary", "-a", "acme-prod", *RANGE, "-o", "json", **environ)
        assert json.loads(done.stdout)["source"]["kind"] == "firectl", done.stderr
        doctor = machine.run("doctor", **environ)
        search_requests(server)
    calls = list(folder.glob("call-*.json"))
    assert len(calls) >= 2
    program.unlink()
    search(machine, done, doctor)
    assert list((machine.folder / "temporary").rglob("auth.ini")) == []


# -- the screens -------------------------------------------------------------------------------------------------------
async def test_the_login_screen(
    machine: Machine, server: DemoServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in list(os.environ):
        if name.startswith("FIREWORKS_"):
            monkeypatch.delenv(name)
    for name, value in machine.environ.items():
        if name.startswith(("FIREWORKS_", "FWBILL_", "HOME", "TMPDIR", "PYTHON_KEYRING")):
            monkeypatch.setenv(name, value)
    monkeypatch.setattr("tempfile.tempdir", machine.environ["TMPDIR"])
    monkeypatch.chdir(machine.folder / "work")
    app = FwbillApp(Launch(query=Query(), account_id="acme-prod"))
    async with app.run_test(size=(100, 30)) as pilot:

        async def settled(until: Callable[[], bool]) -> None:
            for _ in range(1500):
                await pilot.pause(0.02)
                if until():
                    break
            assert until()
            await pilot.pause()
            assert not leaks(app.export_screenshot())
            assert not leaks("\n".join(note.message for note in app._notifications))

        await settled(lambda: bool(app.screen.query("#key")))
        line = app.screen.query_one("#key", Input)
        status = app.screen.query_one("#status")
        for wrong in (f"{CANARY}wrong", f"{CANARY} x", f"{CANARY}é"):
            line.post_message(events.Paste(wrong))
            await settled(lambda: bool(line.value))
            assert not leaks(line.value) or line.password
            await pilot.press("enter")
            await settled(lambda: str(status.render()).startswith("✗"))
            assert not leaks(str(status.render()))
        line.post_message(events.Paste(CANARY))
        await settled(lambda: bool(line.value))
        await pilot.press("tab", "space", "shift+tab", "enter")
        await settled(lambda: isinstance(app.screen, ExplorerScreen))
        await settled(lambda: any("keyring" in note.message for note in app._notifications))
        screen = app.screen
        await settled(lambda: isinstance(screen, ExplorerScreen) and not screen.loading and not app.workers._workers)
        await pilot.press("ctrl+s")
        await settled(lambda: bool(list((machine.folder / "work").iterdir())))
        assert not leaks(repr(app.__dict__) + repr(screen.__dict__))
        log = "\n".join(f"{record.name} {record.getMessage()} {record.args}" for record in caplog.records)
    assert log
    assert not leaks(log)
    assert machine.files_with_the_canary() == []
    search_requests(server)
