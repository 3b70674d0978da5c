"""CORS: which documents and endpoints a script of another origin may read (SMART-007, Fetch standard).

Each operation declares it (`web.api.Cors`): discovery is for any origin, the FHIR API and the endpoints that
apps call are for origins of registered redirect URIs, pages and the control API are for nobody.
Credentials (cookies) are never allowed: tokens travel in headers. A preflight is the browser's own
question: only rules that name OPTIONS mean it, so that it uses up nobody's limit or "every third".
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from flask import Response, request

from sandbox.auth.clients.client import Client, is_loopback
from sandbox.web.api import Cors, Surface
from sandbox.web.http import headers
from sandbox.web.request import RequestContext

METHODS = "GET, HEAD, POST, OPTIONS"
HEADERS = ", ".join(headers.READ).lower()
EXPOSED = ", ".join(headers.WRITTEN)
PREFLIGHT_SECONDS = 600


def preflight(context: RequestContext) -> Response | None:
    """The answer to a browser that asks whether its script may; None for any other request."""
    if not is_preflight() or not context.payer.cors or context.surface.cors is Cors.NOBODY:
        return None
    return _permission() if _allowed(context) else Response(status=204)


def early_preflight(surface: Surface) -> Response | None:
    """The same before it is known which payer was asked: the request itself will be refused, and then
    its script can read why."""
    return _permission() if is_preflight() and surface.cors is not Cors.NOBODY else None


def _permission() -> Response:
    response = Response(status=204)
    response.headers["Access-Control-Allow-Methods"] = METHODS
    response.headers["Access-Control-Allow-Headers"] = HEADERS
    response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)
    return response


def is_preflight() -> bool:
    """Whether a browser asks what a script may do, before the script does it."""
    return request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers


def mark(context: RequestContext, response: Response) -> None:
    """Say on an answer who may read it."""
    if not context.payer.cors or context.surface.cors is Cors.NOBODY:
        return
    anybody = context.surface.cors is Cors.ANYONE
    if not anybody:
        response.vary.add("Origin")
    if _allowed(context):
        response.headers["Access-Control-Allow-Origin"] = "*" if anybody else request.headers["Origin"]
        response.headers["Access-Control-Expose-Headers"] = EXPOSED


def early_headers(surface: Surface) -> list[tuple[str, str]]:
    """CORS headers for a refusal that comes before it is known which payer was asked: its words are
    fixed, so any origin may read them."""
    if surface.cors is Cors.NOBODY:
        return []
    return [("Access-Control-Allow-Origin", "*"), ("Access-Control-Expose-Headers", EXPOSED)]


def _allowed(context: RequestContext) -> bool:
    if context.surface.cors is Cors.ANYONE:
        return True
    origin = request.headers.get("Origin")
    return origin is not None and is_app_origin(origin, context.clients.all())


def is_app_origin(origin: str, clients: Iterable[Client]) -> bool:
    """Whether an Origin header is exactly the origin of a redirect URI that some approved client
    registered; on loopback the port may vary, as it may for the redirect (RFC 8252 §7.3)."""
    mine = _origin(origin)
    if mine is None or mine[0] != origin:
        return False  # what a browser sends is already in its one canonical form
    anonymous = mine[1]
    for client in clients:
        if client.refusal:
            continue
        if client.any_loopback and anonymous:
            return True
        for uri in client.redirect_uris:
            registered = _origin(uri)
            if registered and (registered[0] == origin or (anonymous and registered[1] == anonymous)):
                return True
    return False


def _origin(uri: str) -> tuple[str, str | None] | None:
    """The origin of an http(s) URI as browsers write it, and that without its port when it is plain
    http on this machine; None for anything else."""
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc:
        return None
    bare = f"{parts.scheme}://{f'[{host}]' if ':' in host else host}"
    default = {"http": 80, "https": 443}[parts.scheme]
    local = parts.scheme == "http" and is_loopback(host)
    return bare + (f":{port}" if port not in (None, default) else ""), bare if local else None
