"""What the payer says of itself under /fhir: metadata, SMART discovery, facts, and a page at the base."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Response, request

from sandbox.core.errors import not_found
from sandbox.core.files import json_bytes
from sandbox.core.gates import Stage
from sandbox.core.members import Account
from sandbox.fhir import bundle, capability
from sandbox.web.api import merge_facts
from sandbox.web.negotiation import wants_page
from sandbox.web.pages import page
from sandbox.web.request import RequestContext, here


def home() -> Response:
    """The base itself is no resource: a page for people, a hint for everybody else."""
    visit = here()
    if wants_page():
        response = page("fhir_home.html", types=visit.desk.types())
    elif any(text and name not in ("_format", "_pretty", "lang") for name, text in request.args.items()):
        not_found("Searches are by type here: [type]?…", "not-supported")
    else:
        text = f"The base of a FHIR API: see {visit.fhir}/metadata and {visit.base}/developer"
        told = bundle.outcome("informational", text, severity="information")
        response = Response(json_bytes(told), content_type=bundle.JSON)
    response.vary.add("Accept")
    return response


def capability_statement() -> Response:
    visit = here()
    statement = capability.capability_statement(
        visit.fhir,
        visit.auth,
        visit.clock.now().date().isoformat(),
        visit.rooms.version,
        visit.payer,
        visit.rooms.guides,
        visit.rooms.profiles,
        visit.rooms.others,
    )
    statement = visit.gates.run(
        Stage.RESOURCE, statement, replace(visit.facts, resource="CapabilityStatement")
    )
    return Response(json_bytes(statement), content_type=bundle.JSON)


def smart_configuration() -> Response:
    body = capability.smart_configuration(here().auth, here().payer, here().rooms.others)
    return Response(json_bytes(body), content_type="application/json")


def payer_facts() -> Response:
    """What the payer claims, and what a grader may use: each API adds its part."""
    context = here()
    parts = [api.facts(context) for api in context.rooms.apis if api.facts is not None]
    return Response(json_bytes(merge_facts(parts)), content_type="application/json")


def claims(context: RequestContext) -> dict[str, Any]:
    """What the payer claims, and the members to sign in as.

    A scenario changes what is true, never what is claimed: claims come from the base profile.
    """
    payer = context.rooms.payer
    return {
        "claims": {
            "status": payer.status,
            "sandbox": payer.sandbox,
            "offered_lines": list(payer.offered_lines),
            "mandated_lines": list(payer.mandated_lines),
            "supported_lines": list(payer.supported_lines),
            "refresh_max_days": payer.refresh_max_days,
            "inactive_access_days": payer.inactive_access_days,
            "portal_opt_in": payer.portal_opt_in,
        },
        "instruments": {
            "members": [_describe_member(account) for account in context.rooms.accounts.values()]
        },
    }


def _describe_member(account: Account) -> dict[str, Any]:
    return {
        "username": account.username,
        "password": account.password,
        "role": account.role,
        "line": account.line,
        "coverage_end": account.coverage_end.isoformat() if account.coverage_end else None,
    }


def nothing_known(name: str) -> Response:
    not_found("This payer publishes no such document", "not-supported")
