"""What can sign in on this machine: the environment and firectl's files, in the order the vendor's own tools use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple, Self

from fwbill_tui.fireworks.authfile import AuthFile, UnreadableFileError, read_auth_file
from fwbill_tui.fireworks.errors import BadAccountId, BadKey, BadSetting, SignInRefused
from fwbill_tui.fireworks.secret import Secret
from fwbill_tui.user_paths import expanded, mode_of, resolved

KEY_VARIABLE = "FIREWORKS_API_KEY"
ACCOUNT_VARIABLE = "FIREWORKS_ACCOUNT_ID"
PROFILE_VARIABLE = "FIREWORKS_PROFILE"
AUTH_FILE_VARIABLE = "FIREWORKS_AUTH_FILE"

Kind = Literal["api_key", "sso"]
SSO_ONLY = "signed in by SSO without an API key; this works through firectl only"
_ACCOUNT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_PROFILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")
_LONGEST_KEY = 4096


def check_key(text: str) -> str:
    """`text` when it has the form of an API key. Raises BadKey, which never quotes it, otherwise."""
    if not text:
        raise BadKey("the API key is empty", "paste a key of the console (app.fireworks.ai)")
    if any(character.isspace() for character in text):
        raise BadKey("the API key contains a space or a line break", "copy the key alone, without anything around it")
    if not text.isascii() or not text.isprintable():
        raise BadKey("the API key contains characters that no key has", "copy it again from the console (app.fireworks.ai)")
    if len(text) > _LONGEST_KEY:
        raise BadKey("the API key is too long to be one", "copy the key alone, without anything around it")
    return text


def account_id(text: str) -> str:
    """The bare account id that `x` and `accounts/x` both name. Raises BadAccountId when it cannot be part of a path."""
    bare = text.strip().removeprefix("accounts/")
    if not _ACCOUNT_ID.fullmatch(bare):
        raise BadAccountId(
            "this is not the form of an account id", "write it as in accounts/<id>: letters, digits, '-', '_' and '.'"
        )
    return bare


class Credential(NamedTuple):
    """Something that can sign in, and where it was found.

    `origin` and `place` name it ("firectl profile default", "~/.fireworks/auth.ini"). `problem` says why it cannot be
    used here; then `key` is None. `account_id` is what the place itself says, and may be None. `profile` is the name of
    firectl's profile it comes from ("default" without one), None when it comes from elsewhere. `named`: the user named the
    profile or the file, so that nothing after it may take its place in silence.
    """

    key: Secret | None
    origin: str
    place: str
    kind: Kind = "api_key"
    account_id: str | None = None
    problem: str = ""
    profile: str | None = None
    named: bool = False

    @classmethod
    def pasted(cls, text: str, account: str | None = None) -> Self:
        """A key the user typed; kept in memory only. Raises BadKey and BadAccountId."""
        return cls(Secret(check_key(text)), "pasted key", "this session", account_id=account and account_id(account))

    @property
    def through_firectl(self) -> bool:
        """Whether firectl can sign in with it though we cannot: a profile with a browser sign-in and no key."""
        return self.kind == "sso" and self.profile is not None

    @property
    def account_by_firectl(self) -> str | None:
        """The account that firectl itself can open with it though we cannot sign in."""
        return self.account_id if self.through_firectl else None

    @property
    def of_no_choice(self) -> bool:
        """Whether it is of a profile of firectl's that is neither the default one nor named by anybody."""
        return self.profile not in (None, "default") and not self.named

    @property
    def usable(self) -> bool:
        """Whether a call can be made with it."""
        return self.key is not None and not self.problem

    @property
    def hint(self) -> str:
        """The last four characters of the key, to tell keys apart; '' for a key too short for that."""
        value = self.key.reveal() if self.key else ""
        return value[-4:] if len(value) >= 12 else ""

    def require_key(self) -> Secret:
        """The key. Raises SignInRefused where there is none to send."""
        if self.key is None or self.problem:
            raise SignInRefused(f"{self.origin} cannot sign in here", self.problem or "it has no API key")
        return self.key


def find_credentials(environ: Mapping[str, str], home: Path) -> list[Credential]:
    """Everything on this machine that can sign in, or nearly can, the one to prefer first.

    The environment comes before firectl's files; with FIREWORKS_PROFILE set, that profile comes before both. A place that
    is named but cannot be used is listed with its `problem`. Reads files only; calls nobody.
    """
    return _Search(environ, home).found()


