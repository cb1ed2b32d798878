"""A fetch into the archive that is killed at random moments, again and again, and then finished once, is complete.

FWBILL_KILLS says how often it is killed (six times unless it is set): FWBILL_KILLS=200 pytest -s, on this file, takes minutes.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from fwbill_tui.archive.account import AccountArchive
from fwbill_tui.archive.archive import Archive
from fwbill_tui.demo.faults import Delay, Fault, Faults, Reset
from fwbill_tui.demo.server import DemoServer
from fwbill_tui.usage.schema import EventTypes

KILLS = int(os.environ.get("FWBILL_KILLS", "6"))
LAST = datetime(2026, 11, 21, tzinfo=UTC)
NOW = LAST + timedelta(days=1, hours=9)
DAYS = 400
HOST = "host"

FETCHER = """
import sys, threading
from datetime import datetime
from pathlib import Path
from fwbill_tui.archive.archive import Archive
from fwbill_tui.fireworks.credentials import Credential
from fwbill_tui.fireworks.endpoints import Endpoints
from fwbill_tui.sources.account import AccountSource
from fwbill_tui.sources.archived import ArchivedSource
from fwbill_tui.usage.query import TimeRange
from fwbill_tui.usage.schema import EventTypes
from datetime import UTC
root, url, gateway, start, end, now = sys.argv[1:]
start, end, now = (datetime.fromisoformat(text).astimezone(UTC) for text in (start, end, now))
archive = Archive(Path(root), clock=lambda: now).account("host", "acme-prod")
inner = AccountSource(Endpoints(url, gateway), Credential.pasted(sys.stdin.readline().strip()), "acme-prod", workers=2)
source = ArchivedSource(inner, archive, clock=lambda: now)
print("ready", flush=True)
sys.stdin.readline()
for batch in source.batches(TimeRange(start, end), types=EventTypes(), progress=lambda _: None, cancelled=threading.Event()):
    pass
print("complete" if source.provenance().complete else source.provenance().missing, flush=True)
"""


def start(server: DemoServer, root: Path) -> subprocess.Popen[str]:
    first, end = LAST - timedelta(days=DAYS - 1), LAST + timedelta(days=1)
    arguments = [str(root), server.base_url, server.gateway_addr, first.isoformat(), end.isoformat(), NOW.isoformat()]
    program = subprocess.Popen(
        [sys.executable, "-c", FETCHER, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert program.stdin is not None
    program.stdin.write(f"{server.api_key}\n")
    program.stdin.flush()
    return program


def go(program: subprocess.Popen[str]) -> None:
    assert program.stdout is not None
    assert program.stdin is not None
    assert program.stdout.readline() == "ready\n"
    program.stdin.write("go\n")
    program.stdin.flush()


def texts(events: pl.DataFrame) -> pl.DataFrame:
    plain = events.select(pl.all().cast(pl.String))
    return plain.sort(plain.columns)


def kept_events(archive: AccountArchive) -> pl.DataFrame:
    """Everything that is kept, as text; damage is an error."""
    days = archive.manifest().days
    parts = list(archive.read([days[on] for on in sorted(days)], EventTypes()))
    assert [damage for part in parts for damage in part.damaged] == []
    return texts(pl.concat([texts(part.events) for part in parts]))


def finish(server: DemoServer, root: Path) -> None:
    """Fetch once more without being killed. On such a line a window may fail for good: then it is asked for again."""
    for _ in range(5):
        program = start(server, root)
        go(program)
        if program.communicate(timeout=60)[0] == "complete\n":
            return
    raise AssertionError("the line is not that bad")


def test_killed_again_and_again_and_finished_once(tmp_path: Path) -> None:
    """Whenever so many kills have let a fetch come to its end, it is compared, and the next one begins with nothing."""
    chance = random.Random(11)
    archives = Archive(tmp_path, clock=lambda: NOW)
    archive = archives.account(HOST, "acme-prod")
    bad_line = Faults((Fault(Delay(0.05)), Fault(Reset(), share=0.05)))
    seen: set[int] = set()
    with DemoServer(8_000, end=LAST.date(), days=DAYS, faults=bad_line) as server:
        expected = texts(server.expected())
        by_day = server.expected().group_by(pl.col("start_time").dt.date()).len()
        rows = dict(by_day.iter_rows())
        waiting = [start(server, tmp_path)]
        try:
            kills = 0
            while kills < KILLS:
                program = waiting.pop()
                waiting.append(start(server, tmp_path))
                go(program)
                time.sleep(chance.uniform(0, 0.8))
                program.kill()
                ended = program.communicate()[0] == "complete\n"
                kills += not ended  # one that had ended could not be killed
                days = archive.manifest().days
                assert all(kept.rows == rows.get(on, 0) for on, kept in days.items())
                seen.add(len(days))
                if ended or len(days) == DAYS:
                    finish(server, tmp_path)
                    assert kept_events(archive).equals(expected)
                    archives.forget(HOST, "acme-prod")
            finish(server, tmp_path)
        finally:
            for program in waiting:
                program.kill()
                program.communicate()
    assert len(archive.manifest().days) == DAYS
    assert kept_events(archive).equals(expected)
    print(f"{kills} kills, with so many days kept: {sorted(seen)}")
    if KILLS > 50:
        assert len(seen) > 8, "they were killed with more and more days kept"
