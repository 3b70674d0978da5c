"""The journal keeps an entry of each exchange, and filters its entries.

An entry never has a token, a code, a state or a password: parameters are kept by name, harmless ones with
their value, and secrets as the beginning of their digest, so that a secret that is used twice is recognized.
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
    """Return a secret as it stands in the journal."""
    return digest(secret)[:8]


def bearer() -> str:
    """Return the access token of the request; empty where it has none."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


@dataclass(frozen=True)
class JournalRequest:
    """What the journal keeps of a request. `sent` are its parameters, `secret` is its bearer token."""

    method: str
    path: str
    query: str
    sent: MultiDict[str, str]
    secret: str
    accept: str
    agent: str = ""


def build_exchange_entry(
    context: RequestContext, response: Response, because: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return the entry of the exchange in hand. `because`: earlier effects that caused this answer."""
    exchange = JournalRequest(
        request.method,
        request.path,
        request.query_string.decode("latin-1"),
        # a body that could not be read has no parameters
        request.args if "unread" in g else request.values,
        bearer(),
        request.headers.get("Accept", ""),
        request.headers.get("User-Agent", ""),
    )
    details = {
        "retry_after": response.headers.get("Retry-After"),
        "issued": dict(context.surface.lookups.issued(response)),
    }
    return build_entry(context, exchange, response.status_code, because, {**details, **_error_of(response)})


def build_entry(
    context: RequestContext,
    exchange: JournalRequest,
    status: int,
    because: tuple[str, ...] = (),
    details: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, Any]:
    """Return the entry of an exchange. `details` are taken from the answer."""
    sent, secret = exchange.sent, exchange.secret
    fields: dict[str, Any] = {
        "at": context.clock.now().isoformat(timespec="milliseconds"),
        "request": context.request_id,
        "method": exchange.method,
        "path": exchange.path,
        "status": status,
        "ms": round((stopwatch() - context.started + sum(context.delays)) * 1000, 1),
        "scenario": context.selection.name,
        "effects": list(context.fired()),
        "params": _names(sent),
        "sent": {name: _open(sent, name) for name in OPEN_PARAMS if name in sent},
        "query": mark(exchange.query) if exchange.query else None,
        "marks": {name: mark(value) for name, value in sent.items() if value and name in MARKED},
        "state_length": len(sent["state"]) if "state" in sent else 0,
        "accept": exchange.accept[:_VALUE_MAX],
        "agent": exchange.agent[:_VALUE_MAX],
        "in_address": sorted(set(_SECRET.findall(exchange.query))) if exchange.query else None,
        "client": context.facts.client,
        "member": context.facts.member,
        "token": mark(secret) if secret else None,
        "because": list(because),
        **details,
        **context.notes,
    }
    if status >= 400 or fields.get("error"):
        titles = {scenario.id: scenario.title for scenario in context.selection.scenarios}
        fields.update(explain(fields, titles, current_app.extensions["causes"]))
    else:  # nothing was refused in the end
        fields.pop("cause", None)
    always = {"effects", "status", "ms"}
    return {name: value for name, value in fields.items() if value or name in always}


NAMES, NAME = 30, 60
"""Most names of parameters in an entry, and most characters of a name."""
_NAME = re.compile(r"[\w.:$\[\]-]*", re.ASCII)
"""What a name looks like. Other text may be a body with secrets, which its sender called a form."""


def _names(sent: MultiDict[str, str]) -> list[str]:
    names = sorted(set(sent))
    more = [f"and {len(names) - NAMES} more"] if len(names) > NAMES else []
    return [name[:NAME] if _NAME.fullmatch(name) else "(not a name)" for name in names[:NAMES]] + more


def _open(sent: MultiDict[str, str], name: str) -> str:
    """Return every value of a parameter that may be kept, with commas between."""
    most = _SCOPE_MAX if name == "scope" else _VALUE_MAX
    return ",".join(sent.getlist(name))[:most]


_TAGS = re.compile(r"<[^>]*>")


def _words(page: str) -> str:
    """Return the text of a page's main part, without its links: they have parameters such as `state`."""
    main = page.partition("<main")[2].partition("</main>")[0]
    return " ".join(_TAGS.sub(" ", f"<{main}").split())[-2000:]


def _error_of(response: Response) -> dict[str, str]:
    """Return `error` and `said` of an answer: of an OperationOutcome, RFC 6749 JSON, a callback or a page."""
    if 300 <= response.status_code < 400:
        back = parse_qs(urlsplit(response.headers.get("Location", "")).query)
        return _error(back.get("error", [""])[0], back.get("error_description", [""])[0])
    if response.status_code < 400 or response.is_streamed:
        return {}
    if not response.is_json and "json" not in (response.content_type or ""):
        is_page = "html" in (response.content_type or "")
        return {"said": _words(response.get_data(as_text=True))} if is_page else {}
    try:
        body = json_value(response.get_data())
    except ValueError:
        return {}
    if not isinstance(body, dict):
        return {}
    issue = (body.get("issue") or [{}])[0]
    text = issue.get("details", {}).get("text") if issue else body.get("error_description")
    return _error(issue.get("code") or body.get("error") or "", text or body.get("message") or "")


def _error(error: object, text: object) -> dict[str, str]:
    return {"error": str(error)[:80], "said": str(text)[:_VALUE_MAX]} if error else {}


def wanted(args: Mapping[str, str]) -> Callable[[dict[str, Any]], bool]:
    """Return the filter in a query: status (401 or 4xx), method, path (a prefix), member, client, scenario,
    effect (a part of its name), request, since (an instant), refused (true). Raises BadRequest."""
    tests: list[Callable[[dict[str, Any]], bool]] = []
    for name in ("method", "member", "client", "request", "token"):
        if value := args.get(name):
            expected = value.upper() if name == "method" else value
            tests.append(lambda e, n=name, v=expected: e.get(n) == v)  # type: ignore[misc]
    for name in ("path", "scenario"):
        if value := args.get(name):
            tests.append(lambda e, n=name, v=value: str(e.get(n, "")).startswith(v))  # type: ignore[misc]
    if value := args.get("status"):
        if not re.fullmatch(r"[1-5](?:xx|[0-9]{2})", value, re.ASCII):
            bad_request("status must be a number such as 401, or a class such as 4xx.", "status")
        start = value.removesuffix("xx")
        tests.append(lambda e: str(e["status"]).startswith(start))
    if value := args.get("effect"):
        tests.append(lambda e, v=value: any(v in name for name in (*e["effects"], *e.get("because", ()))))  # type: ignore[misc]
    if value := args.get("since"):
        edge = _instant(value)
        tests.append(lambda e: datetime.fromisoformat(e["at"]) >= edge)
    if args.get("refused") == "true":
        tests.append(lambda e: "why" in e)
    return lambda entry: all(test(entry) for test in tests)


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        bad_request("since must be an instant with a time zone, such as 2027-01-01T00:00:00Z.", "since")
    return instant
