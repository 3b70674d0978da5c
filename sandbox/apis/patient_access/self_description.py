"""What the payer says of itself under /fhir: metadata, SMART discovery, facts, and a page at the base."""

from __future__ import annotations

from dataclasses import replace

from flask import Response, request

from sandbox.apis.control.payer_facts import facts_document
from sandbox.core.errors import not_found
from sandbox.core.files import json_bytes
from sandbox.core.gates import Stage
from sandbox.fhir import bundle, capability
from sandbox.web.negotiation import wants_page
from sandbox.web.pages import page
from sandbox.web.request import here


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
    return Response(json_bytes(facts_document(here())), content_type="application/json")


def nothing_known(name: str) -> Response:
    not_found("This payer publishes no such document", "not-supported")
