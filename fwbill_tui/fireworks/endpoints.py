"""Where Fireworks is: the REST address and the gateway's, and the rule that a key travels encrypted or not at all."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from fwbill_tui.fireworks.errors import BadEndpoint

BASE_URL = "https://api.fireworks.ai"
GATEWAY_ADDR = "gateway.fireworks.ai:443"
BASE_URL_VARIABLE = "FIREWORKS_BASE_URL"
GATEWAY_ADDR_VARIABLE = "FIREWORKS_GATEWAY_ADDR"

_ADDRESS = re.compile(r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::(?P<port>\d{1,5}))?")


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine itself: 127.0.0.0/8, ::1 or localhost."""
    host = host.strip("[]").lower()
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The addresses a key is sent to. Raises BadEndpoint for one that would carry it in the clear to another machine.

    `base_url` has no trailing slash and no `/v1` (`https://api.fireworks.ai`); `gateway_addr` is `host:port`.
    A loopback gateway is spoken to without TLS, every other with it.
    """

    base_url: str = BASE_URL
    gateway_addr: str = GATEWAY_ADDR

    def __post_init__(self) -> None:
        object.__setattr__(self, "base_url", _checked_url(self.base_url))
        object.__setattr__(self, "gateway_addr", _checked_address(self.gateway_addr))

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self:
        """The addresses that FIREWORKS_BASE_URL and FIREWORKS_GATEWAY_ADDR name, else Fireworks' own."""
        return cls(environ.get(BASE_URL_VARIABLE) or BASE_URL, environ.get(GATEWAY_ADDR_VARIABLE) or GATEWAY_ADDR)

    @property
    def host(self) -> str:
        """The REST host with its port where one is given, as messages name it."""
        return urlsplit(self.base_url).netloc

    @property
    def local(self) -> bool:
        """Whether the REST address is this machine (then no proxy is used)."""
        return is_loopback(urlsplit(self.base_url).hostname or "")

    @property
    def gateway_local(self) -> bool:
        """Whether the gateway is this machine (then neither TLS nor a proxy is used)."""
        return is_loopback(self.gateway_addr.rpartition(":")[0])


def _checked_url(text: str) -> str:
    refused = f"{BASE_URL_VARIABLE} is not a usable address"
    try:
        url = urlsplit(text.strip())
        host, _ = url.hostname or "", url.port
    except ValueError:
        raise BadEndpoint(refused, f"write it as {BASE_URL}") from None
    if url.scheme not in ("http", "https") or not host or url.username or url.password or url.query or url.fragment:
        raise BadEndpoint(refused, f"write it as {BASE_URL}, without a user name, ? or #")
    if not text.isascii() or not text.strip().isprintable() or " " in text.strip():
        raise BadEndpoint(refused, f"write it as {BASE_URL}")
    if url.scheme == "http" and not is_loopback(host):
        raise BadEndpoint(
            f"{BASE_URL_VARIABLE} names {host} without TLS, which would show your key to the network",
            "write https:// (plain http is for 127.0.0.1, ::1 and localhost)",
        )
    path = url.path.rstrip("/")
    for suffix in ("/v1", "/inference"):  # SDKs of the inference API put these into the same variable
        path = path.removesuffix(suffix)
    return f"{url.scheme}://{url.netloc}{path}"


def _checked_address(text: str) -> str:
    match = _ADDRESS.fullmatch(text.strip())
    if not match or int(match["port"] or 443) not in range(1, 65536):
        raise BadEndpoint(
            f"{GATEWAY_ADDR_VARIABLE} is not a usable address", f"write it as {GATEWAY_ADDR}, without https:// or a path"
        )
    return f"{match['host']}:{match['port'] or 443}"
