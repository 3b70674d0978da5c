"""The plan editor: creates, replaces and deletes plans in the ledger of the payer's tenant."""

from __future__ import annotations

from flask import Response
from plan_finder_api import PLAN_FINDER

from sandbox.fhir import bundle
from sandbox.web.api import Api, Audience, ErrorShape, Operation
from sandbox.web.negotiation import json_body
from sandbox.web.request import current
from sandbox.web.rest.api import PUBLIC_LOOKUPS, prepare, public_operations


def put_plan(id: str) -> Response:
    """Create or replace a plan."""
    context = current()
    stored = context.library.read("InsurancePlan", id, context.now())
    written = context.ledger.written.put(json_body(), context.now(), current=stored)  # type: ignore[arg-type]
    return Response(written.body, 201 if stored is None else 200, content_type=bundle.JSON)


def delete_plan(id: str) -> Response:
    """Delete a plan."""
    context = current()
    if (stored := context.library.read("InsurancePlan", id, context.now())) is not None:
        context.ledger.written.delete(stored, context.now())
    return Response(status=204)


PLAN_EDITOR = Api(
    name="plan_editor",
    prefix="/plan-editor/fhir",
    title="Plan Editor API",
    cites=("FHIR R4 RESTful API",),
    audience=Audience.PUBLIC,
    errors=ErrorShape.OUTCOME,
    types=PLAN_FINDER.kinds,
    operations=(
        Operation("PUT", "/InsurancePlan/<id>", "put_plan", put_plan),
        Operation("DELETE", "/InsurancePlan/<id>", "delete_plan", delete_plan),
        *public_operations(),
    ),
    lookups=PUBLIC_LOOKUPS,
    prepare=prepare,
)
