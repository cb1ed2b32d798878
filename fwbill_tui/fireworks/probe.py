"""Short looks at the service and at firectl, as a check-up takes them: one try each, with little patience."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx

from fwbill_tui.fireworks.child import run
from fwbill_tui.fireworks.endpoints import Endpoints
from fwbill_tui.fireworks.errors import FireworksError, UnexpectedAnswer, make, one_line
from fwbill_tui.fireworks.http import HttpSession
from fwbill_tui.fireworks.private_folder import inner_folder, private_folder
from fwbill_tui.fireworks.retry import RetryPolicy

ONCE = RetryPolicy(attempts=1, attempts_when_limited=1, timeouts=1)
QUICK = httpx.Timeout(connect=5, read=15, write=10, pool=5)
DEADLINE = 20.0
"""Seconds that one gRPC call may take."""
_VERSION_LIMIT = 5.0
_LONGEST_VERSION = 60


def clock_offset(endpoints: Endpoints, *, cancelled: threading.Event | None = None) -> timedelta:
    """How far this machine's clock is ahead of the service's (negative: behind), to a second or so; no key is sent.

    Read from the `Date` of whatever the service answers. Raises FireworksError.
    """
    where = f"clock at {endpoints.host}"
    with HttpSession(direct=endpoints.local, cancelled=cancelled, timeout=QUICK) as session:
        before = datetime.now(UTC)
        with session.get(endpoints.base_url + "/v1/accounts", where=where) as response:
            after = datetime.now(UTC)
            text = response.headers.get("Date", "")
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        raise make(UnexpectedAnswer, where, "the answer has no readable date") from None
    # It was cut to whole seconds somewhere on the way: half a second is what it lacks on average.
    there = date.replace(tzinfo=date.tzinfo or UTC) + timedelta(seconds=0.5)
    return before + (after - before) / 2 - there


def firectl_version(program: Path, *, environ: Mapping[str, str], cancelled: threading.Event | None = None) -> str:
    """What an installed firectl says of its version, or '' when it does not say.

    It runs with an empty home folder, so that it neither sees nor changes a sign-in. Raises Cancelled and StorageError.
    """
    stop = cancelled or threading.Event()
    with private_folder() as folder:
        home = inner_folder(folder, "home")
        bare = {"PATH": environ.get("PATH", os.defpath), "HOME": str(home), "NO_COLOR": "1", "TERM": "dumb"}
        for spelling in ("version", "--version"):
            try:
                ended = run(
                    [str(program), spelling],
                    environ=bare,
                    folder=folder,
                    output=folder / "nothing",
                    quiet_limit=_VERSION_LIMIT,
                    cancelled=stop,
                    on_bytes=lambda _: None,
                )
            except FireworksError:
                if stop.is_set():
                    raise
                return ""
            if ended.status == 0 and (lines := ended.said.strip().splitlines()):
                return one_line(lines[0], _LONGEST_VERSION)
    return ""
