"""Who is calling, as quotas and throttles count, and the quotas of what a caller may make here."""

from __future__ import annotations

import ipaddress
from contextlib import suppress

from flask import request

from sandbox.core.errors import Unavailable
from sandbox.core.hosts import parse_address
from sandbox.web.http.origin import caller_address
from sandbox.web.request import current, wiring


def client_address() -> str:
    """The caller's address; of IPv6 the network, since a caller has all the addresses of one."""
    text = caller_address(request.environ)
    address = parse_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address or text)


def take(kind: str) -> None:
    """Count one of this kind for this caller at this payer. Raises TooManyRequests."""
    current().ledger.quotas.take(kind, client_address(), current().ledger.name)


def take_session(tenant: str) -> None:
    """Count a payer that nobody has asked anything yet. Raises TooManyRequests.

    Where the ledger cannot be written nothing is counted: reads go on.
    """
    if not wiring().ledger.is_known(tenant):
        with suppress(Unavailable):
            wiring().ledger.quotas.take("session", client_address())
            wiring().ledger.visit(tenant)
