"""firectl's `auth.ini` and `settings.ini`, read as leniently as the vendor's own readers do.

Usually there is no section header; `[fireworks]`, `[default]` and others occur, as do quotes, comments and `api-key`.
"""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import NamedTuple

_LARGEST = 1 << 20
_SECTION = re.compile(r"\[\s*([^\]]*?)\s*\]")
_SETTING = re.compile(r"(?:export\s+)?([A-Za-z][\w-]*)\s*[=:]\s*(.*)")
_PREFERRED = ("", "default", "fireworks")


class UnreadableFileError(Exception):
    """The file is there but cannot be read; the message says why."""


class AuthFile(NamedTuple):
    """What one file says; '' for what it does not say. `signed_in`: it holds the tokens of a browser sign-in (SSO)."""

    api_key: str = ""
    account_id: str = ""
    signed_in: bool = False

    def __repr__(self) -> str:
        return f"AuthFile(account_id={self.account_id!r}, signed_in={self.signed_in})"  # never the key


def read_auth_file(path: Path) -> AuthFile | None:
    """The settings of a file, or None when there is none. Raises UnreadableFileError."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableFileError("it is not a regular file")
        if status.st_size > _LARGEST:
            raise UnreadableFileError("it is too large to be one of firectl's files")
        text = path.read_bytes().decode("utf-8-sig", "replace")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise UnreadableFileError(getattr(error, "strerror", None) or "the path is not valid") from None
    return parse_auth_file(text)


def parse_auth_file(text: str) -> AuthFile:
    """The settings of a file's text; lines that are no setting are passed over, as the vendor's readers do."""
    settings: dict[str, str] = {}
    elsewhere: dict[str, str] = {}
    section = ""
    for line in map(str.strip, text.splitlines()):
        if not line or line[0] in "#;":
            continue
        if header := _SECTION.match(line):
            section = header[1].lower()
        elif setting := _SETTING.fullmatch(line):
            name = setting[1].lower().replace("-", "_")
            target = settings if section in _PREFERRED else elsewhere
            if value := _value(setting[2]):
                target.setdefault(name, value)
    everything = elsewhere | settings
    return AuthFile(
        api_key=everything.get("api_key", ""),
        account_id=everything.get("account_id", ""),
        signed_in="id_token" in everything or "refresh_token" in everything,
    )


def _value(text: str) -> str:
    """A setting's value without its quotes and without a comment after it."""
    text = text.strip()
    if text[:1] in ("'", '"') and (end := text.find(text[0], 1)) > 0:
        return text[1:end]
    return re.split(r"\s+[#;]", text, maxsplit=1)[0].strip() if text[:1] not in ("#", ";") else ""
