"""/fhir: which address leads where. What happens there is in `reads`, `searches`, `operations`,
`batch` and `self_description`."""

from __future__ import annotations

from flask import Blueprint

from sandbox.apis.patient_access import batch, operations, reads, searches, self_description
from sandbox.web.negotiation import negotiate, pretty

fhir = Blueprint("fhir", __name__, url_prefix="/fhir")
fhir.before_request(negotiate)
fhir.after_request(pretty)

for base in ("", "/"):
    fhir.get(base)(self_description.home)
    fhir.post(base)(batch.batch)
fhir.get("/metadata")(self_description.capability_statement)
fhir.get("/.well-known/smart-configuration")(self_description.smart_configuration)
fhir.get("/.well-known/payer-facts")(self_description.payer_facts)
fhir.get("/.well-known/<name>")(self_description.nothing_known)
fhir.route("/Patient/<id>/$everything", methods=["GET", "POST"])(operations.everything)
fhir.route("/Patient/$everything", methods=["GET", "POST"])(operations.everybody)
fhir.route("/DocumentReference/$docref", methods=["GET", "POST"])(operations.docref)
for place in ("/$<name>", "/<kind>/$<name>", "/<kind>/<id>/$<name>"):
    fhir.route(place, methods=["GET", "POST"])(operations.unsupported)
fhir.add_url_rule("/_history", view_func=reads.no_history)
fhir.add_url_rule("/<kind>/_history", view_func=reads.no_history)
fhir.get("/<kind>/<id>/_history/<version>")(reads.vread)
fhir.get("/<kind>/<id>/_history")(reads.history)
fhir.get("/<kind>/<id>")(reads.read)
fhir.post("/<kind>/_search")(searches.search_by_post)
fhir.get("/<kind>")(searches.search)
