"""What is kept between two runs beside usage itself: where, and the small file that remembers the last account. No secrets."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fwbill_tui.user_paths import expanded

CONFIG_VARIABLE = "FWBILL_CONFIG_DIR"
DATA_VARIABLE = "FWBILL_DATA_DIR"
_LARGEST = 1 << 20


class SettingError(Exception):
    """A variable of the environment names a folder that cannot be one."""


def config_dir(environ: Mapping[str, str]) -> Path:
    """The folder of settings: what FWBILL_CONFIG_DIR names, else where this system keeps a user's settings.

    Raises SettingError.
    """
    if named := _named(CONFIG_VARIABLE, environ):
        return named
    import platformdirs

    return Path(platformdirs.user_config_dir("fwbill", appauthor=False))


def data_dir(environ: Mapping[str, str]) -> Path:
    """The folder of kept usage: what FWBILL_DATA_DIR names, else where this system keeps a user's data.

    Raises SettingError.
    """
    if named := _named(DATA_VARIABLE, environ):
        return named
    import platformdirs

    return Path(platformdirs.user_data_dir("fwbill", appauthor=False))


def check(environ: Mapping[str, str]) -> None:
    """Raise SettingError where one of the two folders is named and cannot be one."""
    for variable in (CONFIG_VARIABLE, DATA_VARIABLE):
        _named(variable, environ)


def _named(variable: str, environ: Mapping[str, str]) -> Path | None:
    named = environ.get(variable)
    try:
        return expanded(named).absolute() if named else None
    except OSError as error:
        raise SettingError(f"{variable} names the folder {named}: {error.strerror}; name another, from / on") from None


class LastAccounts:
    """The account that was opened last, by host of the service and origin of the credential ("firectl profile work").

    Kept in `state.json`, a file for the user alone. It is a convenience: one that cannot be read is as none.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "state.json"

    def get(self, host: str, origin: str) -> str | None:
        """The account opened last, as it was written; whether the credential still opens it is for the caller to see."""
        remembered = self._accounts(self._read()).get(host)
        account = remembered.get(origin) if isinstance(remembered, dict) else None
        return account if isinstance(account, str) and account else None

    def remember(self, host: str, origin: str, account: str) -> None:
        """Write it down, whole or not at all. Raises OSError."""
        import json  # late, and below: a login that finds nothing needs none of it

        state = self._read()
        accounts = self._accounts(state)
        of_host = accounts.get(host)
        if not isinstance(of_host, dict):
            of_host = {}
        if of_host.get(origin) == account:
            return
        state["last_accounts"] = accounts | {host: of_host | {origin: account}}
        self._write(json.dumps(state, indent=1, ensure_ascii=True) + "\n")

    @staticmethod
    def _accounts(state: dict[str, Any]) -> dict[str, Any]:
        accounts = state.get("last_accounts")
        return accounts if isinstance(accounts, dict) else {}

    def _read(self) -> dict[str, Any]:
        import json

        try:
            with self._path.open("rb") as stream:
                state = json.loads(stream.read(_LARGEST))
        except (OSError, ValueError, RecursionError):
            return {}
        return state if isinstance(state, dict) else {}

    def _write(self, text: str) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=".state-", dir=self._path.parent)  # for the user alone, by its nature
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as stream:
                stream.write(text)
            Path(name).replace(self._path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
