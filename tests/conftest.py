"""Tests touch neither the keyring nor the settings and data of whoever runs them, nor those of another test."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _apart_from_the_user(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    folder: Path = tmp_path_factory.mktemp("user")
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    monkeypatch.setenv("FWBILL_CONFIG_DIR", str(folder / "config"))
    monkeypatch.setenv("FWBILL_DATA_DIR", str(folder / "data"))
    monkeypatch.delenv("FWBILL_THEME", raising=False)
