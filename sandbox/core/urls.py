"""URLs compared as RFC 3986 §6.2 has it: without the case of scheme and host, without default ports.

Hosts have the form that Host headers are read in: no final dot, IPv6 compressed.
"""

from __future__ import annotations

import re
from urllib.parse import urljoin

from sandbox.core.hosts import format_host, parse_host

_PARTS = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*)://([^/?#]*)(.*)", re.DOTALL)
_AUTHORITY = re.compile(r"(.*@)?(\[[^\]]*\]|[^:@]*)(?::([0-9]*))?", re.DOTALL)
_DEFAULT_PORTS = {"http": "80", "https": "443"}


def canonical_url(url: str) -> str:
    """The URL with its scheme and host in their one form and without a port that goes without saying.

    Everything behind the authority stays byte for byte; what is no absolute URL stays as it is.
    """
    parts = _PARTS.fullmatch(url)
    authority = _AUTHORITY.fullmatch(parts[2]) if parts else None
    if parts is None or authority is None:
        return url
    scheme, host, port = parts[1].lower(), authority[2].lower(), authority[3]
    parsed = parse_host(host)
    name = format_host(parsed[0]) if parsed else host
    suffix = "" if port in (None, "", _DEFAULT_PORTS.get(scheme)) else f":{port}"
    return f"{scheme}://{authority[1] or ''}{name}{suffix}{parts[3]}"


def join_url(base: str, link: str) -> str:
    """A link of a stranger's, absolute; as it is when no address comes of it."""
    try:
        return urljoin(base, link)
    except ValueError:
        return link


def same_url(one: str, other: str) -> bool:
    """Whether two URLs are equal once scheme, host and port are in their one spelling."""
    return one == other or canonical_url(one) == canonical_url(other)


def relative_to(url: str, base: str) -> str:
    """What stands behind `base` and a slash in a URL; the URL itself when it is not below `base`."""
    if not base or "://" not in url:
        return url
    below = canonical_url(base) + "/"
    canonical = canonical_url(url)
    return canonical[len(below) :] if canonical.startswith(below) else url
