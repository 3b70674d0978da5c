"""What a FHIR API says of itself: its CapabilityStatement, and a hint or a page at its base."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from flask import Response, request

from sandbox.auth.discovery import oauth_uris
from sandbox.core.errors import not_found
from sandbox.core.files import json_bytes
from sandbox.core.gates import Stage
from sandbox.fhir import bundle
from sandbox.fhir.capability import ServerDescription, capability_statement
from sandbox.web.api import Api, Audience
from sandbox.web.negotiation import wants_page
from sandbox.web.pages import page
from sandbox.web.request import RequestContext, current
from sandbox.web.rest.access import offered_types, served_types
from sandbox.web.rest.readable import offer_page


def home() -> Response:
    """The base itself is no resource: a page for people, a hint for everybody else."""
    context = current()
    if wants_page():
        response = page("fhir_home.html", api=context.api, types=served_types(context))
    elif any(text and name not in ("_format", "_pretty", "lang") for name, text in request.args.items()):
        text = "Search one resource type at a time: [type]?…"
        not_found(text, "not-supported", cause="search-without-type")
    else:
        developer = context.address_of("developer")
        text = f"The base of a FHIR API: see {context.address}/metadata and {developer}"
        outcome = bundle.outcome("informational", text, severity="information")
        response = Response(json_bytes(outcome), content_type=bundle.JSON)
    response.vary.add("Accept")
    return response


def metadata() -> Response:
    """The CapabilityStatement of the API."""
    statement = render_statement(describe_server(current(), current().api))
    return offer_page(statement, "CapabilityStatement", is_wanted=wants_page())


def describe_server(context: RequestContext, api: Api) -> ServerDescription:
    """What the CapabilityStatement of an API tells."""
    payer = context.payer
    operations: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for operation in api.offered_operations(payer):
        operations[operation.resource].append((operation.name, operation.definition))
    return ServerDescription(
        title=api.title,
        base=context.address_of(api.name),
        date=context.clock.now().date().isoformat(),
        version=context.wiring.version,
        payer=payer,
        kinds=served_types(context, api),
        sources=offered_types(context, api),
        guides=context.wiring.guides if api.serves_loaded_types else (),
        batch=api.batch,
        instantiates=api.instantiates,
        profiles=context.wiring.profiles,
        operations=operations,
        oauth_uris=() if api.audience is Audience.PUBLIC else oauth_uris(context.addresses, payer),
    )


def render_statement(server: ServerDescription) -> Response:
    """The statement, after the RESOURCE gate."""
    context = current()
    facts = replace(context.facts, resource="CapabilityStatement")
    statement = context.gates.run(Stage.RESOURCE, capability_statement(server), facts)
    return Response(json_bytes(statement), content_type=bundle.JSON)
