"""What the explorer is started with; the command line makes it, the screens take it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from fwbill_tui.usage.query import Query

if TYPE_CHECKING:
    from fwbill_tui.fireworks.credentials import Credential
    from fwbill_tui.sources.opening import SourceChoice


class Launch(NamedTuple):
    """How to start the explorer: on `inputs` (rollups, with `rollup`), or with `demo_rows` on the demo, or else on an account.

    `query.range` is `EVERYTHING` when no range was given. `account_id` and `profile` are what the user named on the command
    line, unchecked; they go before the environment. `credential` is what was found on the way here (the key that a command
    printed), and goes before everything else. `rejects` is where rejected rows are to be written; with `strict` they
    make the exit code 6. `source` says how an account is read; without `keep` nothing of it is kept on disk.
    `lazy` leaves the events of files on disk.
    """

    query: Query
    inputs: tuple[str, ...] = ()
    demo_rows: int | None = None
    account_id: str | None = None
    profile: str | None = None
    credential: Credential | None = None
    skip_unreadable: bool = False
    rejects: Path | None = None
    strict: bool = False
    rollup: bool = False
    lazy: bool = False
    source: SourceChoice = "auto"
    keep: bool = True
