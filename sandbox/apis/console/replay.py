"""Sending a request of the journal again, as the client that sent it first.

A token is only known by its digest. The replay gets a token of its own with the same grant, scope and end, so
that one that is expired or revoked meets the same refusal; it is revoked when the answer is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import Context
from dataclasses import replace
from typing import Any

from flask import current_app, request
from werkzeug.test import Client, EnvironBuilder

from sandbox.core.errors import bad_request
from sandbox.core.waits import HANDLED
from sandbox.store.secret import digest, new_secret
from sandbox.web.journal.record import is_masked
from sandbox.web.request import RequestContext

_DROPPED = frozenset(("authorization", "connection", "content-length", "cookie", "host", "x-request-id"))


def replay_problem(
    entry: Mapping[str, Any], record: Mapping[str, Any] | None, context: RequestContext
) -> str:
    """Return why an exchange cannot be sent again; empty where it can."""
    if record is None:
        return "Its request was not kept. Requests are kept in full while a console is open."
    sent = record["request"]
    if is_masked(sent["target"]) or is_masked(sent["body"]):
        return "A secret was part of it, and secrets are not kept. Sign in again instead."
    if not sent["whole"]:
        return "Its body is too long to be kept as a whole, or no text."
    if (
        sent["method"] not in ("GET", "HEAD", "OPTIONS")
        and not context.wiring.apis.surface(entry["path"]).is_fhir
    ):
        return "It changed something or used a form. Only reads and FHIR requests can be sent again."
    if entry.get("token") and context.ledger.token_with_digest(entry["token"]) is None:
        return "Its token is not known any more."
    return ""


def replay_exchange(
    entry: Mapping[str, Any], record: Mapping[str, Any] | None, context: RequestContext
) -> int:
    """Send the request of an exchange again. Returns its number in the journal. Raises BadRequest."""
    if (problem := replay_problem(entry, record, context)) or record is None:
        bad_request(problem)
    sent = record["request"]
    headers = [(name, value) for name, value in sent["headers"] if name.lower() not in _DROPPED]
    headers.append(("Host", request.host))
    token = context.ledger.token_with_digest(entry["token"]) if entry.get("token") else None
    if token is not None:
        secret = new_secret()
        copied = replace(token, hash=digest(secret))
        context.ledger.add_token(copied)
        headers.append(("Authorization", f"Bearer {secret}"))
    elif any(name.lower() == "authorization" for name, _ in sent["headers"]):
        headers.append(("Authorization", "Bearer unknown"))
    prefix = f"/s/{request.environ['sandbox.scenario']}" if "sandbox.scenario" in request.environ else ""
    environ = EnvironBuilder(
        prefix + sent["target"],
        method=sent["method"],
        headers=headers,
        data=sent["body"] or None,
        base_url=f"{request.scheme}://{request.host}",
        # Its delays are in the journal, and no thread sleeps for them.
        environ_base={"REMOTE_ADDR": request.remote_addr or "", HANDLED: True},
    ).get_environ()
    # The app keeps the request in hand in context variables: this one has its own.
    try:
        answer = Context().run(Client(current_app.wsgi_app).open, environ)
    finally:
        if token is not None:
            context.ledger.revoke_token(copied.hash, context.now())
    id = answer.headers.get("X-Request-Id", "")
    journaled = context.ledger.journal(1, entry["number"], lambda other: other["request"] == id)
    if not journaled:
        bad_request("The request was sent again, and the journal has no entry of it.")
    return int(journaled[0]["number"])
