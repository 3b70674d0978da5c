"""ExplanationOfBenefit of dentists. CDT values are bare: their descriptions are licensed."""

from __future__ import annotations

from sandbox.synth.config.spec import Spec
from sandbox.synth.facts import ClaimLine, CoveredMember, Settled
from sandbox.synth.fhir import elements as fhir
from sandbox.synth.fhir.concepts import coded
from sandbox.synth.fhir.elements import Json
from sandbox.synth.fhir.renderers import eob, lines
from sandbox.synth.fhir.renderers.professional import account_number

PROFILE = "ExplanationOfBenefit-Oral"
TOOTH = fhir.TERMINOLOGY + "ADAUniversalToothDesignationSystem"
SURFACE = fhir.C4BB + "C4BBSurfaceCodes"


def render(spec: Spec, member: CoveredMember, settled: Settled) -> Json:
    """A settled dental claim. Its first seat is the dentist's."""
    claim = settled.claim
    statuses = ("billingnetworkstatus", "renderingnetworkstatus", "benefitpaymentstatus")
    # edition 2.0.0 has dentists bill in person: their practice is the payee
    dentist = fhir.reference("Practitioner", claim.team[0].practitioner.id)
    return (
        eob.head(spec, member, settled, PROFILE)
        | {
            "provider": dentist,
            "supportingInfo": eob.numbered(
                [
                    eob.info("clmrecvddate", timingDate=fhir.day(claim.received)),
                    eob.info(
                        "servicefacility", valueReference=fhir.reference("Organization", claim.provider.id)
                    ),
                    eob.info("patientaccountnumber", valueString=account_number(member, settled)),
                ]
            ),
            "insurance": eob.insurance(settled),
            "item": [
                lines.head(claim, number)
                | {
                    "productOrService": coded(line.what.system, line.what.code),
                    "servicedDate": fhir.day(claim.served),
                    "locationCodeableConcept": lines.place(line),
                    "quantity": fhir.quantity(line.units),
                }
                | _mouth(line)
                | {"adjudication": lines.adjudication(claim, line, amounts, status=True)}
                for number, (line, amounts) in enumerate(zip(claim.lines, settled.amounts, strict=True), 1)
            ],
            "adjudication": eob.network(claim, *statuses),
        }
        | eob.tail(settled)
    )


def _mouth(line: ClaimLine) -> Json:
    """Where in the mouth: the tooth and its surfaces, of a line that has them."""
    if line.tooth is None:
        return {}
    return {
        "bodySite": coded(TOOTH, line.tooth),
        "subSite": [fhir.concept(SURFACE, surface) for surface in line.surfaces],
    }
