"""Signing in without a screen: which credential, which account."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from fwbill_tui.cli.exits import NO_ACCOUNT, SIGN_IN_REFUSED, CommandError

if TYPE_CHECKING:
    from fwbill_tui.fireworks.credentials import Credential
    from fwbill_tui.sources.account import AccountSource

_NO_KEY = (
    "no sign-in was found: set FIREWORKS_API_KEY, or run `firectl set-api-key` once; "
    "or name exported files, as in `fwbill summary usage.csv`"
)


def account_source(account: str | None, profile: str | None, *, cancelled: threading.Event) -> AccountSource:
    """The account that the flags, the environment and firectl's files name, ready to be read.

    Raises CommandError when there is no sign-in or several accounts to choose from, and FireworksError.
    """
    from fwbill_tui.fireworks.credentials import account_id
    from fwbill_tui.fireworks.endpoints import Endpoints
    from fwbill_tui.fireworks.rest import RestClient
    from fwbill_tui.sources.account import AccountSource

    environ = dict(os.environ) | ({"FIREWORKS_PROFILE": profile} if profile else {})
    named = account_id(account) if account is not None else None
    endpoints = Endpoints.from_environ(environ)
    credential = _credential(environ)
    if named is None:
        named = credential.account_id
    if named is None:
        with RestClient(endpoints, credential, cancelled=cancelled) as client:
            found = client.accounts()
        if len(found) > 1:
            listed = ", ".join(entry.id for entry in found)
            raise CommandError(f"{credential.origin} opens several accounts: choose one with --account-id: {listed}", NO_ACCOUNT)
        named = found[0].id
    return AccountSource(endpoints, credential, named)


def _credential(environ: Mapping[str, str]) -> Credential:
    """The credential to use. A profile that was asked for is used or refused, never passed over for another."""
    from fwbill_tui.fireworks.credentials import find_credentials

    found = find_credentials(environ, Path.home())
    if environ.get("FIREWORKS_PROFILE"):
        found = found[:1]
    usable = next((credential for credential in found if credential.usable), None)
    if usable is not None:
        return usable
    if not found:
        raise CommandError(_NO_KEY, SIGN_IN_REFUSED)
    why = "; ".join(f"{credential.origin} ({credential.place}): {credential.problem}" for credential in found)
    raise CommandError(f"no sign-in can be used: {why}", SIGN_IN_REFUSED)
