"""The invented accounts and the keys that open them, and the refusals that both REST and gRPC give."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from fwbill_tui.demo import cast
from fwbill_tui.demo.generator import DAYS, MIN_ROWS, Plan
from fwbill_tui.usage.query import TimeRange

LONGEST_WINDOW = timedelta(days=31)

API_KEY = "fw_demoAcmeProdAndStagingKey7Q2x"
STAGING_KEY = "fw_demoAcmeStagingOnlyKey4mT9"
POWERLESS_KEY = "fw_demoInferenceOnlyKeyZb31"


class RefusedError(Exception):
    """A request that is turned down: HTTP status, name of the gRPC status, and the message."""

    def __init__(self, http: int, grpc: str, message: str) -> None:
        super().__init__(message)
        self.http = http
        self.grpc = grpc
        self.message = message


@dataclass(frozen=True, slots=True)
class Account:
    """An invented account and its usage."""

    id: str
    display_name: str
    email: str
    plan: Plan
    created: datetime


@dataclass(frozen=True, slots=True)
class Key:
    """What a key may do: the accounts it sees, and whether its owner administers them."""

    secret: str = field(repr=False)
    account_ids: tuple[str, ...]
    user: str
    admin: bool = False


class Tenants:
    """The accounts and keys of one server."""

    def __init__(self, rows: int, *, seed: int, end: date | None, api_key: str, days: int = DAYS) -> None:
        created = datetime(2025, 2, 3, 9, 30, tzinfo=UTC)
        accounts = (
            Account("acme-prod", "Acme", "billing@acme.dev", Plan(rows, seed=seed, end=end, days=days), created),
            Account(
                "acme-staging",
                "Acme (staging)",
                "billing@acme.dev",
                Plan(max(MIN_ROWS, rows // 5), seed=seed + 1, end=end, days=days),
                created + timedelta(days=40),
            ),
        )
        self.accounts = {account.id: account for account in accounts}
        keys = (
            Key(api_key, ("acme-prod", "acme-staging"), cast.ANA, admin=True),
            Key(STAGING_KEY, ("acme-staging",), cast.CI),
            Key(POWERLESS_KEY, (), cast.SOREN),
        )
        self._keys = {key.secret: key for key in keys}

    def key(self, secret: str | None) -> Key:
        """The key a request carries. Raises RefusedError (401) for none or an unknown one."""
        key = self._keys.get(secret or "")
        if key is None:
            message = "invalid API key" if secret else "no API key given"
            raise RefusedError(401, "UNAUTHENTICATED", message)
        return key

    def visible(self, key: Key) -> list[Account]:
        """The accounts of a key, by name. Raises RefusedError (403) for a key that may see none."""
        if not key.account_ids:
            raise RefusedError(403, "PERMISSION_DENIED", "this API key has no permission to read accounts")
        return [self.accounts[account_id] for account_id in key.account_ids]

    def account(self, key: Key, account_id: str) -> Account:
        """One account. Raises RefusedError: 404 over REST and PERMISSION_DENIED over gRPC for one the key cannot see."""
        for account in self.visible(key):
            if account.id == account_id:
                return account
        raise RefusedError(404, "PERMISSION_DENIED", f"account {account_id!r} not found or not accessible with this API key")


def checked_window(start: datetime | None, end: datetime | None) -> TimeRange:
    """A requested window. Raises RefusedError (400) for a missing edge, an empty window, or one of more than 31 days."""
    if start is None or end is None:
        raise RefusedError(400, "INVALID_ARGUMENT", "start_time and end_time are required")
    if start >= end:
        raise RefusedError(400, "INVALID_ARGUMENT", "validation failed: start_time must be before end_time")
    if end - start > LONGEST_WINDOW:
        raise RefusedError(400, "INVALID_ARGUMENT", "the time range must not exceed 31 days")
    return TimeRange(start.astimezone(UTC), end.astimezone(UTC))
