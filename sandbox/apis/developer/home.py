"""The start page: three steps to a first call, addresses, apps, members and scenarios."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Response, request

from sandbox.apis.developer.snippets import begin_in_browser, build_snippets
from sandbox.core.errors import SandboxProblem
from sandbox.core.files import json_pretty, json_value
from sandbox.core.members import find_first_example, group_examples, list_examples
from sandbox.faults.listing import compute_cost
from sandbox.faults.search import QUERY_LENGTH_MAX, search, suggest
from sandbox.web import operator
from sandbox.web.guard import form_token, may_control, require_control, require_form_token
from sandbox.web.pages import page
from sandbox.web.request import current

GUIDES = {"hl7.fhir.us.carin-bb": "CARIN Blue Button", "hl7.fhir.us.core": "US Core"}


def home() -> Response:
    return _render()


def sign_in() -> Response:
    """Sign the first member in as an app does, and show what the token endpoint answered.

    Raises Forbidden for whoever may not control the payer, and for a form of another page.
    """
    require_control("Signing a member in by a button")
    require_form_token()
    member = find_first_example(list_examples(current().wiring.accounts))
    try:
        answer = operator.sign_in(member.username if member else "")
    except SandboxProblem as problem:
        return _render(problem.status, problem=problem.text)
    body = answer.get_data()
    try:
        token = json_value(body)
    except ValueError:
        return _render(answered=body.decode("utf-8", "replace"), token_status=answer.status_code)
    access_token = token.get("access_token", "") if isinstance(token, dict) else ""
    return _render(
        answered=json_pretty(token).decode(), token_status=answer.status_code, access_token=access_token
    )


def _render(status: int = 200, **more: Any) -> Response:
    context = current()
    examples = list_examples(context.wiring.accounts)
    people = sum(1 for account in context.wiring.accounts.values() if account.purpose)
    catalog, query = context.wiring.catalog, request.args.get("q", "").strip()[:QUERY_LENGTH_MAX]
    client = next((c for c in context.wiring.clients.values() if c.public), None)
    return page(
        "developer.html",
        status,
        scripted=True,
        clients=context.wiring.clients.values(),
        client=client,
        member=find_first_example(examples),
        members=group_examples(examples),
        unlisted=people - len(examples),
        snippets=build_snippets(context, client) if client else (),
        begun=begin_in_browser(context, client) if client else None,
        scenarios=catalog.by_id.values(),
        query=query,
        matches=search(catalog, query) if query else (),
        suggestions=suggest(catalog, query) if query else (),
        compute_cost=compute_cost,
        origin=context.origin,
        guides=_name_editions(context.wiring.guides),
        loaded=context.wiring.loaded,
        csrf=form_token() if may_control() else "",
        **more,
    )


def _name_editions(canonicals: Sequence[str]) -> list[str]:
    """Return guides by name and edition, where it is known whose data it is."""
    named = (canonical.rpartition("/")[2].partition("|") for canonical in canonicals)
    return [f"{GUIDES[package]} {edition}" for package, _, edition in named]
