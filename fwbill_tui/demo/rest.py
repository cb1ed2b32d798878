"""The REST side of the embedded server: accounts, verifyApiKey and the billing endpoints of the wire contract."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit
from zoneinfo import ZoneInfo

from fwbill_tui.demo import billing
from fwbill_tui.demo.http import Handler, Reply, Route, json_reply
from fwbill_tui.demo.journal import Side
from fwbill_tui.demo.tenants import Account, Key, RefusedError, checked_window
from fwbill_tui.usage.query import QueryError, TimeRange

_ROUTES = (
    ("GET", r"/verifyApiKey", "verifyApiKey"),
    ("GET", r"/v1/accounts", "accounts"),
    ("GET", r"/v1/accounts/(?P<account>[^/:]+)", "account"),
    ("GET", r"/v1/accounts/(?P<account>[^/:]+)/billingUsage", "billingUsage"),
    ("GET", r"/v1/accounts/(?P<account>[^/:]+)/billing/summary", "summary"),
    ("POST", r"/v1/accounts/(?P<account>[^/:]+)/usageCosts:query", "usageCosts"),
    ("GET", r"/v1/accounts/(?P<account>[^/:]+)/quotas", "quotas"),
    ("GET", r"/v1/accounts/(?P<account>[^/:]+)/quotas/(?P<quota>[^/:]+)", "quota"),
)
_OLDEST_COSTS = timedelta(days=100)
_COST_DIMENSIONS = ("HOUR", "DAY", "MODEL", "USER", "API_KEY")


class RestHandler(Handler):
    """Routes a request, checks its key and account, and answers in protobuf's JSON."""

    side: ClassVar[Side] = "rest"

    def find(self, body: bytes) -> Route:
        """The route of the current request."""
        url = urlsplit(self.path)
        query = parse_qs(url.query)
        for method, pattern, name in _ROUTES:
            match = re.fullmatch(pattern, url.path)
            if match and method == self.command:
                return self._route(name, match.groupdict(), query, body)
        return Route("rest.unknown", lambda _: self._unknown())

    def _route(self, name: str, path: dict[str, str], query: dict[str, list[str]], body: bytes) -> Route:
        request = _Request(query, body)

        def answer(_: object) -> Reply:
            key = self.shared.tenants.key(self._bearer())
            if name in ("verifyApiKey", "accounts"):
                return self._verified(key) if name == "verifyApiKey" else json_reply(self._accounts(key, request))
            account = self.shared.tenants.account(key, unquote(path["account"]))
            answers: dict[str, Callable[[], object]] = {
                "account": lambda: _account_json(account),
                "billingUsage": lambda: _billing_usage(account, request),
                "summary": lambda: _summary(account, request),
                "usageCosts": lambda: _usage_costs(account, key, request),
                "quotas": lambda: _quotas(account),
                "quota": lambda: _quota(account, path["quota"]),
            }
            return json_reply(answers[name]())

        return Route(f"rest.{name}", answer, request.window)

    def _bearer(self) -> str | None:
        scheme, _, key = (self.headers.get("Authorization") or "").partition(" ")
        return key if scheme.lower() == "bearer" else None

    def _verified(self, key: Key) -> Reply:
        accounts = self.shared.tenants.visible(key)
        reply = json_reply({})
        reply.headers["x-fireworks-account-id"] = accounts[0].id
        return reply

    def _accounts(self, key: Key, request: _Request) -> dict[str, object]:
        accounts = self.shared.tenants.visible(key)
        size = min(request.integer("pageSize") or 50, 200)
        first = request.integer("pageToken")
        page = accounts[first : first + size]
        more = first + size < len(accounts)
        return {
            "accounts": [_account_json(account) for account in page],
            "nextPageToken": str(first + size) if more else "",
            "totalSize": len(accounts),
        }

    def _unknown(self) -> Reply:
        raise RefusedError(404, "NOT_FOUND", "Not Found")


class _Request:
    """The parameters of a request: a query, or a JSON body."""

    def __init__(self, query: dict[str, list[str]], body: bytes) -> None:
        self._query = query
        try:
            content = json.loads(body) if body else {}
        except ValueError:
            content = {}
        self.body: dict[str, Any] = content if isinstance(content, dict) else {}

    def text(self, name: str) -> str:
        """A parameter as text, '' when absent."""
        return self._query.get(name, [str(self.body.get(name, ""))])[-1]

    def texts(self, name: str) -> Sequence[str]:
        """A repeated parameter."""
        repeated = self._query.get(name, self.body.get(name, []))
        return [str(value) for value in repeated] if isinstance(repeated, list) else []

    def integer(self, name: str) -> int:
        """A number, 0 when absent or not a number."""
        text = self.text(name)
        return int(text) if text.isascii() and text.isdigit() else 0

    def moment(self, name: str) -> datetime | None:
        """A time with its offset; None when absent or unreadable."""
        try:
            moment = datetime.fromisoformat(self.text(name))
        except ValueError:
            return None
        return moment.astimezone(UTC) if moment.tzinfo else None

    @property
    def window(self) -> TimeRange | None:
        """The range asked for, if it is one at all."""
        start, end = self.moment("startTime"), self.moment("endTime")
        try:
            return None if start is None and end is None else TimeRange(start, end)
        except QueryError:
            return None

    def checked_window(self) -> TimeRange:
        """The range asked for. Raises RefusedError for one the service would not take."""
        return checked_window(self.moment("startTime"), self.moment("endTime"))


