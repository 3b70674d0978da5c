"""The calls about the payer itself, its scenarios and armed faults, its members and apps."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import cast

from flask import Response, request

from sandbox.apis.control.models import (
    AppChange,
    ClockMove,
    Revocation,
    ScenarioSwitch,
    SignIn,
    StandingChange,
    read_body,
)
from sandbox.apis.control.openapi import ControlOperation, document
from sandbox.auth.clients.registry import CRITERIA
from sandbox.auth.tokens.id_token import jwks, rotate, signing_keys
from sandbox.core.clock import stopwatch
from sandbox.core.errors import bad_request
from sandbox.core.files import json_bytes, json_value
from sandbox.core.waits import WAIT, Retry
from sandbox.faults import one_shot
from sandbox.faults.listing import describe, describe_match
from sandbox.faults.search import search, suggest
from sandbox.web import operator
from sandbox.web.journal.entry import wanted
from sandbox.web.negotiation import json_response
from sandbox.web.request import current, wiring

MEMBERS_MAX = 100
"""Members in one answer."""
WAIT_MOST = 30
_POLL, _POLL_MOST = 0.05, 1.0
"""Seconds between two looks into the journal for somebody who waits, at first and at most."""


def health() -> Response:
    """200 while everything can be read and written, else 503 with what cannot."""
    problems = wiring().ledger.problems()
    health_report = {"status": "degraded" if problems else "ok", "version": wiring().version}
    return json_response(
        health_report | ({"problems": problems} if problems else {}), 503 if problems else 200
    )


def openapi() -> Response:
    context = current()
    operations = cast(tuple[ControlOperation, ...], context.api.operations)
    return json_response(document(operations, context.address, context.wiring.version))


def clock() -> Response:
    context = current()
    return _time(context.clock.now(), context.ledger.offset())


def move_clock() -> Response:
    """`{"advance": "P90D"}` or `{"set": "2027-01-01T00:00:00Z"}`: this tenant's clock only."""
    move = read_body(ClockMove)
    now, offset = operator.move_clock(advance=move.advance, to=move.set)
    return _time(now, offset // timedelta(milliseconds=1))


def _time(now: datetime, ahead: int) -> Response:
    return json_response({"now": now.isoformat(), "ahead_seconds": ahead / 1000})


def journal() -> Response:
    """The latest exchanges; with `after`, those behind a number, and with `wait` until there is one."""
    ledger, chosen = current().ledger, wanted(request.args)
    limit = _number("limit", 100, 1, 10_000)
    after = _number("after", 0, 0, 1 << 62)
    patience = _number("wait", 0, 0, WAIT_MOST)
    follows = "after" in request.args
    last = ledger.last_number()
    entries = ledger.journal(limit, after, chosen, oldest=follows) if last > after or not follows else []
    waited = stopwatch() - current().started
    if follows and not entries and waited < patience:
        # Often at first, since most of what is waited for comes soon.
        request.environ[WAIT] = Retry(min(max(_POLL, waited / 4), _POLL_MOST, patience - waited))
    if entries:
        full = follows and len(entries) == limit
        last = entries[-1]["number"] if full else max(last, entries[-1]["number"])
    last = max(last, after)  # what was swept does not lead a follower back
    if request.args.get("format") == "ndjson" or "ndjson" in request.headers.get("Accept", ""):
        lines = b"".join(json_bytes(entry) + b"\n" for entry in entries)
        return Response(lines, content_type="application/x-ndjson", headers={"X-Journal-Last": str(last)})
    return json_response({"entries": entries, "last": last})


def _number(name: str, default: int, least: int, most: int) -> int:
    text = request.args.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 20 and least <= int(text) <= most):
        bad_request(f"{name} must be a number from {least} to {most}", name)
    return int(text)


def reset() -> Response:
    current().ledger.reset()
    return json_response({"reset": current().ledger.name or "default"})


def rotate_keys() -> Response:
    """Sign id_tokens with a new key; the old one stays published until its id_tokens have expired."""
    context = current()
    kid = rotate(context)
    published = [key["kid"] for key in jwks(*signing_keys(context))["keys"]]
    return json_response({"kid": kid, "published": published})


