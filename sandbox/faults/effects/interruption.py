"""Request verbs of what stands before the payer: a bot filter, and pages between login and consent."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import ClassVar, Literal
from urllib.parse import urlencode

from pydantic import Field

from sandbox.core.gates import Facts, Reply, Stage
from sandbox.faults.effects.arrival import refusal
from sandbox.faults.effects.base import Effect, World
from sandbox.faults.effects.response import break_off, stream

LIBRARIES = (
    "aiohttp", "apache-httpclient", "axios", "curl", "dart", "dotnet", "go-http-client", "got", "hapi-fhir",
    "httpx", "java", "libwww", "node", "okhttp", "payer-sandbox", "postman", "python", "reqwest", "ruby",
    "undici", "wget",
)  # fmt: skip
"""Parts of the User-Agent headers of HTTP libraries and tools, in lower case."""


class BlockBots(Effect, stage=Stage.REQUEST):
    """Block callers as a bot filter does: those whose User-Agent names an HTTP library, or `all`, as for
    calls from a cloud provider's addresses. The answer is `forbidden` (403, plain text), a `page` (403,
    HTML), or `silence`: the connection closes after `seconds` without a byte."""

    do: Literal["block_bots"]
    callers: Literal["libraries", "all"] = "libraries"
    answer: Literal["forbidden", "page", "silence"] = "forbidden"
    seconds: float = Field(default=60, gt=0, le=120)

    def __call__(self, value: Reply | None, facts: Facts, world: World) -> Reply | None:
        if value is not None or not self._blocks(facts.agent.lower()):
            return value
        if self.answer == "silence":
            world.wait(self.seconds)
            return stream(Reply(200), 1, break_off())
        dress: Literal["html", "text"] = "html" if self.answer == "page" else "text"
        return refusal(facts, 403, "Automated traffic is blocked", dress=dress)

    def _blocks(self, agent: str) -> bool:
        return self.callers == "all" or not agent or any(name in agent for name in LIBRARIES)


_STEPS: Mapping[str, tuple[str, str, str]] = {
    "one-time-code": ("Enter your code", "We sent a code to your phone.", "Code"),
    "security-question": ("Answer your security question", "In which city were you born?", "Answer"),
    "new-terms": ("Our terms have changed", "Accept the new terms of use to continue.", ""),
    "password-reset": ("Your password has expired", "Choose a new password to continue.", "New password"),
}
"""The title, the text and the label of the field of each step."""
_PAGE = """<!doctype html>
<html lang="en"><head><title>{title}</title></head><body><main><h1>{title}</h1><p>{text}</p>
<form method="post" action="?{query}">{field}
<button type="submit">Continue</button></form>
<p>This is a sandbox: any answer is accepted, and none is kept.</p></main></body></html>
"""


class InsertStep(Effect, stage=Stage.REQUEST):
    """Show the member a page with a form between login and consent. The sandbox accepts every answer."""

    do: Literal["insert_step"]
    place: ClassVar[str] = "consent"
    step: Literal["one-time-code", "security-question", "new-terms", "password-reset"] = "one-time-code"

    def __call__(self, value: Reply | None, facts: Facts, world: World) -> Reply | None:
        request, stage = facts.params.get("request"), facts.params.get("step")
        if value is not None or request is None:
            return value
        if facts.method == "POST" and stage == "answer":
            return Reply(303, (("Location", f"consent?{_query(request, 'done')}"),), b"")
        return self._page(request) if facts.method == "GET" and stage != "done" else value

    def _page(self, request: str) -> Reply:
        title, text, label = _STEPS[self.step]
        kind = "password" if self.step == "password-reset" else "text"
        field = '<label><input type="checkbox" name="accept" value="yes" required> I accept</label>'
        if label:
            field = f'<label>{label} <input type="{kind}" name="answer" autocomplete="off" required></label>'
        query = escape(_query(request, "answer"))
        return Reply(200, _HEADERS, _PAGE.format(title=title, text=text, query=query, field=field).encode())


_HEADERS = (
    ("Content-Type", "text/html; charset=utf-8"),
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; form-action 'self'; frame-ancestors 'none'"),
    ("Referrer-Policy", "same-origin"),
)


def _query(request: str, step: str) -> str:
    return urlencode({"request": request, "step": step})