def _account_json(account: Account) -> dict[str, object]:
    created = account.created.isoformat().replace("+00:00", "Z")
    return {
        "name": f"accounts/{account.id}",
        "displayName": account.display_name,
        "createTime": created,
        "updateTime": created,
        "accountType": "ENTERPRISE",
        "email": account.email,
        "state": "READY",
        "status": {"code": "OK", "message": ""},
        "suspendState": "UNSUSPENDED",
    }


def _billing_usage(account: Account, request: _Request) -> dict[str, object]:
    usage_type = request.text("usageType")
    if usage_type not in ("", "USAGE_TYPE_UNSPECIFIED", *billing.STREAMS):
        raise RefusedError(400, "INVALID_ARGUMENT", f"invalid value {usage_type!r} for usageType")
    name = request.text("timezone") or "UTC"
    try:
        zone = ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise RefusedError(400, "INVALID_ARGUMENT", f"unknown timezone {name!r}") from None
    window = request.checked_window()
    return billing.billing_usage(account, window, usage_type=usage_type, zone=zone, group_by=request.texts("groupBy"))


def _summary(account: Account, request: _Request) -> dict[str, object]:
    start, end = request.moment("startTime"), request.moment("endTime")
    if start is None or end is None or start.date() >= end.date():
        raise RefusedError(400, "INVALID_ARGUMENT", "start_time must be before end_time")
    midnight = {"hour": 0, "minute": 0, "second": 0, "microsecond": 0}
    window = TimeRange(start.replace(**midnight), end.replace(**midnight))  # type: ignore[arg-type]
    return billing.summary(account, window, daily=request.text("granularity") == "DAILY")


def _usage_costs(account: Account, key: Key, request: _Request) -> dict[str, object]:
    window = request.checked_window()
    assert window.start is not None
    if window.start < datetime.now(UTC) - _OLDEST_COSTS:
        raise RefusedError(400, "INVALID_ARGUMENT", "start_time must not be more than 100 days in the past")
    group_by = request.texts("groupBy")
    if len(group_by) > 2 or {"HOUR", "DAY"} <= set(group_by) or not set(group_by) <= set(_COST_DIMENSIONS):
        raise RefusedError(400, "INVALID_ARGUMENT", f"group_by takes at most two of {', '.join(_COST_DIMENSIONS)}")
    own = request.text("scope") == "SELF"
    if not own and not key.admin:
        raise RefusedError(403, "PERMISSION_DENIED", "scope ACCOUNT is for account administrators")
    return billing.usage_costs(account, window, group_by=group_by, user=key.user if own else None)


def _quotas(account: Account) -> dict[str, object]:
    quotas = [_monthly_spend(account), _quota_json(account, "h100-us-iowa-1", 16, 32, 4.0)]
    return {"quotas": quotas, "nextPageToken": "", "totalSize": len(quotas)}


def _quota(account: Account, quota_id: str) -> dict[str, object]:
    for quota in (_monthly_spend(account), _quota_json(account, "h100-us-iowa-1", 16, 32, 4.0)):
        if str(quota["name"]).endswith(f"/{quota_id}"):
            return quota
    raise RefusedError(404, "NOT_FOUND", f"quota {quota_id!r} not found")


def _monthly_spend(account: Account) -> dict[str, object]:
    now = datetime.now(UTC)
    month = TimeRange(now.replace(day=1, hour=0, minute=0, second=0, microsecond=0), now)
    spent = sum(line.nanos for line in billing.rated_lines(account.plan, month)) / 1_000_000_000
    return _quota_json(account, "monthly-spend-usd", 50_000, 50_000, round(spent, 2))


def _quota_json(account: Account, quota_id: str, value: int, maximum: int, usage: float) -> dict[str, object]:
    return {
        "name": f"accounts/{account.id}/quotas/{quota_id}",
        "value": str(value),
        "maxValue": str(maximum),
        "usage": usage,
        "updateTime": account.created.isoformat().replace("+00:00", "Z"),
    }
