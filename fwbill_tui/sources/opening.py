"""From a sign-in to the source that reads its account: which way, and with the archive in front of it or not."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from fwbill_tui.archive.archive import Archive, archive_folder
from fwbill_tui.sources.archived import ArchivedSource, Refresh
from fwbill_tui.sources.source import Source

if TYPE_CHECKING:
    from fwbill_tui.fireworks.credentials import Credential
    from fwbill_tui.fireworks.endpoints import Endpoints
    from fwbill_tui.fireworks.retry import RetryPolicy

SourceChoice = Literal["auto", "gateway", "firectl", "rest", "archive"]
ARCHIVE_VARIABLE = "FWBILL_ARCHIVE"
"""`off`, also written 0, no or false, keeps nothing on disk, as `--no-archive` does for one run."""
_OFF = frozenset({"off", "0", "no", "false"})


def open_archive(
    endpoints: Endpoints, account: str, *, host: str | None = None, environ: Mapping[str, str] | None = None
) -> ArchivedSource:
    """What is kept of an account on disk, for which nobody signs in; `host` is as in `open_account`. Raises SettingError."""
    folder = archive_folder(os.environ if environ is None else environ)
    return ArchivedSource(None, Archive(folder).account(host or endpoints.host, account), refresh="none")


def open_account(
    endpoints: Endpoints,
    credential: Credential,
    account: str,
    *,
    choice: SourceChoice = "auto",
    keep: bool = True,
    refresh: Refresh = "opening",
    time_zone: str = "UTC",
    host: str | None = None,
    environ: Mapping[str, str] | None = None,
    policy: RetryPolicy | None = None,
) -> Source:
    """The source of an account's usage.

    `auto` takes the best way that works and keeps the events it fetched, unless `keep` is False or the environment says so. A
    way that was asked for by name is taken alone: the archive neither answers for it nor keeps what it gives, so that
    what comes is what that way has. `refresh` says what is fetched although it is kept. `archive` gives what is kept and
    asks nobody. Usage by day has its days cut in `time_zone`. `host` names the archive's service where the endpoint's own
    name does not last (the demo's port).
    Raises BadAccountId and QueryError, and SettingError where FWBILL_DATA_DIR names no folder for what is kept.
    """
    from fwbill_tui.fireworks.credentials import account_id
    from fwbill_tui.sources.auto import AccountWays, AutoSource
    from fwbill_tui.sources.rest import RestSource

    account = account_id(account)
    chosen = os.environ if environ is None else environ
    if choice == "archive":
        return open_archive(endpoints, account, host=host, environ=chosen)
    if choice != "auto":
        ways = AccountWays(endpoints, credential, account, time_zone=time_zone, environ=chosen, policy=policy)
        return ways.source(choice)
    archived = keep and chosen.get(ARCHIVE_VARIABLE, "").strip().lower() not in _OFF
    ways = AccountWays(endpoints, credential, account, time_zone=time_zone, environ=chosen, policy=policy)
    if not archived:
        return AutoSource(ways)
    kept = Archive(archive_folder(chosen)).account(host or endpoints.host, account)
    if ways.closed("rest"):
        return ArchivedSource(AutoSource(ways), kept, refresh=refresh)
    by_day = RestSource(endpoints, credential, account, time_zone=time_zone, policy=policy)
    return ArchivedSource(AutoSource(ways, by_day=False), kept, by_day=by_day, refresh=refresh)
