"""Redirect URIs are checked here before they are registered (pure).

Sources: RFC 6749 §3.1.2 (absolute, no fragment), RFC 8252 §7.1 (private-use schemes carry a domain,
so a dot), §7.3 (http on loopback), RFC 9700 §2.1 (compared as text: no patterns), RFC 6749 §3.1
(no parameter twice, so none that the answer adds).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from sandbox.auth.clients.client import answer_parameter, is_loopback

MAX_URIS, MAX_LENGTH = 20, 2000

_VISIBLE = re.compile(r"[!-~]+")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+\-]*(?:\.[A-Za-z0-9+\-]+)+")
_NAME = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?)*"
)
_IPV6 = re.compile(r"[0-9A-Fa-f:.]+")


def check_redirects(uris: Sequence[str]) -> tuple[str, ...]:
    """Return the URIs without repetitions. Raises ValueError naming the first that may not be registered."""
    if len(uris) > MAX_URIS:
        raise ValueError(f"at most {MAX_URIS} redirect URIs can be registered")
    for uri in uris:
        if problem := _problem(uri):
            raise ValueError(f"{uri[:80]!r}: {problem}")
    return tuple(dict.fromkeys(uris))


def _problem(uri: str) -> str | None:
    if len(uri) > MAX_LENGTH:
        return f"it is longer than {MAX_LENGTH} characters"
    if not _VISIBLE.fullmatch(uri) or any(char in uri for char in '\\"<>^`{|}'):
        return "it has characters that a URI cannot have"
    if "#" in uri:
        return "a redirect URI has no fragment"
    if "*" in uri:
        return "wildcards are not possible: register each URI"
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "it cannot be read as a URI"
    if name := answer_parameter(uri):
        return f"its query has {name}, which the answer to the app adds"
    if parts.scheme not in ("http", "https"):
        private = _SCHEME.fullmatch(parts.scheme) and uri.partition(":")[2]
        return None if private else "a scheme of an app's own is a reversed domain name, with a dot"
    if "@" in parts.netloc:
        return "it names a user"
    written = f"[{host}]" if ":" in host else host
    if parts.netloc.lower() != (written if port is None else f"{written}:{port}").lower():
        return "its host or port cannot be read"
    if not (_IPV6.fullmatch(host) if ":" in host else _NAME.fullmatch(host)):
        return "its host is not a host name"
    if parts.scheme == "http" and not is_loopback(host):
        return "http is for loopback only (127.0.0.1, [::1], localhost): use https"
    return None
