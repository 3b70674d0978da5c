"""/fhir: which address leads where. What happens there is in `reading`, `searching`, `operations`,
`batch` and `describing`."""

from __future__ import annotations

from flask import Blueprint

from sandbox.web import batch, describing, operations, reading, searching
from sandbox.web.negotiation import negotiate, pretty

fhir = Blueprint("fhir", __name__, url_prefix="/fhir")
fhir.before_request(negotiate)
fhir.after_request(pretty)

for base in ("", "/"):
    fhir.get(base)(describing.home)
    fhir.post(base)(batch.batch)
fhir.get("/metadata")(describing.capability_statement)
fhir.get("/.well-known/smart-configuration")(describing.smart_configuration)
fhir.get("/.well-known/payer-facts")(describing.payer_facts)
fhir.get("/.well-known/<name>")(describing.nothing_known)
fhir.route("/Patient/<id>/$everything", methods=["GET", "POST"])(operations.everything)
fhir.route("/Patient/$everything", methods=["GET", "POST"])(operations.everybody)
fhir.route("/DocumentReference/$docref", methods=["GET", "POST"])(operations.docref)
for place in ("/$<name>", "/<kind>/$<name>", "/<kind>/<id>/$<name>"):
    fhir.route(place, methods=["GET", "POST"])(operations.unsupported)
fhir.add_url_rule("/_history", view_func=reading.no_history)
fhir.add_url_rule("/<kind>/_history", view_func=reading.no_history)
fhir.get("/<kind>/<id>/_history/<version>")(reading.vread)
fhir.get("/<kind>/<id>/_history")(reading.history)
fhir.get("/<kind>/<id>")(reading.read)
fhir.post("/<kind>/_search")(searching.search_by_post)
fhir.get("/<kind>")(searching.search)
