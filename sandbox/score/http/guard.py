"""The guard decides which URLs the grader may request.

A payer's answers are full of URLs (next links, references, endpoints, redirects), and whoever writes them
decides what the grader requests next. *Data* is read only at the origin of the target, and at origins that a
facts file names. *Pages* (sign-in, token, developer portal) may be on any public host, and in a private
network only when the target is private too. Link-local addresses (cloud metadata) are never requested.
OWASP, Server-Side Request Forgery Prevention; RFC 9700 §4.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable
from typing import Literal
from urllib.parse import urlsplit

Reach = Literal["data", "page"]
Origin = tuple[str, str, int] | None
"""Scheme, host and port."""
Resolve = Callable[[str], Iterable[str]]
"""A host name to its IP addresses (text); raises OSError when there are none."""

_PORTS = {"http": 80, "https": 443}
THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


def addresses(host: str) -> list[str]:
    """Resolve a host by the system. Odd spellings of an IP address (127.1, 0x7f000001) resolve too."""
    return [str(info[4][0]) for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]


def origin(url: str) -> Origin:
    """Return scheme, host and port of an http(s) URL; None for anything else.

    Default ports are filled in, and the three names of this machine are one.
    """
    try:
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname:
            return None
        return parts.scheme, _named(parts.hostname), parts.port or _PORTS[parts.scheme]
    except ValueError:  # a port that is no number, brackets that do not close
        return None


def _named(host: str) -> str:
    host = host.lower().rstrip(".")
    return "localhost" if host in THIS_MACHINE else host


class Guard:
    """Decides, for one examination, whether a URL may be requested."""

    def __init__(self, target: str, trusted: Iterable[str] = (), resolve: Resolve = addresses):
        self._resolve = resolve
        self._target = origin(target)
        vouched = {place for place in map(origin, trusted) if place}
        self._home = vouched | ({self._target} if self._target else set())
        self._vouched = {host for _, host, _ in vouched}
        self._target_private: bool | None = None
        self._refused: dict[str, str] = {}

    def aimed_at(self, target: str) -> Guard:
        """Return a guard of another target, without trusted origins."""
        return Guard(target, (), self._resolve)

    def refuses(self, url: str, reach: Reach) -> str:
        """Return why this URL must not be requested, in one line; empty when it may be."""
        place = origin(url)
        if place is None:
            return f"not an http(s) address: {url.partition('?')[0][:80]!r}"
        if "@" in urlsplit(url).netloc:
            return "an address with a user name is not followed"
        if place in self._home:
            return ""
        scheme, host, port = place
        if self._target == ("http", host, 80) and (scheme, port) == ("https", 443):
            return ""  # the same host, better protected
        if reach == "data":
            return f"leads to another origin than the target: {scheme}://{host}:{port}"
        if self._target and self._target[0] == "https" and scheme == "http":
            return f"leads from https to plain http: {host}"
        if host not in self._refused:
            self._refused[host] = self._network(host)
        return self._refused[host]

    def admit(self, host: str) -> list[str]:
        """Resolve a host now, since names change, and return the addresses that may be connected to.

        Raises PermissionError when none is allowed, OSError when there are none.
        """
        try:
            resolved = list(self._resolve(host))
        except UnicodeError:
            resolved = []
        if not resolved:
            raise OSError(f"{host} does not resolve")
        name = _named(host)
        if name in self._vouched:
            return resolved
        if self._target and name == self._target[1]:
            resolved = resolved if self.target_is_private() else [a for a in resolved if _is_global(a)]
            if not resolved:
                raise PermissionError(f"{host} now leads into a private network")
        elif why := self._judged(host, resolved):
            raise PermissionError(why)
        return resolved

    def _network(self, host: str) -> str:
        try:
            return self._judged(host, self._resolve(host))
        except (OSError, ValueError, UnicodeError):
            return f"{host} does not resolve"

    def _judged(self, host: str, resolved: Iterable[str]) -> str:
        every = [ip for text in resolved for ip in _meant(text)]
        if any(ip.is_link_local or ip.is_unspecified or ip.is_multicast for ip in every):
            return f"leads to a link-local or reserved address: {host}"
        if any(not ip.is_global for ip in every) and not self.target_is_private():
            return f"leads into a private network other than that of the target: {host}"
        return ""

    def target_is_private(self) -> bool:
        """Return whether the target is on this machine or in a private network."""
        if self._target_private is None:
            try:
                resolved = list(self._resolve(self._target[1])) if self._target else []
                self._target_private = bool(resolved) and not any(_is_global(text) for text in resolved)
            except (OSError, ValueError, UnicodeError):
                self._target_private = False
        return self._target_private


_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052


def _is_global(text: str) -> bool:
    return all(ip.is_global for ip in _meant(text))


def _meant(text: str) -> list[_Address]:
    """Return the address, with the IPv4 address inside an IPv6 one: mapped, translated or tunnelled."""
    ip = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(ip, ipaddress.IPv4Address):
        return [ip]
    if ip.ipv4_mapped:
        return [ip.ipv4_mapped]
    last = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    inside = [last] if ip in _NAT64 else [ip.sixtofour] if ip.sixtofour else list(ip.teredo or ())
    return [ip, *inside]
