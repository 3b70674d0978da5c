"""/fhir: metadata, discovery, read, search, `$everything`. Each handler: access, interaction, bytes."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.auth.tokens import Access, access, one_way_only
from sandbox.core.errors import BadRequest, NotAcceptable, not_found
from sandbox.core.files import json_bytes
from sandbox.core.gates import Stage
from sandbox.fhir import interactions, metadata, wire
from sandbox.fhir.dates import milliseconds
from sandbox.fhir.library import Page
from sandbox.fhir.params import TYPES
from sandbox.fhir.query import parse
from sandbox.web.paging import Pages, Place
from sandbox.web.payer_facts import facts_document
from sandbox.web.visit import Visit, here, refine

fhir = Blueprint("fhir", __name__, url_prefix="/fhir")

_MEDIA = {
    "application/fhir+json",
    "application/json",
    "application/json+fhir",
    "text/html",
    "application/*",
    "*/*",
}
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_FORMATS = (
    "json",
    "application/json",
    "application/fhir+json",
    "application/fhir json",
    "application/json+fhir",
)


@fhir.before_request
def _negotiate() -> None:
    """`_format` wins over Accept; parameters such as fhirVersion or charset do not matter."""
    if request.path.startswith("/fhir/.well-known/"):
        return
    asked = request.args.get("_format")
    if asked is not None:
        acceptable = asked.partition(";")[0].lower() in _FORMATS
    else:
        accepted = {
            kind.partition(";")[0].strip().lower() for kind, quality in request.accept_mimetypes if quality
        }
        acceptable = not accepted or bool(accepted & _MEDIA)
    if not acceptable:
        raise NotAcceptable("This payer answers application/fhir+json only")


@fhir.get("/metadata")
def capability_statement() -> Response:
    visit = here()
    statement = metadata.capability_statement(
        visit.fhir,
        visit.auth,
        visit.clock.now().date().isoformat(),
        visit.rooms.version,
        visit.payer,
    )
    statement = visit.gates.run(
        Stage.RESOURCE, statement, replace(visit.facts, resource="CapabilityStatement")
    )
    return Response(json_bytes(statement), content_type=wire.JSON)


@fhir.get("/.well-known/smart-configuration")
def smart_configuration() -> Response:
    body = metadata.smart_configuration(here().auth, here().payer)
    return Response(json_bytes(body), content_type="application/json")


@fhir.get("/.well-known/payer-facts")
def payer_facts() -> Response:
    return Response(json_bytes(facts_document(here())), content_type="application/json")


@fhir.get("/Patient/<id>/$everything")
def everything(id: str) -> Response:
    visit, allowed = _arrive("Patient", "r")
    mode = visit.payer.everything
    if mode == "none":
        not_found("$everything is not supported", "not-supported")
    # The patient must be one that the token may read: another member's is absent, or refused.
    terms = _terms(visit, allowed, "Patient")
    interactions.within_reach(visit.rooms.library, "Patient", id, allowed.patient, _now(visit), **terms)
    served = visit.desk.types()
    readable, limits = allowed.readable(served), allowed.limits(served)
    asked = interactions.everything_args(
        id,
        list(request.args.items(multi=True)),
        readable,
        visit.payer.page_size,
        visit.payer.page_size_max,
        limits,
    )
    query = f"everything/{id}?" + urlencode(
        [(k, v) for k, v in request.args.items(multi=True) if k != "_page"]
    )
    place = _pages(visit, allowed).read(query, request.args.get("_page"))
    if mode == "single" and asked.count:
        asked = replace(asked, count=1_000_000)
    asked = replace(asked, after=place.key, back=place.back)
    visit = refine(page=place.number)
    page = interactions.everything(visit.rooms.library, asked, place.now, visit.gates, visit.facts)
    if place.number == 1 and asked.count:
        named = [t for text in request.args.getlist("_type") for t in text.split(",")]
        page = replace(
            page,
            withheld=tuple(
                t for t in served if (not named or t in named) and (t not in readable or t in limits)
            ),
        )
    return _bundle(visit, allowed, page, f"Patient/{id}/$everything", query, place)


@fhir.get("/Patient/$everything")
def everybody() -> Response:
    raise BadRequest("$everything wants a patient: Patient/[id]/$everything")


@fhir.get("/.well-known/<name>")
def nothing_known(name: str) -> Response:
    not_found("This payer publishes no such document", "not-supported")


@fhir.get("/<kind>/<id>")
def read(kind: str, id: str) -> Response:
    visit, allowed = _arrive(kind, "r")
    if not _ID.fullmatch(id):
        not_found(f"No such {kind}")
    terms = _terms(visit, allowed, kind)
    library, now = visit.rooms.library, _now(visit)
    body = interactions.read(library, kind, id, allowed.patient, now, visit.gates, visit.facts, **terms)
    return Response(body, content_type=wire.JSON)


def _terms(visit: Visit, allowed: Access, kind: str) -> dict[str, Any]:
    """On which terms this token and this payer let a resource be read."""
    return {
        "limit": allowed.limit(kind, "r"),
        "tell_foreign": visit.payer.foreign_read == "forbidden",
    }


@fhir.get("/<kind>")
def search(kind: str) -> Response:
    return _search(kind, list(request.args.items(multi=True)))


@fhir.post("/<kind>/_search")
def search_by_post(kind: str) -> Response:
    if request.form or not request.data:
        return _search(kind, [*request.args.items(multi=True), *request.form.items(multi=True)])
    raise BadRequest("A _search body is application/x-www-form-urlencoded")


@fhir.get("/")
def home() -> AnyResponse:
    return redirect(f"{here().base}/developer")


def _search(kind: str, args: list[tuple[str, str]]) -> Response:
    visit, allowed = _arrive(kind, "s")
    query = parse(
        kind,
        args,
        page_size=visit.payer.page_size,
        page_size_max=visit.payer.page_size_max,
        strict="handling=strict" in request.headers.get("Prefer", ""),
        base=visit.fhir,
    )
    bound = f"{kind}?{query.links_to()}"
    place = _pages(visit, allowed).read(bound, dict(args).get("_page"))
    visit = refine(page=place.number)
    served = visit.desk.types()
    page = interactions.search(
        visit.rooms.library,
        replace(query, after=place.key, back=place.back, any_of=allowed.limit(kind, "s")),
        allowed.patient,
        allowed.readable(served),
        place.now,
        visit.gates,
        visit.facts,
        limits=allowed.limits(served),
        refuse_foreign=visit.payer.foreign_search == "forbidden",
    )
    if page.withheld:  # what the payer does not serve is not the token's doing
        page = replace(page, withheld=tuple(t for t in page.withheld if t in served))
    return _bundle(visit, allowed, page, kind, bound, place, query.ignored)


def _arrive(kind: str, action: str) -> tuple[Visit, Access]:
    """The bearer's access, once it is known to reach this type."""
    visit = here()
    if "access_token" in request.args or "access_token" in request.form:
        one_way_only()
    allowed = access(visit.desk, request.headers.get("Authorization"))
    visit.notes.update(client=allowed.client, member=allowed.username)
    if kind not in TYPES or kind in visit.payer.withheld_types:
        not_found(f"This payer holds no {kind[:64]}", "not-supported")
    allowed.require(kind, action)
    return refine(client=allowed.client, member=allowed.username or None, resource=kind), allowed


def _now(visit: Visit) -> int:
    return milliseconds(visit.clock.now())


def _pages(visit: Visit, allowed: Access) -> Pages:
    reader = f"{visit.tenant}|{allowed.patient or allowed.client}"
    return Pages(visit.rooms.page_key, reader, _now(visit), visit.payer.page_token_seconds)


def _bundle(
    visit: Visit,
    allowed: Access,
    page: Page,
    path: str,
    query: str,
    place: Place,
    ignored: tuple[str, ...] = (),
) -> Response:
    """The page as a searchset; its links repeat every parameter of the request."""
    asked = query.partition("?")[2]
    url = f"{visit.fhir}/{path}" + (f"?{asked}" if asked else "")
    links = _pages(visit, allowed).links(url, query, place, page)
    return Response(wire.searchset(page, visit.fhir, links, ignored), content_type=wire.JSON)
