"""What a FHIR API declares of the RESTful interactions: operations, lookups, and reads of stored bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from flask import Blueprint

from sandbox.auth.tokens.access_token import Access
from sandbox.fhir import bundle
from sandbox.store.ledger.database import TenantLedger
from sandbox.store.ledger.repositories.pins import Origin
from sandbox.web.api import Arguments, Lookups, Operation
from sandbox.web.journal.entry import bearer
from sandbox.web.negotiation import negotiate, pretty
from sandbox.web.request import RequestContext, Wiring
from sandbox.web.rest import metadata, reads, searches
from sandbox.web.rest.access import admit

_PATH = re.compile(r"/([A-Z][A-Za-z]{1,63})(?:/([A-Za-z0-9\-.]{1,64}))?")


def rest_operations() -> tuple[Operation, ...]:
    """The operations of reads and searches. They come last: their paths have parameters."""
    return (
        Operation("GET", "/_history", "system_history", reads.no_history),
        Operation("GET", "/<kind>/_history", "type_history", reads.no_history),
        Operation("GET", "/<kind>/<id>/_history/<version>", "vread", reads.vread,
                  "Return a version of a resource."),
        Operation("GET", "/<kind>/<id>/_history", "history", reads.history,
                  "Return the versions of a resource."),
        Operation("GET", "/<kind>/<id>", "read", reads.read, "Return a resource."),
        Operation("POST", "/<kind>/_search", "search_by_post", searches.search_by_post,
                  "Search resources of a type, with the parameters in the body."),
        Operation("GET", "/<kind>", "search", searches.search, "Search resources of a type."),
    )  # fmt: skip


def public_operations() -> tuple[Operation, ...]:
    """Every operation of a read-only API that asks for no token."""
    return (
        Operation("GET", "", "home", metadata.home),
        Operation("GET", "/metadata", "metadata", metadata.metadata, "Return the CapabilityStatement."),
        *rest_operations(),
    )


def prepare(blueprint: Blueprint) -> None:
    """Negotiate the format before each operation, and format the answer after it."""
    blueprint.before_request(negotiate)
    blueprint.after_request(pretty)


def describe_request(below: str) -> dict[str, Any]:
    """The resource type in the path of the request."""
    first = below.removeprefix("/").partition("/")[0]
    return {"resource": first if first[:1].isupper() else None}


def find_origin(wiring: Wiring, ledger: TenantLedger, below: str) -> Origin | None:
    """Where the bearer token was granted."""
    secret = bearer()
    return wiring.ledger.origin_of(ledger.name, secret) if secret else None


LOOKUPS = Lookups(facts=describe_request, origin=find_origin)
PUBLIC_LOOKUPS = Lookups(facts=describe_request)


@dataclass(frozen=True)
class StoredRequest:
    """A read (with an `id`) or a search that is answered from stored bytes."""

    kind: str
    id: str

    @property
    def action(self) -> str:
        return "r" if self.id else "s"


def parse_request(path: str, arguments: Arguments) -> StoredRequest | None:
    """The read or search at a path below the base; None for anything else."""
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    kind, id = match[1], match[2] or ""
    return None if id and any(name == reads.ELEMENTS for name, _ in arguments) else StoredRequest(kind, id)


def serve_request(
    context: RequestContext, access: Access, stored: StoredRequest, arguments: Arguments
) -> tuple[list[tuple[str, str]], bytes]:
    """Headers and body of a read or search. Raises as the views do."""
    admit(context, access, stored.kind, stored.action, stored.id)
    headers = [("Content-Type", bundle.JSON)]
    if stored.id:
        resource = reads.find_stored(context, access, stored.kind, stored.id)
        return headers + reads.validators(resource), resource.body
    return headers, searches.results(context, access, stored.kind, arguments)
