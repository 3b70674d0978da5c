"""Code that repeats an exchange: for a terminal, and as a test in Python and JavaScript."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.web.request import RequestContext

_LEFT_OUT = frozenset((
    "accept-encoding", "connection", "content-length", "cookie", "dnt", "host", "origin", "priority",
    "referer", "upgrade-insecure-requests", "user-agent",
))  # fmt: skip


@dataclass(frozen=True)
class Snippet:
    """Code in one language. `id` is for the page, `title` for people."""

    id: str
    title: str
    code: str


def build_snippets(
    entry: Mapping[str, Any], record: Mapping[str, Any] | None, context: RequestContext
) -> list[Snippet]:
    """Return the snippets of an exchange. Without a record they have the path without its query."""
    sent = record["request"] if record else {"target": entry["path"], "headers": [], "body": ""}
    request = _Request(
        entry["method"],
        sent["target"],
        [(name, value) for name, value in sent["headers"] if name.lower() not in _LEFT_OUT],
        sent["body"],
        bool(entry.get("token")),
    )
    scenario, member = entry.get("scenario", ""), entry.get("member") or "maria"
    return [
        Snippet("curl", "curl", _curl(request, context.base)),
        Snippet("pytest", "pytest", _pytest(request, entry, scenario, member)),
        Snippet("javascript", "JavaScript", _javascript(request, entry, context.base, member)),
    ]


@dataclass(frozen=True)
class _Request:
    method: str
    target: str
    headers: list[tuple[str, str]]
    body: str
    has_token: bool

    def own_headers(self) -> list[tuple[str, str]]:
        return [(name, value) for name, value in self.headers if name.lower() != "authorization"]


def _curl(request: _Request, base: str) -> str:
    parts = ["curl -i"]
    if request.method != "GET":
        parts.append(f"-X {request.method}")
    for name, value in request.headers:
        if name.lower() == "authorization" and request.has_token:
            parts.append('-H "Authorization: Bearer $TOKEN"')
        else:
            parts.append(f"-H {shlex.quote(f'{name}: {value}')}")
    if request.body:
        parts.append(f"--data-raw {shlex.quote(request.body)}")
    parts.append(shlex.quote(base + request.target))
    return " \\\n  ".join(parts)


def _pytest(request: _Request, entry: Mapping[str, Any], scenario: str, member: str) -> str:
    mark = [repr(scenario)] if scenario else []
    mark.append(f"member={member!r}")
    lines = [
        "import httpx",
        "import pytest",
        "",
        "",
        f"@pytest.mark.payer({', '.join(mark)})",
        f"def test_{_identifier(request)}(payer):",
    ]
    call = [f"    {request.method!r},", f"    payer.url + {request.target!r},"]
    headers = dict(request.own_headers())
    if request.has_token:
        lines.append("    headers = payer.sign_in().headers" + (f" | {headers!r}" if headers else ""))
        call.append("    headers=headers,")
    elif headers:
        call.append(f"    headers={headers!r},")
    if request.body:
        call.append(f"    content={request.body!r},")
    lines += ["    response = httpx.request(", *(f"    {line}" for line in call), "    )"]
    lines.append(f"    assert response.status_code == {entry['status']}")
    return "\n".join(lines)


def _javascript(request: _Request, entry: Mapping[str, Any], base: str, member: str) -> str:
    headers = [f"      {_quoted(name)}: {_quoted(value)}," for name, value in request.own_headers()]
    lines = [
        'import assert from "node:assert/strict";',
        'import test from "node:test";',
        "",
        f"const payer = {_quoted(base)};",
        "",
        f"test({_quoted(_identifier(request).replace('_', ' '))}, async () => {{",
    ]
    if request.has_token:
        lines += [
            "  const signIn = await fetch(`${payer}/_sandbox/sign-in`, {",
            '    method: "POST",',
            f"    body: JSON.stringify({{ member: {_quoted(member)} }}),",
            "  });",
            "  const { access_token } = await signIn.json();",
        ]
        headers.append("      Authorization: `Bearer ${access_token}`,")
    lines.append(f"  const response = await fetch(payer + {_quoted(request.target)}, {{")
    if request.method != "GET":
        lines.append(f"    method: {_quoted(request.method)},")
    if headers:
        lines += ["    headers: {", *headers, "    },"]
    if request.body:
        lines.append(f"    body: {_quoted(request.body)},")
    lines += ["  });", f"  assert.equal(response.status, {entry['status']});", "});"]
    return "\n".join(lines)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _identifier(request: _Request) -> str:
    """A name for the test: "get_fhir_patient"."""
    path = request.target.partition("?")[0].lower()
    words = "".join(character if character.isalnum() else " " for character in path).split()
    return "_".join([request.method.lower(), *words[:3]])
