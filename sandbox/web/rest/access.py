"""Every request for members' data begins here: whose token is it, and does it reach this type?"""

from __future__ import annotations

from flask import request

from sandbox.auth.tokens.access_token import Access, TokenRefused, access, one_way_only
from sandbox.core.errors import not_found
from sandbox.fhir.capability import without
from sandbox.fhir.reader import Reader
from sandbox.fhir.schema.types import KNOWN
from sandbox.web.api import Api, Audience
from sandbox.web.request import RequestContext, current

EVERYBODY = Access(None, "", "", ("system/*.rs",))
"""What anybody reaches of a public API: all of its types."""


def bearer() -> tuple[RequestContext, Access]:
    """The bearer's access, whatever it reaches; at a public API everybody's, and a token is not looked at.
    Raises Unauthorized, BadRequest."""
    context = current()
    if context.api.audience is Audience.PUBLIC:
        return context, EVERYBODY
    if "access_token" in request.args or "access_token" in request.form:
        one_way_only()
    try:
        allowed = access(context, request.headers.get("Authorization"))
    except TokenRefused as problem:
        context.notes["token_state"] = problem.state
        raise
    note_client(context, allowed)
    return context, allowed


def offered_types(context: RequestContext, api: Api) -> tuple[str, ...]:
    """The types of an API, with those that the payer withholds."""
    others = context.wiring.others if api.serves_loaded_types else ()
    return (*api.kinds, *others) if others else api.kinds


def served_types(context: RequestContext, api: Api | None = None) -> tuple[str, ...]:
    """The types that an API serves: the one in hand, unless another is named."""
    kinds, withheld = offered_types(context, api or context.api), context.payer.withheld_types
    return without(kinds, withheld) if withheld else kinds


def note_client(context: RequestContext, allowed: Access) -> None:
    """Note whose token it is."""
    context.notes.update(client=allowed.client, member=allowed.username)


def arrive(kind: str, action: str, id: str = "") -> tuple[RequestContext, Access]:
    """The bearer's access, once it is known to read ("r") or search ("s") this type, or to read the one
    resource with this `id`."""
    context, allowed = bearer()
    admit(context, allowed, kind, action, id)
    return context, allowed


def admit(context: RequestContext, allowed: Access, kind: str, action: str, id: str = "") -> None:
    """Raises NotFound for a type that the payer does not serve, Forbidden where the token does not
    reach it."""
    if kind not in served_types(context):
        # What is no type may be anything, a member's number too: it is not repeated.
        named = kind if kind in KNOWN else "this resource type"
        not_found(f"This payer does not have {named}.", "not-supported", cause="type-unsupported")
    if not allowed.is_user(kind, id):
        allowed.require(kind, action)
    context.learn(client=allowed.client, member=allowed.username or None, resource=kind)


def reader(context: RequestContext, allowed: Access, now: int) -> Reader:
    """The reader of this request, at a time of the payer's clock (ms)."""
    kinds = served_types(context)
    return Reader(context.library, allowed, kinds, context.payer, now, context.gates, context.facts)
