"""Exports and answers that are damaged in every way: no crash, no hang, each row either read or rejected with a reason.

FWBILL_MALFORMED says how many are made (400 unless it is set), seven in ten of them CSV files that are opened as downloads are,
the others JSON bodies that a real server answers with. FWBILL_MALFORMED=10000 pytest on this file takes some two minutes.
FWBILL_SEED makes others.
"""

from __future__ import annotations

import copy
import gzip
import json
import os
import random
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import polars as pl

from fwbill_tui.demo.generator import Plan
from fwbill_tui.demo.server import DemoServer
from fwbill_tui.fireworks.credentials import Credential
from fwbill_tui.fireworks.download import open_download
from fwbill_tui.fireworks.endpoints import Endpoints
from fwbill_tui.fireworks.errors import FireworksError
from fwbill_tui.fireworks.rest import RestClient
from fwbill_tui.fireworks.retry import RetryPolicy
from fwbill_tui.sources.rest import RestSource
from fwbill_tui.usage.csv_reader import TooManyLabels, read_csv
from fwbill_tui.usage.names import COLUMNS, COLUMNS_OLD, ExportFormatError
from fwbill_tui.usage.query import TimeRange
from fwbill_tui.usage.schema import EventTypes, Reject

CASES = int(os.environ.get("FWBILL_MALFORMED", "400"))
SEED = int(os.environ.get("FWBILL_SEED", "1"))
LAST = date(2026, 11, 21)
LIMIT = 20.0
"""Seconds after which one of them hangs; they take milliseconds."""
ODD_CELLS = (
    b"", b" ", b"-1", b"1e999", b"NaN", b"inf", b"9" * 30, b"0x10", b"1,5", b"null", b"\x00", b"\xff\xfe", b"\xed\xa0\x80",
    b'"', b'""', b'"a"b', b'"a\nb"', b"'", b"\t", b"2026-02-30 00:00:00 UTC", b"0000-00-00", b"99999-01-01 00:00:00 UTC",
    b"2026-10-01T09:02:24Z", b"2026-10-01 09:02:24.123456789 UTC", b"2026-10-01 24:00:00 UTC", b"=1+1", b"\x1b[31m",
    b"x" * 70_000,
    "‮gnp".encode(), "é".encode("latin-1"), "🧨".encode(), b"\r", b"\r\r", b"-0", b"1_000", b"+5", b" 7 ", b"1.0", b"1.5",
    b"9223372036854775807", b"9223372036854775808", b"-9223372036854775809",
)  # fmt: skip
ODD_HEADERS = (
    b"", b"start_time", b"usage_type", b"start_time,start_time,usage_type", b",".join([b"x"] * 600), b"\xff\xfe", b"a;b;c",
    b'"start_time","usage_type"', b"START_TIME,USAGE_TYPE", b" start_time , usage_type ", b"start_time\tusage_type",
    b"<!doctype html><title>503</title>", b"PK\x03\x04", b"\x1f\x8b\x08\x00", b"\x28\xb5\x2f\xfd", b"PAR1", b"{",
    b"start_time,usage_type,",
)  # fmt: skip


@contextmanager
def no_hang(what: str) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def ring(*_: Any) -> None:
        raise AssertionError(f"{what} hangs")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, LIMIT)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def told_well(said: str) -> bool:
    """Whether it is one line of a length that a person reads, without anything that steers a terminal."""
    return said.isprintable() and 20 < len(said) < 4_000


# -- CSV ---------------------------------------------------------------------------------------------------------------
def exports() -> list[list[bytes]]:
    """A few good exports, line by line without their ends."""
    made = []
    for seed, columns in ((1, COLUMNS), (2, COLUMNS_OLD), (3, COLUMNS)):
        frame = Plan(1_000, seed=seed, end=LAST).events().sample(60, seed=seed).select(columns)
        made.append(frame.write_csv(datetime_format="%Y-%m-%d %H:%M:%S UTC").encode().splitlines())
    return made


EXPORTS = exports()


