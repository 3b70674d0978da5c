"""Batch at the base (R4 §3.1.0.11): reads and searches, each handled like a separate request.

Every entry goes through the whole app like a separate request with the same token: scopes, scenario,
limits and journal know no difference. Only GET and HEAD: nothing is written here, and as a batch is a
POST, none is nested. What fails, fails in its own entry.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any
from urllib.parse import unquote, urlsplit

from flask import Response, current_app, request
from werkzeug.http import http_date

from sandbox.core.errors import BadRequest, bad_request
from sandbox.core.files import json_bytes, json_value
from sandbox.core.limits import ENTRIES_MAX
from sandbox.core.urls import relative_to
from sandbox.core.waits import WAIT, DelayedResponse
from sandbox.fhir import bundle, dates
from sandbox.web import budget
from sandbox.web.negotiation import json_body
from sandbox.web.request import RequestContext
from sandbox.web.rest.access import bearer

_KEPT = (
    "HTTP_AUTHORIZATION", "HTTP_HOST", "HTTP_PREFER", "HTTP_USER_AGENT", "HTTP_X_SANDBOX_SCENARIO",
    "HTTP_X_REQUEST_ID", "HTTP_X_CORRELATION_ID",
)  # fmt: skip
_NO_METHOD = "A batch may have reads and searches only: GET or HEAD."


def batch() -> Response:
    context, _ = bearer()
    entries = _entries(json_body(cause="batch-invalid"))
    allowance = budget.Allowance()
    answers = []
    for entry in entries:
        answers.append(_answered(context, entry, allowance))
        allowance.weigh(answers[-1])
    return Response(bundle.bundle("batch-response", answers), content_type=bundle.JSON)


def _entries(bundle: Any) -> list[Any]:
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        bad_request("The body must be a Bundle of type batch.", "Bundle", cause="batch-invalid")
    if bundle.get("type") == "transaction":
        text = "Transactions are not supported: this API is read-only. Send a batch."
        raise BadRequest(text, cause="write-unsupported", code="not-supported", expression="Bundle.type")
    if bundle.get("type") != "batch":
        bad_request("The body must be a Bundle of type batch.", "Bundle.type", cause="batch-invalid")
    entries = bundle.get("entry", [])
    if not isinstance(entries, list):
        bad_request("Bundle.entry must be a list.", "Bundle.entry", cause="batch-invalid")
    if len(entries) > ENTRIES_MAX:
        text = f"A batch may have at most {ENTRIES_MAX} entries."
        raise BadRequest(text, cause="too-costly", code="too-costly", expression="Bundle.entry")
    return entries


def _answered(context: RequestContext, entry: Any, allowance: budget.Allowance) -> bytes:
    entry_request = entry.get("request") if isinstance(entry, dict) else None
    if not isinstance(entry_request, dict) or not all(
        isinstance(entry_request.get(n), str) for n in ("method", "url")
    ):
        text = "An entry must have request.method and request.url."
        return _failed(400, "invalid", text, "Bundle.entry.request")
    if entry_request["method"] not in ("GET", "HEAD"):
        return _failed(405, "not-supported", _NO_METHOD, "Bundle.entry.request.method")
    environ = _environ(context, entry_request)
    if environ is None:
        text = "The url of an entry must be a FHIR address relative to the base."
        return _failed(400, "invalid", text, "Bundle.entry.request.url")
    if allowance.is_spent:
        refusal = budget.exhausted()
        return _failed(refusal.status, refusal.code, refusal.text, refusal.expression)
    environ[budget.ALLOWANCE] = allowance
    budget.inspect(environ)
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    # A context of its own: `g` would be shared, and the batch go out as the last of its entries.
    with app.app_context(), app.request_context(environ):
        answer = app.full_dispatch_request()
        if isinstance(wait := environ.get(WAIT), DelayedResponse):
            context.delays.append(wait.seconds)
        return _entry(answer, entry_request["method"])


def _environ(context: RequestContext, entry_request: dict[str, Any]) -> dict[str, Any] | None:
    """The WSGI request that the entry stands for; None if it is none of ours."""
    try:
        parts = urlsplit(relative_to(entry_request["url"], context.fhir))
    except ValueError:
        return None
    path = unquote(parts.path).removeprefix("/")
    if parts.scheme or parts.netloc or not path or path.startswith((".", "/")):
        return None
    own = request.environ
    kept = {name: own[name] for name in _KEPT if name in own}
    kept |= {n: v for n, v in own.items() if n.startswith(("wsgi.", "SERVER_", "REMOTE_", "sandbox."))}
    kept.pop(WAIT, None)
    kept |= {
        "SCRIPT_NAME": own.get("SCRIPT_NAME", ""),
        "REQUEST_METHOD": entry_request["method"],
        "PATH_INFO": f"{context.api.prefix}/{path}".encode().decode("latin-1"),
        "QUERY_STRING": parts.query.encode("ascii", "replace").decode("ascii"),
        "CONTENT_LENGTH": "0",
        "wsgi.input": BytesIO(),
        "HTTP_ACCEPT": "application/fhir+json",
    }
    if isinstance(entry_request.get("ifNoneMatch"), str):
        kept["HTTP_IF_NONE_MATCH"] = entry_request["ifNoneMatch"].encode("ascii", "replace").decode("ascii")
    if isinstance(entry_request.get("ifModifiedSince"), str):
        try:
            kept["HTTP_IF_MODIFIED_SINCE"] = http_date(
                dates.parse(entry_request["ifModifiedSince"])[0] // 1000
            )
        except (ValueError, OverflowError):
            return None
    return kept


def _entry(answer: Response, method: str) -> bytes:
    """The entry that tells of an answer: its resource, or its outcome if it failed."""
    entry_response: dict[str, Any] = {"status": str(answer.status_code)}
    if etag := answer.headers.get("ETag"):
        entry_response["etag"] = etag
    if answer.last_modified:
        entry_response["lastModified"] = dates.instant(dates.milliseconds(answer.last_modified))
    body = answer.get_data() if answer.status_code != 304 and method == "GET" else b""
    if body and not _is_resource(answer, body):
        return _failed(502, "transient", "The response for this entry is not a resource", None)
    if body and answer.status_code >= 400:
        entry_response["outcome"], body = json_value(body), b""
    response = b'"response":' + json_bytes(entry_response)
    return b'{"resource":' + body + b"," + response + b"}" if body else b"{" + response + b"}"


def _is_resource(answer: Response, body: bytes) -> bool:
    """Whether the body is a resource: a fault may have cut or replaced it, and discovery is plain JSON."""
    if answer.mimetype != "application/fhir+json":
        return False
    if "Sandbox-Effects" not in answer.headers:
        return True
    try:
        return isinstance(json_value(body), dict)
    except ValueError:
        return False


def _failed(status: int, code: str, text: str, expression: str | None) -> bytes:
    outcome = bundle.outcome(code, text, expression=expression)
    return json_bytes({"response": {"status": str(status), "outcome": outcome}})
