"""The journal: what is kept of an exchange, and which entries somebody wants.

It never holds a token, a code, a state or a password: parameters are kept by name, those that carry no
secret with their value, and secrets as the beginning of their digest, so that one used twice is seen to be.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs, urlsplit

from flask import Response, current_app, g, request
from werkzeug.datastructures import MultiDict

from sandbox.core.clock import stopwatch
from sandbox.core.errors import bad_request
from sandbox.core.files import json_value
from sandbox.store.secret import digest
from sandbox.web.causes import explain
from sandbox.web.request import RequestContext

OPEN_PARAMS = (
    "_count", "_include", "_type", "_since", "_lastUpdated", "_summary", "_total", "category", "intent",
    "status", "type", "scope", "response_type", "code_challenge_method", "grant_type", "prompt", "aud",
    "redirect_uri", "client_id",
)  # fmt: skip
"""Parameters whose values may be kept."""

MARKED = (
    "state", "nonce", "code", "code_challenge", "refresh_token", "token", "request_uri", "_page",
)  # fmt: skip
"""Parameters of which a digest is kept."""

_SECRET = re.compile(
    r"(?:^|&)(access_token|refresh_token|id_token|client_secret|client_assertion|code_verifier|password)="
)
"""A secret in a query, where only its name is kept."""

_VALUE_MAX = 300
_SCOPE_MAX = 2000


def mark(secret: str) -> str:
    """How a secret stands in the journal."""
    return digest(secret)[:8]


def bearer() -> str:
    """The access token of the request, or nothing."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


@dataclass(frozen=True)
class JournalRequest:
    """What the journal looks at of a request: `sent` are its parameters, `secret` its bearer token."""

    method: str
    path: str
    query: str
    sent: MultiDict[str, str]
    secret: str
    accept: str
    agent: str = ""


def build_exchange_entry(
    visit: RequestContext, response: Response, because: tuple[str, ...] = ()
) -> dict[str, Any]:
    """One exchange. `because`: accidents of the past that this answer is owed to."""
    asked = JournalRequest(
        request.method,
        request.path,
        request.query_string.decode("latin-1"),
        # a body that could not be read has no parameters
        request.args if "unread" in g else request.values,
        bearer(),
        request.headers.get("Accept", ""),
        request.headers.get("User-Agent", ""),
    )
    told = {
        "retry_after": response.headers.get("Retry-After"),
        "issued": dict(visit.surface.api.lookups.issued(response)) if visit.surface.api else {},
    }
    return build_entry(visit, asked, response.status_code, because, {**told, **_said(response)})


def build_entry(
    visit: RequestContext,
    asked: JournalRequest,
    status: int,
    because: tuple[str, ...] = (),
    said: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, Any]:
    """The same of an exchange whose parts are at hand; `said` is what the answer tells."""
    sent, secret = asked.sent, asked.secret
    told: dict[str, Any] = {
        "at": visit.clock.now().isoformat(timespec="milliseconds"),
        "request": visit.request_id,
        "method": asked.method,
        "path": asked.path,
        "status": status,
        "ms": round((stopwatch() - visit.started + sum(visit.delays)) * 1000, 1),
        "scenario": visit.selection.name,
        "effects": list(visit.fired()),
        "params": _names(sent),
        "sent": {name: _open(sent, name) for name in OPEN_PARAMS if name in sent},
        "query": mark(asked.query) if asked.query else None,
        "marks": {name: mark(value) for name, value in sent.items() if value and name in MARKED},
        "state_length": len(sent["state"]) if "state" in sent else 0,
        "accept": asked.accept[:_VALUE_MAX],
        "agent": asked.agent[:_VALUE_MAX],
        "in_address": sorted(set(_SECRET.findall(asked.query))) if asked.query else None,
        "client": visit.facts.client,
        "member": visit.facts.member,
        "token": mark(secret) if secret else None,
        "because": list(because),
        **said,
        **visit.notes,
    }
    if status >= 400 or told.get("error"):
        titles = {scenario.id: scenario.title for scenario in visit.selection.scenarios}
        told.update(explain(told, titles, current_app.extensions["causes"]))
    else:  # nothing was refused, whatever was noted on the way
        told.pop("cause", None)
    always = {"effects", "status", "ms"}
    return {name: value for name, value in told.items() if value or name in always}


