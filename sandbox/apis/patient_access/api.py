"""The Patient Access API: which addresses it has, and how they behave."""

from __future__ import annotations

from importlib.resources import files

from sandbox.apis.patient_access import batch, operations, self_description
from sandbox.core.limits import BATCH_BODY_BYTES_MAX
from sandbox.fhir.schema.types import TYPES
from sandbox.web.api import Api, Audience, Cors, ErrorShape, Operation, StoredRead
from sandbox.web.rest import metadata
from sandbox.web.rest.api import LOOKUPS, prepare, rest_operations

_BOTH = "GET POST"


EVERYTHING: dict[str, tuple[str, str]] = {
    "start": ("date", "care on or after this day"),
    "end": ("date", "care on or before this day"),
    "_since": ("instant", "changed since then"),
    "_type": ("types, with commas", "these types only"),
    "_count": ("whole number", "resources on a page; 0: only the total"),
}
"""Parameters of Patient/[id]/$everything."""

DOCREF: dict[str, tuple[str, str]] = {
    "patient": ("id or Patient/id (required)", "whose documents"),
    "start": ("date", "care on or after this day; without start and end: the most recent document"),
    "end": ("date", "care on or before this day"),
    "type": ("code, system|code", "documents of this type"),
    "on-demand": ("true or false", "true: only documents made on demand, and there are none"),
    "profile": ("URL", "DocumentReferences of this profile"),
    "_count": ("whole number", "documents per page; 0 returns only the total"),
}
"""Parameters of DocumentReference/$docref (US Core 6.1.0)."""


def _public(path: str, name: str, view: object, summary: str = "", cors: Cors = Cors.ANYONE) -> Operation:
    return Operation("GET", path, name, view, summary, Audience.PUBLIC, cors=cors)  # type: ignore[arg-type]


PATIENT_ACCESS = Api(
    name="patient_access",
    prefix="/fhir",
    title="Patient Access API",
    cites=("42 CFR 422.119", "CARIN Blue Button 2.0.0", "US Core 6.1.0", "FHIR R4"),
    audience=Audience.MEMBER,
    errors=ErrorShape.OUTCOME,
    cors=Cors.APPS,
    types=tuple(TYPES),
    serves_loaded_types=True,
    batch="Reads, searches and operations by GET, each handled like a separate request.",
    instantiates=(
        "http://hl7.org/fhir/us/carin-bb/CapabilityStatement/c4bb",
        "http://hl7.org/fhir/us/core/CapabilityStatement/us-core-server",
    ),
    operations=(
        _public("", "home", metadata.home, cors=Cors.APPS),
        Operation("POST", "", "batch", batch.batch,
                  "Run a batch of reads and searches.",
                  body_bytes_max=BATCH_BODY_BYTES_MAX),
        _public("/metadata", "metadata", metadata.metadata, "Return the CapabilityStatement."),
        _public("/.well-known/smart-configuration", "smart_configuration",
                self_description.smart_configuration, "Return the SMART configuration."),
        _public("/.well-known/udap", "udap", self_description.nothing_known),
        _public("/.well-known/payer-facts", "payer_facts", self_description.payer_facts, cors=Cors.NOBODY),
        _public("/.well-known/<name>", "well_known", self_description.nothing_known, cors=Cors.NOBODY),
        Operation(_BOTH, "/Patient/<id>/$everything", "everything", operations.everything,
                  "Return a member's resources, page by page.", resource="Patient", parameters=EVERYTHING,
                  definition="http://hl7.org/fhir/OperationDefinition/Patient-everything",
                  is_offered=lambda payer: payer.everything != "none"),
        Operation(_BOTH, "/Patient/$everything", "everybody", operations.everybody),
        Operation(_BOTH, "/DocumentReference/$docref", "docref", operations.docref,
                  "Find a member's documents.", resource="DocumentReference", parameters=DOCREF,
                  definition="http://hl7.org/fhir/us/core/OperationDefinition/docref"),
        Operation(_BOTH, "/$<name>", "system_operation", operations.unsupported),
        Operation(_BOTH, "/<kind>/$<name>", "type_operation", operations.unsupported),
        Operation(_BOTH, "/<kind>/<id>/$<name>", "instance_operation", operations.unsupported),
        *rest_operations(),
    ),
    lookups=LOOKUPS,
    stored_read=StoredRead(operations.parse_request, operations.serve_request),
    causes=files(__package__) / "causes.yaml",
    facts=self_description.claims,
    prepare=prepare,
)  # fmt: skip

APIS = (PATIENT_ACCESS,)
