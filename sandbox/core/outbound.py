"""The client for URLs that strangers supply: guarded, bounded, with one deadline.

What may be called: https on the public internet; and, only while this server itself listens on
loopback, http or https on loopback. Private and link-local networks never, since a registered address
must not become a probe of the network behind the server. The name is resolved once, all of its
addresses are checked, and the connection goes to an address that was checked. Redirects are not
followed. The deadline covers the whole exchange: name, connection, TLS, head and body.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

if TYPE_CHECKING:
    import httpx

SECONDS = 5.0
"""For the whole exchange: a server that drips gets no more."""
MAX_BYTES = 65_536

Resolve = Callable[[str, int], list[str]]


@dataclass(frozen=True)
class FetchedDocument:
    """What another server answered with status 200. Names of `headers` are in lower case."""

    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Failure:
    """Why there is no document, in words that follow the name of the address."""

    reason: str


Outcome = FetchedDocument | Failure


def resolve_name(host: str, port: int) -> list[str]:
    """All addresses of a host name."""
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def check_url(url: str, loopback: bool) -> SplitResult:
    """The parts of a URL that may be called. `loopback`: whether this server listens on loopback.

    Raises ValueError with the reason, in words that follow the name of the address.
    """
    if not re.fullmatch(r"[!-~]{1,2000}", url) or "\\" in url or "#" in url:
        raise ValueError("is an absolute URL without fragment, at most 2000 visible characters")
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        raise ValueError("cannot be read as a URL") from None
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc:
        raise ValueError("is an https URL without user name")
    written = f"[{host}]" if ":" in host else host
    port = f":{parts.port}" if parts.port is not None else ""
    if parts.netloc.lower() not in (written + port, f"{written}:"):
        raise ValueError("cannot be read as a URL")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if ":" in host:
            raise ValueError("cannot be read as a URL") from None
        is_local = host == "localhost"
    else:
        is_local = address.is_loopback
        if not _is_public(address) and not is_local:
            raise ValueError("is not on the public internet")
    if is_local and not loopback:
        raise ValueError("is on loopback, and this server is not")
    if parts.scheme == "http" and not is_local:
        raise ValueError("must be https (http only on loopback)")
    return parts


async def fetch(
    url: str, loopback: bool, *, resolve: Resolve = resolve_name, seconds: float = SECONDS
) -> Outcome:
    """The document at `url`, or the reason why there is none. Never raises for what others do."""
    import httpx

    try:
        async with asyncio.timeout(seconds):
            return await _fetch(url, loopback, resolve)
    except TimeoutError:
        return Failure("answers too slowly")
    except ValueError as problem:
        return Failure(str(problem))
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as problem:
        return Failure(f"cannot be fetched ({type(problem).__name__})")


def fetch_blocking(
    url: str, loopback: bool, *, resolve: Resolve = resolve_name, seconds: float = SECONDS
) -> Outcome:
    """The same for code that has no event loop."""
    return asyncio.run(fetch(url, loopback, resolve=resolve, seconds=seconds))


async def _fetch(url: str, loopback: bool, resolve: Resolve) -> Outcome:
    import httpx

    parts = check_url(url, loopback)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    loop = asyncio.get_running_loop()
    address = _checked(await loop.run_in_executor(None, resolve, host, port), host, loopback)
    target = httpx.URL(url).copy_with(host=address)
    headers = {"Host": parts.netloc, "Accept": "application/json", "User-Agent": "payer-sandbox"}
    async with (
        httpx.AsyncClient(timeout=None, trust_env=False, follow_redirects=False, verify=_trust()) as client,  # noqa: S113  `fetch` has the deadline
        client.stream("GET", target, headers=headers, extensions={"sni_hostname": host}) as answer,
    ):
        if answer.status_code != 200:
            return Failure(f"answers {answer.status_code} (redirects are not followed)")
        body = await _bounded(answer)
    return FetchedDocument(body, dict(answer.headers))


async def _bounded(answer: httpx.Response) -> bytes:
    body = b""
    async for chunk in answer.aiter_bytes(8192):
        body += chunk
        if len(body) > MAX_BYTES:
            raise ValueError(f"answers with more than {MAX_BYTES} bytes")
    return body


def _checked(addresses: list[str], host: str, loopback: bool) -> str:
    """Return the first address if all may be called. A name with a private address is a trick."""
    parsed = [ipaddress.ip_address(text.partition("%")[0]) for text in addresses]
    is_named_local = host == "localhost" or all(address.is_loopback for address in parsed)
    for address in parsed:
        if not (_is_public(address) or (loopback and is_named_local and address.is_loopback)):
            raise ValueError("leads to an address that is not on the public internet")
    if not parsed:
        raise ValueError("has no address")
    return addresses[0]


@lru_cache(maxsize=1)
def _trust() -> ssl.SSLContext:
    """The trust store, which is slow to read: once."""
    return ssl.create_default_context()


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return address.is_global and not address.is_multicast