class _Search:
    """One look at the environment and at the files below `~/.fireworks`."""

    def __init__(self, environ: Mapping[str, str], home: Path) -> None:
        self.environ = environ
        self.home = home
        self.seen: set[Path] = set()

    def found(self) -> list[Credential]:
        folder = self.home / ".fireworks"
        account = self.environ.get(ACCOUNT_VARIABLE) or None
        chosen = self.environ.get(PROFILE_VARIABLE, "")
        candidates: list[Credential | None] = []
        if chosen:
            candidates.append(self.profile(folder, chosen, account))
        if key := self.environ.get(KEY_VARIABLE):
            candidates.append(_credential(key, KEY_VARIABLE, "environment", account, account_from=ACCOUNT_VARIABLE))
        if named := self.environ.get(AUTH_FILE_VARIABLE):
            file = self.file(Path(named), f"file of {AUTH_FILE_VARIABLE}", account, must_exist=True)
            candidates.append(file and file._replace(named=True))
        candidates.append(self.of_profile(folder / "auth.ini", "default", account))
        candidates += [self.of_profile(path, path.parent.name, None) for path in _profiles(folder)]
        return [candidate for candidate in candidates if candidate]

    def profile(self, folder: Path, name: str, account: str | None) -> Credential | None:
        """The profile the user chose: its own account counts before the environment's."""
        if name == "default" and not _is_there(folder / "profiles" / name):
            return self.of_profile(folder / "auth.ini", name, account, chosen=True)
        if not _PROFILE.fullmatch(name):
            problem = "that is not the name of a profile"
            return Credential(None, "firectl profile", f"--profile or {PROFILE_VARIABLE}", problem=problem, named=True)
        path = folder / "profiles" / name / "auth.ini"
        return self.of_profile(path, name, account, chosen=True)

    def of_profile(self, path: Path, name: str, account: str | None, *, chosen: bool = False) -> Credential | None:
        """The sign-in of one of firectl's profiles, which the user may have `chosen`."""
        found = self.file(path, f"firectl profile {name}", account, file_first=chosen, must_exist=chosen)
        return found and found._replace(profile=name, named=chosen)

    def file(
        self, path: Path, origin: str, account: str | None, *, file_first: bool = False, must_exist: bool = False
    ) -> Credential | None:
        """The sign-in of one auth.ini; None when there is no such file, nothing in it, or it was listed before."""
        try:
            path = expanded(path)
            real = resolved(path)
        except OSError as error:
            return Credential(None, origin, self.shown(path), problem=f"cannot be read: {error.strerror}")
        place = self.shown(path)
        if real in self.seen:
            return None
        self.seen.add(real)
        try:
            auth = read_auth_file(path)
            settings = read_auth_file(path.with_name("settings.ini")) or AuthFile()
        except UnreadableFileError as error:
            return Credential(None, origin, place, problem=f"cannot be read: {error}")
        if auth is None:
            return Credential(None, origin, place, problem="there is no such file") if must_exist else None
        own = auth.account_id or settings.account_id or None
        chosen = (own or account) if file_first else (account or own)
        account_from = ACCOUNT_VARIABLE if chosen and chosen == account else place
        if auth.api_key:
            return _credential(auth.api_key, origin, place, chosen, account_from=account_from)
        if not auth.signed_in:
            return Credential(None, origin, place, problem="has no API key") if must_exist else None
        return _credential("", origin, place, chosen, account_from=account_from)._replace(kind="sso", problem=SSO_ONLY)

    def shown(self, path: Path) -> str:
        try:
            return f"~/{path.relative_to(self.home).as_posix()}"
        except ValueError:
            return str(path)


def _is_there(path: Path) -> bool:
    try:
        return mode_of(path) is not None
    except OSError:
        return False


def _profiles(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in (folder / "profiles").glob("*/auth.ini") if _PROFILE.fullmatch(path.parent.name))
    except OSError:
        return []


def _credential(key: str, origin: str, place: str, account: str | None, *, account_from: str) -> Credential:
    problem, secret, bare = "", None, None
    try:
        secret = Secret(check_key(key)) if key else None
        bare = account_id(account) if account else None
    except BadSetting as error:
        problem = str(error) if isinstance(error, BadKey) else f"{account_from}: {error}"
        secret = None
    return Credential(secret, origin, place, account_id=bare, problem=problem)
