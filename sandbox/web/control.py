"""/_sandbox: health, clock, journal, reset, scenarios. For whoever runs the sandbox, not for apps.

Open to loopback callers that name a loopback host; anyone else needs the key. The host check keeps
a web page whose name resolves to 127.0.0.1 out; the origin check keeps other sites' scripts out.
"""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, request

from sandbox.auth.clients import is_loopback
from sandbox.core.clock import duration
from sandbox.core.errors import Forbidden, bad_request
from sandbox.core.files import json_bytes, json_value
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
