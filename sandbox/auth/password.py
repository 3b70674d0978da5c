"""User names and passwords are checked here, and wrong ones are limited.

So many failures in a window are allowed for each user name and for each address. They are counted in the
ledger by the payer's clock, for user names that exist and those that do not alike; and for each address over
all payers by the server's clock, so that neither a new session nor a moved clock gives more tries.
"""

from __future__ import annotations

import hmac
from contextlib import suppress
from dataclasses import dataclass

from sandbox.auth.context import AuthContext
from sandbox.core.errors import TooManyRequests
from sandbox.core.members import Account
from sandbox.store.secret import digest, new_secret

_NOBODY = new_secret()
"""A password that nobody has: an unknown user name takes the same path as a wrong password."""


@dataclass(frozen=True)
class SignInAttempt:
    """The outcome of a posted user name and password: an account, or seconds to wait, or neither."""

    account: Account | None
    wait: int | None = None


def check_password(
    context: AuthContext, username: str, password: str, address: str, *, for_apps: bool
) -> SignInAttempt:
    """Check a password and count a wrong one. `for_apps`: it opens the sign-in of apps, for which some
    payers keep another password than for the portal."""
    if wait := seconds_to_wait(context, username, address):
        return SignInAttempt(None, wait)
    account = context.services.accounts.get(username)
    expected = account.password if account else _NOBODY
    if account and for_apps and account.line in context.payer.separate_credentials:
        expected += "-apps"
    # Compared for unknown names too: the time must not say which names exist.
    is_right = hmac.compare_digest(digest(password), digest(expected))
    member, caller = _counters(username, address)
    length = context.payer.login_window_seconds * 1000
    if account is None or not is_right:
        for name in (member, caller):
            context.ledger.window(name, context.now(), length)
        with suppress(TooManyRequests):
            context.ledger.quotas.take("login-failure", address)
        return SignInAttempt(None)
    # Not the address: whoever has one good password may not try others for ever.
    if context.ledger.counted(member, context.now(), length)[0]:
        context.ledger.forget_count(member)
    return SignInAttempt(account)


def seconds_to_wait(context: AuthContext, username: str, address: str) -> int | None:
    """Return the seconds until the next try is allowed; None: it is."""
    payer, now, length = context.payer, context.now(), context.payer.login_window_seconds * 1000
    limits = payer.login_failures, payer.login_failures_per_address
    for name, most in zip(_counters(username, address), limits, strict=True):
        failures, since = context.ledger.counted(name, now, length)
        if failures >= most:
            return max(1, -(-(since + length - now) // 1000))
    try:
        context.ledger.quotas.require("login-failure", address)
    except TooManyRequests as problem:
        return problem.seconds
    return None


def _counters(username: str, address: str) -> tuple[str, str]:
    return f"login|member|{digest(username)}", f"login|address|{digest(address)}"
