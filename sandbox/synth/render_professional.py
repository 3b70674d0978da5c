"""ExplanationOfBenefit of professionals, laboratories, opticians and ambulances."""

from __future__ import annotations

from sandbox.synth import elements as fhir
from sandbox.synth import render_eob as eob
from sandbox.synth import render_lines as lines
from sandbox.synth.elements import Json
from sandbox.synth.facts import Claim, Member, Settled, Term, Trip
from sandbox.synth.spec import Spec

PROFILE = "ExplanationOfBenefit-Professional-NonClinician"
MILE = "[mi_i]"  # the guide fixes the unit, in UCUM


def render(spec: Spec, member: Member, settled: Settled) -> Json:
    """A settled professional or vision claim."""
    claim = settled.claim
    network = ["billingnetworkstatus"]
    if any(seat.role == "rendering" for seat in claim.team):
        network.append("renderingnetworkstatus")
    infos = [
        eob.info("clmrecvddate", timingDate=claim.received.isoformat()),
        eob.info("patientaccountnumber", valueString=account_number(member, settled)),
    ]
    trip = _trip(claim.trip) if claim.trip else []
    # transport information must belong to a line: the guide's invariant
    linked = list(range(len(infos) + 1, len(infos) + len(trip) + 1))
    return (
        eob.head(spec, member, settled, PROFILE)
        | {
            "supportingInfo": eob.numbered([*infos, *trip]),
            "diagnosis": [_diagnosis(number, term) for number, term in enumerate(claim.diagnoses, 1)],
            "insurance": eob.insurance(settled),
            "item": _items(claim, settled, linked),
            "adjudication": [eob.in_network(status, claim) for status in network],
        }
        | eob.tail(settled)
    )


def account_number(member: Member, settled: Settled) -> str:
    """What the provider calls the patient's account, for this bill."""
    return f"{member.number:05d}-{settled.number[-5:]}"


def _trip(trip: Trip) -> list[Json]:
    return [
        eob.info("pickuplocation", valueString=trip.pick_up),
        eob.info("dropofflocation", valueString=trip.drop_off),
        eob.info("transportationdistance", valueQuantity=fhir.quantity(trip.miles, MILE, MILE)),
    ]


def _diagnosis(number: int, term: Term) -> Json:
    kind = (
        eob.coded(fhir.TERMINOLOGY + "ex-diagnosistype", "principal")
        if number == 1
        else eob.coded(fhir.C4BB + "C4BBClaimDiagnosisType", "secondary")
    )
    what = eob.coded(term.system, term.code, term.name, term.name)
    return {"sequence": number, "diagnosisCodeableConcept": what, "type": [kind]}


def _items(claim: Claim, settled: Settled, linked: list[int]) -> list[Json]:
    items = []
    for number, (line, amounts) in enumerate(zip(claim.lines, settled.amounts, strict=True), 1):
        item = lines.head(claim, number)
        if linked:
            item["informationSequence"] = linked
        items.append(
            item
            | {
                "productOrService": lines.service(line),
                "servicedDate": lines.serviced(claim),
                "locationCodeableConcept": lines.place(line),
                "quantity": lines.quantity(line),
                "adjudication": lines.adjudication(claim, line, amounts, status=True),
            }
        )
    return items
