"""Host names: those that the server answers to, its public URL, and its trusted proxies."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from sandbox.core.errors import UsageError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = re.compile(rf"({_LABEL}(?:\.{_LABEL})*\.?|\[[0-9A-Fa-f:.]+\])(?::(\d{{0,5}}))?")
_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)*")
HOST_MAX = 260
"""Characters of a Host header: a name has 253 at most."""

_DEFAULT_PORTS = {"http": 80, "https": 443}
_PRIVATE_SUFFIXES = (".localhost", ".internal", ".local", ".test", ".home.arpa")
"""Names below these cannot be registered by a stranger (RFC 6761, 6762, 8375; ICANN for .internal)."""

_LOOPBACK_NETWORKS: tuple[Network, ...] = (
    ipaddress.IPv4Network("127.0.0.0/8"),
    ipaddress.IPv6Network("::1/128"),
)


def parse_host(text: str) -> tuple[str, int | None] | None:
    """The canonical name and the port of a Host header; None for what is no host.

    Names are lower-case without a final dot; IPv6 addresses are compressed and without brackets. A port may
    be empty (RFC 3986 §3.2.3).
    """
    match = _HOST.fullmatch(text) if len(text) <= HOST_MAX else None
    if match is None:
        return None
    name, port = match[1].lower().removesuffix("."), int(match[2]) if match[2] else None
    if name.startswith("["):
        try:
            name = str(ipaddress.IPv6Address(name[1:-1]))
        except ValueError:
            return None
    return None if port is not None and port > 65535 else (name, port)


def format_host(name: str, port: int | None = None, scheme: str = "") -> str:
    """A canonical name and a port as a URL has them; the default port of the scheme is left out."""
    shown = f"[{name}]" if ":" in name else name
    return shown if port in (None, _DEFAULT_PORTS.get(scheme)) else f"{shown}:{port}"


def parse_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An IP address, with IPv4 in IPv6 taken for what it is; None for anything else."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def is_loopback_host(name: str) -> bool:
    """Whether a canonical name always means this machine."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = parse_address(name)
    return address is not None and address.is_loopback


def is_private_host(name: str) -> bool:
    """Return whether a name is safe from DNS rebinding: no stranger can own it.

    These are private addresses, names without a dot, and names below a suffix that nobody sells.
    """
    address = parse_address(name)
    if address is not None:
        return not address.is_global
    return "." not in name or name.endswith(_PRIVATE_SUFFIXES)


@dataclass(frozen=True)
class PublicUrl:
    """The one URL that the payer is known by: host as in a Host header, path "" or "/payer"."""

    scheme: str
    host: str
    path: str

    @property
    def name(self) -> str:
        return urlsplit(f"//{self.host}").hostname or ""

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}{self.path}"


def parse_public_url(text: str) -> PublicUrl:
    """The URL of `--public-url`, in canonical form. Raises UsageError in one line."""
    wrong = "--public-url is an absolute URL such as https://payer.example.com or https://example.com/payer"
    if not text.isascii() or not text.isprintable():
        raise UsageError(f"{wrong}: {text!r} has characters that are not printable ASCII")
    try:
        parts = urlsplit(text)
    except ValueError:
        raise UsageError(f"{wrong}, not {text!r}") from None
    scheme = parts.scheme.lower()
    if scheme not in _DEFAULT_PORTS or not parts.netloc:
        raise UsageError(f"{wrong}, not {text!r}")
    if "@" in parts.netloc:
        raise UsageError(f"{wrong}: without a user name")
    if "?" in text or "#" in text:
        raise UsageError(f"{wrong}: without query and fragment")
    host = parse_host(parts.netloc)
    if host is None:
        raise UsageError(f"{wrong}: {parts.netloc!r} is not a host")
    path = parts.path.rstrip("/")
    segments = path.split("/")[1:]
    if not _PATH.fullmatch(path) or {".", "..", "s"} & set(segments):
        raise UsageError(f"{wrong}: its path has plain segments, and none of them is 's', '.' or '..'")
    return PublicUrl(scheme, format_host(*host, scheme), path)


def parse_allowed_hosts(text: str) -> frozenset[str]:
    """Return the names of `--allowed-host`, separated by commas. Raises UsageError in one line.

    `.example.com` stands for all names below it, and `*` for any name.
    """
    names = set()
    for item in filter(None, (part.strip() for part in text.split(","))):
        if item == "*":
            names.add(item)
            continue
        subdomains = item.startswith((".", "*."))
        bare = item.removeprefix("*").removeprefix(".") if subdomains else item
        host = parse_host(f"[{bare}]" if bare.count(":") > 1 and not bare.startswith("[") else bare)
        if host is None or host[1] is not None:
            wanted = "a host name without scheme, port or path, or .example.com, or *"
            raise UsageError(f"--allowed-host is {wanted}, not {item!r}")
        names.add(f".{host[0]}" if subdomains else host[0])
    return frozenset(names)


def parse_proxies(text: str, *, public: bool) -> tuple[Network, ...]:
    """Return the networks of `--trusted-proxies`. Raises UsageError in one line.

    The default is loopback behind a public URL, and none otherwise.
    """
    if not text.strip():
        return _LOOPBACK_NETWORKS if public else ()
    if text.strip() == "none":
        return ()
    try:
        return tuple(ipaddress.ip_network(item.strip(), strict=False) for item in text.split(","))
    except ValueError:
        raise UsageError(
            f"--trusted-proxies is addresses or networks, separated by commas, or none: {text!r}"
        ) from None


@dataclass(frozen=True)
class HostPolicy:
    """The hosts that are answered, the public URL, and whose X-Forwarded-For is trusted.

    A server that listens on loopback answers to loopback names; another one to names that no stranger
    can own, so that neither can be reached by DNS rebinding. `allowed` and the public URL's host come
    on top; `*` among `allowed` is any host.
    """

    bound: str = "127.0.0.1"
    port: int = 8080
    allowed: frozenset[str] = frozenset()
    public: PublicUrl | None = None
    proxies: tuple[Network, ...] = ()

    def allows(self, name: str) -> bool:
        """Whether a request with this canonical name is answered."""
        if is_loopback_host(name) or name == self.bound.lower() or "*" in self.allowed:
            return True
        if name in self.allowed or (self.public is not None and name == self.public.name):
            return True
        if any(suffix.startswith(".") and name.endswith(suffix) for suffix in self.allowed):
            return True
        return not self.is_on_loopback and is_private_host(name)

    @property
    def is_on_loopback(self) -> bool:
        """Whether only this machine can connect."""
        return is_loopback_host(self.bound.lower())

    @property
    def is_published(self) -> bool:
        """Whether others are meant to reach the payer, through a proxy if it listens on loopback."""
        return self.public is not None and not is_loopback_host(self.public.name)

    def is_proxy(self, address: str) -> bool:
        """Whether a connection from this address is a proxy's whose X-Forwarded-For is believed."""
        parsed = parse_address(address)
        return parsed is not None and any(parsed in network for network in self.proxies)
