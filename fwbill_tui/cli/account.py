"""Signing in without a screen: the flags that say how, which credential, which account."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fwbill_tui.cli.exits import NO_ACCOUNT, SIGN_IN_REFUSED, CommandError
from fwbill_tui.cli.flags import ACCOUNT_ID, KEY_COMMAND, LOG_FILE, PROFILE
from fwbill_tui.cli.options import F, Option, option_of
from fwbill_tui.cli.waiting import WaitLine

if TYPE_CHECKING:
    from fwbill_tui.fireworks.credentials import Credential
    from fwbill_tui.fireworks.endpoints import Endpoints
    from fwbill_tui.fireworks.rest import Account
    from fwbill_tui.sources.opening import SourceChoice
    from fwbill_tui.sources.source import Source

NO_KEY = (
    "no sign-in was found: run `fwbill login`, set FIREWORKS_API_KEY, name a password manager with --api-key-command, "
    "or run `firectl set-api-key` once"
)
_WHY_NO_KEY = (
    "other users of this machine can read a command's arguments, and shells keep them. "
    "Set FIREWORKS_API_KEY in the environment, name a command that prints the key with --api-key-command, "
    "or use a firectl profile with --profile"
)
NO_API_KEY_FLAG = f"there is no --api-key: {_WHY_NO_KEY}"
NO_KEY_ARGUMENT = f"an API key is no argument: {_WHY_NO_KEY}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFlags:
    """The flags that say how to sign in and to which account, as they were typed."""

    account_id: str | None = None
    profile: str | None = None
    api_key_command: str | None = None

    def __post_init__(self) -> None:
        if self.profile == "":
            raise click.UsageError("--profile has no name: leave it out, or say which")
        if self.profile is not None and self.api_key_command is not None:
            raise click.UsageError("--profile cannot apply with --api-key-command: give the one or the other")

    @property
    def environ(self) -> dict[str, str]:
        """The environment as these flags change it."""
        return dict(os.environ) | ({"FIREWORKS_PROFILE": self.profile} if self.profile else {})


_ACCOUNT_ID, _PROFILE, _KEY_COMMAND = map(option_of, (ACCOUNT_ID, PROFILE, KEY_COMMAND))


def _no_api_key(function: F) -> F:
    """firectl's flag, known only to be refused, whatever follows it, and before anything else is said."""
    add = click.option(
        "--api-key", is_flag=False, flag_value="", is_eager=True, expose_value=False, hidden=True, callback=_refuse_key
    )
    return add(function)


