"""Request verbs: they act before the payer looks at the request."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import timedelta
from email.utils import format_datetime
from typing import Literal
from urllib.parse import urlencode

from pydantic import Field

from sandbox.core.files import json_bytes
from sandbox.core.gates import Facts, Reply, Stage
from sandbox.core.text import quantity
from sandbox.faults.effects.base import Effect, World
from sandbox.faults.places import is_at
from sandbox.fhir import bundle
from sandbox.fhir.dates import milliseconds

Dress = Literal["surface", "html", "xml", "text", "empty"]
"""The form of a refusal: the one of the API that was called (`surface`), or one that a gateway sends."""

_CODES: Mapping[int, tuple[str, str]] = {
    400: ("invalid", "invalid_request"),
    401: ("login", "invalid_client"),
    403: ("forbidden", "access_denied"),
    404: ("not-found", "invalid_request"),
    408: ("timeout", "temporarily_unavailable"),
    410: ("deleted", "invalid_request"),
    429: ("throttled", "slow_down"),
    501: ("not-supported", "server_error"),
    502: ("transient", "temporarily_unavailable"),
    503: ("transient", "temporarily_unavailable"),
    504: ("timeout", "temporarily_unavailable"),
}
"""The OperationOutcome code and the OAuth error that go with a status."""
_HTML = "<!doctype html><html><head><title>{0}</title></head><body><h1>{0}</h1><p>{1}</p></body></html>"
_XML = '<?xml version="1.0" encoding="UTF-8"?>\n<status><code>{0}</code><message>{1}</message></status>'
_TYPES = {"html": "text/html; charset=utf-8", "xml": "application/xml", "text": "text/plain; charset=utf-8"}


def refusal(
    facts: Facts,
    status: int,
    text: str,
    headers: tuple[tuple[str, str], ...] = (),
    dress: Dress = "surface",
    code: str | None = None,
) -> Reply:
    """Return a refusal: an OperationOutcome from the FHIR API, RFC 6749 JSON from others.

    `code` replaces the OperationOutcome code or OAuth error that goes with the status.
    """
    issue, error = _CODES.get(status, ("exception", "server_error") if status >= 500 else _CODES[400])
    if dress == "empty":
        return Reply(status, headers, b"")
    if dress != "surface":
        shapes = {
            "html": _HTML.format(text, "Reference 0a1b2c"),
            "xml": _XML.format(status, text),
            "text": text,
        }
        return Reply(status, (("Content-Type", _TYPES[dress]), *headers), shapes[dress].encode())
    if is_at("fhir-with-base", facts.path):
        body = json_bytes(bundle.outcome(code or issue, text))
        return Reply(status, (("Content-Type", bundle.JSON), *headers), body)
    body = json_bytes({"error": code or error, "error_description": text})
    return Reply(
        status, (("Content-Type", "application/json"), ("Cache-Control", "no-store"), *headers), body
    )


class Delay(Effect, stage=Stage.REQUEST, silent=True):
    """Wait before responding."""

    do: Literal["delay"]
    seconds: float = Field(gt=0, le=120)

    def __call__(self, value: Reply | None, facts: Facts, world: World) -> Reply | None:
        world.wait(self.seconds)
        return value


class RevokeGrant(Effect, stage=Stage.REQUEST, silent=True):
    """Revoke the grant to which the request's access token or refresh token belongs, as the member can do at
    the payer. The request and all later ones with tokens of that grant are then refused."""

    do: Literal["revoke_grant"]

    def __call__(self, value: Reply | None, facts: Facts, world: World) -> Reply | None:
        world.revoke()
        return value


class RateLimit(Effect, stage=Stage.REQUEST):
    """Refuse a caller's requests beyond `limit` within `per_seconds` (RFC 6585 §4). `told` selects the
    header that announces the wait; `status` and `dress` can make the refusal a firewall's block page."""

    do: Literal["rate_limit"]
    limit: int = Field(ge=1)
    per_seconds: int = Field(default=1, ge=1)
    retry_after: bool = Field(default=True, description="whether the Retry-After header is sent")
    announced: Literal["seconds", "date", "reset", "zero"] = Field(
        default="seconds",
        alias="told",
        description="Retry-After in seconds, as a date or as 0, or X-RateLimit-Reset instead",
    )
    status: int = Field(default=429, ge=400, le=599)
    dress: Dress = "surface"

    def __call__(self, value: Reply | None, facts: Facts, world: World) -> Reply | None:
        now = milliseconds(world.clock.now())
        length = self.per_seconds * 1000
        requests, since = world.window(f"rate:{self.limit}/{self.per_seconds}:{facts.caller}", now, length)
        if value is not None or requests <= self.limit:
            return value
        wait = max(1, math.ceil((since + length - now) / 1000))
        text = f"More than {quantity(self.limit, 'request')} in {self.per_seconds} s"
        headers = self._announce(wait, world) if self.retry_after else ()
        return refusal(facts, self.status, text, headers, self.dress)

    def _announce(self, seconds: int, world: World) -> tuple[tuple[str, str], ...]:
        if self.announced == "reset":
            return (("X-RateLimit-Limit", str(self.limit)), ("X-RateLimit-Reset", str(seconds)))
        if self.announced == "date":
            until = world.clock.now().replace(microsecond=0) + timedelta(seconds=seconds + 1)
            return (("Retry-After", format_datetime(until, usegmt=True)),)
        return (("Retry-After", str(seconds if self.announced == "seconds" else 0)),)


class Maintenance(Effect, stage=Stage.REQUEST):
    """Return 503 as during maintenance; with `dress: html` and `status: 200`, a maintenance page."""

    do: Literal["maintenance"]
    retry_after: int | None = Field(default=120, ge=0)
    status: int = Field(default=503, ge=200, le=599)
    dress: Dress = "surface"

    def __call__(self, value: Reply | None, facts: Facts, world: World) -> Reply | None:
        headers = () if self.retry_after is None else (("Retry-After", str(self.retry_after)),)
        return value or refusal(facts, self.status, "Closed for maintenance", headers, self.dress)


class Refuse(Effect, stage=Stage.REQUEST):
    """Refuse the request before it is processed. `code` replaces the OperationOutcome code or the OAuth
    error that goes with the status."""

    do: Literal["refuse"]
    status: int = Field(default=503, ge=400, le=599)
    text: str = "The service is not available"
    code: str | None = None
    retry_after: int | None = Field(default=None, ge=0)
    headers: dict[str, str] = Field(default_factory=dict)
    dress: Dress = "surface"

    def __call__(self, value: Reply | None, facts: Facts, world: World) -> Reply | None:
        headers = tuple(self.headers.items())
        if self.retry_after is not None:
            headers = (*headers, ("Retry-After", str(self.retry_after)))
        return value or refusal(facts, self.status, self.text, headers, self.dress, self.code)


class Redirect(Effect, stage=Stage.REQUEST):
    """Redirect to another host; without `to`, to the same URL again."""

    do: Literal["redirect"]
    to: str | None = Field(default=None, description="a base URL; path and query are appended")
    status: Literal[301, 302, 303, 307, 308] = 302

    def __call__(self, value: Reply | None, facts: Facts, world: World) -> Reply | None:
        query = f"?{urlencode(facts.params)}" if facts.params else ""
        where = f"{self.to.rstrip('/')}{facts.path}{query}" if self.to else query or "?"
        return value or Reply(self.status, (("Location", where),), b"")
