"""The documentation: the reference of the FHIR APIs, the guides, a search of both, OpenAPI documents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Response, request
from markupsafe import Markup, escape
from selectolax.lexbor import LexborHTMLParser

from sandbox.apis.developer.guides import (
    EXAMPLE_ORIGIN,
    INDEX,
    LINK_BASE,
    Section,
    load_guides,
    search_sections,
)
from sandbox.auth.clients.registry import CRITERIA
from sandbox.core.errors import NotFound
from sandbox.core.files import json_bytes
from sandbox.faults.search import QUERY_LENGTH_MAX
from sandbox.settings import root
from sandbox.web.api import Api, Audience, ErrorShape
from sandbox.web.negotiation import is_navigation
from sandbox.web.pages import page
from sandbox.web.request import current
from sandbox.web.rest import documentation, openapi
from sandbox.web.rest.access import served_types
from sandbox.web.rest.metadata import describe_server
from sandbox.web.rest.readable import offer_page

FOLDER = root() / "docs"
REFERENCE = "API reference"


def home() -> Response:
    """The reference of the FHIR API, or what a search for `q` finds in it and in the guides."""
    reference, query = _reference(), request.args.get("q", "").strip()[:QUERY_LENGTH_MAX]
    if not query:
        return reference
    guides = load_guides(FOLDER).values()
    sections = [*_read_reference(reference), *(section for guide in guides for section in guide.sections)]
    return _render("developer_docs_found.html", "", query=query, matches=search_sections(sections, query))


def guide(name: str) -> Response:
    """One of the guides."""
    shown = load_guides(FOLDER).get(name)
    if shown is None:
        raise NotFound("There is no page of this name in the documentation.", cause="address-unknown")
    context = current()
    html = shown.html.replace(f'"{LINK_BASE}', f'"{context.address}/docs/')
    html = html.replace(EXAMPLE_ORIGIN, str(escape(context.origin)))
    return _render("developer_guide.html", name, guide=shown, html=Markup(html))  # noqa: S704  # files of ours


def _render(template: str, name: str, **values: Any) -> Response:
    guides = load_guides(FOLDER)
    index = {
        heading: [guides[member] for member in names if member in guides] for heading, names in INDEX.items()
    }
    return page(template, scripted=True, index=index, name=name, **values)


def _read_reference(reference: Response) -> Iterator[Section]:
    """The sections of the reference page, each from a heading with an id to the next one."""
    for card in LexborHTMLParser(reference.get_data(as_text=True)).css("section.card"):
        anchor, title, texts = "", "", list[str]()
        for node in card.iter():
            id = node.attributes.get("id")
            if node.tag in ("h2", "h3") and id:
                if anchor:
                    yield Section("", REFERENCE, anchor, title, " ".join(" ".join(texts).split()))
                anchor, title, texts = id, node.text(), []
            else:
                texts.append(node.text(separator=" "))
        yield Section("", REFERENCE, anchor, title, " ".join(" ".join(texts).split()))


def _reference() -> Response:
    context = current()
    main, *others = _fhir_apis()
    return _render(
        "developer_docs.html",
        REFERENCE,
        types=documentation.described(served_types(context, main), context.wiring.profiles),
        words=documentation,
        operations=[operation for operation in main.operations if operation.parameters],
        others=others,
        endpoints=[operation for operation in context.wiring.apis["smart"].operations if operation.summary],
        criteria=CRITERIA,
    )


def openapi_document(name: str = "") -> Response:
    """The OpenAPI document of the FHIR API of this name; of the members' own where none is named."""
    context, apis = current(), _fhir_apis()
    api = next((api for api in apis if api.name == (name or apis[0].name)), None)
    if api is None:
        raise NotFound("There is no FHIR API of this name.", cause="address-unknown")
    auth = "" if api.audience is Audience.PUBLIC else context.issuer
    described = openapi.document(api, describe_server(context, api), auth)
    response = Response(json_bytes(described), content_type="application/json")
    return offer_page(response, f"OpenAPI document: {api.title}", is_wanted=is_navigation())


def _fhir_apis() -> list[Api]:
    """The FHIR APIs of the payer, the one for members' apps first."""
    apis = [api for api in current().wiring.apis if api.errors is ErrorShape.OUTCOME]
    return sorted(apis, key=lambda api: not api.serves_loaded_types)
