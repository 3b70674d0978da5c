"""Keys of clients that publish them at a `jwks_uri`: fetched with care, kept as HTTP says.

What may be fetched: https on the public internet; and, only while this server itself listens on
loopback, http or https on loopback. Private and link-local networks never (a registered address must
not become a probe of the network behind us). The name is resolved once and the connection goes to the
address that was checked. Redirects are not followed. What was found is kept in the ledger, so that
every worker verifies with the same keys.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import SplitResult, urlsplit

import httpx

from sandbox.auth.jwks import check_jwks
from sandbox.core.clock import stopwatch
from sandbox.core.files import json_bytes, json_value
from sandbox.store.ledger import TenantLedger
from sandbox.store.secret import digest
from sandbox.store.tenant.key import RemoteKeys

MAX_BYTES = 65_536
SECONDS = 5.0
"""For the whole answer: a server that drips does not hold a thread."""

DEFAULT_AGE, LONGEST_AGE = 300, 86_400
"""Seconds that a set is kept without, and at most with, a Cache-Control of its own."""

FETCHES, WINDOW = 6, 60_000
"""At most so many fetches of one address in so many milliseconds of the payer's clock."""

_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=\"?(\d{1,9})\"?(?=$|[\s,;])", re.IGNORECASE)

Resolve = Callable[[str, int], list[str]]


def _resolve(host: str, port: int) -> list[str]:
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def check_address(uri: str, loopback: bool) -> SplitResult:
    """The parts of a jwks_uri. `loopback`: whether this server listens on loopback. Raises ValueError
    for what may not even be registered."""
    if not re.fullmatch(r"[!-~]{1,2000}", uri) or "\\" in uri or "#" in uri:
        raise ValueError("jwks_uri is an absolute URL without fragment, at most 2000 visible characters")
    try:
        parts = urlsplit(uri)
        host = parts.hostname
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:
        raise ValueError("jwks_uri cannot be read as a URL") from None
    written = f"[{host}]" if ":" in (host or "") else host or ""
    if "@" not in parts.netloc and parts.netloc.lower() != written + port:
        raise ValueError("jwks_uri cannot be read as a URL: its host or port is odd")
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc:
        raise ValueError("jwks_uri is an https URL without user name")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        local = host == "localhost"
    else:
        local = address.is_loopback
        if not _public(address) and not local:
            raise ValueError("jwks_uri is not on the public internet")
    if local and not loopback:
        raise ValueError("jwks_uri is on loopback, and this server is not")
    if parts.scheme == "http" and not local:
        raise ValueError("jwks_uri must be https (http only on loopback)")
    return parts


@dataclass(frozen=True)
class RemoteJwks:
    """Fetches JWK Sets. `loopback`: whether this server listens on loopback."""

    loopback: bool = False
    resolve: Resolve = _resolve

    def keys(self, uri: str, ledger: TenantLedger, now: int, fresh: bool = False) -> Mapping[str, Any]:
        """The set at `uri`, from the ledger while it is current (`fresh`: fetch it whatever is kept).

        Raises ValueError with the reason when it cannot be had or may not be used.
        """
        kept = ledger.remote_keys(uri)
        if kept and not fresh and kept.fetched <= now < kept.expires:
            found: Mapping[str, Any] = json_value(kept.body)
            return found
        count, _ = ledger.window(f"jwks|{digest(uri)}", now, WINDOW)
        if count > FETCHES:
            raise ValueError("jwks_uri was fetched too often in the last minute")
        jwks, age = self.fetch(uri)
        ledger.keep_remote_keys(RemoteKeys(uri, json_bytes(jwks).decode(), now, now + age * 1000))
        return jwks

    def fetch(self, uri: str) -> tuple[Mapping[str, Any], int]:
        """The set and the seconds it may be kept. Raises ValueError."""
        try:
            body, headers = self._body(uri)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as problem:
            raise ValueError(f"jwks_uri cannot be fetched ({type(problem).__name__})") from None
        try:
            value = json_value(body)
        except ValueError:
            raise ValueError("jwks_uri does not answer with JSON") from None
        return check_jwks(value), _age(headers)

    def _body(self, uri: str) -> tuple[bytes, httpx.Headers]:
        parts = check_address(uri, self.loopback)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        address = self._checked(self.resolve(host, port), host)
        url = httpx.URL(uri).copy_with(host=address)
        headers = {"Host": parts.netloc, "Accept": "application/json", "User-Agent": "payer-sandbox"}
        started = stopwatch()
        with (
            httpx.Client(timeout=3, trust_env=False, follow_redirects=False, verify=_trust()) as http,
            http.stream("GET", url, headers=headers, extensions={"sni_hostname": host}) as answer,
        ):
            if answer.status_code != 200:
                raise ValueError(f"jwks_uri answers {answer.status_code} (redirects are not followed)")
            body = b""
            for chunk in answer.iter_bytes(8192):
                body += chunk
                if len(body) > MAX_BYTES:
                    raise ValueError(f"jwks_uri answers with more than {MAX_BYTES} bytes")
                if stopwatch() - started > SECONDS:
                    raise ValueError("jwks_uri answers too slowly")
            return body, answer.headers

    def _checked(self, addresses: list[str], host: str) -> str:
        """The first address, once all of them may be reached: a name with one public and one private
        address is a trick."""
        found = [ipaddress.ip_address(text.partition("%")[0]) for text in addresses]
        named_local = host == "localhost" or all(address.is_loopback for address in found)
        for address in found:
            if not (_public(address) or (self.loopback and named_local and address.is_loopback)):
                raise ValueError("jwks_uri leads to an address that is not on the public internet")
        if not found:
            raise ValueError("jwks_uri has no address")
        return addresses[0]


@lru_cache(maxsize=1)
def _trust() -> ssl.SSLContext:
    """Reading the trust store is slow: once."""
    return ssl.create_default_context()


def _public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return address.is_global and not address.is_multicast


def _age(headers: httpx.Headers) -> int:
    told = headers.get("Cache-Control", "").lower()
    if "no-store" in told or "no-cache" in told:
        return 0
    found = _MAX_AGE.search(told)
    return min(int(found[1]), LONGEST_AGE) if found else DEFAULT_AGE
