"""Signed downloads of exports: an address of their own, a signature and an expiry in the query, and no key at all."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import ClassVar, cast
from urllib.parse import parse_qsl, urlencode, urlsplit

from fwbill_tui.demo.faults import Effect, OldHeader
from fwbill_tui.demo.http import Handler, Reply, Route, Server, Shared
from fwbill_tui.demo.journal import Side
from fwbill_tui.demo.tenants import Account
from fwbill_tui.usage.names import COLUMNS, COLUMNS_OLD
from fwbill_tui.usage.query import TimeRange

LIFETIME = timedelta(minutes=15)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs and checks download addresses with a secret that lives as long as the server."""

    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def path(self, account_id: str, window: TimeRange, *, expired: bool = False) -> str:
        """Path and query of the export of a window, good for a quarter of an hour (or not any more)."""
        assert window.start is not None
        assert window.end is not None
        expires = int(time.time()) + (-60 if expired else round(LIFETIME.total_seconds()))
        query = urlencode(
            {
                "start": (window.start - _EPOCH) // _MICROSECOND,
                "end": (window.end - _EPOCH) // _MICROSECOND,
                "expires": expires,
            }
        )
        path = f"/exports/{account_id}/billing_metrics.csv?{query}"
        return f"{path}&signature={self._signature(path)}"

    def genuine(self, path: str) -> bool:
        """Whether this server signed the address."""
        signed, _, signature = path.partition("&signature=")
        return hmac.compare_digest(self._signature(signed).encode(), signature.encode())

    def _signature(self, text: str) -> str:
        return hmac.new(self.secret, text.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Exports:
    """What the download server needs: the signer and the accounts' usage."""

    signer: Signer
    accounts: Mapping[str, Account]

    def reply(self, path: str, effects: tuple[Effect, ...]) -> Reply:
        """The export behind an address, or the refusal of a storage service."""
        url = urlsplit(path)
        if not self.signer.genuine(path):
            return _refusal(403, "SignatureDoesNotMatch", "The request signature does not match.")
        query = dict(parse_qsl(url.query))
        if int(query["expires"]) < time.time():
            return _refusal(400, "ExpiredToken", "The provided token has expired.")
        plan = self.accounts[url.path.split("/")[2]].plan
        window = TimeRange(*(_EPOCH + int(query[edge]) * _MICROSECOND for edge in ("start", "end")))
        # A file without a name: it is gone with the process, however that ends.
        file = tempfile.TemporaryFile()  # noqa: SIM115  (sent and closed by the handler)
        try:
            plan.write_csv(file, window, columns=COLUMNS_OLD if OldHeader() in effects else COLUMNS)
        except BaseException:
            file.close()
            raise
        return Reply(file, headers={"Content-Type": "text/csv"})


class DownloadServer(Server):
    """The address of the signed downloads, apart from the API's."""

    def __init__(self, exports: Exports, shared: Shared) -> None:
        self.exports = exports
        super().__init__(DownloadHandler, shared)


class DownloadHandler(Handler):
    """Answers a signed address with its CSV."""

    side: ClassVar[Side] = "download"

    def find(self, _body: bytes) -> Route:
        """The route of the current request."""
        query = dict(parse_qsl(urlsplit(self.path).query))
        window = None
        if query.get("start", "").isdigit() and query.get("end", "").isdigit():
            window = TimeRange(*(_EPOCH + int(query[edge]) * _MICROSECOND for edge in ("start", "end")))
        exports = cast(DownloadServer, self.server).exports
        return Route("download", lambda effects: exports.reply(self.path, effects), window)


def _refusal(status: int, code: str, message: str) -> Reply:
    """An error as Google's storage service words it."""
    body = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Reply(body.encode(), status, {"Content-Type": "application/xml; charset=UTF-8"})
