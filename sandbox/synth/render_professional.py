"""ExplanationOfBenefit of professionals, laboratories, opticians and ambulances (CARIN 2.0.0)."""

from __future__ import annotations

from sandbox.synth import elements as fhir
from sandbox.synth import render_eob as eob
from sandbox.synth.elements import Json
from sandbox.synth.facts import Amounts, Claim, Line, Member, Settled, Term, Trip
from sandbox.synth.spec import Spec

PROFILE = "ExplanationOfBenefit-Professional-NonClinician"
MILE = "[mi_i]"  # the guide fixes the unit, in UCUM
PLACE = "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set"


def render(spec: Spec, member: Member, settled: Settled) -> Json:
    """A settled professional or vision claim."""
    claim = settled.claim
    network = ["billingnetworkstatus"]
    if any(seat.role == "rendering" for seat in claim.team):
        network.append("renderingnetworkstatus")
    return (
        eob.head(spec, member, settled, PROFILE)
        | {
            "supportingInfo": eob.numbered(_infos(claim)),
            "diagnosis": [_diagnosis(number, term) for number, term in enumerate(claim.diagnoses, 1)],
            "insurance": eob.insurance(settled),
            "item": [
                _item(claim, number, line, amounts)
                for number, (line, amounts) in enumerate(zip(claim.lines, settled.amounts, strict=True), 1)
            ],
            "adjudication": [eob.in_network(status) for status in network],
        }
        | eob.tail(settled)
    )


def _infos(claim: Claim) -> list[Json]:
    infos = [eob.info("clmrecvddate", timingDate=claim.received.isoformat())]
    return infos + (_trip(claim.trip) if claim.trip else [])


def _trip(trip: Trip) -> list[Json]:
    return [
        eob.info("pickuplocation", valueString=trip.pick_up),
        eob.info("dropofflocation", valueString=trip.drop_off),
        eob.info("transportationdistance", valueQuantity=fhir.quantity(trip.miles, MILE, MILE)),
    ]


def _diagnosis(number: int, term: Term) -> Json:
    kind = (
        fhir.concept(fhir.TERMINOLOGY + "ex-diagnosistype", "principal")
        if number == 1
        else fhir.concept(fhir.C4BB + "C4BBClaimDiagnosisType", "secondary")
    )
    return {"sequence": number, "diagnosisCodeableConcept": fhir.term(term), "type": [kind]}


def _item(claim: Claim, number: int, line: Line, amounts: Amounts) -> Json:
    item: Json = {"sequence": number}
    if claim.team:
        item["careTeamSequence"] = list(range(1, len(claim.team) + 1))
    item["diagnosisSequence"] = list(range(1, len(claim.diagnoses) + 1))
    if claim.trip:
        # transport information must belong to a line: the guide's invariant
        item["informationSequence"] = [2, 3, 4]
    adjudication = [*eob.amounts(claim, amounts), eob.in_network("benefitpaymentstatus")]
    if line.denial:
        adjudication.append(eob.reason("adjustmentreason", eob.CARC, line.denial.code))
    else:
        units = {"category": fhir.concept(eob.DISCRIMINATOR, "allowedunits"), "value": line.units}
        adjudication.append(units)
    return item | {
        "productOrService": fhir.worded(line.what),
        "servicedDate": claim.served.isoformat(),
        "locationCodeableConcept": fhir.concept(PLACE, line.place or "99"),
        "quantity": fhir.quantity(line.units),
        "adjudication": adjudication,
    }
