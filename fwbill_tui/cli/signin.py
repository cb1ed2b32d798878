"""`fwbill login`, `fwbill logout` and `fwbill accounts`: a sign-in without a screen."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fwbill_tui.cli.account import AccountFlags, account_flags, log_file_flag, sign_in, the_account
from fwbill_tui.cli.cells import aligned, cut
from fwbill_tui.cli.exits import DONE, NO_ACCOUNT, SIGN_IN_REFUSED, USAGE, CommandError
from fwbill_tui.cli.flags import COMMANDS
from fwbill_tui.cli.interrupts import interruptible
from fwbill_tui.cli.options import Command, option
from fwbill_tui.cli.output import print_text, say, width
from fwbill_tui.cli.waiting import WaitLine
from fwbill_tui.usage.literal import literal

if TYPE_CHECKING:
    from fwbill_tui.fireworks.credentials import Credential
    from fwbill_tui.fireworks.rest import Account

_LONGEST_INPUT = 64 << 10
LOGIN_EPILOG = """\b
Examples:
  fwbill login                                  asks for the key, which is not shown
  fwbill login -a acme-prod < key.txt
  pass show fireworks | fwbill login
"""


@click.command("login", cls=Command, epilog=LOGIN_EPILOG, short_help=COMMANDS["login"][1])
@account_flags(sign_in=False)
def login(flags: AccountFlags) -> int:
    """Put an API key into the system's keyring, where fwbill finds it from then on.

    The key is asked for, or read from standard input; it is tried before it is kept. Where there is no keyring, fwbill
    keeps nothing: set FIREWORKS_API_KEY, or name a password manager with --api-key-command.
    """
    from fwbill_tui.fireworks.credentials import ACCOUNT_VARIABLE, KEY_VARIABLE, PROFILE_VARIABLE, Credential, account_id
    from fwbill_tui.fireworks.endpoints import Endpoints
    from fwbill_tui.fireworks.keyring_store import KeyringStore

    endpoints = Endpoints.from_environ(os.environ)
    asked = flags.account_id or flags.environ.get(ACCOUNT_VARIABLE)
    named = account_id(asked) if asked else None
    text = _read_key()
    credential = Credential.pasted(text)
    accounts = interruptible(lambda stop: _accounts(credential, flags, stop))
    account = _choose(accounts, credential, named)
    several = len(accounts) > 1

    def keep(stop: threading.Event) -> str:
        return KeyringStore(endpoints.host, cancelled=stop).store(credential.require_key(), account if several else None)

    keyring = interruptible(keep)
    say(f"signed in to {account}; the key …{credential.hint} is kept in {keyring}. `fwbill logout` takes it out")
    before = [name for name in (PROFILE_VARIABLE, KEY_VARIABLE) if os.environ.get(name)]
    if before:
        say(f"{' and '.join(before)} in the environment go before it" if len(before) > 1 else f"{before[0]} goes before it")
    elif found := _files_before():
        say(f"{found.origin} ({found.place}) goes before it")
    return DONE


@click.command("logout", cls=Command, short_help=COMMANDS["logout"][1])
@log_file_flag
def logout() -> int:
    """Take the API key that `fwbill login` or the login screen kept out of the system's keyring again.

    The environment, firectl's files and other programs' entries are not touched.
    """
    from fwbill_tui.fireworks.endpoints import Endpoints
    from fwbill_tui.fireworks.keyring_store import KeyringStore

    host = Endpoints.from_environ(os.environ).host
    gone = interruptible(lambda stop: KeyringStore(host, cancelled=stop).delete())
    say(f"the key for {host} is no longer in the keyring" if gone else f"there was no key for {host} in the keyring")
    return DONE


@click.command("accounts", cls=Command, short_help=COMMANDS["accounts"][1])
@account_flags(account_id=False)
@option(
    "-o", "--output", type=click.Choice(("table", "json")), section="Output", help="The form of the answer.  [default: table]"
)
def accounts(flags: AccountFlags, output: str | None) -> int:
    """Say which accounts the sign-in opens, and which sign-in that is."""

    def ask(stop: threading.Event) -> tuple[Credential, Sequence[Account]]:
        credential = sign_in(flags, cancelled=stop)[1]
        return credential, _accounts(credential, flags, stop)

    credential, found = interruptible(ask)
    if output == "json":
        import json

        entries = [_as_dict(account) for account in found]
        print_text(json.dumps({"credential": described(credential), "accounts": entries}, indent=2, ensure_ascii=False) + "\n")
        return DONE
    rows = [("account", "name", "state"), *((account.id, literal(account.display_name), _state(account)) for account in found)]
    key = f", key …{credential.hint}" if credential.hint else ""
    lines = [f"{credential.origin} ({credential.place}{key})", "", *aligned(rows, keys=3)]
    room = width()
    print_text("".join(f"{cut(literal(line), room) if room else literal(line)}\n" for line in lines))
    return DONE


def described(credential: Credential) -> Mapping[str, Any]:
    """A credential as JSON tells it: never the key beyond its last four characters."""
    return {
        "origin": credential.origin,
        "place": credential.place,
        "kind": credential.kind,
        "account_id": credential.account_id,
        "key_ends_in": credential.hint or None,
        "problem": credential.problem or None,
    }


def _accounts(credential: Credential, flags: AccountFlags, stop: threading.Event) -> Sequence[Account]:
    from fwbill_tui.fireworks.endpoints import Endpoints
    from fwbill_tui.fireworks.rest import RestClient

    endpoints = Endpoints.from_environ(flags.environ)
    with WaitLine(f"asking {endpoints.host}"), RestClient(endpoints, credential, cancelled=stop) as client:
        return client.accounts()


def _read_key() -> str:
    """The key, typed without being shown, or what standard input has. Raises CommandError."""
    if sys.stdin is None:
        raise CommandError("there is no terminal and no standard input to read the key from", USAGE)
    if sys.stdin.isatty():
        import getpass

        text = getpass.getpass("API key (not shown): ", stream=sys.stderr)
    else:
        text = sys.stdin.buffer.read(_LONGEST_INPUT + 1).decode("utf-8-sig", "replace")
    text = text.strip()
    if not text:
        raise CommandError("no key was given: paste one of the console (app.fireworks.ai)", SIGN_IN_REFUSED)
    return text


def _choose(accounts: Sequence[Account], credential: Credential, named: str | None) -> str:
    """The account that is meant: the named one, the only one, or what the user answers. Raises CommandError."""
    ids = [account.id for account in accounts]
    if named is not None:
        if named not in ids:
            raise CommandError(f"this key does not open the account {named}; it opens {', '.join(ids)}", NO_ACCOUNT)
        return named
    if len(ids) > 1 and sys.stdin.isatty():
        say(f"this key opens {len(ids)} accounts: {', '.join(ids)}")
        return str(click.prompt("Account", type=click.Choice(ids), show_choices=False, default=ids[0], err=True))
    return the_account(accounts, credential)


def _files_before() -> Credential | None:
    """What firectl's files have to sign in with: they go before the keyring."""
    from fwbill_tui.fireworks.credentials import find_credentials

    return next((one for one in find_credentials(os.environ, Path.home()) if one.usable), None)


def _as_dict(account: Account) -> Mapping[str, str | None]:
    texts = {"display_name": account.display_name, "state": account.state, "suspend_state": account.suspend_state}
    return {"id": account.id} | {name: text or None for name, text in texts.items()}


def _state(account: Account) -> str:
    """The state in words, and why it is suspended where it is."""
    words = [literal(account.state).lower()] if account.state else []
    if account.suspend_state not in ("", "UNSUSPENDED"):
        words.append("suspended: " + literal(account.suspend_state).replace("_", " ").lower())
    return ", ".join(words)
