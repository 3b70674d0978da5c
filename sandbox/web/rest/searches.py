"""Search by GET and by POST, and the page of results that every searchset is answered with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from flask import Response, request

from sandbox.auth.tokens.access_token import Access
from sandbox.core.errors import UnsupportedMedia
from sandbox.core.limits import BROAD_COST_FACTOR
from sandbox.fhir import bundle as wire
from sandbox.fhir.library import Page
from sandbox.fhir.search.query import Query, parse
from sandbox.web.journal.entry import mark
from sandbox.web.negotiation import strict
from sandbox.web.request import RequestContext
from sandbox.web.rest.access import arrive, reader
from sandbox.web.rest.page_token import PagePlace, Pages


def search(kind: str) -> Response:
    return _search(kind, list(request.args.items(multi=True)))


def search_by_post(kind: str) -> Response:
    if request.form or not request.data:
        return _search(kind, [*request.args.items(multi=True), *request.form.items(multi=True)])
    text = "The body of a _search must be application/x-www-form-urlencoded."
    raise UnsupportedMedia(text, cause="media-type-unsupported")


def _search(kind: str, args: list[tuple[str, str]]) -> Response:
    context, allowed = arrive(kind, "s")
    return Response(results(context, allowed, kind, args, strict=strict()), content_type=wire.JSON)


def results(
    context: RequestContext,
    allowed: Access,
    kind: str,
    args: Sequence[tuple[str, str]],
    *,
    strict: bool = False,
) -> bytes:
    """The searchset that answers these parameters."""
    query = parse(
        kind,
        tuple(args),
        page_size=context.payer.page_size,
        page_size_max=context.payer.page_size_max,
        strict=strict,
        base=context.address,
    )
    broad = allowed.patient is None and query.is_broad
    context.charge(query.cost * (BROAD_COST_FACTOR if broad else 1))
    bound = f"{kind}?{query.link_query}"
    place = pages(context, allowed).read(bound, dict(args).get("_page"))
    context.learn(page=place.number)
    page = find_page(context, allowed, query, place)
    return bundle(context, allowed, page, kind, bound, place, query.ignored)


def find_page(context: RequestContext, allowed: Access, query: Query, place: PagePlace) -> Page:
    """The page at a place of a search, as far as the token reaches."""
    if place.key or place.back:
        query = replace(query, after=place.key, back=place.back)
    return reader(context, allowed, place.now).search(query)


def pages(context: RequestContext, allowed: Access) -> Pages:
    """Who signs and reads the page tokens of this reader."""
    bearer = f"{context.ledger.name}|{context.api.name}|{allowed.patient or allowed.client}"
    return Pages(context.wiring.page_key, bearer, context.now(), context.payer.page_token_seconds)


def bundle(
    context: RequestContext,
    allowed: Access,
    page: Page,
    path: str,
    query: str,
    place: PagePlace,
    ignored: tuple[str, ...] = (),
) -> bytes:
    """The page as a searchset; its links repeat every parameter of the request."""
    arguments = query.partition("?")[2]
    url = f"{context.address}/{path}" + (f"?{arguments}" if arguments else "")
    links = pages(context, allowed).links(url, query, place, page)
    if page.more:
        context.notes["next"] = mark(dict(links)["next"].rpartition("_page=")[2])
    return wire.searchset(page, context.address, links, ignored)
