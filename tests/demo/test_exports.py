"""Exports as a client gets them: a call over a real gRPC channel, then plain HTTP on the signed addresses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import grpc
import httpx
import polars as pl
import pytest
from demo_support import WEEK, Export, as_text, read
from polars.testing import assert_frame_equal

from fwbill_tui.demo.faults import ExpiredLinks, Fault, Faults, Gzip, Links, OldHeader
from fwbill_tui.demo.server import DemoServer
from fwbill_tui.fireworks.proto import gateway_pb2 as pb
from fwbill_tui.usage.names import COLUMNS, COLUMNS_OLD
from fwbill_tui.usage.query import TimeRange


def code(error: pytest.ExceptionInfo[grpc.RpcError]) -> grpc.StatusCode:
    return error.value.code()


def test_export_holds_the_events_of_its_window(server: DemoServer, export: Export, store: httpx.Client) -> None:
    (url,) = export()
    answer = store.get(url)
    assert answer.headers["content-type"] == "text/csv"
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert_frame_equal(read(answer.content), as_text(server.expected(WEEK)))
    assert read(answer.content).height > 100


def test_windows_of_the_whole_range_give_every_event_once(server: DemoServer, export: Export, store: httpx.Client) -> None:
    assert server.range.start is not None
    assert server.range.end is not None
    edges = [server.range.start + timedelta(days=days) for days in (0, 31, 62, 90)]
    windows = [TimeRange(edges[n], edges[n + 1]) for n in range(3)]
    parts = [read(store.get(export(window)[0]).content) for window in windows]
    assert_frame_equal(pl.concat(parts), as_text(server.expected()))


def test_download_is_another_address_and_gets_no_key(server: DemoServer, export: Export, store: httpx.Client) -> None:
    (url,) = export()
    store.get(url)
    call, download = server.requests
    assert (call.side, call.method, call.path) == ("grpc", "ExportBillingMetrics", "accounts/acme-prod")
    assert call.headers["x-api-key"] == server.api_key
    assert download.side == "download"
    assert url.startswith(server.downloads_url)
    assert server.downloads_url != server.base_url
    assert server.api_key not in str(download.headers) + download.path


def test_export_without_times_is_of_the_last_day(server: DemoServer, export: Export, store: httpx.Client) -> None:
    now = datetime.now(UTC)
    (url,) = export(TimeRange())
    events = read(store.get(url).content)
    assert events.height <= server.expected(TimeRange(now - timedelta(days=1, minutes=1), None)).height


@pytest.mark.parametrize(("key", "account", "status"), [
    (None, "acme-prod", "UNAUTHENTICATED"),
    ("fw_wrong", "acme-prod", "UNAUTHENTICATED"),
    ("staging", "acme-prod", "PERMISSION_DENIED"),
    ("powerless", "acme-prod", "PERMISSION_DENIED"),
    ("main", "nobody", "PERMISSION_DENIED"),
])  # fmt: skip
def test_export_is_refused(server: DemoServer, export: Export, key: str | None, account: str, status: str) -> None:
    keys = {"main": server.api_key, "staging": server.staging_key, "powerless": server.powerless_key}
    with pytest.raises(grpc.RpcError) as error:
        export(account=account, key=keys.get(key or "", key))
    assert code(error) is grpc.StatusCode[status]


def test_more_than_thirty_one_days_are_refused(export: Export) -> None:
    start = datetime(2026, 10, 1, tzinfo=UTC)
    assert len(export(TimeRange(start, start + timedelta(days=31)))) == 1
    with pytest.raises(grpc.RpcError) as error:
        export(TimeRange(start, start + timedelta(days=31, seconds=1)))
    assert code(error) is grpc.StatusCode.INVALID_ARGUMENT
    assert "31 days" in error.value.details()


def test_accounts_and_balance(server: DemoServer, channel: grpc.Channel) -> None:
    accounts = channel.unary_unary(
        "/gateway.Gateway/ListAccounts",
        request_serializer=pb.ListAccountsRequest.SerializeToString,
        response_deserializer=pb.ListAccountsResponse.FromString,
    )
    balance = channel.unary_unary(
        "/gateway.Gateway/GetBalance",
        request_serializer=pb.GetBalanceRequest.SerializeToString,
        response_deserializer=pb.Balance.FromString,
    )
    metadata = (("x-api-key", server.api_key),)
    names = [account.name for account in accounts(pb.ListAccountsRequest(), metadata=metadata, timeout=5).accounts]
    assert names == ["accounts/acme-prod", "accounts/acme-staging"]
    money = balance(pb.GetBalanceRequest(name=names[0]), metadata=metadata, timeout=5).money
    assert (money.currency_code, money.units) == ("USD", 1_234)


def test_unknown_call_is_unimplemented(channel: grpc.Channel) -> None:
    with pytest.raises(grpc.RpcError) as error:
        channel.unary_unary("/gateway.Gateway/ListInvoices")(b"", timeout=5)
    assert code(error) is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("change", ["x", "&end=1795305600000000", ""])
def test_tampered_address_is_refused(export: Export, store: httpx.Client, change: str) -> None:
    (url,) = export()
    tampered = url + change if change else url.replace("acme-prod", "acme-staging")
    assert store.get(tampered).status_code == 403


def test_several_addresses_share_the_window(server: DemoServer, export: Export, store: httpx.Client) -> None:
    server.faults = Faults((Fault(Links(3)),))
    urls = export()
    parts = [read(store.get(url).content) for url in urls]
    assert len(urls) == 3
    assert all(part.columns == list(COLUMNS) for part in parts)
    assert_frame_equal(pl.concat(parts), as_text(server.expected(WEEK)))


def test_no_address_at_all(server: DemoServer, export: Export) -> None:
    server.faults = Faults((Fault(Links(0)),))
    assert export() == []


def test_expired_address_then_a_good_one(server: DemoServer, export: Export, store: httpx.Client) -> None:
    server.faults = Faults((Fault(ExpiredLinks(), times=1),))
    expired = store.get(export()[0])
    assert (expired.status_code, "ExpiredToken" in expired.text) == (400, True)
    assert store.get(export()[0]).status_code == 200


@pytest.mark.parametrize("encoded", [True, False])
def test_compressed_download(server: DemoServer, export: Export, store: httpx.Client, encoded: bool) -> None:
    import gzip

    (url,) = export()
    plain = store.get(url).content
    server.faults = Faults((Fault(Gzip(encoded), route="download"),))
    with store.stream("GET", url) as answer:
        raw = b"".join(answer.iter_raw())
    assert int(answer.headers["content-length"]) == len(raw) < len(plain)
    assert answer.headers.get("content-encoding") == ("gzip" if encoded else None)
    assert gzip.decompress(raw) == plain


def test_header_changes_between_windows(server: DemoServer, export: Export, store: httpx.Client) -> None:
    server.faults = Faults((Fault(OldHeader(), window=WEEK),))
    later = TimeRange(WEEK.end, datetime(2026, 11, 12, tzinfo=UTC))
    old, new = (read(store.get(export(window)[0]).content) for window in (WEEK, later))
    assert old.columns == list(COLUMNS_OLD)
    assert new.columns == list(COLUMNS)
    assert_frame_equal(old, as_text(server.expected(WEEK)).select(COLUMNS_OLD))
