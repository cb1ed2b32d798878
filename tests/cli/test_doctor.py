"""`doctor`, on the embedded server in good and bad health, with and without firectl."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from fwbill_tui.cli.main import run
from fwbill_tui.demo import http
from fwbill_tui.demo.faults import Fault, Faults, Status, refused
from fwbill_tui.demo.server import DemoServer

Fwbill = Callable[..., tuple[int, str, str]]
Look = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture(scope="module")
def healthy() -> Iterator[DemoServer]:
    with DemoServer(rows=1000) as running:
        yield running


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    for name in ("API_KEY", "ACCOUNT_ID", "PROFILE", "AUTH_FILE"):
        monkeypatch.delenv(f"FIREWORKS_{name}", raising=False)
    monkeypatch.setenv("FIREWORKS_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("FIREWORKS_GATEWAY_ADDR", "127.0.0.1:9")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FWBILL_DATA_DIR", str(tmp_path / "home" / "data"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return monkeypatch


def reach(server: DemoServer, environment: pytest.MonkeyPatch, key: str | None = None) -> None:
    environment.setenv("FIREWORKS_BASE_URL", server.base_url)
    environment.setenv("FIREWORKS_GATEWAY_ADDR", server.gateway_addr)
    environment.setenv("FIREWORKS_API_KEY", key or server.api_key)


@pytest.fixture
def fwbill(capsysbinary: pytest.CaptureFixture[bytes]) -> Fwbill:
    def command(*arguments: str) -> tuple[int, str, str]:
        code = run(arguments, open_explorer=lambda _: 0)
        out, err = capsysbinary.readouterr()
        return code, out.decode(), err.decode()

    return command


@pytest.fixture
def look(fwbill: Fwbill) -> Look:
    """The JSON, with the sources by name."""

    def ask(*arguments: str) -> tuple[int, dict[str, Any]]:
        code, out, err = fwbill("doctor", "-o", "json", *arguments)
        assert err == ""
        found = json.loads(out)
        found["sources"] = {source.pop("name"): source for source in found["sources"]}
        return code, found

    return ask


def test_everything_works(healthy: DemoServer, environment: pytest.MonkeyPatch, look: Look) -> None:
    reach(healthy, environment)
    healthy.forget_requests()
    code, found = look()
    assert code == 0
    assert found["ready"] is True
    assert (found["account"], found["accounts"]) == ("acme-prod", ["acme-prod", "acme-staging"])
    assert {name: source["state"] for name, source in found["sources"].items()} == {
        "accounts": "works",
        "gateway": "works",
        "firectl": "absent",
        "rest": "works",
    }
    assert all(found["sources"][name]["milliseconds"] >= 0 for name in ("accounts", "gateway", "rest"))
    assert abs(found["clock_ahead_seconds"]) < 30
    assert found["kept"] == {
        "place": "~/data",
        "files": 0,
        "bytes": 0,
        "accounts": 0,
        "days": 0,
        "provisional_days": 0,
        "missing_days": 0,
        "problem": None,
    }
    assert [one["used"] for one in found["credentials"]] == [True]
    assert len(healthy.requests) == 4
    assert sum("authorization" in request.headers or "x-api-key" in request.headers for request in healthy.requests) == 3
    assert healthy.api_key not in json.dumps(found)


def test_the_text_fits_and_tells_the_same(healthy: DemoServer, environment: pytest.MonkeyPatch, fwbill: Fwbill) -> None:
    reach(healthy, environment)
    code, out, err = fwbill("doctor", "-a", "nobody")
    assert (code, err) == (4, "")
    assert max(map(len, out.splitlines())) <= 80
    assert "✗ gateway export" in out
    assert "nobody is not among the accounts that the key" in out
    assert "→ check the account id" in out
    assert "Not ready: no source of usage answers (exit code 4)." in out
    assert healthy.api_key not in out
    code, out, _ = fwbill("doctor")
    assert code == 0
    assert "Ready: usage can be read through the gateway export." in out
    assert re.search(r"✓ gateway export +works +\d+ ms", out)


def test_a_permission_that_is_missing_is_no_way_to_be_ready(environment: pytest.MonkeyPatch, fwbill: Fwbill) -> None:
    with DemoServer(rows=1000, faults=Faults((refused(403, route="grpc.ExportBillingMetrics"),))) as server:
        reach(server, environment)
        code, out, _ = fwbill("doctor")
        assert code == 0
        assert out.splitlines()[-1] == "Ready, but with --source rest alone: the gateway export refuses this account."
        assert fwbill("summary", "-a", "acme-prod", "--source", "rest")[0] == 0
        assert fwbill("summary", "-a", "acme-prod")[0] == 4


def test_the_account_of_a_flag_is_looked_at(healthy: DemoServer, environment: pytest.MonkeyPatch, look: Look) -> None:
    reach(healthy, environment)
    healthy.forget_requests()
    assert look("-a", "acme-staging")[1]["account"] == "acme-staging"
    assert [request.path for request in healthy.requests if request.side == "grpc"] == ["accounts/acme-staging"]


def test_without_a_sign_in(healthy: DemoServer, environment: pytest.MonkeyPatch, look: Look, fwbill: Fwbill) -> None:
    reach(healthy, environment)
    environment.delenv("FIREWORKS_API_KEY")
    code, found = look()
    assert (code, found["ready"], found["credentials"], found["account"]) == (3, False, [], None)
    assert found["sources"]["gateway"]["state"] == "skipped"
    assert "none: run `fwbill login`" in fwbill("doctor")[1]


def test_a_wrong_key_is_tried_once(healthy: DemoServer, environment: pytest.MonkeyPatch, look: Look) -> None:
    reach(healthy, environment, "fw_wrongwrongwrongwrong")
    healthy.forget_requests()
    code, found = look()
    assert code == 3
    assert found["sources"]["accounts"]["state"] == "refused"
    assert found["sources"]["gateway"]["said"] == "the key was refused"
    assert [request.side for request in healthy.requests].count("grpc") == 0
    assert "fw_wrong" not in json.dumps(found)


def test_a_key_without_permission(healthy: DemoServer, environment: pytest.MonkeyPatch, look: Look) -> None:
    reach(healthy, environment, healthy.powerless_key)
    assert look()[0] == 4


@pytest.mark.parametrize(
    ("fault", "code", "states"),
    [
        (Fault(Status("UNIMPLEMENTED"), route="grpc.ExportBillingMetrics"), 0, ("works", "refused", "works")),
        (Fault(Status("UNAVAILABLE"), route="grpc.ExportBillingMetrics"), 0, ("works", "refused", "works")),
        (refused(501, route="rest.billingUsage"), 0, ("works", "works", "refused")),
        (refused(403, route="rest.accounts"), 0, ("works", "works", "works")),
        (refused(500), 5, ("refused", "skipped", "skipped")),
        (refused(429, retry_after=120), 5, ("refused", "skipped", "skipped")),
    ],
)
def test_what_fails_alone_and_together(
    environment: pytest.MonkeyPatch, look: Look, fault: Fault, code: int, states: tuple[str, ...]
) -> None:
    with DemoServer(rows=1000, faults=Faults((fault,))) as server:
        reach(server, environment)
        got, found = look()
    assert tuple(found["sources"][name]["state"] for name in ("accounts", "gateway", "rest")) == states
    assert got == code
    assert all(one["advice"] for one in found["sources"].values() if one["state"] == "refused")


@pytest.mark.usefixtures("environment")
def test_nothing_is_reached(monkeypatch: pytest.MonkeyPatch, look: Look, fwbill: Fwbill) -> None:
    monkeypatch.setenv("FIREWORKS_API_KEY", "fw_123456789012")
    monkeypatch.setenv("FIREWORKS_ACCOUNT_ID", "acme")
    code, found = look()
    assert code == 5
    assert found["clock_ahead_seconds"] is None
    assert {found["sources"][name]["state"] for name in ("accounts", "gateway", "rest")} == {"refused"}
    assert "not compared: clock at 127.0.0.1:9: not reached" in " ".join(fwbill("doctor")[1].split())


@pytest.mark.parametrize(("seconds", "said"), [(-7200, "7,200 s ahead of the service's; set it right"), (40, "40 s behind")])
def test_a_clock_that_is_off(
    healthy: DemoServer, environment: pytest.MonkeyPatch, fwbill: Fwbill, seconds: int, said: str
) -> None:
    reach(healthy, environment)
    environment.setattr(http.Handler, "date_time_string", lambda *_: _date(seconds))
    # the half second of a date without fractions makes the last digit uncertain
    shown = fwbill("doctor")[1]
    near = [said.replace(str(40), str(40 + off)).replace("7,200", f"{7200 + off:,}") for off in (-1, 0, 1)]
    assert any(text in shown for text in near)


def _date(seconds: int) -> str:
    import time

    return formatdate(time.time() + seconds, usegmt=True)


def program(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "firectl"
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_settings_that_no_connection_can_be_made_with_are_named(environment: pytest.MonkeyPatch, fwbill: Fwbill) -> None:
    environment.delenv("FIREWORKS_BASE_URL")  # what goes to this machine heeds no such settings; no call is made here either
    environment.setenv("FIREWORKS_API_KEY", "fw_123456789012")
    environment.setenv("HTTPS_PROXY", "foo://x")
    code, out, err = fwbill("doctor", "-a", "acme-prod")
    assert (code, err) == (2, "")
    assert "HTTPS_PROXY is not the address of a proxy" in " ".join(out.split())
    environment.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    environment.setenv("SSL_CERT_FILE", "/nowhere")
    code, out, err = fwbill("doctor", "-a", "acme-prod")
    assert err == ""
    assert "SSL_CERT_FILE names /nowhere" in " ".join(out.split())


def test_firectl_is_found_with_its_version(environment: pytest.MonkeyPatch, look: Look, tmp_path: Path) -> None:
    environment.delenv("FIREWORKS_BASE_URL")
    environment.delenv("FIREWORKS_GATEWAY_ADDR")
    # Nobody is asked without a sign-in, except for the time of day; that not even leaves this machine.
    environment.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    seen = tmp_path / "environ"
    program(tmp_path / "bin", f'#!/bin/sh\necho "$1 1.7.21"\necho "$HOME" > {seen}\n')
    environment.setenv("SECRET", "x")
    firectl = look()[1]["sources"]["firectl"]
    assert firectl["state"] == "there"
    assert "version 1.7.21" in firectl["said"]
    assert seen.read_text().strip() != str(tmp_path / "home")
    program(tmp_path / "bin", '#!/bin/sh\n[ "$1" = --version ] && printf "\\033[31m2.0\\n" && exit 0\nexit 1\n')
    assert ", [31m2.0;" in look()[1]["sources"]["firectl"]["said"]
    program(tmp_path / "bin", "#!/bin/sh\nexit 1\n")
    assert "version unknown" in look()[1]["sources"]["firectl"]["said"]
    with environment.context() as without:
        without.setattr(tempfile, "tempdir", None)
        without.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/no/such/folder"])
        assert "No usable temporary directory" in look()[1]["sources"]["firectl"]["said"]
    environment.setenv("FWBILL_FIRECTL", "/nowhere/firectl")
    firectl = look()[1]["sources"]["firectl"]
    assert firectl["state"] == "refused"
    assert "not a program that can be run" in firectl["said"]


def test_a_sign_in_by_sso_alone(environment: pytest.MonkeyPatch, look: Look, fwbill: Fwbill, tmp_path: Path) -> None:
    folder = tmp_path / "home" / ".fireworks"
    folder.mkdir(parents=True)
    (folder / "auth.ini").write_text("id_token = xyz\naccount_id = acme\n")
    code, found = look()
    assert code == 3
    assert found["sources"]["firectl"]["advice"].startswith("install it")
    path = program(tmp_path / "bin", "#!/bin/sh\necho 1\n")
    environment.setenv("FWBILL_FIRECTL", str(path))
    assert look()[0] == 0
    assert "works through firectl, which was not tried" in " ".join(fwbill("doctor")[1].split())


def test_every_sign_in_is_listed_and_what_was_asked_for_is_used(
    healthy: DemoServer, environment: pytest.MonkeyPatch, look: Look, tmp_path: Path
) -> None:
    reach(healthy, environment)
    folder = tmp_path / "home" / ".fireworks" / "profiles" / "work"
    folder.mkdir(parents=True)
    (folder / "auth.ini").write_text(f"api_key = {healthy.staging_key}\n")
    code, found = look("--api-key-command", "/bin/false")
    assert [one["origin"] for one in found["credentials"]] == ["--api-key-command", "FIREWORKS_API_KEY", "firectl profile work"]
    assert "ended with exit code 1" in found["credentials"][0]["problem"]
    assert [one["used"] for one in found["credentials"]] == [False] * 3
    assert code == 3
    code, found = look("-p", "work")
    assert (code, found["account"]) == (0, "acme-staging")
    assert [one["used"] for one in found["credentials"]] == [True, False]


def test_what_is_kept_is_counted(environment: pytest.MonkeyPatch, look: Look, tmp_path: Path) -> None:
    kept = tmp_path / "home" / "data" / "a"
    kept.mkdir(parents=True)
    (kept / "x").write_bytes(b"123")
    (kept / "y").write_bytes(b"4567")
    (kept / "loop").symlink_to(kept)
    found = look()[1]["kept"]
    assert (found["files"], found["bytes"] >= 7, found["problem"]) == (3, True, None)
    environment.setenv("FWBILL_DATA_DIR", str(kept / "x"))
    assert "cannot be read" in look()[1]["kept"]["problem"]


def test_foreign_text_is_harmless(environment: pytest.MonkeyPatch, fwbill: Fwbill) -> None:
    environment.setenv("TERM", "x\x1b[31m\u202e")
    environment.setenv("NO_COLOR", "1")
    out = fwbill("doctor")[1]
    assert "x␛[31m<U+202E>" in out
    assert "no colours (NO_COLOR)" in out
