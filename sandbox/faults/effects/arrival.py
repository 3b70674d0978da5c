"""Request and response verbs: what happens to an exchange as a whole."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field

from sandbox.core.clock import sleep
from sandbox.core.files import json_bytes
from sandbox.core.gates import Facts, Reply, Stage
from sandbox.faults.effects.base import Effect, World
from sandbox.fhir import wire
from sandbox.fhir.dates import milliseconds


def refusal(facts: Facts, status: int, code: str, error: str, text: str, retry_after: int | None) -> Reply:
    """A refusal in the shape of its surface: OperationOutcome under /fhir, RFC 6749 JSON elsewhere."""
    headers = (("Retry-After", str(retry_after)),) if retry_after is not None else ()
    if facts.path.startswith("/fhir"):
        return Reply(status, (("Content-Type", wire.JSON), *headers), json_bytes(wire.outcome(code, text)))
    body = json_bytes({"error": error, "error_description": text})
    return Reply(
        status, (("Content-Type", "application/json"), ("Cache-Control", "no-store"), *headers), body
    )


class Delay(Effect, stage=Stage.REQUEST, silent=True):
    """Wait before answering."""

    do: Literal["delay"]
    seconds: float = Field(gt=0, le=120)

    def __call__(self, value: Reply | None, facts: Facts, world: World) -> Reply | None:
        sleep(self.seconds)
        return value


class RateLimit(Effect, stage=Stage.REQUEST):
    """Answer 429 after `limit` requests of one caller within `per_seconds` (RFC 6585 §4)."""

    do: Literal["rate_limit"]
    limit: int = Field(ge=1)
    per_seconds: int = Field(default=1, ge=1)
    retry_after: bool = Field(default=True, description="whether the Retry-After header is sent")

    def __call__(self, value: Reply | None, facts: Facts, world: World) -> Reply | None:
        now = milliseconds(world.clock.now())
        length = self.per_seconds * 1000
        made, since = world.window(f"rate:{self.limit}/{self.per_seconds}:{facts.caller}", now, length)
        if value is not None or made <= self.limit:
            return value
        wait = max(1, math.ceil((since + length - now) / 1000))
        text = f"More than {self.limit} requests in {self.per_seconds} s"
        return refusal(facts, 429, "throttled", "slow_down", text, wait if self.retry_after else None)


class Maintenance(Effect, stage=Stage.REQUEST):
    """Answer 503 to everything the rule matches."""

    do: Literal["maintenance"]
    retry_after: int | None = Field(default=120, ge=0)

    def __call__(self, value: Reply | None, facts: Facts, world: World) -> Reply | None:
        text = "Closed for maintenance"
        return value or refusal(facts, 503, "transient", "temporarily_unavailable", text, self.retry_after)


class ReplyWith(Effect, stage=Stage.RESPONSE):
    """Send something else than what was answered."""

    do: Literal["reply_with"]
    status: int = Field(ge=200, le=599)
    content_type: str | None = None
    body: str = ""
    headers: dict[str, str] = Field(default_factory=dict)

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        headers = dict(self.headers)
        if self.content_type:
            headers["Content-Type"] = self.content_type
        return Reply(self.status, tuple(headers.items()), self.body.encode())


class TruncateBody(Effect, stage=Stage.RESPONSE):
    """Cut the body after a share of its bytes, the Content-Length agreeing with what is sent."""

    do: Literal["truncate_body"]
    keep: float = Field(default=0.5, ge=0, lt=1)

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        whole = b"".join(value.chunks())
        return Reply(value.status, value.headers, whole[: int(len(whole) * self.keep)])


class WrongContentType(Effect, stage=Stage.RESPONSE):
    """Label the body as something it is not."""

    do: Literal["wrong_content_type"]
    content_type: str = "text/html"

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        return value.with_header("Content-Type", self.content_type)


class DropHeader(Effect, stage=Stage.RESPONSE):
    """Leave out a header."""

    do: Literal["drop_header"]
    name: str

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        return value.without_header(self.name)
