"""The messages against the frames of the public contract: five bytes (flag, length) and the message."""

from __future__ import annotations

import struct
from datetime import UTC, datetime

from fwbill_tui.fireworks.proto import gateway_pb2 as messages


def framed(message: bytes) -> str:
    return (struct.pack(">BI", 0, len(message)) + message).hex()


def test_the_export_request() -> None:
    request = messages.ExportBillingMetricsRequest(name="accounts/acme")
    request.start_time.seconds = int(datetime(2026, 10, 1, tzinfo=UTC).timestamp())
    request.end_time.seconds = int(datetime(2026, 10, 2, tzinfo=UTC).timestamp())
    assert framed(request.SerializeToString()) == ("000000001f0a0d6163636f756e74732f61636d6512060880c5f6d5061a060880e8fbd506")


def test_the_balance() -> None:
    assert framed(messages.GetBalanceRequest(name="accounts/acme").SerializeToString()) == (
        "000000000f0a0d6163636f756e74732f61636d65"
    )
    balance = messages.Balance.FromString(bytes.fromhex("000000000f0a0d0a03555344100c1880fa8fa201")[5:])
    assert (balance.money.currency_code, balance.money.units, balance.money.nanos) == ("USD", 12, 340_000_000)


def test_names_are_those_of_the_service() -> None:
    service = messages.DESCRIPTOR.services_by_name["Gateway"]
    assert service.full_name == "gateway.Gateway"
    method = service.methods_by_name["ExportBillingMetrics"]
    assert method.input_type.full_name == "gateway.ExportBillingMetricsRequest"
    assert method.output_type.full_name == "gateway.ExportBillingMetricsResponse"


def test_unknown_fields_and_any_order_are_read() -> None:
    known = messages.ExportBillingMetricsResponse(signed_urls=["https://a"]).SerializeToString()
    assert list(messages.ExportBillingMetricsResponse.FromString(b"\x3a\x01x" + known + b"\x40\x01").signed_urls) == ["https://a"]