def damaged_csv(chance: random.Random) -> bytes:
    """An export, damaged in up to four ways."""
    header, *rows = chance.choice(EXPORTS)
    rows = chance.sample(rows, chance.choice((0, 1, 2, 3, 8, 20, 40)))
    ends = chance.choice((b"\n", b"\n", b"\r\n", b"\r"))
    for _ in range(chance.randrange(3)):
        cells = rows and (at := chance.randrange(len(rows))) is not None and rows[at].split(b",")
        match chance.randrange(7):
            case 0 if cells:
                cells[chance.randrange(len(cells))] = chance.choice(ODD_CELLS)
                rows[at] = b",".join(cells)
            case 1 if cells:
                cells.insert(chance.randrange(len(cells) + 1), chance.choice(ODD_CELLS))
                rows[at] = b",".join(cells)
            case 2 if cells:
                del cells[chance.randrange(len(cells))]
                rows[at] = b",".join(cells)
            case 3:
                rows.insert(
                    chance.randrange(len(rows) + 1), chance.choice((b"", header, b",,,", chance.randbytes(20), b'"', b" "))
                )
            case 4 if chance.random() < 0.3:
                header = chance.choice(ODD_HEADERS)
            case 5:
                names = header.split(b",")
                chance.shuffle(names)
                header = b",".join(names)
            case _:
                names = header.split(b",")
                names[chance.randrange(len(names))] = chance.choice(
                    (b"", b"x", b'"', b"cost", names[0], b"\xff", b"prompt_tokens ")
                )
                header = b",".join(names)
    data = ends.join((header, *rows, *([b""] if chance.random() < 0.8 else [])))
    for _ in range(chance.choice((0, 0, 0, 1, 1, 2))):
        at, end = sorted(chance.randrange(len(data) + 1) for _ in range(2))
        end = min(end, at + 30)
        match chance.randrange(8):
            case 0:
                data = data[:at]
            case 1:
                data = data[:at] + data[end:]
            case 2:
                data = data[:end] + data[at:]
            case 3:
                data = data[:at] + chance.randbytes(chance.randrange(1, 9)) + data[at:]
            case 4:
                data = data[:at] + chance.choice((b'"', b",", b"\n", b"\r", b"\x00", b'"\n', b'",', b"\xef\xbb\xbf")) + data[at:]
            case 5:
                data = chance.choice((b"\xef\xbb\xbf", b"\n\n", b"\xff\xfe", b"# comment\n")) + data
            case 6 if chance.random() < 0.3:
                data = data.decode("utf-8", "replace").encode(chance.choice(("utf-16", "utf-16-le", "utf-32")))
            case 7 if chance.random() < 0.3:
                data = gzip.compress(data, 1)
                data = data[: chance.randrange(len(data) + 1)] if chance.random() < 0.5 else data
            case _:
                data = data.replace(b",", chance.choice((b";", b"\t", b"|", b",,")))
    return data


def expected_rows(data: bytes) -> range | None:
    """How many rows there may be by the lines that are not blank; None where quotes make that another question."""
    if b'"' in data or data[:2] == b"\x1f\x8b":
        return None
    lines = [line.removesuffix("\r") for line in data.decode("utf-8-sig", "surrogateescape").split("\n")]
    header, *rows = lines
    if not header.strip():
        return None
    rows = [row for row in rows if row.strip()]
    # Exports that were put together repeat their header, which is no row where it can be told.
    repeated = sum(_names(row) == _names(header) for row in rows)
    return range(len(rows) - repeated, len(rows) + 1)


def _names(header: str) -> list[str]:
    return [name.strip(" \t\r\ufeff") for name in header.split(",")]


def read_as_a_download(data: bytes, path: Path, chunk_bytes: int) -> tuple[pl.DataFrame, list[Reject]]:
    path.write_bytes(data)
    with open_download(path, "acme 2026-10-01..2026-10-31") as stream:
        batches = list(read_csv(stream, source="acme", types=EventTypes(), chunk_bytes=chunk_bytes))
    return pl.concat([batch.events for batch in batches]), [reject for batch in batches for reject in batch.rejects]


