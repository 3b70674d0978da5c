"""Operations: `Patient/[id]/$everything` and `DocumentReference/$docref`, by GET or POST (Parameters).

A page of one that was asked by POST links to the same operation by GET, with all of its parameters.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import NoReturn
from urllib.parse import urlencode

from flask import Response, request

from sandbox.apis.patient_access import docref as documents
from sandbox.auth.tokens.access_token import Access
from sandbox.core.errors import BadRequest, not_found
from sandbox.fhir import bundle as wire
from sandbox.fhir.library import Page
from sandbox.fhir.parameters import pairs
from sandbox.web.api import Arguments
from sandbox.web.negotiation import json_body, strict
from sandbox.web.request import RequestContext
from sandbox.web.rest import api as rest
from sandbox.web.rest.access import admit, arrive, bearer, reader
from sandbox.web.rest.api import StoredRequest
from sandbox.web.rest.searches import bundle, find_page, pages


def everything(id: str) -> Response:
    context, allowed = arrive("Patient", "r")
    return Response(compartment(context, allowed, id, _given()), content_type=wire.JSON)


def compartment(
    context: RequestContext, allowed: Access, id: str, arguments: Sequence[tuple[str, str]]
) -> bytes:
    """A page of everything that this token reaches of a patient."""
    mode = context.payer.everything
    if mode == "none":
        not_found("This payer does not support $everything.", "not-supported", cause="everything-unsupported")
    # The patient must be one that the token may read: another member's is absent, or refused.
    current = reader(context, allowed, context.now())
    current.fetch("Patient", id)
    query_asked = current.parse_everything(id, arguments)
    context.charge(query_asked.cost)
    query = f"everything/{id}?" + urlencode([(k, v) for k, v in arguments if k != "_page"])
    place = pages(context, allowed).read(query, dict(arguments).get("_page"))
    query_asked = replace(query_asked, after=place.key, back=place.back)
    context.learn(page=place.number)
    page = replace(current, now=place.now, facts=context.facts).everything(query_asked)
    if place.number == 1 and query_asked.count:
        served = current.kinds
        readable, limits = allowed.readable(served), allowed.limits(served)
        named = {t for name, text in arguments if name == "_type" for t in text.split(",") if t}
        page = replace(
            page,
            withheld=tuple(
                t for t in served if (not named or t in named) and (t not in readable or t in limits)
            ),
        )
    return bundle(context, allowed, page, f"Patient/{id}/$everything", query, place)


def everybody() -> Response:
    raise BadRequest("$everything is about one patient: Patient/[id]/$everything.", cause="patient-missing")


def unsupported(name: str, kind: str = "", id: str = "") -> NoReturn:
    """What is asked by another operation, at the base, of a type or of one resource."""
    context, _ = bearer()
    offered = context.api.offered_operations(context.payer)
    served = [re.sub(r"<(\w+)>", r"[\1]", operation.path[1:]) for operation in offered]
    text = f"is not supported here. The operations are {' and '.join(served)}"
    if name == "export":
        raise BadRequest(f"Bulk export ($export) {text}", cause="operation-unsupported", code="not-supported")
    not_found(f"This operation {text}", "not-supported", cause="operation-unsupported")


def docref() -> Response:
    context, allowed = arrive(documents.KIND, "s")
    arguments = _given()
    sizes = context.payer.page_size, context.payer.page_size_max
    query_asked = documents.docref(arguments, *sizes, strict(), context.fhir)
    context.charge(query_asked.query.cost)
    bound = f"docref?{query_asked.query.link_query}"
    place = pages(context, allowed).read(bound, dict(arguments).get("_page"))
    context.learn(page=place.number)
    page = find_page(context, allowed, query_asked.query, place)
    page = Page((), total=0) if query_asked.nothing else query_asked.shown(page)
    body = bundle(
        context, allowed, page, f"{documents.KIND}/$docref", bound, place, query_asked.query.ignored
    )
    return Response(body, content_type=wire.JSON)


def _given() -> list[tuple[str, str]]:
    """The parameters: of the address, and of the Parameters resource that a POST may carry."""
    arguments = list(request.args.items(multi=True))
    if request.method == "POST" and (request.content_length or request.form):
        arguments += pairs(json_body())
    return arguments


_EVERYTHING = re.compile(r"/Patient/([A-Za-z0-9\-.]{1,64})/\$everything")


def parse_request(path: str, arguments: Arguments) -> StoredRequest | str | None:
    """A plain request for stored bytes: `$everything` of a patient (by its id), a read or a search."""
    match = _EVERYTHING.fullmatch(path)
    return match[1] if match else rest.parse_request(path, arguments)


def serve_request(
    context: RequestContext, access: Access, stored: StoredRequest | str, arguments: Arguments
) -> tuple[list[tuple[str, str]], bytes]:
    """Headers and body of what was parsed. Raises as the views do."""
    if isinstance(stored, StoredRequest):
        return rest.serve_request(context, access, stored, arguments)
    admit(context, access, "Patient", "r")
    return [("Content-Type", wire.JSON)], compartment(context, access, stored, arguments)
