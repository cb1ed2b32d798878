"""What outlasts a session: the key in the system's keyring, where the user wants that, and the account opened last."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from fwbill_tui.fireworks.credentials import ACCOUNT_VARIABLE, Credential
from fwbill_tui.fireworks.endpoints import Endpoints
from fwbill_tui.settings import LastAccounts, config_dir
from fwbill_tui.sources.launch import Launch


class Keeping(NamedTuple):
    """For one service. `named` is the account that the user has named, unchecked."""

    endpoints: Endpoints
    last: LastAccounts
    named: str | None = None

    @classmethod
    def of_machine(cls, endpoints: Endpoints, launch: Launch, environ: Mapping[str, str] | None = None) -> Keeping:
        """This user's settings and keyring; neither is touched yet."""
        chosen = os.environ if environ is None else environ
        return cls(endpoints, LastAccounts(config_dir(chosen)), launch.account_id or chosen.get(ACCOUNT_VARIABLE))

    def search(self, cancelled: threading.Event) -> Sequence[Credential]:
        """What the keyring has to sign in with; takes seconds where it is slow to answer. Raises Cancelled."""
        from fwbill_tui.fireworks.keyring_store import keyring_credentials

        return keyring_credentials(self.endpoints, account=self.named, cancelled=cancelled)

    def last_account(self, credential: Credential) -> str | None:
        """The account that was opened last with such a credential."""
        return self.last.get(self.endpoints.host, credential.origin)

    def remember(self, credential: Credential, account: str) -> None:
        """Write down the account that was opened. Raises OSError."""
        self.last.remember(self.endpoints.host, credential.origin, account)

    def keep(self, credential: Credential, account: str, cancelled: threading.Event) -> str:
        """Put the key into the keyring, whose name is returned, and its account next to the others.

        Raises KeyringUnavailable, Cancelled and OSError.
        """
        from fwbill_tui.fireworks.keyring_store import ORIGIN, KeyringStore

        name = KeyringStore(self.endpoints.host, cancelled=cancelled).store(credential.require_key())
        self.last.remember(self.endpoints.host, ORIGIN, account)
        return name
