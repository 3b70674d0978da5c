"""Request verbs: what happens before anything is answered."""

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
from sandbox.fhir import bundle
from sandbox.fhir.dates import milliseconds

Dress = Literal["surface", "html", "xml", "text", "empty"]
"""How a refusal looks: as its surface would have it, or as a gateway in front of it would."""

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
    """A refusal; in the shape of its surface it is an OperationOutcome under /fhir, RFC 6749 JSON
    elsewhere. `code` replaces the issue's code, or the OAuth error, that goes with the status."""
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
    if facts.path.startswith("/fhir"):
        body = json_bytes(bundle.outcome(code or issue, text))
        return Reply(status, (("Content-Type", bundle.JSON), *headers), body)
    body = json_bytes({"error": code or error, "error_description": text})
    return Reply(
        status, (("Content-Type", "application/json"), ("Cache-Control", "no-store"), *headers), body
    )


class Delay(Effect, stage=Stage.REQUEST, silent=True):
    """Wait before answering."""

    do: Literal["delay"]
    seconds: float = Field(gt=0, le=120)

    def __call__(self, value: Reply | None, facts: Facts, world: World) -> Reply | None:
        world.wait(self.seconds)
        return value


class RateLimit(Effect, stage=Stage.REQUEST):
    """Refuse after `limit` requests of one caller within `per_seconds` (RFC 6585 §4). `told` says how
    the wait is announced, if it is; `status` and `dress` make it a firewall's block page."""

    do: Literal["rate_limit"]
    limit: int = Field(ge=1)
    per_seconds: int = Field(default=1, ge=1)
    retry_after: bool = Field(default=True, description="whether the Retry-After header is sent")
    told: Literal["seconds", "date", "reset", "zero"] = Field(
        default="seconds", description="Retry-After in seconds, as a date, X-RateLimit-Reset instead, or 0"
    )
    status: int = Field(default=429, ge=400, le=599)
    dress: Dress = "surface"

    def __call__(self, value: Reply | None, facts: Facts, world: World) -> Reply | None:
        now = milliseconds(world.clock.now())
        length = self.per_seconds * 1000
        made, since = world.window(f"rate:{self.limit}/{self.per_seconds}:{facts.caller}", now, length)
        if value is not None or made <= self.limit:
            return value
        wait = max(1, math.ceil((since + length - now) / 1000))
        text = f"More than {quantity(self.limit, 'request')} in {self.per_seconds} s"
        headers = self._wait(wait, world) if self.retry_after else ()
        return refusal(facts, self.status, text, headers, self.dress)

    def _wait(self, seconds: int, world: World) -> tuple[tuple[str, str], ...]:
        if self.told == "reset":
            return (("X-RateLimit-Limit", str(self.limit)), ("X-RateLimit-Reset", str(seconds)))
        if self.told == "date":
            until = world.clock.now().replace(microsecond=0) + timedelta(seconds=seconds + 1)
            return (("Retry-After", format_datetime(until, usegmt=True)),)
        return (("Retry-After", str(seconds if self.told == "seconds" else 0)),)


class Maintenance(Effect, stage=Stage.REQUEST):
    """Answer 503 to everything the rule matches; as `html` with status 200 it is a closed-today page."""

    do: Literal["maintenance"]
    retry_after: int | None = Field(default=120, ge=0)
    status: int = Field(default=503, ge=200, le=599)
    dress: Dress = "surface"

    def __call__(self, value: Reply | None, facts: Facts, world: World) -> Reply | None:
        headers = () if self.retry_after is None else (("Retry-After", str(self.retry_after)),)
        return value or refusal(facts, self.status, "Closed for maintenance", headers, self.dress)


class Refuse(Effect, stage=Stage.REQUEST):
    """Answer with a refusal before anything is looked at. `code` replaces the OperationOutcome's code
    or the OAuth error that goes with the status."""

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
    """Send the caller elsewhere; without `to`, back to where they are, for ever."""

    do: Literal["redirect"]
    to: str | None = Field(default=None, description="an address; the path and query are kept behind it")
    status: Literal[301, 302, 303, 307, 308] = 302

    def __call__(self, value: Reply | None, facts: Facts, world: World) -> Reply | None:
        query = f"?{urlencode(facts.params)}" if facts.params else ""
        where = f"{self.to.rstrip('/')}{facts.path}{query}" if self.to else query or "?"
        return value or Reply(self.status, (("Location", where),), b"")
