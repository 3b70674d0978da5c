"""How often a wrong password may be tried: so many failures in a window, for each user name and for
each address. Counted in the ledger, by the tenant's clock, for user names that exist and those that
do not alike; and for each address over all tenants by the server's clock, so that neither a new session
nor a moved clock gives more tries.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from sandbox.auth.context import Desk
from sandbox.core.errors import TooManyRequests
from sandbox.store.secret import digest


def waiting(desk: Desk, username: str, address: str) -> int | None:
    """Seconds until the next try is allowed; None: it is."""
    now, length = desk.now(), desk.payer.login_window_seconds * 1000
    for name, most in _counters(desk, username, address):
        failures, since = desk.ledger.counted(name, now, length)
        if failures >= most:
            return max(1, -(-(since + length - now) // 1000))
    try:
        desk.ledger.quotas.require("login-failure", address)
    except TooManyRequests as problem:
        return problem.seconds
    return None


def failed(desk: Desk, username: str, address: str) -> None:
    """Count a wrong password."""
    for name, _ in _counters(desk, username, address):
        desk.ledger.window(name, desk.now(), desk.payer.login_window_seconds * 1000)
    with suppress(TooManyRequests):
        desk.ledger.quotas.take("login-failure", address)


def succeeded(desk: Desk, username: str, address: str) -> None:
    """A right password clears the user name, but not the address: whoever has one good password may
    not try others for ever."""
    (name, _), _ = _counters(desk, username, address)
    if desk.ledger.counted(name, desk.now(), desk.payer.login_window_seconds * 1000)[0]:
        desk.ledger.forget_count(name)


def _counters(desk: Desk, username: str, address: str) -> Iterator[tuple[str, int]]:
    yield f"login|member|{digest(username)}", desk.payer.login_failures
    yield f"login|address|{digest(address)}", desk.payer.login_failures_per_address
