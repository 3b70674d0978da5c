"""/_sandbox: health, clock, journal, reset, scenarios, clients, members. For whoever runs the sandbox,
not for apps.

Open to loopback callers that name a loopback host; anyone else needs the key. The host check keeps
a web page whose name resolves to 127.0.0.1 out; the origin check keeps other sites' scripts out.
"""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, request

from sandbox.auth.clients import Client, is_loopback
from sandbox.auth.identity import jwks, rotate, signing_keys
from sandbox.auth.registration import described
from sandbox.auth.registry import CRITERIA
from sandbox.core.clock import duration
from sandbox.core.errors import Forbidden, NotFound, bad_request
from sandbox.core.files import json_bytes, json_value
from sandbox.web import standing
from sandbox.web.pages import from_another_origin
from sandbox.web.visit import here, rooms

control = Blueprint("control", __name__, url_prefix="/_sandbox")

_FARTHEST = timedelta(days=36525)


@control.before_request
def _guard() -> None:
    if request.path.endswith("/health"):
        return
    key = rooms().control_key
    given = request.headers.get("X-Sandbox-Key") or request.headers.get("Authorization", "").removeprefix(
        "Bearer "
    )
    if key and given and hmac.compare_digest(given.encode(), key.encode()):
        return
    here_on_loopback = is_loopback(request.remote_addr or "") and is_loopback(_hostname())
    if from_another_origin() or not here_on_loopback:
        raise Forbidden("The control API needs its key off loopback (header X-Sandbox-Key)")


def _hostname() -> str:
    return urlsplit(f"//{request.host}").hostname or ""


def _json(value: Any, status: int = 200) -> Response:
    return Response(json_bytes(value), status=status, content_type="application/json")


@control.get("/health")
def health() -> Response:
    return _json({"status": "ok", "version": rooms().version})


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
    return _time(visit.rooms.clock.now() + offset, ahead)


def _time(now: datetime, ahead: int) -> Response:
    return _json({"now": now.isoformat(), "ahead_seconds": ahead / 1000})


@control.get("/journal")
def journal() -> Response:
    limit = request.args.get("limit", "100")
    if not limit.isdigit() or not 1 <= int(limit) <= 10_000:
        bad_request("limit is a number from 1 to 10000", "limit")
    return _json({"entries": here().ledger.journal(int(limit))})


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
    catalog = rooms().catalog
    return _json(
        {
            "in_force": [s.id for s in here().selection.scenarios],
            "scenarios": [
                {"id": s.id, "title": s.title, "area": s.area, "expect": s.expect}
                for s in catalog.by_id.values()
            ],
        }
    )


@control.get("/members/<username>")
def member(username: str) -> Response:
    """What is decided about a member, and whether an app may connect."""
    return _json(standing.told(username))


@control.post("/members/<username>")
def decide_member(username: str) -> Response:
    try:
        body = json_value(request.get_data())
    except ValueError:
        body = None
    return _json(standing.decide(username, body))


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
