"""ExplanationOfBenefit of professionals, laboratories, opticians and ambulances."""

from __future__ import annotations

from functools import lru_cache

from sandbox.synth.config.spec import Spec
from sandbox.synth.facts import Amounts, Claim, ClaimLine, CoveredMember, Settled, Term, Trip
from sandbox.synth.fhir import elements as fhir
from sandbox.synth.fhir.elements import Json, Piece
from sandbox.synth.fhir.renderers import eob, lines
from sandbox.synth.fhir.templates import BLANK, Template

PROFILE = "ExplanationOfBenefit-Professional-NonClinician"
STATUSES = ("billingnetworkstatus", "renderingnetworkstatus")
MILE = "[mi_i]"  # the guide fixes the unit, in UCUM


def _infos(received: str, account: str) -> list[Json]:
    return [
        eob.info("clmrecvddate", timingDate=received),
        eob.info("patientaccountnumber", valueString=account),
    ]


INFOS = Template(eob.numbered(_infos(BLANK, BLANK)))
"""`supportingInfo` of everything but a trip."""


def render(spec: Spec, member: CoveredMember, settled: Settled) -> Json:
    """A settled professional or vision claim."""
    claim = settled.claim
    rendering = any(seat.role == "rendering" for seat in claim.team)
    about = fhir.day(claim.received), account_number(member, settled)
    infos: Piece | list[Json] = INFOS.filled(*about)
    linked: tuple[int, ...] = ()
    if claim.trip:
        visit, trip = _infos(*about), _trip(claim.trip)
        infos = eob.numbered([*visit, *trip])
        # transport information must belong to a line: the guide's invariant
        linked = tuple(range(len(visit) + 1, len(visit) + len(trip) + 1))
    return (
        eob.head(spec, member, settled, PROFILE)
        | {
            "supportingInfo": infos,
            "diagnosis": _diagnoses(claim.diagnoses),
            "insurance": eob.insurance(settled),
            "item": [
                _item(claim, number, line, amounts, linked)
                for number, (line, amounts) in enumerate(zip(claim.lines, settled.amounts, strict=True), 1)
            ],
            "adjudication": eob.network(claim, *(STATUSES if rendering else STATUSES[:1])),
        }
        | eob.tail(settled)
    )


def account_number(member: CoveredMember, settled: Settled) -> str:
    """What the provider calls the patient's account, for this bill."""
    return f"{member.number:05d}-{settled.number[-5:]}"


def _trip(trip: Trip) -> list[Json]:
    return [
        eob.info("pickuplocation", valueString=trip.pick_up),
        eob.info("dropofflocation", valueString=trip.drop_off),
        eob.info("transportationdistance", valueQuantity=fhir.quantity(trip.miles, MILE, MILE)),
    ]


@lru_cache(maxsize=4096)
def _diagnoses(terms: tuple[Term, ...]) -> Piece:
    return fhir.piece(
        [
            eob.diagnosis(number, "principal" if number == 1 else "secondary", term)
            for number, term in enumerate(terms, 1)
        ]
    )


def _item(claim: Claim, number: int, line: ClaimLine, amounts: Amounts, linked: tuple[int, ...]) -> Json:
    item = lines.head(claim, number)
    if linked:
        item["informationSequence"] = linked
    return item | {
        "productOrService": lines.service(line),
        "servicedDate": fhir.day(claim.served),
        "locationCodeableConcept": lines.place(line),
        "quantity": fhir.quantity(line.units),
        "adjudication": lines.adjudication(claim, line, amounts, status=True),
    }
