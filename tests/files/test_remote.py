"""Files in object storage, through Polars' own readers, on a local S3-compatible server."""

from __future__ import annotations

import gzip
import io
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest

from fwbill_tui.files.inputs import UnreadableFile, expand
from fwbill_tui.files.reading import read_inputs
from fwbill_tui.files.rollup_reader import read_rollups
from fwbill_tui.usage.rollup_ledger import COLUMNS
from fwbill_tui.usage.schema import EventTypes, Reject

HEADER = "start_time,usage_type,email,prompt_tokens"
BUCKET = "usage"
Put = Callable[[str, bytes], None]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = pytest.importorskip("moto.server", reason="the S3-compatible server comes with the extra `test`")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTO_S3_DEFAULT_KEY_BUFFER_SIZE", str(1 << 30))  # in memory: it leaves the files of larger objects open
        running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        running.start()
        host, port = running.get_host_and_port()
        yield f"http://{host}:{port}"
        running.stop()


@pytest.fixture
def put(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Put:
    """Put objects into a bucket that the environment leads to, as it does to anyone's."""
    import boto3

    settings = {
        "AWS_ENDPOINT_URL": endpoint, "AWS_ALLOW_HTTP": "true", "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
    }  # fmt: skip
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3")
    client.create_bucket(Bucket=BUCKET)
    return lambda key, body: client.put_object(Bucket=BUCKET, Key=key, Body=body)


def read(*urls: str, types: EventTypes | None = None) -> tuple[list[str | None], list[Reject]]:
    """The users of all events, in their order, and the rejects."""
    batches = list(read_inputs(expand(urls), types=types or EventTypes()))
    users = [user for batch in batches for user in batch.events.get_column("email").cast(pl.String)]
    return users, [reject for batch in batches for reject in batch.rejects]


def rows(*users: str) -> bytes:
    return "\n".join([HEADER, *(f"2026-10-01 09:00:00 UTC,TEXT,{user},1" for user in users), ""]).encode()


def parquet(frame: pl.DataFrame) -> bytes:
    stream = io.BytesIO()
    frame.write_parquet(stream)
    return stream.getvalue()


def test_csv_keeps_the_reject_rules(put: Put) -> None:
    put("csv/a.csv", f'{HEADER}\r\n2026-10-01 09:00:00 UTC,TEXT,"a\nb",1\r\n\r\nsoon,TEXT,no,1\r\n2026-10-01,T,c,1'.encode())
    put("csv/b.csv.gz", gzip.compress(rows("d")))
    users, rejects = read(f"s3://{BUCKET}/csv/a.csv", f"s3://{BUCKET}/csv/b.csv.gz", f"s3a://{BUCKET}/csv/a.csv")
    assert users == ["a\nb", "d"]
    assert [(reject.source, reject.line, reject.column) for reject in rejects] == [
        (f"s3://{BUCKET}/csv/a.csv", 5, "start_time"), (f"s3://{BUCKET}/csv/a.csv", 6, "start_time"),
    ]  # fmt: skip


def test_a_pattern_gives_its_objects_in_the_order_of_their_names_each_with_its_own_header(put: Put) -> None:
    for number in (2, 1):
        put(f"many/{number}.csv", rows(f"u{number}", f"v{number}"))
    put("many/3.csv", b"usage_type,start_time\nTEXT,2026-10-01 09:00:00 UTC\nTEXT,late\n")
    users, rejects = read(f"s3://{BUCKET}/many/*.csv")
    assert users == ["u1", "v1", "u2", "v2", None]
    assert [(reject.source, reject.line) for reject in rejects] == [(f"s3://{BUCKET}/many/3.csv", 3)]


def test_parquet_whatever_columns_each_object_has(put: Put) -> None:
    frame = pl.DataFrame({"start_time": ["2026-10-01 09:00:00 UTC"], "usage_type": ["TEXT"], "email": ["a"]})
    put("pq/1.parquet", parquet(frame))
    put("pq/2.parquet", parquet(frame.with_columns(email=pl.lit("b"), prompt_tokens=7, region=pl.lit("eu"))))
    put("pq/3.parquet", parquet(frame.clear()))
    assert read(f"s3://{BUCKET}/pq/*.parquet") == (["a", "b"], [])
    assert read(f"s3://{BUCKET}/pq/2.parquet") == (["b"], [])


def test_what_follows_an_object_that_cannot_be_read_is_said_to_be_missing(put: Put) -> None:
    told: list[UnreadableFile] = []
    for number, body in ((1, rows("a")), (2, b"a,b\n1,2\n"), (3, rows("c"))):
        put(f"some/{number}.csv", body)
    batches = list(read_inputs(expand([f"s3://{BUCKET}/some/*.csv"]), types=EventTypes(), on_unreadable=told.append))
    assert sum(batch.event_count for batch in batches) == 1
    assert "2.csv" in str(told[0])
    assert "nothing that follows is read, either: name its objects one by one" in str(told[0])


def test_a_rollup_in_a_bucket(put: Put) -> None:
    put("r/1.csv", (",".join(COLUMNS) + "\n2026-10-01 09:00:00,TEXT,,,,,3,1,0,1,0,0\n").encode())
    (batch,) = read_rollups(expand([f"s3://{BUCKET}/r/*.csv"]), types=EventTypes())
    assert batch.events.get_column("events").to_list() == [3]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"s3://{BUCKET}/bad/none.csv", "there is no such object, or no such bucket"),
        (f"s3://{BUCKET}/bad/none.parquet", "there is no such object, or no such bucket"),
        ("s3://not-there/bad/none.parquet", "there is no such object, or no such bucket"),
        (f"s3://{BUCKET}/none/*.csv", "no such object, or none that has anything in it"),
        (f"s3://{BUCKET}/none/*.parquet", "no object matches"),
        (f"s3://{BUCKET}/bad/", r"name objects that end in .*such as s3://usage/bad/\*\.parquet"),
        (f"s3://{BUCKET}/bad/latin.csv", "bytes that are not UTF-8 text: download it"),
        (f"s3://{BUCKET}/bad/cut.csv.gz", "unexpected end of file"),
        (f"s3://{BUCKET}/bad/text.parquet", "magic"),
        (f"s3://{BUCKET}/bad/other.csv", "not a usage export: no column start_time"),
    ],
)
def test_what_cannot_be_read_is_said_plainly(put: Put, url: str, said: str) -> None:
    put("bad/latin.csv", rows("a") + b"2026-10-01 09:00:00 UTC,TEXT,\xff,1\n")
    put("bad/cut.csv.gz", gzip.compress(rows(*map(str, range(1000))))[:-20])
    put("bad/text.parquet", rows("a"))
    put("bad/other.csv", b"a,b\n1,2\n")
    with pytest.raises(UnreadableFile, match=said) as refused:
        read(url)
    assert "xml" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_store_that_is_not_there(monkeypatch: pytest.MonkeyPatch, put: Put) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(UnreadableFile, match="the store cannot be reached"):
        read("s3://elsewhere/a.csv")


def test_a_local_path_is_none(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="no such file or folder"):
        expand([str(tmp_path / "s3:" / "a.csv")])
