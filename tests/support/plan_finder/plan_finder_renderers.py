"""InsurancePlan and Endpoint: what the payer offers, and where its API is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from sandbox.synth.config.spec import Spec
from sandbox.synth.facts import Network
from sandbox.synth.fhir import elements as fhir
from sandbox.synth.fhir.elements import Json

ENDPOINT = "patient-access"


def insurance_plans(spec: Spec, network: Network, written: date) -> Iterator[Json]:
    """One plan for each line of business."""
    for order, business in enumerate(spec.lines.values()):
        plan = business.plan
        head = fhir.resource("InsurancePlan", plan.code.lower(), fhir.instant(written, order))
        yield head | {
            "status": "active",
            "name": plan.name,
            "identifier": [{"system": f"{spec.payer.base}/plan-id", "value": plan.code}],
            "ownedBy": fhir.reference("Organization", network.payer.id),
            "endpoint": [fhir.reference("Endpoint", ENDPOINT)],
        }


def endpoints(spec: Spec, network: Network, written: date) -> Iterator[Json]:
    """The FHIR endpoint of the payer."""
    system = fhir.TERMINOLOGY + "endpoint-connection-type"
    yield fhir.resource("Endpoint", ENDPOINT, fhir.instant(written, 0)) | {
        "status": "active",
        "name": f"Patient Access API of {network.payer.name}",
        "connectionType": {"system": system, "code": "hl7-fhir-rest"},
        "payloadType": [fhir.concept(fhir.TERMINOLOGY + "endpoint-payload-type", "none")],
        "address": f"{spec.payer.base}/fhir",
    }
