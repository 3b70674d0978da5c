"""The member portal: claims, sharing on or off, which apps have access and what they read, ending it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.apis.portal.claims import list_claims
from sandbox.auth import consent as consents
from sandbox.auth.password import SignInAttempt
from sandbox.auth.scopes import split
from sandbox.core.errors import Forbidden
from sandbox.core.members import Account
from sandbox.store.ledger.repositories.grants import Grant
from sandbox.web import quota, session
from sandbox.web.api import ErrorShape, NextStep
from sandbox.web.operator import revoke_grants
from sandbox.web.pages import login_page, page
from sandbox.web.request import current

READS_MAX = 2000
"""Requests of apps that the portal counts, the latest ones."""

EVERYTHING = "Everything at once"
"""What an app reads by `$everything`."""


def home() -> Response:
    browser = session.browser()
    account = browser.account
    if account is None:
        return _login_page()
    context = current()
    after = request.args.get("after", "")
    return page(
        "portal.html",
        account=account,
        csrf=browser.session.csrf,
        opted_in=context.opted_in(account),
        needed=context.payer.portal_opt_in,
        pending=context.payer.connection_approval
        and "approved" not in context.ledger.standing(account.username),
        apps=_list_apps(account),
        claims=list_claims(context, account, int(after) if re.fullmatch("[0-9]{1,15}", after) else 0),
    )


@dataclass(frozen=True)
class AppRow:
    """An app with access: `grants` are what the member granted to it, `reads` what it has read.

    `data` are the names of the classes that it may read, `whose` the other people whose data it may read.
    """

    name: str
    grants: tuple[Grant, ...]
    data: tuple[str, ...]
    whose: tuple[str, ...]
    reads: tuple[AppReads, ...]

    @property
    def is_lasting(self) -> bool:
        return any("offline_access" in split(grant.scope) for grant in self.grants)


@dataclass(frozen=True)
class AppReads:
    """How often an app has read a class of data, and when it did last (ms)."""

    data: str
    count: int
    last: int


def _list_apps(account: Account) -> list[AppRow]:
    """Return a row for each app with access, in the order in which they were connected."""
    context = current()
    grants_by_client: dict[str, list[Grant]] = {}
    for grant in context.ledger.grants_of(account.username):
        grants_by_client.setdefault(grant.client, []).append(grant)
    reads = _count_reads(account) if grants_by_client else {}
    rows = []
    for id, grants in grants_by_client.items():
        client = context.clients.get(id)
        scopes = [scope for grant in grants for scope in split(grant.scope)]
        members = [context.wiring.members.get(grant.patient) for grant in grants]
        names = dict.fromkeys(m.name if m else g.patient for m, g in zip(members, grants, strict=True))
        rows.append(
            AppRow(
                client.name if client else id,
                tuple(grants),
                tuple(consents.words(name) for name in consents.offered(scopes, context.types())),
                tuple(name for name in names if name != account.name),
                tuple(reads.get(id, {}).values()),
            )
        )
    return rows


def _count_reads(account: Account) -> dict[str, dict[str, AppReads]]:
    """Return what apps have read for a member: client → class of data → reads. The journal knows it."""
    prefixes = tuple(f"{api.prefix}/" for api in current().wiring.apis if api.errors is ErrorShape.OUTCOME)

    def is_read(entry: Mapping[str, Any]) -> bool:
        return (
            entry.get("member") == account.username
            and entry["status"] < 400
            and str(entry.get("path", "")).startswith(prefixes)
        )

    reads: dict[str, dict[str, AppReads]] = {}
    for entry in current().ledger.journal(READS_MAX, wanted=is_read):
        prefix = next(prefix for prefix in prefixes if entry["path"].startswith(prefix))
        below = entry["path"].removeprefix(prefix)
        if below[:1].isupper():
            words = (
                EVERYTHING
                if "$everything" in below
                else consents.words(consents.find_class(below.partition("/")[0]))
            )
            of_client = reads.setdefault(entry.get("client", ""), {})
            count = of_client[words].count if words in of_client else 0
            at = int(datetime.fromisoformat(entry["at"]).timestamp() * 1000)
            of_client[words] = AppReads(words, count + 1, at)
    return reads


def _login_page(tried: SignInAttempt | None = None) -> Response:
    csrf = session.browser().session.csrf
    return login_page("portal_login.html", tried, again=f"{current().base}/portal", csrf=csrf)


def log_in() -> AnyResponse:
    session.require_token()
    tried = session.attempt()
    if tried.account is None:
        return _login_page(tried)
    session.sign_in(tried.account)
    return _home()


def log_out() -> AnyResponse:
    _signed_in()
    session.sign_out()
    return _home()


def opt_in() -> AnyResponse:
    account = _signed_in()
    current().ledger.unmark(account.username, "opted-out")
    quota.take("opt-in")
    current().ledger.opt_in(account.username, current().now())
    return _home()


def opt_out() -> AnyResponse:
    """No new app may connect. Apps that have access keep it: each is ended by itself."""
    account = _signed_in()
    current().ledger.mark(account.username, "opted-out", current().now())
    return _home()


def revoke() -> AnyResponse:
    account = _signed_in()
    context = current()
    grant = context.ledger.grant(request.form.get("grant", ""))
    if grant is None or grant.username != account.username:
        raise Forbidden("This is not one of your apps", cause="not-an-app-of-the-member")
    revoke_grants(account, grant.client)
    return _home()


def _home() -> AnyResponse:
    return redirect(f"{current().base}/portal", 303)


def _signed_in() -> Account:
    """Who sent this form of the portal. Raises Forbidden."""
    session.require_token()
    account = session.browser().account
    if account is None:
        raise Forbidden("Sign in to the portal and try again", cause="portal-sign-in-missing")
    current().notes["member"] = account.username
    return account


def education() -> Response:
    """For members, what to know before an app gets their data (42 CFR 422.119(g)): public, and it asks
    nothing of whoever reads it."""
    return page("education.html")


def find_next_step(status: int) -> NextStep:
    """From an error of a form the member goes on to the portal."""
    return NextStep("Member portal", current().address)
