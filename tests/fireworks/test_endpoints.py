from __future__ import annotations

import pytest

from fwbill_tui.fireworks.endpoints import Endpoints, is_loopback
from fwbill_tui.fireworks.errors import BadEndpoint


def test_without_settings_it_is_fireworks_itself() -> None:
    endpoints = Endpoints.from_environ({"FIREWORKS_BASE_URL": ""})
    assert endpoints == Endpoints("https://api.fireworks.ai", "gateway.fireworks.ai:443")
    assert not endpoints.local
    assert not endpoints.gateway_local


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("https://api.fireworks.ai/", "https://api.fireworks.ai"),
        ("https://api.fireworks.ai/inference/v1", "https://api.fireworks.ai"),
        ("https://api.fireworks.ai/v1/", "https://api.fireworks.ai"),
        ("https://proxy.corp:8443/fireworks", "https://proxy.corp:8443/fireworks"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.9.8.7:1", "http://127.9.8.7:1"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
        ("http://LOCALHOST:1/", "http://LOCALHOST:1"),
    ],
)
def test_a_base_url_is_tidied(given: str, meant: str) -> None:
    assert Endpoints(base_url=given).base_url == meant


@pytest.mark.parametrize(
    "url",
    [
        "http://api.fireworks.ai",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "http://0.0.0.0:80",
        "http://10.0.0.1",
        "http://2130706433",
        "http://127.1",
        "https://user:secret@api.fireworks.ai",
        "https://api.fireworks.ai?x=1",
        "ftp://api.fireworks.ai",
        "api.fireworks.ai",
        "https://",
        "https://[::1",
        "https://a:99999",
        "https://a b",
        "https://a\nb",
    ],
)
def test_an_address_that_would_leak_the_key_is_refused(url: str) -> None:
    with pytest.raises(BadEndpoint, match="FIREWORKS_BASE_URL") as caught:
        Endpoints(base_url=url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "meant", "local"),
    [
        ("gateway.fireworks.ai", "gateway.fireworks.ai:443", False),
        ("127.0.0.1:50051", "127.0.0.1:50051", True),
        ("[::1]:50051", "[::1]:50051", True),
        ("localhost:1", "localhost:1", True),
        ("localhost.evil.example:1", "localhost.evil.example:1", False),
        ("10.0.0.1:1", "10.0.0.1:1", False),
    ],
)
def test_only_a_loopback_gateway_is_spoken_to_without_tls(given: str, meant: str, local: bool) -> None:
    endpoints = Endpoints(gateway_addr=given)
    assert (endpoints.gateway_addr, endpoints.gateway_local) == (meant, local)


@pytest.mark.parametrize(
    "address", ["https://gateway.fireworks.ai", "unix:/tmp/x", "dns:///x", "a:0", "a:70000", "a b", "::1", ""]
)
def test_a_gateway_address_is_host_and_port(address: str) -> None:
    with pytest.raises(BadEndpoint, match="FIREWORKS_GATEWAY_ADDR"):
        Endpoints(gateway_addr=address)


def test_loopback_is_this_machine_and_nothing_that_looks_like_it() -> None:
    assert all(map(is_loopback, ["127.0.0.1", "127.255.255.254", "::1", "[::1]", "localhost"]))
    assert not any(map(is_loopback, ["", "128.0.0.1", "::2", "localhost.", "ip6-localhost", "1.127.0.0"]))