NAMES, NAME = 30, 60
"""Names of parameters that an entry holds, and characters of each."""


def _names(sent: MultiDict[str, str]) -> list[str]:
    names = sorted(set(sent))
    more = [f"and {len(names) - NAMES} more"] if len(names) > NAMES else []
    return [name[:NAME] for name in names[:NAMES]] + more


def _open(sent: MultiDict[str, str], name: str) -> str:
    """Every value of a parameter that may be kept, with commas between."""
    most = _SCOPE_MAX if name == "scope" else _VALUE_MAX
    return ",".join(sent.getlist(name))[:most]


_TAGS = re.compile(r"<[^>]*>")


def _words(page: str) -> str:
    """What a page says in its main part. Its links carry parameters, `state` among them: not those."""
    main = page.partition("<main")[2].partition("</main>")[0]
    return " ".join(_TAGS.sub(" ", f"<{main}").split())[-2000:]


def _said(response: Response) -> dict[str, str]:
    """The error of an answer, and its words: an OperationOutcome's, RFC 6749's, or a callback's."""
    if 300 <= response.status_code < 400:
        back = parse_qs(urlsplit(response.headers.get("Location", "")).query)
        return _error(back.get("error", [""])[0], back.get("error_description", [""])[0])
    if response.status_code < 400 or response.is_streamed:
        return {}
    if not response.is_json and "json" not in (response.content_type or ""):
        return {"said": _words(response.get_data(as_text=True))} if _is_page(response) else {}
    try:
        body = json_value(response.get_data())
    except ValueError:
        return {}
    if not isinstance(body, dict):
        return {}
    issue = (body.get("issue") or [{}])[0]
    text = issue.get("details", {}).get("text") if issue else body.get("error_description")
    return _error(issue.get("code") or body.get("error") or "", text or body.get("message") or "")


def _is_page(response: Response) -> bool:
    return "html" in (response.content_type or "")


def _error(error: object, text: object) -> dict[str, str]:
    return {"error": str(error)[:80], "said": str(text)[:_VALUE_MAX]} if error else {}


@dataclass(frozen=True)
class Wanted:
    """Which entries somebody asks for; every condition that is there must hold."""

    tests: tuple[Callable[[dict[str, Any]], bool], ...] = ()

    def __call__(self, entry: dict[str, Any]) -> bool:
        return all(test(entry) for test in self.tests)


def wanted(args: Mapping[str, str]) -> Wanted:
    """The filter in a query: status (401 or 4xx), method, path (a prefix), member, client, scenario,
    effect (a part of its name), request, since (an instant), refused (true). Raises BadRequest."""
    tests: list[Callable[[dict[str, Any]], bool]] = []
    for name in ("method", "member", "client", "request", "token"):
        if value := args.get(name):
            asked = value.upper() if name == "method" else value
            tests.append(lambda e, n=name, v=asked: e.get(n) == v)  # type: ignore[misc]
    for name in ("path", "scenario"):
        if value := args.get(name):
            tests.append(lambda e, n=name, v=value: str(e.get(n, "")).startswith(v))  # type: ignore[misc]
    if value := args.get("status"):
        tests.append(_status(value))
    if value := args.get("effect"):
        tests.append(lambda e, v=value: any(v in each for each in (*e["effects"], *e.get("because", ()))))  # type: ignore[misc]
    if value := args.get("since"):
        edge = _instant(value)
        tests.append(lambda e: datetime.fromisoformat(e["at"]) >= edge)
    if args.get("refused") == "true":
        tests.append(lambda e: "why" in e)
    return Wanted(tuple(tests))


def _status(text: str) -> Callable[[dict[str, Any]], bool]:
    if not re.fullmatch(r"[1-5](?:xx|[0-9]{2})", text, re.ASCII):
        bad_request("status must be a number such as 401, or a class such as 4xx.", "status")
    return lambda entry: str(entry["status"]).startswith(text.removesuffix("xx"))


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        bad_request("since must be an instant with a time zone, such as 2027-01-01T00:00:00Z.", "since")
    return found
