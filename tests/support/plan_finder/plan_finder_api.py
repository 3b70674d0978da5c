"""The plan finder: a public, read-only FHIR API of the plans that the payer offers."""

from __future__ import annotations

from sandbox.fhir.schema.model import kind, string, to, token
from sandbox.web.api import Api, Audience, Cors, ErrorShape
from sandbox.web.rest.api import PUBLIC_LOOKUPS, prepare, public_operations

PLAN_FINDER = Api(
    name="plan_finder",
    prefix="/plans/fhir",
    title="Plan Finder API",
    cites=("FHIR R4 InsurancePlan",),
    audience=Audience.PUBLIC,
    errors=ErrorShape.OUTCOME,
    cors=Cors.ANYONE,
    types=(
        kind("InsurancePlan", token("identifier"), string("name"), to("owned-by", "ownedBy", "Organization"),
             to("endpoint", "endpoint", "Endpoint")),
        kind("Endpoint", string("name"), token("connection-type", "connectionType")),
    ),
    operations=public_operations(),
    lookups=PUBLIC_LOOKUPS,
    prepare=prepare,
)  # fmt: skip
