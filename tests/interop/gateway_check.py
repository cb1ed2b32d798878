"""fwbill's gateway client against the vendor's own generated service; see README.md beside this for how to run it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from fwbill_tui.fireworks import errors
from fwbill_tui.fireworks.credentials import Credential
from fwbill_tui.fireworks.endpoints import Endpoints
from fwbill_tui.fireworks.gateway import Gateway
from fwbill_tui.fireworks.retry import RetryPolicy
from fwbill_tui.usage.query import TimeRange

KEY = "fw_interopKeyOfNobody"
RANGE = TimeRange(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 31, 23, 59, 59, 999_999, tzinfo=UTC))
STATUSES = {
    "CANCELLED": errors.ServiceError,
    "UNKNOWN": errors.ServiceError,
    "INVALID_ARGUMENT": errors.RequestRefused,
    "DEADLINE_EXCEEDED": errors.TimedOut,
    "NOT_FOUND": errors.NoSuchAccount,
    "ALREADY_EXISTS": errors.RequestRefused,
    "PERMISSION_DENIED": errors.NoPermission,
    "RESOURCE_EXHAUSTED": errors.TooManyRequests,
    "FAILED_PRECONDITION": errors.RequestRefused,
    "ABORTED": errors.ServiceError,
    "OUT_OF_RANGE": errors.RequestRefused,
    "UNIMPLEMENTED": errors.Unimplemented,
    "INTERNAL": errors.ServiceError,
    "UNAVAILABLE": errors.NetworkError,
    "DATA_LOSS": errors.ServiceError,
    "UNAUTHENTICATED": errors.SignInRefused,
}


def cases(client: Gateway) -> Iterator[tuple[str, bool]]:
    """Each case by name, and whether it holds."""
    urls = client.export_metrics("acme", RANGE)
    echo = parse_qs(urlsplit(urls[0]).query)
    yield "success: two links in their order", len(urls) == 2 and urls[1] == "https://two/"
    yield "success: account", echo["name"] == ["accounts/acme"]
    yield "success: start", echo["start"] == ["1790812800000000000"]
    yield "success: end, to the microsecond", echo["end"] == ["1793491199999999000"]
    yield "success: key", echo["key"] == [KEY]
    yield "a reply without a link", raised(client, "empty") is errors.UnexpectedAnswer
    for code, kind in STATUSES.items():
        for place in ("headers", "trailers"):
            yield f"{code} in {place}", raised(client, f"status-{code}-{place}") is kind


def raised(client: Gateway, account: str) -> type[BaseException] | None:
    """The kind of error that a call ends with, if it does."""
    try:
        client.export_metrics(account, RANGE)
    except errors.FireworksError as error:
        print(f"    {error}")
        return type(error)
    return None


def main() -> int:
    """Run every case against a server in the environment whose Python is the first argument."""
    if len(sys.argv) != 2:
        print(f"usage: {sys.argv[0]} PYTHON_OF_THE_VENDOR_ENVIRONMENT", file=sys.stderr)
        return 2
    command = [sys.argv[1], str(Path(__file__).with_name("vendor_server.py"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        port = int(server.stdout.readline())
        policy = RetryPolicy(attempts=2, first=0.01, first_when_limited=0.01)
        with Gateway(Endpoints(gateway_addr=f"127.0.0.1:{port}"), Credential.pasted(KEY), policy=policy) as client:
            held = [(print("ok  " if holds else "FAIL", name), holds)[1] for name, holds in cases(client)]
        server.stdin.close()
    print(f"{sum(held)} of {len(held)} cases hold")
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