def _refuse_key(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    if value is not None:
        raise click.UsageError(NO_API_KEY_FLAG)


def _begin_log(_ctx: click.Context, _parameter: click.Parameter, path: Path | None) -> None:
    if path is not None:
        from fwbill_tui.cli.log_file import begin_log

        begin_log(path)


log_file_flag = click.option(
    *LOG_FILE.names,
    cls=Option,
    section=LOG_FILE.section,
    type=click.Path(path_type=Path),
    metavar=LOG_FILE.takes,
    expose_value=False,
    callback=_begin_log,
    help=LOG_FILE.told,
)
"""Gives a command `--log-file`, which takes effect before the command runs."""

ACCOUNT_OPTIONS: Sequence[Callable[[Any], Any]] = (_ACCOUNT_ID, _PROFILE, _KEY_COMMAND, _no_api_key, log_file_flag)


def account_flags(*, account_id: bool = True, sign_in: bool = True) -> Callable[[F], F]:
    """Give a command the account flags; it gets them as one `AccountFlags` named `flags`.

    Without `account_id` or `sign_in` it has not those that name the account, or the credential.
    """
    options = [*([_ACCOUNT_ID] if account_id else []), *([_PROFILE, _KEY_COMMAND] if sign_in else []), _no_api_key, log_file_flag]
    names = [field.name for field in fields(AccountFlags)]

    def decorate(function: F) -> F:
        @wraps(function)
        def command(*args: Any, **values: Any) -> Any:
            flags = AccountFlags(**{name: values.pop(name) for name in names if name in values})
            return function(*args, flags=flags, **values)

        for add in reversed(options):
            command = add(command)
        return command  # type: ignore[return-value]

    return decorate


def account_source(
    flags: AccountFlags, *, choice: SourceChoice, keep: bool, time_zone: str, cancelled: threading.Event
) -> Source:
    """The account that the flags, the environment, firectl's files and the keyring name, ready to be read.

    Days that may still grow are asked for anew, as nobody presses a key.

    Raises CommandError when there is no sign-in or several accounts to choose from, ArchiveError, FireworksError and
    SettingError.
    """
    from fwbill_tui.fireworks.endpoints import Endpoints
    from fwbill_tui.fireworks.rest import RestClient
    from fwbill_tui.sources.opening import open_account, open_archive

    if choice == "archive":
        endpoints = Endpoints.from_environ(flags.environ)
        return open_archive(endpoints, kept_account(flags, endpoints, cancelled=cancelled), environ=flags.environ)
    endpoints, credential = sign_in(flags, cancelled=cancelled)
    named = _named_account(flags) or credential.account_id
    if named is None and not credential.usable:
        raise CommandError(f"{credential.origin} is a sign-in by SSO: name its account with --account-id", NO_ACCOUNT)
    if named is None:
        with WaitLine(f"asking {endpoints.host}"), RestClient(endpoints, credential, cancelled=cancelled) as client:
            named = the_account(client.accounts(), credential)
    return open_account(
        endpoints, credential, named,
        choice=choice, keep=keep, refresh="missing", time_zone=time_zone, environ=flags.environ,
    )  # fmt: skip


def kept_account(flags: AccountFlags, endpoints: Endpoints, *, cancelled: threading.Event) -> str:
    """Whose kept usage is meant: where nothing names an account, that of firectl's files, or the only one that is kept.

    Neither the network nor the keyring is asked. Raises CommandError for a profile that cannot be used, and where none or
    several are kept; BadAccountId and ArchiveError.
    """
    from fwbill_tui.archive.archive import Archive, archive_folder
    from fwbill_tui.fireworks.credentials import ACCOUNT_VARIABLE, account_id, find_credentials

    if named := _named_account(flags) or flags.environ.get(ACCOUNT_VARIABLE):
        return account_id(named)
    found = find_credentials(flags.environ, Path.home())
    able = (credential for credential in found if credential.usable or credential.through_firectl)
    first = next((credential for credential in able if not credential.of_no_choice), None)
    if any(credential.named for credential in found):
        _, first = sign_in(replace(flags, api_key_command=None), cancelled=cancelled)
    if first is not None and first.account_id is not None:
        return first.account_id
    kept = [each.account for each in Archive(archive_folder(flags.environ)).accounts() if each.host == endpoints.host]
    if not kept:
        raise CommandError(f"nothing is kept of any account at {endpoints.host} (see `fwbill archive list`)", NO_ACCOUNT)
    if len(kept) > 1:
        raise CommandError(f"several accounts are kept: choose one with --account-id: {', '.join(kept)}", NO_ACCOUNT)
    return kept[0]


def sign_in(flags: AccountFlags, *, cancelled: threading.Event) -> tuple[Endpoints, Credential]:
    """Where to go and the credential to use, not yet tried. Raises CommandError where there is none, and FireworksError.

    A way in that was asked for by a flag, or named by a variable, is used or refused, never passed over for another. A
    sign-in by SSO, which works through firectl alone, is used where there is no key at all. The keyring is asked only where
    nothing comes before it: it may want to be unlocked.
    """
    from fwbill_tui.fireworks.credentials import ACCOUNT_VARIABLE, find_credentials
    from fwbill_tui.fireworks.endpoints import Endpoints
    from fwbill_tui.fireworks.keyring_store import ALTERNATIVES, keyring_credentials

    environ = flags.environ
    endpoints = Endpoints.from_environ(environ)
    if (command := flags.api_key_command) is not None:
        return endpoints, command_credential(command, flags, cancelled=cancelled)
    account = environ.get(ACCOUNT_VARIABLE)
    found = find_credentials(environ, Path.home())
    named = next((place for place, credential in enumerate(found, start=1) if credential.named), None)
    if named is not None:
        del found[named:]
    first = first_usable(found, account)
    if first is None and named is None:
        found += keyring_credentials(endpoints, account=account, cancelled=cancelled)
        first = next((credential for credential in found if credential.usable and not credential.of_no_choice), None)
    if first is not None:
        return endpoints, first
    if not found:
        raise CommandError(NO_KEY, SIGN_IN_REFUSED)
    by_firectl = next((credential for credential in found if credential.through_firectl), None)
    if by_firectl is not None:
        return endpoints, by_firectl
    why = "; ".join(f"{credential.origin} ({credential.place}): {credential.problem}" for credential in found)
    raise CommandError(f"no sign-in can be used: {why}: {ALTERNATIVES}", SIGN_IN_REFUSED)


def first_usable(found: Sequence[Credential], account: str | None) -> Credential | None:
    """The first sign-in that holds a key; of firectl's profiles that nobody chose, the only one, on `account` if that is said.

    firectl itself takes its default profile or none. So where that signs in by SSO, another profile stands in for it on the
    same account alone. Raises CommandError where there are several.
    """
    from fwbill_tui.fireworks.credentials import account_id

    usable = [credential for credential in found if credential.usable]
    first = next((credential for credential in usable if not credential.of_no_choice), None)
    if first is not None or not usable:
        return first
    default = next((credential for credential in found if credential.through_firectl and not credential.of_no_choice), None)
    if default is not None:
        same = (each for each in usable if default.account_id is not None and each.account_id == default.account_id)
        return next(same, None)
    if len(usable) > 1:
        names = ", ".join(str(credential.profile) for credential in usable)
        raise CommandError(f"several firectl profiles can sign in: choose one with --profile: {names}", NO_ACCOUNT)
    return usable[0]._replace(account_id=account_id(account)) if account else usable[0]


def command_credential(command: str, flags: AccountFlags, *, cancelled: threading.Event) -> Credential:
    """The credential that `--api-key-command` prints. Raises FireworksError."""
    from fwbill_tui.fireworks.credentials import ACCOUNT_VARIABLE
    from fwbill_tui.fireworks.key_command import key_of_command

    return key_of_command(command, account=_named_account(flags) or os.environ.get(ACCOUNT_VARIABLE), cancelled=cancelled)


def all_credentials(flags: AccountFlags, endpoints: Endpoints, *, cancelled: threading.Event) -> list[Credential]:
    """Every way in that is there, usable or not, in order of preference; the flags' own account on each. Fails for none."""
    from fwbill_tui.fireworks.credentials import ACCOUNT_VARIABLE, Credential, find_credentials
    from fwbill_tui.fireworks.errors import BadAccountId, Cancelled, FireworksError
    from fwbill_tui.fireworks.key_command import FLAG
    from fwbill_tui.fireworks.keyring_store import keyring_credentials

    environ = flags.environ
    found: list[Credential] = []
    if flags.api_key_command is not None:
        try:
            found.append(command_credential(flags.api_key_command, flags, cancelled=cancelled))
        except (Cancelled, BadAccountId):
            raise
        except FireworksError as error:
            found.append(Credential(None, FLAG, "command line", problem=str(error)))
    found += find_credentials(environ, Path.home())
    found += keyring_credentials(endpoints, account=environ.get(ACCOUNT_VARIABLE), cancelled=cancelled)
    named = _named_account(flags)
    return [credential._replace(account_id=named) for credential in found] if named else found


def the_account(accounts: Sequence[Account], credential: Credential) -> str:
    """The only account of a credential. Raises CommandError, which names them, when there are several."""
    if len(accounts) > 1:
        listed = ", ".join(entry.id for entry in accounts)
        raise CommandError(f"{credential.origin} opens several accounts: choose one with --account-id: {listed}", NO_ACCOUNT)
    return accounts[0].id


def _named_account(flags: AccountFlags) -> str | None:
    from fwbill_tui.fireworks.credentials import account_id

    return None if flags.account_id is None else account_id(flags.account_id)
