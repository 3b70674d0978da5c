"""/_sandbox: clock, journal, reset, fail-next, scenarios, clients, members, keys, reports. For whoever
runs the sandbox, not for apps.

What there is stands in `openapi.OPERATIONS`; a test holds the two together.

Who may is decided in `guard`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, Response, request

from sandbox.apis.control import member_status
from sandbox.apis.control import usage_report as usage
from sandbox.apis.control.openapi import document
from sandbox.auth.clients.client import Client
from sandbox.auth.clients.registration import described
from sandbox.auth.clients.registry import CRITERIA
from sandbox.auth.tokens.id_token import jwks, rotate, signing_keys
from sandbox.core.clock import duration, stopwatch
from sandbox.core.errors import NotFound, bad_request
from sandbox.core.files import json_bytes, json_value
from sandbox.core.waits import WAIT, Retry
from sandbox.faults import one_shot
from sandbox.web import quota
from sandbox.web.guard import require_control
from sandbox.web.journal import wanted
from sandbox.web.request import here, rooms

control = Blueprint("control", __name__, url_prefix="/_sandbox")

_FARTHEST = timedelta(days=36525)


WAIT_MOST = 30
_POLL, _POLL_MOST = 0.05, 1.0
"""Seconds between two looks into the journal for somebody who waits, at first and at most."""
_YEAR = re.compile(r"20[0-9]{2}", re.ASCII)


@control.before_request
def guard() -> None:
    """Raises Forbidden for who may not control. Every blueprint below /_sandbox stands behind it."""
    if request.endpoint != "control.health":
        require_control()


def _json(value: Any, status: int = 200) -> Response:
    return Response(json_bytes(value), status=status, content_type="application/json")


@control.get("/health")
def health() -> Response:
    """200 while everything can be read and written, else 503 with what cannot."""
    problems = rooms().ledger.problems()
    told = {"status": "degraded" if problems else "ok", "version": rooms().version}
    return _json(told | ({"problems": problems} if problems else {}), 503 if problems else 200)


@control.get("/openapi.json")
def openapi() -> Response:
    return _json(document(f"{here().base}/_sandbox", rooms().version))


@control.get("/clock")
def clock() -> Response:
    visit = here()
    return _time(visit.clock.now(), visit.ledger.offset())


@control.post("/clock")
def move_clock() -> Response:
    """`{"advance": "P90D"}` or `{"set": "2027-01-01T00:00:00Z"}`: this tenant's clock only."""
    visit = here()
    try:
        body = json_value(request.get_data())
    except ValueError:
        body = None
    if not isinstance(body, dict) or len(body) != 1 or not ({"advance", "set"} & set(body)):
        bad_request('The body is {"advance": "P90D"} or {"set": "2027-01-01T00:00:00Z"}')
    offset = timedelta(milliseconds=visit.ledger.offset())
    try:
        if "advance" in body:
            offset += duration(body["advance"])
        else:
            to = datetime.fromisoformat(body["set"])
            offset = to - visit.rooms.clock.now()
    except (ValueError, TypeError, OverflowError):
        bad_request("advance is an ISO 8601 duration such as P90D or PT5M; set is an instant with its zone")
    if abs(offset) > _FARTHEST:
        bad_request("The clock can be at most a century away")
    ahead = offset // timedelta(milliseconds=1)
    visit.ledger.move_clock(ahead)
    visit.rooms.ledger.upkeep.run()  # some things are over now
    return _time(visit.rooms.clock.now() + offset, ahead)


def _time(now: datetime, ahead: int) -> Response:
    return _json({"now": now.isoformat(), "ahead_seconds": ahead / 1000})


@control.get("/journal")
def journal() -> Response:
    """The latest exchanges; with `after`, those behind a number, and with `wait` until there is one."""
    ledger, chosen = here().ledger, wanted(request.args)
    limit = _number("limit", 100, 1, 10_000)
    after = _number("after", 0, 0, 1 << 62)
    patience = _number("wait", 0, 0, WAIT_MOST)
    follows = "after" in request.args
    last = ledger.last_number()
    entries = ledger.journal(limit, after, chosen, oldest=follows) if last > after or not follows else []
    waited = stopwatch() - here().started
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
    return _json({"entries": entries, "last": last})


def _number(name: str, default: int, least: int, most: int) -> int:
    text = request.args.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 20 and least <= int(text) <= most):
        bad_request(f"{name} is a number from {least} to {most}", name)
    return int(text)


