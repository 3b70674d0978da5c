"""Code that repeats an exchange: for a terminal, and as a test in Python and JavaScript.

A test has a payer of its own. What the exchange depended on besides its scenario is made there first: the
token that had expired, the access that was revoked, the fault that was armed.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from sandbox.faults import one_shot
from sandbox.web.journal.record import is_masked
from sandbox.web.pages import Snippet
from sandbox.web.request import RequestContext

_LEFT_OUT = frozenset((
    "accept-encoding", "connection", "content-length", "cookie", "dnt", "host", "origin", "priority",
    "referer", "upgrade-insecure-requests", "user-agent", "x-sandbox-key",
))  # fmt: skip

_UNKNOWN_TOKENS = frozenset(("token-unknown", "token-refresh", "token-misplaced"))
"""Causes of refusals where the client has sent something that is no access token here."""


@dataclass(frozen=True)
class ControlCall:
    """A control call before the request: its path below `_sandbox`, and its body."""

    path: str
    body: Mapping[str, Any]


@dataclass(frozen=True)
class RepeatedRequest:
    """The request to repeat. `bearer` is "member" where a member signs in for it; `before` is done first."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: str
    bearer: str
    before: tuple[ControlCall, ...]
    status: int
    scenario: str
    member: str

    def own_headers(self) -> dict[str, str]:
        """The headers besides the access token."""
        own = {name: value for name, value in self.headers if name.lower() != "authorization"}
        return own if self.bearer in ("", "member") else own | {"Authorization": f"Bearer {self.bearer}"}

    def build_name(self) -> str:
        """Return words for the test: "get fhir patient"."""
        text = f"{self.method} {self.target.partition('?')[0]}".lower()
        words = "".join(c if c.isascii() and c.isalnum() else " " for c in text).split()
        return " ".join(words[:4])


def build_snippets(
    entry: Mapping[str, Any], record: Mapping[str, Any] | None, context: RequestContext
) -> list[Snippet]:
    """Return the snippets of an exchange. Without a record they have the path without its query; with a
    secret in it there is no test."""
    sent: Mapping[str, Any] = (
        record["request"] if record else {"target": quote(entry["path"]), "headers": [], "body": ""}
    )
    has_token, cause = bool(entry.get("token")), entry.get("cause", "")
    member = entry.get("member") or "maria"
    request = RepeatedRequest(
        entry["method"],
        sent["target"],
        [(name, value) for name, value in sent["headers"] if name.lower() not in _LEFT_OUT],
        sent["body"],
        ("unknown" if cause in _UNKNOWN_TOKENS else "member") if has_token else "",
        tuple(_list_control_calls(entry, member)),
        entry["status"],
        entry.get("scenario", ""),
        member,
    )
    curl = Snippet("curl", "curl", _write_curl(request, context.base))
    if is_masked(sent["target"]) or is_masked(sent["body"]):
        return [curl]
    return [
        curl,
        Snippet("pytest", "pytest", _write_pytest(request)),
        Snippet("javascript", "JavaScript", _write_javascript(request, context.origin)),
    ]


def _list_control_calls(entry: Mapping[str, Any], member: str) -> list[ControlCall]:
    """Return what has to happen, after the sign-in, for the request to end like this one."""
    calls = []
    cause = entry.get("cause", "")
    if cause == "token-expired":
        calls.append(ControlCall("clock", {"advance": "P1D"}))
    elif cause in ("token-revoked", "token-grant-revoked"):
        calls.append(ControlCall(f"members/{quote(member, safe='')}/revoke", {}))
    elif cause == "token-locked":
        calls.append(ControlCall(f"members/{quote(member, safe='')}", {"locked": True}))
    if f"{one_shot.NAME}:refuse" in entry["effects"]:
        then = {"do": "refuse", "status": entry["status"]}
        calls.append(ControlCall("fail-next", {"when": {"path": entry["path"]}, "then": then}))
    return calls


def _write_curl(request: RepeatedRequest, base: str) -> str:
    parts = ["curl -I" if request.method == "HEAD" else "curl -i"]
    if request.method not in ("GET", "HEAD"):
        parts.append(f"-X {shlex.quote(request.method)}")
    if any(sign in request.target for sign in "[]{}"):
        parts.append("--globoff")
    for name, value in request.headers:
        if name.lower() == "authorization" and request.bearer:
            parts.append('-H "Authorization: Bearer $TOKEN"')
        else:
            parts.append(f"-H {shlex.quote(f'{name}: {value}')}")
    if request.body:
        parts.append(f"--data-raw {shlex.quote(request.body)}")
    parts.append(shlex.quote(base + request.target))
    return " \\\n  ".join(parts)


def _write_pytest(request: RepeatedRequest) -> str:
    mark = [repr(request.scenario)] if request.scenario else []
    lines = [
        "import httpx",
        "import pytest",
        "",
        "",
        f"@pytest.mark.payer({', '.join([*mark, f'member={request.member!r}'])})",
        f"def test_{request.build_name().replace(' ', '_')}(payer):",
    ]
    headers = request.own_headers()
    if request.bearer == "member":
        lines.append("    headers = payer.sign_in().headers" + (f" | {headers!r}" if headers else ""))
    elif headers:
        lines.append(f"    headers = {headers!r}")
    for call in request.before:
        path = f"/_sandbox/{call.path}"
        lines.append(f"    httpx.post(payer.url + {path!r}, json={call.body!r}).raise_for_status()")
    lines += [
        "    response = httpx.request(",
        f"        {request.method!r},",
        f"        payer.url + {request.target!r},",
    ]
    if headers or request.bearer == "member":
        lines.append("        headers=headers,")
    if request.body:
        lines.append(f"        content={request.body!r},")
    lines += ["    )", f"    assert response.status_code == {request.status}"]
    return "\n".join(lines)


def _write_javascript(request: RepeatedRequest, origin: str) -> str:
    base = f"{origin}/s/{request.scenario}~"
    headers = [f"      {_quote(name)}: {_quote(value)}," for name, value in request.own_headers().items()]
    lines = [
        'import assert from "node:assert/strict";',
        'import { randomUUID } from "node:crypto";',
        'import test from "node:test";',
        "",
        "// A session of its own: this test disturbs nobody.",
        f"const payer = {_quote(base)} + randomUUID();",
    ]
    if request.before or request.bearer == "member":
        lines += [
            "",
            "async function control(path, body) {",
            "  const answer = await fetch(`${payer}/_sandbox/${path}`, {",
            '    method: "POST",',
            "    body: JSON.stringify(body),",
            "  });",
            "  assert.ok(answer.ok, await answer.clone().text());",
            "  return answer.json();",
            "}",
        ]
    lines += ["", f"test({_quote(request.build_name())}, async () => {{"]
    if request.bearer == "member":
        body = f"{{ member: {_quote(request.member)} }}"
        lines.append(f'  const {{ access_token }} = await control("sign-in", {body});')
        headers.append("      Authorization: `Bearer ${access_token}`,")
    for call in request.before:
        lines.append(f"  await control({_quote(call.path)}, {_quote(call.body)});")
    lines.append(f"  const response = await fetch(payer + {_quote(request.target)}, {{")
    if request.method != "GET":
        lines.append(f"    method: {_quote(request.method)},")
    if headers:
        lines += ["    headers: {", *headers, "    },"]
    if request.body:
        lines.append(f"    body: {_quote(request.body)},")
    lines += ["  });", f"  assert.equal(response.status, {request.status});", "});"]
    return "\n".join(lines)


def _quote(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
