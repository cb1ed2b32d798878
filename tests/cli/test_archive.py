"""`fwbill archive`, on an archive with real files."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from fwbill_tui.archive.account import MANIFEST
from fwbill_tui.archive.archive import Archive
from fwbill_tui.archive.manifest import Fetch
from fwbill_tui.cli.archive import archive
from fwbill_tui.cli.main import run
from fwbill_tui.cli.root import root
from fwbill_tui.usage.schema import EventTypes

NOW = datetime.now(UTC).replace(microsecond=0)
TODAY = NOW.date()
Fwbill = Callable[..., tuple[int, str, str]]


def events(day: date) -> pl.DataFrame:
    types = EventTypes()
    start = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
    return pl.DataFrame({"start_time": [start] * 3, "usage_type": ["TEXT"] * 3}).select(
        pl.col(name).cast(dtype) if name in ("start_time", "usage_type") else pl.lit(None, dtype).alias(name)
        for name, dtype in types.frame_schema().items()
    )


@pytest.fixture
def kept(tmp_path: Path) -> Archive:
    kept = Archive(tmp_path / "archive")
    for host, account, ages in (("api.fireworks.ai", "acme-prod", (0, 9, 10)), ("127.0.0.1:80", "acme-prod", (500,))):
        days = [TODAY - timedelta(days=age) for age in ages]
        fetch = Fetch("0" * 12, "gateway", NOW)
        kept.account(host, account).store(fetch, [(day, events(day)) for day in days])
    return kept


@pytest.fixture
def fwbill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Fwbill:
    monkeypatch.setenv("FWBILL_DATA_DIR", str(tmp_path))
    monkeypatch.setitem(root.commands, "archive", archive)

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(["archive", *arguments], open_explorer=lambda _: 0)
        out, err = capfdbinary.readouterr()
        return code, out.decode(), err.decode()

    return call


def test_nothing_kept(fwbill: Fwbill, tmp_path: Path) -> None:
    assert fwbill("list") == (0, f"{tmp_path / 'archive'}\n\nnothing is kept\n", "")
    assert fwbill("verify") == (0, "nothing is kept\n", "")
    assert fwbill("prune", "--keep", "1d") == (0, "", "fwbill: 0 days dropped, 0 bytes freed\n")
    code, out, err = fwbill("forget", "acme-prod")
    assert (code, out) == (1, "")
    assert "nothing is kept of 'acme-prod'" in err
    assert list(tmp_path.iterdir()) == []


def test_list(fwbill: Fwbill, kept: Archive) -> None:
    code, out, err = fwbill("list")
    assert (code, err) == (0, "")
    folder, blank, heading, local, real = out.splitlines()
    assert (folder, blank) == (str(kept.root), "")
    assert heading.split() == ["account", "service", "first", "last", "days", "missing", "may", "grow", "events", "size"]
    assert local.split()[:7] == ["acme-prod", "127.0.0.1:80", *[str(TODAY - timedelta(days=500))] * 2, "1", "0", "0"]
    assert real.split()[:8] == [
        "acme-prod", "api.fireworks.ai", str(TODAY - timedelta(days=10)), str(TODAY), "3", "8", "1", "9",
    ]  # fmt: skip
    assert real.endswith("kB")


def test_list_as_json(fwbill: Fwbill, kept: Archive) -> None:
    _, out, _ = fwbill("list", "-o", "json")
    answer = json.loads(out)
    assert answer["folder"] == str(kept.root)
    assert [account["service"] for account in answer["accounts"]] == ["127.0.0.1:80", "api.fireworks.ai"]
    assert answer["accounts"][1] | {"bytes": 0} == {
        "account": "acme-prod", "service": "api.fireworks.ai", "first": str(TODAY - timedelta(days=10)), "last": str(TODAY),
        "days": 3, "missing": 8, "provisional": 1, "events": 9, "bytes": 0, "problem": None,
    }  # fmt: skip


def test_verify(fwbill: Fwbill, kept: Archive) -> None:
    assert fwbill("verify") == (
        0, "acme-prod at 127.0.0.1:80: 1 day, all sound\nacme-prod at api.fireworks.ai: 3 days, all sound\n", "",
    )  # fmt: skip
    (path,) = kept.account("127.0.0.1:80", "acme-prod").folder.glob("*.parquet")
    path.write_bytes(path.read_bytes()[::-1])
    (kept.account("api.fireworks.ai", "acme-prod").folder / MANIFEST).write_text("")
    code, out, _ = fwbill("verify")
    assert code == 1
    first, second, third = out.splitlines()
    assert "manifest.json is damaged" in first
    assert second == "acme-prod at 127.0.0.1:80: 1 day, 1 damaged"
    assert str(path) in third
    assert "checksum" in third
    assert "is damaged" in fwbill("list")[2]


def test_prune_may_keep_more_days_than_the_calendar_has(fwbill: Fwbill, kept: Archive) -> None:
    before = kept.accounts()
    assert fwbill("prune", "--keep", "999999d") == (0, "", "fwbill: 0 days dropped, 0 bytes freed\n")
    assert kept.accounts() == before


def test_prune(fwbill: Fwbill, kept: Archive) -> None:
    code, out, err = fwbill("prune", "--keep", "400d")
    assert (code, out) == (0, "")
    assert err.startswith("fwbill: 1 day dropped, ")
    assert [summary.days for summary in kept.accounts()] == [0, 3]
    fwbill("prune", "--keep", "9")
    assert [summary.days for summary in kept.accounts()] == [0, 2]


@pytest.mark.parametrize("keep", ["400w", "-1d", "d", "1w", "", "1d 2d", "99999999d"])
def test_prune_takes_days_alone(fwbill: Fwbill, kept: Archive, keep: str) -> None:
    code, _, err = fwbill("prune", "--keep", keep)
    assert code == 2
    assert "400d" in err
    assert [summary.days for summary in kept.accounts()] == [1, 3]


def test_prune_without_keep_drops_nothing(fwbill: Fwbill, kept: Archive) -> None:
    assert fwbill("prune")[0] == 2
    assert [summary.days for summary in kept.accounts()] == [1, 3]


def test_forget(fwbill: Fwbill, kept: Archive) -> None:
    code, _, err = fwbill("forget", "acme-prod")
    assert code == 1
    assert "--service: 127.0.0.1:80, api.fireworks.ai" in err
    code, _, err = fwbill("forget", "accounts/acme-prod", "--service", "127.0.0.1:80")
    assert code == 0
    assert err.startswith("fwbill: forgot acme-prod at 127.0.0.1:80: 1 day, ")
    assert [summary.host for summary in kept.accounts()] == ["api.fireworks.ai"]
    assert fwbill("forget", "acme-prod")[0] == 0
    assert kept.accounts() == []
    assert fwbill("forget", "../..")[0] == 1


def test_without_a_subcommand_it_says_what_there_is(fwbill: Fwbill) -> None:
    code, printed, said = fwbill()
    assert (code, printed) == (2, "")
    assert said.startswith("fwbill: archive: what is to be done? Add list, verify, prune or forget")
    assert said.count("\n") == 1


def test_what_is_damaged_can_be_removed_too(fwbill: Fwbill, kept: Archive) -> None:
    real = kept.account("api.fireworks.ai", "acme-prod")
    (path,) = kept.account("127.0.0.1:80", "acme-prod").folder.glob("*.parquet")
    aside = path.parent / "damaged"
    aside.mkdir()
    path.rename(aside / path.name)
    (real.folder / MANIFEST).write_text("")
    code, _, err = fwbill("prune", "--keep", "400d")
    assert code == 1
    assert "acme-prod at api.fireworks.ai: nothing was dropped: " in err
    assert list(aside.iterdir()) == []

    assert real.recover() is not None
    _, _, err = fwbill("list")
    assert "acme-prod at api.fireworks.ai: damaged, and set aside; `fwbill archive forget acme-prod` removes it" in err
    fwbill("forget", "acme-prod", "--service", "127.0.0.1:80")
    assert fwbill("forget", "acme-prod") == (0, "", "fwbill: forgot acme-prod at api.fireworks.ai, which was damaged\n")
    assert not list(kept.root.glob(".damaged/*"))
    assert fwbill("forget", "acme-prod")[0] == 1
