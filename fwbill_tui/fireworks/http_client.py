"""httpx's client, made as the environment says: proxies in HTTPS_PROXY and its like, certificates in SSL_CERT_FILE."""

from __future__ import annotations

import os
from urllib.request import getproxies

import httpx

from fwbill_tui.fireworks.errors import BadSetting, UntrustedConnection, one_line

CERTIFICATES_VARIABLE = "SSL_CERT_FILE"


def new_client(*, direct: bool, timeout: httpx.Timeout, user_agent: str) -> httpx.Client:
    """A client that follows no redirects; a `direct` one leaves the environment unread.

    Raises BadSetting for proxies, and UntrustedConnection for certificates, that cannot be used as they are set.
    """
    try:
        return httpx.Client(timeout=timeout, follow_redirects=False, trust_env=not direct, headers={"User-Agent": user_agent})
    except OSError as error:  # ssl's errors, too
        raise _no_certificates(error, "" if direct else os.environ.get(CERTIFICATES_VARIABLE, "")) from None
    except (ValueError, httpx.InvalidURL):
        raise _no_proxy() from None  # httpx's text may hold a proxy's password


def _no_certificates(error: OSError, file: str) -> UntrustedConnection:
    reason = one_line(error.strerror or str(error)).partition(" (_ssl")[0]
    if not file:
        return UntrustedConnection(f"the certificates of certifi cannot be read ({reason})", "install certifi anew")
    said = f"{CERTIFICATES_VARIABLE} names {file}, which holds no certificates that can be read ({reason})"
    return UntrustedConnection(said, "name a file of certificates (PEM) in it, or unset it")


def _no_proxy() -> BadSetting:
    proxies = getproxies()
    for kind in ("http", "https", "all"):
        address = proxies.get(kind)
        if address and not _is_proxy(address):
            said = f"{_variable(kind)} is not the address of a proxy that can be used"
            return BadSetting(said, "write it as http://host:port or socks5://host:port, or unset it")
    said = f"{_variable('no')} is not a list of hosts that need no proxy"
    return BadSetting(said, "write it as host,host or unset it")


def _is_proxy(address: str) -> bool:
    try:
        httpx.Proxy(address if "://" in address else f"http://{address}")
    except (ValueError, httpx.InvalidURL):
        return False
    return True


def _variable(kind: str) -> str:
    """The variable that counts, as the user wrote it."""
    name = f"{kind}_proxy"
    return name if name in os.environ else name.upper()
