"""A demo server with fixed usage, and plain clients for each of its sides (httpx and grpc themselves, none of fwbill's).

Makes the helpers beside the tests importable (`demo_support`).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import pytest

from fwbill_tui.demo.faults import NO_FAULTS
from fwbill_tui.demo.server import DemoServer
from fwbill_tui.fireworks.proto import gateway_pb2 as pb
from fwbill_tui.usage.query import TimeRange

sys.path.insert(0, str(Path(__file__).parent))
from demo_support import END, WEEK, Export


@pytest.fixture(scope="module")
def shared_server() -> Iterator[DemoServer]:
    with DemoServer(rows=6_000, end=END) as server:
        yield server
        assert server.errors == ()


@pytest.fixture
def server(shared_server: DemoServer) -> Iterator[DemoServer]:
    shared_server.faults = NO_FAULTS
    shared_server.forget_requests()
    yield shared_server
    shared_server.faults = NO_FAULTS


@pytest.fixture
def api(server: DemoServer) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {server.api_key}"}
    with httpx.Client(base_url=server.base_url, headers=headers, timeout=30, trust_env=False) as client:
        yield client


@pytest.fixture
def store() -> Iterator[httpx.Client]:
    """A client for the signed downloads, without any key."""
    with httpx.Client(timeout=30, trust_env=False) as client:
        yield client


@pytest.fixture
def channel(server: DemoServer) -> Iterator[grpc.Channel]:
    options = (("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0))
    with grpc.insecure_channel(server.gateway_addr, options=options) as channel:
        yield channel


@pytest.fixture
def export(server: DemoServer, channel: grpc.Channel) -> Export:
    """Ask for an export and return its signed URLs; raises grpc.RpcError."""
    call = channel.unary_unary(
        "/gateway.Gateway/ExportBillingMetrics",
        request_serializer=pb.ExportBillingMetricsRequest.SerializeToString,
        response_deserializer=pb.ExportBillingMetricsResponse.FromString,
    )

    def ask(
        window: TimeRange = WEEK, *, account: str = "acme-prod", key: str | None = server.api_key, timeout: float = 30
    ) -> list[str]:
        request = pb.ExportBillingMetricsRequest(name=f"accounts/{account}")
        if window.start:
            request.start_time.FromDatetime(window.start)
        if window.end:
            request.end_time.FromDatetime(window.end)
        metadata = () if key is None else (("x-api-key", key),)
        return list(call(request, metadata=metadata, timeout=timeout).signed_urls)

    return ask
