"""A fetch into the archive that is killed at random moments, again and again, and then finished once, is complete.

FWBILL_KILLS says how often it is killed (six times unless it is set).
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

from fwbill_tui.archive.archive import Archive
from fwbill_tui.demo.faults import Delay, Fault, Faults, Reset
from fwbill_tui.demo.server import DemoServer
from fwbill_tui.usage.schema import EventTypes

KILLS = int(os.environ.get("FWBILL_KILLS", "6"))
LAST = datetime(2026, 11, 21, tzinfo=UTC)
NOW = LAST + timedelta(days=1, hours=9)
DAYS = 400

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
archive = Archive(Path(root), clock=lambda: now).account("127.0.0.1", "acme-prod")
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


def test_killed_again_and_again_and_finished_once(tmp_path: Path) -> None:
    chance = random.Random(11)
    archive = Archive(tmp_path, clock=lambda: NOW).account("127.0.0.1", "acme-prod")
    bad_line = Faults((Fault(Delay(0.02)), Fault(Reset(), share=0.05)))
    with DemoServer(8_000, end=LAST.date(), days=DAYS, faults=bad_line) as server:
        expected = server.expected()
        by_day = expected.group_by(pl.col("start_time").dt.date()).len()
        rows = dict(by_day.iter_rows())
        waiting = [start(server, tmp_path)]
        try:
            for kill in range(KILLS):
                program = waiting.pop()
                if kill + 1 < KILLS:
                    waiting.append(start(server, tmp_path))
                go(program)
                time.sleep(chance.uniform(0, 0.4))
                program.kill()
                program.communicate()
                days = archive.manifest().days
                assert all(kept.rows == rows.get(on, 0) for on, kept in days.items())
            for _ in range(5):  # a window may fail for good on such a line: then it is asked for once more
                waiting.append(start(server, tmp_path))
                go(waiting[-1])
                if waiting.pop().communicate(timeout=60)[0] == "complete\n":
                    break
        finally:
            for program in waiting:
                program.kill()
                program.communicate()
    days = archive.manifest().days
    assert len(days) == DAYS
    parts = list(archive.read([days[on] for on in sorted(days)], EventTypes()))
    assert [damage for part in parts for damage in part.damaged] == []
    assert texts(pl.concat([texts(part.events) for part in parts])).equals(texts(expected))