def scenarios() -> Response:
    """Return the catalog, or with `q` the scenarios that match it, best first."""
    catalog, selection = wiring().catalog, current().selection
    query = request.args.get("q", "").strip()
    if query:
        listed = [describe_match(match) for match in search(catalog, query)]
    else:
        listed = [describe(scenario) for scenario in catalog.by_id.values()]
    return json_response(
        {
            "in_force": [scenario.id for scenario in selection.scenarios],
            "switched": current().ledger.tenant_state().switched or "",
            "selection": selection.written,
            "scenarios": listed,
            **({"suggestions": suggest(catalog, query)} if query else {}),
        }
    )


def switch_scenarios() -> Response:
    """`{"selection": "rate-limited,limit=3.slow-responses"}`: whatever address the clients use."""
    selection = read_body(ScenarioSwitch).selection
    operator.switch_scenarios(selection)
    return json_response({"switched": selection})


def sign_in() -> Response:
    """`{"member": "maria"}`: the body, status and type are those of the token endpoint's answer."""
    call = read_body(SignIn)
    return operator.sign_in(call.member, call.scope, call.refresh)


def armed() -> Response:
    faults = current().ledger.armed()
    listed = [{"number": a.number, "times": a.times, "left": a.left, **a.rule} for a in faults]
    return json_response({"armed": listed})


def fail_next() -> Response:
    """`{"times": 2, "when": {…}, "then": {"do": …}}`: without `when` token calls, without `then` a 503."""
    sent = request.get_data()
    try:
        body = json_value(sent) if sent.strip() else {}
    except ValueError:
        bad_request('The body must be JSON, such as {"times": 2, "when": {"path": "/auth/token"}}')
    operator.arm_fault(one_shot.parse_body(body), "control")
    return armed()


def disarm() -> Response:
    current().ledger.disarm()
    return armed()


def members() -> Response:
    """The members, or with `q` those that have its words, each with why no app may connect."""
    accounts = operator.search_accounts(request.args.get("q", "")[:100])
    listed = [
        {
            "username": account.username,
            "password": account.password,
            "name": account.name,
            "role": account.role,
            "line": account.line,
            "purpose": account.purpose,
            "refusal": refusal.reason if (refusal := operator.find_refusal(account)) else None,
        }
        for account in accounts[:MEMBERS_MAX]
    ]
    return json_response({"members": listed, "total": len(accounts)})


def member(username: str) -> Response:
    """What is decided about a member, whether an app may connect, and whose data they may share."""
    return json_response(operator.describe_member(operator.find_account(username)))


def decide_member(username: str) -> Response:
    """Lock, approve or opt out a member, or take it back."""
    account = operator.find_account(username)
    operator.decide_member(account, read_body(StandingChange).model_dump(exclude_unset=True))
    return json_response(operator.describe_member(account))


def revoke_grants(username: str) -> Response:
    """End what a member has granted, to one app or to all, as the member does in the portal."""
    account = operator.find_account(username)
    return json_response({"revoked": operator.revoke_grants(account, read_body(Revocation).client)})


def clients() -> Response:
    """Every app this payer knows, and the criteria by which one may be denied or suspended."""
    apps = [operator.describe_client(client) for client in current().clients.values()]
    return json_response({"clients": apps, "criteria": CRITERIA})


def client(id: str) -> Response:
    return json_response(operator.describe_client(operator.find_client(id)))


def decide_client(id: str) -> Response:
    """`{"state": "approved"}`, `{"state": "denied" | "suspended", "criterion": "…"}`, or
    `{"rotate_secret": "with-notice" | "at-once"}`, which answers with the new secret."""
    context, client, change = current(), operator.find_client(id), read_body(AppChange)
    if change.rotate_secret is not None:
        secret = operator.rotate_secret(id, notice=change.rotate_secret == "with-notice")
        return json_response({**operator.describe_client(operator.find_client(id)), "client_secret": secret})
    context.clients.decide(client.client_id, change.state, change.criterion, context.now())
    return json_response(operator.describe_client(operator.find_client(id)))