def test_damaged_exports(tmp_path: Path) -> None:
    refused = read = rejected = counted = 0
    for case in range(CASES * 7 // 10):
        chance = random.Random(f"{SEED}/csv/{case}")
        data = damaged_csv(chance)
        with no_hang(f"case {case}: {data[:200]!r}"):
            said = ""
            try:
                events, rejects = read_as_a_download(data, tmp_path / "export", chance.choice((64, 1_000, 4 << 20)))
            except (FireworksError, ExportFormatError, TooManyLabels) as error:
                said = str(error) or "nothing"
        if said:
            assert told_well(said), (case, said)
            refused += 1
            continue
        assert events.select(pl.col("start_time", "usage_type").null_count()).row(0) == (0, 0), case
        for reject in rejects:
            assert reject.reason, case
            assert str(reject).isprintable(), case
            assert reject.line >= 2, case
        assert len({reject.line for reject in rejects}) == len(rejects), case
        rows = expected_rows(data)
        if rows is not None:
            assert events.height + len(rejects) in rows, (case, data)
            counted += 1
        read += events.height
        rejected += len(rejects)
    print(
        f"{CASES * 7 // 10:,} files: {refused:,} refused, {read:,} rows read, {rejected:,} rejected; counted in {counted:,} files"
    )
    assert min(refused, read, rejected, counted) > 0


# -- JSON --------------------------------------------------------------------------------------------------------------
ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 1e308, 2**63, 2**200, "", "x", "12", "-5", "1e5", "NaN", [], [[]], {}, {"": None},
    {"x": {"y": 1}},
    "2026-10-01T00:00:00Z", "2026-10-01", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-13-01T00:00:00Z", "\x1b[2J",
    "\ud800",
    "accounts/../x", "A_NEW_ENUM_VALUE", float("nan"), float("inf"), "x" * 5_000, ["x"] * 300, "‮",
)  # fmt: skip
ODD_BODIES = (
    b"", b" ", b"null", b"[]", b"7", b'"x"', b"{", b"}", b"{}", b"<html></html>", b"\xff\xfe{}", b"\x00", b"[" * 50_000,
    b'{"a":' * 5_000,
    b'{"serverlessCosts":[' + b"{}," * 1_000 + b"{}]}", b"data: {}\n\n", b"{}{}", b"\xef\xbb\xbf{}", b"NaN",
)  # fmt: skip


def nodes(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a JSON value, as its container and key."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(items):
        yield value, key
        yield from nodes(inner)


def damaged_json(good: str, chance: random.Random) -> bytes:
    """A good answer, damaged in some places or in its bytes."""
    answer = json.loads(good)
    for _ in range(chance.choice((0, 1, 1, 1, 2, 5))):
        places = list(nodes(answer))
        if not places:
            break
        container, key = chance.choice(places)
        match chance.randrange(5):
            case 0:
                del container[key]
            case 1 if isinstance(container, list):
                container.insert(key, copy.deepcopy(container[key]))
            case 2 if isinstance(container, dict):
                name = chance.choice(("new_field", "costNanoUsd", "group", "startTime", "", "x" * 300, "annotations"))
                container[name] = copy.deepcopy(container[key])
            case _:
                container[key] = copy.deepcopy(chance.choice(ODD_VALUES))
    body = json.dumps(answer, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")
    match chance.randrange(12):
        case 0:
            return chance.choice(ODD_BODIES)
        case 1:
            return body[: chance.randrange(len(body) + 1)]
        case 2:
            at = chance.randrange(len(body) + 1)
            return body[:at] + chance.randbytes(chance.randrange(1, 5)) + body[at + chance.randrange(4) :]
        case _:
            return body


@contextmanager
def answering(body: Callable[[], bytes], length: Callable[[], bool]) -> Iterator[str]:
    """The address of a server that answers everything with 200 and the body of the moment."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            content = body()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            if length():
                self.send_header("Content-Length", str(len(content)))
            else:
                self.send_header("Connection", "close")
                self.close_connection = True
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def process_request(self, request: Any, client_address: Any) -> None:
            request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            super().process_request(request, client_address)

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def good_answers() -> tuple[str, str]:
    """What the embedded server says of usage and of accounts, cut to a few entries."""
    import httpx

    with DemoServer(1_000, end=LAST) as server, httpx.Client(base_url=server.base_url, trust_env=False) as client:
        client.headers["Authorization"] = f"Bearer {server.api_key}"
        query = {"startTime": "2026-11-18T00:00:00Z", "endTime": "2026-11-20T00:00:00Z", "groupBy": ["model_name", "api_key_id"]}
        usage = client.get("/v1/accounts/acme-prod/billingUsage", params=query).json()
        accounts = client.get("/v1/accounts").text
    return json.dumps({name: rows[:3] for name, rows in usage.items()}), accounts


def test_damaged_answers() -> None:
    usage, accounts = good_answers()
    quick = RetryPolicy(attempts=2, first=0.0005, longest=0.001)
    window = TimeRange(datetime(2026, 11, 18, tzinfo=UTC), datetime(2026, 11, 18, tzinfo=UTC) + timedelta(days=2))
    now: dict[str, Any] = {"body": b"", "length": True}
    refused = read = 0
    with answering(lambda: now["body"], lambda: now["length"]) as url:
        endpoints, credential = Endpoints(url), Credential.pasted("fw_malformedMalformed")
        for case in range(CASES * 3 // 10):
            chance = random.Random(f"{SEED}/json/{case}")
            listing = case % 5 == 0
            now["body"], now["length"] = damaged_json(accounts if listing else usage, chance), chance.random() < 0.7
            with no_hang(f"case {case}: {now['body'][:200]!r}"):
                said = ""
                try:
                    if listing:
                        with RestClient(endpoints, credential, policy=quick) as client:
                            read += len(client.accounts())
                        continue
                    source = RestSource(endpoints, credential, "acme", policy=quick, workers=1)
                    options: dict[str, Any] = {"types": EventTypes(), "progress": lambda _: None, "cancelled": threading.Event()}
                    height = sum(batch.events.height for batch in source.batches(window, **options))
                except (FireworksError, TooManyLabels) as error:
                    said = str(error) or "nothing"
            if said:
                assert told_well(said), (case, said)
                refused += 1
                continue
            answer = json.loads(now["body"])
            asked_for = sum(len(answer.get(name) or ()) for name in ("serverlessCosts", "dedicatedCosts", "trainingCosts"))
            # An answer that does not tell keys apart is asked for by parts: then each part is read from its own answer.
            assert height == asked_for, (case, now["body"])
            read += height
    print(f"{CASES * 3 // 10:,} answers: {refused:,} refused, {read:,} entries read")
    assert min(refused, read) > 0
