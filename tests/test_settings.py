"""What is kept between two runs: where, and the last account."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fwbill_tui.settings import LastAccounts, config_dir, data_dir

HOST = "api.fireworks.ai"


def test_folders_are_what_the_environment_names_else_the_systems_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert config_dir({"FWBILL_CONFIG_DIR": "~/c"}) == tmp_path / "c"
    assert data_dir({"FWBILL_DATA_DIR": "/d"}) == Path("/d")
    assert config_dir({}).name == data_dir({}).name == "fwbill"
    assert config_dir({}) != data_dir({})


def test_the_last_account_is_remembered_for_the_user_alone(tmp_path: Path) -> None:
    last = LastAccounts(tmp_path / "new" / "folder")
    assert last.get(HOST, "FIREWORKS_API_KEY") is None
    last.remember(HOST, "FIREWORKS_API_KEY", "acme-prod")
    last.remember(HOST, "firectl profile work", "acme-staging")
    last.remember("127.0.0.1:9", "FIREWORKS_API_KEY", "other")
    last.remember(HOST, "FIREWORKS_API_KEY", "acme-dev")
    again = LastAccounts(tmp_path / "new" / "folder")
    assert again.get(HOST, "FIREWORKS_API_KEY") == "acme-dev"
    assert again.get(HOST, "firectl profile work") == "acme-staging"
    assert again.get("127.0.0.1:9", "FIREWORKS_API_KEY") == "other"
    (file,) = (tmp_path / "new" / "folder").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", '{"last_accounts": 7}', '{"last_accounts": {"api.fireworks.ai": []}}', "\x00", "[" * 100_000]
)
def test_a_file_that_is_no_state_is_as_none_and_is_replaced(tmp_path: Path, text: str) -> None:
    (tmp_path / "state.json").write_text(text)
    last = LastAccounts(tmp_path)
    assert last.get(HOST, "x") is None
    last.remember(HOST, "x", "acme")
    assert last.get(HOST, "x") == "acme"


def test_what_others_wrote_into_the_file_stays(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text('{"later": [1], "last_accounts": {"h": {"o": 7}}}')
    LastAccounts(tmp_path).remember("h", "p", "acme")
    assert LastAccounts(tmp_path).get("h", "o") is None
    assert json.loads((tmp_path / "state.json").read_text()) == {"later": [1], "last_accounts": {"h": {"o": 7, "p": "acme"}}}


def test_a_failed_write_leaves_the_old_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    last = LastAccounts(tmp_path)
    last.remember(HOST, "x", "acme")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        last.remember(HOST, "x", "other")
    assert last.get(HOST, "x") == "acme"
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


@settings(deadline=None, max_examples=30)
@given(st.dictionaries(st.tuples(st.text(), st.text()), st.text(min_size=1), max_size=5))
def test_any_names_come_back(tmp_path_factory: pytest.TempPathFactory, accounts: dict[tuple[str, str], str]) -> None:
    last = LastAccounts(tmp_path_factory.mktemp("state"))
    for (host, origin), account in accounts.items():
        last.remember(host, origin, account)
    assert {key: last.get(*key) for key in accounts} == accounts