@control.post("/reset")
def reset() -> Response:
    here().ledger.reset()
    return _json({"reset": here().tenant or "default"})


@control.post("/keys/rotate")
def rotate_keys() -> Response:
    """Sign id_tokens with a new key; the old one stays published until its id_tokens have expired."""
    desk = here().desk
    kid = rotate(desk)
    published = [key["kid"] for key in jwks(*signing_keys(desk))["keys"]]
    return _json({"kid": kid, "published": published})


@control.get("/scenarios")
def scenarios() -> Response:
    catalog, selection = rooms().catalog, here().selection
    return _json(
        {
            "in_force": [s.id for s in selection.scenarios],
            "selection": selection.written,
            "scenarios": [
                {
                    "id": s.id,
                    "title": s.title,
                    "area": s.area,
                    "parameters": {
                        name: {"kind": d.kind, "default": d.default, "range": d.range, "help": d.help}
                        for name, d in s.parameters.items()
                    },
                    "expect": s.model_dump(mode="json", by_alias=True)["expect"],
                }
                for s in catalog.by_id.values()
            ],
        }
    )


@control.get("/members/<username>")
def member(username: str) -> Response:
    """What is decided about a member, and whether an app may connect."""
    return _json(member_status.told(username))


@control.post("/members/<username>")
def decide_member(username: str) -> Response:
    try:
        body = json_value(request.get_data())
    except ValueError:
        body = None
    return _json(member_status.decide(username, body))


@control.get("/clients")
def clients() -> Response:
    """Every app this payer knows, and the criteria by which one may be denied or suspended."""
    return _json({"clients": [_client(c) for c in here().clients.values()], "criteria": CRITERIA})


@control.get("/clients/<id>")
def client(id: str) -> Response:
    return _json(_client(_known(id)))


@control.post("/clients/<id>")
def decide(id: str) -> Response:
    """`{"state": "approved"}`, `{"state": "denied" | "suspended", "criterion": "…"}`, or
    `{"rotate_secret": "with-notice" | "at-once"}`, which answers with the new secret."""
    visit = here()
    known = _known(id)
    try:
        body = json_value(request.get_data())
    except ValueError:
        body = None
    if not isinstance(body, dict) or set(body) - {"state", "criterion", "rotate_secret"}:
        bad_request('The body is {"state": "...", "criterion": "..."} or {"rotate_secret": "..."}')
    if "rotate_secret" in body:
        if len(body) > 1 or body["rotate_secret"] not in ("with-notice", "at-once"):
            bad_request("rotate_secret is with-notice or at-once, and comes alone")
        notice = body["rotate_secret"] == "with-notice"
        secret = visit.clients.rotate(id, visit.payer, visit.desk.now(), notice=notice)
        return _json({**_client(_known(id)), "client_secret": secret})
    state, criterion = body.get("state"), body.get("criterion")
    visit.clients.decide(known.client_id, state, criterion, visit.desk.now())
    return _json(_client(_known(id)))


def _known(id: str) -> Client:
    found = here().clients.get(id)
    if found is None:
        raise NotFound("This payer knows no such client")
    return found


def _client(client: Client) -> dict[str, Any]:
    until = client.old_secret_until
    return described(client) | {
        "registered": client.registered is not None,
        "old_secret_until": datetime.fromtimestamp(until / 1000, UTC).isoformat() if until else None,
    }


@control.get("/fail-next")
def armed() -> Response:
    found = here().ledger.armed()
    listed = [{"number": a.number, "times": a.times, "left": a.left, **a.rule} for a in found]
    return _json({"armed": listed})


@control.post("/fail-next")
def fail_next() -> Response:
    """`{"times": 2, "when": {…}, "then": {"do": …}}`: without `when` token calls, without `then` a 503."""
    sent = request.get_data()
    try:
        body = json_value(sent) if sent.strip() else {}
    except ValueError:
        bad_request('The body is JSON, such as {"times": 2, "when": {"path": "/auth/token"}}')
    one = one_shot.asked(body)
    quota.take("accident")
    here().ledger.arm(one.to_json(), one.times, f"control {here().request_id}")
    return armed()


@control.delete("/fail-next")
def disarm() -> Response:
    here().ledger.disarm()
    return armed()


@control.get("/reports/patient-access-metrics")
def usage_report() -> Response:
    year = request.args.get("year", "")
    if not _YEAR.fullmatch(year):
        bad_request("year is a calendar year, such as 2026", "year")
    entries = here().ledger.journal(limit=0, oldest=True)
    return _json(usage.report(entries, int(year)))
