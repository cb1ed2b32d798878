"""Sums per day that stand in for events: what they lack is said, and no total is short in silence."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from fwbill_tui.cli.main import run
from fwbill_tui.demo.faults import Fault, Faults, Status
from fwbill_tui.demo.server import DemoServer

DOWN = Faults((Fault(Status("UNIMPLEMENTED"), "grpc*"),))  # said at once; UNAVAILABLE is tried again for a while
KEPT = ("--start-time", "2026-10-01", "--end-time", "2026-10-15")
WIDER = ("--start-time", "2026-10-01", "--end-time", "2026-10-20")
STAND_IN = "fwbill: partial: sums per day stand in for usage events, without embeddings and images"
Fwbill = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def healthy() -> Iterator[DemoServer]:
    with DemoServer(rows=3000, end=date(2026, 10, 31)) as running:
        yield running


@pytest.fixture
def server(healthy: DemoServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[DemoServer]:
    for name in ("PROFILE", "AUTH_FILE"):
        monkeypatch.delenv(f"FIREWORKS_{name}", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FIREWORKS_BASE_URL", healthy.base_url)
    monkeypatch.setenv("FIREWORKS_GATEWAY_ADDR", healthy.gateway_addr)
    monkeypatch.setenv("FIREWORKS_API_KEY", healthy.api_key)
    monkeypatch.setenv("FIREWORKS_ACCOUNT_ID", "acme-prod")
    monkeypatch.chdir(tmp_path)
    yield healthy
    healthy.faults = Faults()


@pytest.fixture
def fwbill(capsysbinary: pytest.CaptureFixture[bytes]) -> Fwbill:
    def command(*arguments: str) -> tuple[int, str, str]:
        code = run(arguments, open_explorer=lambda _: 0)
        out, err = capsysbinary.readouterr()
        return code, out.decode(), err.decode()

    return command


def test_sums_that_nobody_asked_for_are_partial(server: DemoServer, fwbill: Fwbill) -> None:
    server.faults = DOWN
    code, out, err = fwbill("summary", *WIDER, "-o", "json")
    source = json.loads(out)["source"]
    assert (code, source["complete"], source["grain"]) == (5, False, "day")
    assert any("embeddings and images are not in it" in note for note in source["notes"])
    assert (err.startswith(STAND_IN), err.count("\n")) == (True, 1)

    code, out, err = fwbill("summary", *WIDER)
    assert (code, "day sums, partial" in out) == (5, True)
    assert err.startswith(STAND_IN)
    assert "gateway export not used" in err


def test_sums_that_were_asked_for_are_what_was_asked_for(server: DemoServer, fwbill: Fwbill) -> None:
    code, out, err = fwbill("summary", *WIDER, "--source", "rest", "-o", "json")
    assert (code, json.loads(out)["source"]["complete"], err) == (0, True, "")
    code, out, err = fwbill("summary", *WIDER, "--source", "rest")
    assert (code, "partial" in out + err) == (0, False)
    assert "embeddings and images are not in it" in err


@pytest.mark.parametrize("flags", [(), ("--source", "auto")])
def test_a_file_has_no_sums_that_nobody_asked_for(server: DemoServer, fwbill: Fwbill, flags: tuple[str, ...]) -> None:
    server.faults = DOWN
    code, _, err = fwbill("export", *WIDER, *flags)
    assert (code, Path("billing_metrics.csv").exists()) == (5, False)
    assert "only sums per day could be had" in err


@pytest.mark.parametrize(
    ("question", "lacking"),
    [
        (("--user", "*"), "user"),
        (("--bucket", "default"), "bucket"),
        (("--without", "user=ana@acme.dev"), "user"),
        (("--only", "user="), "user"),
        (("--only", "project=atlas"), "project"),  # a column that events might have
        (("--search", "user:ana"), "user"),
        (("--search", "kimi email:ana"), "user"),
        (("--group-by", "day,user"), "user"),
    ],
)
def test_what_sums_do_not_say_is_refused(server: DemoServer, fwbill: Fwbill, question: tuple[str, ...], lacking: str) -> None:
    """Of events for two weeks and sums for the days after, a user's total would be that of two weeks."""
    assert fwbill("summary", *KEPT)[0] == 0
    server.faults = DOWN
    code, out, err = fwbill("summary", *WIDER, *question)
    assert (code, out, err.count("\n")) == (5, "", 1)
    assert f"sums per day have no {lacking}" in err
    assert "gateway export not used" in err


def test_labels_that_sums_have_alone_are_refused_beside_events(server: DemoServer, fwbill: Fwbill) -> None:
    assert fwbill("summary", *KEPT)[0] == 0
    server.faults = DOWN
    code, out, err = fwbill("summary", *WIDER, "--group-by", "api_key_name")
    assert (code, out) == (5, "")
    assert "usage events have no api_key_name" in err
    assert fwbill("summary", *WIDER, "--group-by", "api_key_name", "--source", "rest")[0] == 0


def test_labels_that_all_rows_have_are_answered(server: DemoServer, fwbill: Fwbill) -> None:
    assert fwbill("summary", *KEPT)[0] == 0
    server.faults = DOWN
    for question in (["--model", "*kimi*"], ["--accelerator", "*"], ["--group-by", "usage_type,day"], ["--search", "model:kimi"]):
        code, _, err = fwbill("summary", *WIDER, *question, "-o", "json")
        assert (code, err.startswith(STAND_IN), err.count("\n")) == (5, True, 1)


def test_a_search_says_where_it_could_not_look(server: DemoServer, fwbill: Fwbill) -> None:
    assert fwbill("summary", *KEPT)[0] == 0
    server.faults = DOWN
    code, _, err = fwbill("summary", *WIDER, "--search", "kimi", "-o", "json")
    assert code == 5
    assert "fwbill: partial: sums per day have no bucket, user to be searched\n" in err
    code, _, err = fwbill("summary", *WIDER, "--search", "kimi", "--source", "rest", "-o", "json")
    assert (code, err) == (0, "fwbill: --search: sums per day have no bucket, user to be searched\n")


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("command", ["summary", "export"])
def test_who_asks_for_sums_and_for_what_they_do_not_say_is_told_so(fwbill: Fwbill, command: str) -> None:
    code, out, err = fwbill(command, *WIDER, "--source", "rest", "--user", "ana@acme.dev")
    assert (code, out, Path("billing_metrics.csv").exists()) == (2, "", False)
    assert "sums per day have no user: leave out what asks for it" in err
    assert "use one of" in fwbill(command, *WIDER, "--source", "rest", "--only", "porject=atlas")[2]
