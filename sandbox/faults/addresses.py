"""Addresses that a scenario sends apps to: only those that exist nowhere, since apps take their tokens along.

Reserved for documentation are three networks (RFC 5737), one of IPv6 (RFC 3849), and names (RFC 2606).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Any

NETWORKS = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "127.0.0.0/8", "::1/128")
NAMES = ("example", "invalid", "test", "localhost", "example.com", "example.net", "example.org")
NAMING = (
    "hl7.org", "loinc.org", "snomed.info", "nlm.nih.gov", "ama-assn.org", "ada.org", "nubc.org", "nucc.org",
    "ncpdp.org", "x12.org", "cms.gov", "cdc.gov", "unitsofmeasure.org",
)  # fmt: skip
"""Owners of code systems and profiles, whose URLs are names and not addresses."""

_NETWORKS = [ipaddress.ip_network(network) for network in NETWORKS]
_URL = re.compile(r"\b(?:https?|wss?)://(\[[0-9A-Fa-f:.]+\]|[^\s/:?#\"'<>\])},;|]+)")
_IPV4 = re.compile(r"(?<![\w.-])\d{1,3}(?:\.\d{1,3}){3}(?![\w-]|\.\d)")


def find_strays(value: Any) -> Iterator[str]:
    """The hosts in a text, or in the texts of a structure, that may exist somewhere. The value of a key
    `host` is a host; elsewhere hosts stand in URLs, and IPv4 addresses anywhere."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "host" and isinstance(inner, str) and not is_reserved(_without_port(inner)):
                yield inner
            elif key != "host":
                yield from find_strays(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from find_strays(inner)
    elif isinstance(value, str):
        urls = [host.rpartition("@")[2] for host in _URL.findall(value)]
        hosts = dict.fromkeys([*urls, *_IPV4.findall(value)])
        yield from (host for host in hosts if not is_reserved(host))


def is_reserved(host: str) -> bool:
    """Whether nobody can have this host, or it is the reader's own machine, or only a name."""
    host = host.strip("[]").rstrip(".").lower().rpartition("@")[2]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return any(host == name or host.endswith(f".{name}") for name in (*NAMES, *NAMING))
    return any(address in network for network in _NETWORKS)


def _without_port(host: str) -> str:
    found = re.fullmatch(r"(\[[^\]]*\]|[^:]*)(?::\d*)?", host)
    return found[1] if found else host
