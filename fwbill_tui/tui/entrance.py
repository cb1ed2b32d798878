"""From a way in (files, an account, the demo) to a source that the explorer can load."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from fwbill_tui.fireworks.credentials import ACCOUNT_VARIABLE, PROFILE_VARIABLE, Credential, account_id, find_credentials
from fwbill_tui.fireworks.endpoints import Endpoints
from fwbill_tui.fireworks.errors import NetworkError, ToolMissing
from fwbill_tui.settings import data_dir
from fwbill_tui.sources.launch import Launch
from fwbill_tui.usage.query import EVERYTHING, Query, TimeRange

if TYPE_CHECKING:  # a source brings Polars with it
    from fwbill_tui.fireworks.rest import Account
    from fwbill_tui.fireworks.retry import OnWait
    from fwbill_tui.sources.source import Source
    from fwbill_tui.tui.screens.login import Check

_DEMO_HOST = re.compile(r"demo-[0-9]+-[0-9]{4}-[0-9]{2}-[0-9]{2}(\.invalid)?")
"""The archive's names for demos. No host is below `.invalid` (RFC 2606); older versions wrote the names without it."""
FIRST_RANGE = "30d"
"""What an account is opened on when no range was asked for: one window of the export, and long enough to see a trend."""


class Opening(NamedTuple):
    """A source and the query it is opened with; `account` is named on screen and in file names."""

    source: Source
    query: Query
    account: str | None = None


class Doorway(NamedTuple):
    """Where to sign in, and what was found to sign in with."""

    endpoints: Endpoints
    credentials: tuple[Credential, ...]
    first_range: TimeRange | None = None
    """What an account is opened on; None: the last thirty days."""
    archive_host: str | None = None
    """The archive's name for this service, where its address does not last."""

    @classmethod
    def of_machine(cls, launch: Launch, environ: Mapping[str, str] | None = None) -> Doorway:
        """The real service, with what environment and firectl's files hold. Raises FireworksError for broken settings."""
        chosen = dict(os.environ if environ is None else environ)
        if launch.profile:
            chosen[PROFILE_VARIABLE] = launch.profile
        if launch.account_id:
            chosen[ACCOUNT_VARIABLE] = launch.account_id
        found = find_credentials(chosen, Path.home())
        if launch.credential is not None:
            found.insert(0, launch.credential)
        if launch.account_id:
            named = account_id(launch.account_id)
            found = [credential._replace(account_id=named) for credential in found]
        return cls(Endpoints.from_environ(chosen), tuple(found))

    def account(self, credential: Credential, account: str, launch: Launch) -> Opening:
        """The source of an account, on the last thirty days unless a range was asked for."""
        from fwbill_tui.sources.opening import open_account

        query = with_range(launch.query, self.first_range)
        choice = "auto" if launch.source == "archive" else launch.source  # who signs in after all wants more than what is kept
        source = open_account(
            self.endpoints, credential, account,
            choice=choice, keep=launch.keep, time_zone=query.time_zone, host=self.archive_host,
        )  # fmt: skip
        return Opening(source, query, account_id(account))


def check_with_archive(doorway: Doorway, launch: Launch, last_account: Callable[[Credential], str | None]) -> Check:
    """Ask the service for a credential's accounts, but not about a range that is kept whole, nor in vain where a part is.

    What was found on this machine opens what is kept on this machine: a pasted key is always tried.
    """
    from fwbill_tui.tui.screens.login import check_at

    ask = check_at(doorway.endpoints)

    def check(credential: Credential, cancelled: threading.Event, on_wait: OnWait) -> Sequence[Account]:
        known = credential.account_id or last_account(credential)
        archive = data_dir(os.environ) / "archive"
        if known is None or credential not in doorway.credentials or not os.access(archive, os.R_OK):
            return ask(credential, cancelled, on_wait)
        from fwbill_tui.fireworks.rest import Account
        from fwbill_tui.sources.archived import ArchivedSource

        opening = doorway.account(credential, known, launch)
        kept = opening.source.kept(opening.query.range) if isinstance(opening.source, ArchivedSource) else "none"
        if kept == "all":
            return [Account(known)]
        try:
            return ask(credential, cancelled, on_wait)
        except (NetworkError, ToolMissing):
            if kept == "none":
                raise
            return [Account(known)]

    return check


def demo_doorway(rows: int, stack: ExitStack) -> Doorway:
    """Start the embedded server, which ends with `stack`, and find its key. Takes some hundred milliseconds."""
    from fwbill_tui.demo.server import DemoServer

    server = stack.enter_context(DemoServer(rows))
    endpoints = Endpoints(server.base_url, server.gateway_addr)
    credential = Credential.pasted(server.api_key, server.account_ids[0])._replace(origin="demo key", place="embedded server")
    return Doorway(endpoints, (credential,), server.range, _demo_host(rows, server.range))


def _demo_host(rows: int, made: TimeRange) -> str:
    """The archive's name for a demo: its usage depends on its size and its last day. Those of other days are dropped."""
    from fwbill_tui.archive.archive import Archive, archive_folder
    from fwbill_tui.archive.errors import ArchiveError

    host = f"demo-{rows}-{made.end:%Y-%m-%d}.invalid"
    archive = Archive(archive_folder(os.environ))
    with suppress(ArchiveError):  # an archive that cannot be read is said when it is opened
        for kept in archive.accounts():
            if _DEMO_HOST.fullmatch(kept.host) and kept.host != host:
                archive.forget(kept.host, kept.account)
    return host


def open_files(arguments: tuple[str, ...], launch: Launch, *, rollup: bool | None = None) -> Opening:
    """Exported files, or rollups, as a source; None: whichever the first of them is.

    Raises what `files.inputs.expand` raises for a name that leads nowhere and, where it looks, UnreadableFile.
    """
    from fwbill_tui.sources.head_start import file_source

    source = file_source(arguments, launch, rollup=bool(rollup))
    if rollup is None and source.has_rollups():
        source = file_source(arguments, launch, rollup=True)
    return Opening(source, launch.query)


def open_kept(launch: Launch) -> Opening:
    """What is kept on disk of the account that `launch` names, for which nobody signs in."""
    from fwbill_tui.sources.opening import open_archive

    assert launch.account_id is not None
    account = account_id(launch.account_id)
    environ = os.environ | ({PROFILE_VARIABLE: launch.profile} if launch.profile else {})
    source = open_archive(Endpoints.from_environ(environ), account)
    return Opening(source, with_range(launch.query), account)


def with_range(query: Query, first: TimeRange | None = None) -> Query:
    """The query on a range as an account needs: its own, from where `first` starts if it is open; else `first`, or 30 days."""
    end = query.range.end
    if query.range.start is None and first is not None and first.start is not None and (end is None or end > first.start):
        return replace(query, range=TimeRange(first.start, end or first.end))
    if query.range != EVERYTHING:
        return query
    from fwbill_tui.usage.ranges import parse_range  # late: it brings the time zones
    from fwbill_tui.usage.zones import local_date

    today = local_date(datetime.now(UTC), query.time_zone)
    return replace(query, range=parse_range(FIRST_RANGE, today=today, time_zone=query.time_zone))
