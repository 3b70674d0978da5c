"""What every ExplanationOfBenefit has in common (CARIN Blue Button, base profile).

A renderer of a kind of claim starts with `head`, adds its own parts, and ends with `tail`. Pieces that
come again and again are made once and shared: nobody may change them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from functools import cache, lru_cache
from operator import attrgetter

from sandbox.synth.claims import business_days
from sandbox.synth.claims.accumulators import ZERO
from sandbox.synth.config.spec import Spec
from sandbox.synth.facts import Amounts, Claim, CoveredMember, Settled, Term
from sandbox.synth.fhir import elements as fhir
from sandbox.synth.fhir.concepts import coded, named
from sandbox.synth.fhir.elements import Json, Piece

ADJUDICATION = fhir.TERMINOLOGY + "adjudication"
C4BB_ADJUDICATION = fhir.C4BB + "C4BBAdjudication"
DISCRIMINATOR = fhir.C4BB + "C4BBAdjudicationDiscriminator"
STATUS = fhir.C4BB + "C4BBPayerAdjudicationStatus"
INFO = fhir.C4BB + "C4BBSupportingInfoType"
ROLE = fhir.C4BB + "C4BBClaimCareTeamRole"
HL7_DIAGNOSIS = fhir.TERMINOLOGY + "ex-diagnosistype"
C4BB_DIAGNOSIS = fhir.C4BB + "C4BBClaimDiagnosisType"
HL7_ROLES = {"primary"}  # the other roles are CARIN's own
CLAIM_TYPE = {"inpatient": "institutional", "outpatient": "institutional"}  # kinds named otherwise there

AMOUNTS: dict[str, tuple[str, str]] = {
    "submitted": (ADJUDICATION, "submitted"),
    "discount": (C4BB_ADJUDICATION, "discount"),
    "noncovered": (C4BB_ADJUDICATION, "noncovered"),
    "eligible": (ADJUDICATION, "eligible"),
    "copay": (ADJUDICATION, "copay"),
    "deductible": (ADJUDICATION, "deductible"),
    "coinsurance": (C4BB_ADJUDICATION, "coinsurance"),
    "prior_payer_paid": (C4BB_ADJUDICATION, "priorpayerpaid"),
    "benefit": (ADJUDICATION, "benefit"),
    "paid_to_provider": (C4BB_ADJUDICATION, "paidtoprovider"),
    "member_liability": (C4BB_ADJUDICATION, "memberliability"),
    "drug_cost": (C4BB_ADJUDICATION, "drugcost"),
}
"""Amount → system and code of its category, in the order they are listed."""

SAME_AS = {
    "paid_to_provider": "benefit",  # every provider takes assignment: members are not paid
    "drug_cost": "eligible",  # of pharmacies only
}
"""Amounts that adjudication has under another name."""

ALWAYS = {"submitted", "eligible", "benefit", "paid_to_provider", "member_liability"}
"""Amounts that are listed even when they are zero."""


def visible(day: date) -> date:
    """The day on which what was processed on a day can be seen: the next business day."""
    return business_days.after(day)


def head(spec: Spec, member: CoveredMember, settled: Settled, profile: str) -> Json:
    """From `meta` to `careTeam`. `created` is the day of adjudication."""
    claim = settled.claim
    provider = fhir.reference("Organization", claim.provider.id)
    served = fhir.day(claim.served)
    updated = fhir.instant(visible(claim.processed), int(settled.number[-5:]))
    eob = fhir.resource("ExplanationOfBenefit", settled.id, updated, f"C4BB-{profile}") | {
        "identifier": [{"type": CLAIM_NUMBER, "system": claim_numbers(spec), "value": settled.number}],
        "status": "active",
        "type": claim_type(claim.kind),
        "use": "claim",
        "patient": fhir.reference("Patient", member.patient_id),
        "billablePeriod": {"start": served, "end": fhir.day(claim.through) if claim.through else served},
        "created": f"{fhir.day(claim.processed)}T00:00:00Z",
        "insurer": fhir.reference("Organization", spec.payer.id),
        "provider": provider,
    }
    if paid(settled):
        eob["payee"] = {"type": PAYEE, "party": provider}
    eob["outcome"] = "complete"
    if claim.team:
        eob["careTeam"] = [
            _seat(number, seat.role, seat.practitioner.id, seat.practitioner.specialty)
            for number, seat in enumerate(claim.team, 1)
        ]
    return eob


@cache
def claim_type(kind: str) -> Json:
    """`type` of a kind of claim."""
    return fhir.concept(fhir.TERMINOLOGY + "claim-type", CLAIM_TYPE.get(kind, kind))


@lru_cache(maxsize=16384)
def _seat(number: int, role: str, practitioner_id: str, specialty: str) -> Piece:
    """One of the `careTeam`."""
    return fhir.piece(
        {
            "sequence": number,
            "provider": fhir.reference("Practitioner", practitioner_id),
            "role": coded(fhir.TERMINOLOGY + "claimcareteamrole" if role in HL7_ROLES else ROLE, role),
            "qualification": coded("http://nucc.org/provider-taxonomy", specialty),
        }
    )


CLAIM_NUMBER = coded(fhir.C4BB + "C4BBIdentifierType", "uc")
PAYEE = coded(fhir.TERMINOLOGY + "payeetype", "provider")


def claim_numbers(spec: Spec) -> str:
    """The system of the payer's claim numbers."""
    return f"{spec.payer.base}/claims"


def insurance(settled: Settled) -> list[Piece]:
    """Return the policy in force on the day of service, and the other payer's that paid first."""
    policies = [_insurance(True, settled.policy.id)]
    if settled.first_payer:
        policies.append(_insurance(False, settled.first_payer.id))
    return policies


@lru_cache(maxsize=1024)
def _insurance(focal: bool, policy_id: str) -> Piece:
    return fhir.piece({"focal": focal, "coverage": fhir.reference("Coverage", policy_id)})


def tail(settled: Settled) -> Json:
    """`total` (per category, the sum of the lines) and `payment`."""
    return {
        "total": totals(settled.claim.kind, settled.amounts),
        "payment": {
            "type": coded(STATUS, payment_status(settled)),
            "date": fhir.day(settled.claim.paid),
            "amount": fhir.money(paid(settled)),
        },
    }


def entries(kind: str, amounts: Amounts) -> list[Piece]:
    """Return an adjudication for each amount of a line that is not zero, or that is always listed."""
    return _entries(kind, _values(amounts))


@lru_cache(maxsize=16384)
def listed(kind: str, amounts: Amounts) -> Piece:
    """The same as one piece: claims for the same service come to the same amounts."""
    return fhir.piece(entries(kind, amounts))


@lru_cache(maxsize=16384)
def totals(kind: str, lines: tuple[Amounts, ...]) -> Piece:
    """The same categories for the whole claim: each the sum of the lines."""
    columns = zip(*map(_values, lines), strict=True)
    return fhir.piece(_entries(kind, [sum(column, ZERO) for column in columns]))


def payment_status(settled: Settled) -> str:
    """Return denied when no line is covered, partiallypaid when some are not, paid otherwise."""
    denied = [line.denial is not None for line in settled.claim.lines]
    if True not in denied:
        return "paid"
    return "partiallypaid" if False in denied else "denied"


def paid(settled: Settled) -> Decimal:
    """What the payer paid for the whole claim."""
    return sum([line.benefit for line in settled.amounts], ZERO)


@cache
def reason(category: str, system: str, code: str) -> Piece:
    """An adjudication without an amount: a discriminator and what it says."""
    return fhir.piece({"category": coded(DISCRIMINATOR, category), "reason": coded(system, code)})


def in_network(category: str, claim: Claim) -> Piece:
    """A discriminator that says whether the provider has a contract."""
    return reason(category, STATUS, "innetwork" if claim.provider.in_network else "outofnetwork")


def network(claim: Claim, *categories: str) -> Piece:
    """Return the header's adjudication of a claim that is paid line by line."""
    return _network(claim.provider.in_network, categories)


@cache
def _network(contracted: bool, categories: tuple[str, ...]) -> Piece:
    status = "innetwork" if contracted else "outofnetwork"
    return fhir.piece([reason(category, STATUS, status) for category in categories])


def allowed_units(units: Decimal) -> Piece:
    return _allowed_units(str(units))


@lru_cache(maxsize=4096)
def _allowed_units(digits: str) -> Piece:
    return fhir.piece({"category": coded(DISCRIMINATOR, "allowedunits"), "value": Piece(digits)})


def diagnosis(number: int, kind: str, term: Term) -> Json:
    """One `diagnosis` of a claim; `kind` is its type."""
    system = HL7_DIAGNOSIS if kind in ("principal", "admitting") else C4BB_DIAGNOSIS
    return {"sequence": number, "diagnosisCodeableConcept": named(term), "type": [coded(system, kind)]}


def numbered(infos: Iterable[Json]) -> list[Json]:
    """`supportingInfo` with its sequence numbers."""
    return [{"sequence": number, **info} for number, info in enumerate(infos, 1)]


def info(category: str, **value: object) -> Json:
    """One `supportingInfo` without its number."""
    return {"category": coded(INFO, category), **value}


_values = attrgetter(*(SAME_AS.get(name, name) for name in AMOUNTS))
"""Every amount of a line, in the order of AMOUNTS."""


def _entries(kind: str, values: Iterable[Decimal]) -> list[Piece]:
    return [
        _entry(name, value)
        for name, value in zip(AMOUNTS, values, strict=True)
        if (value or name in ALWAYS) and (name != "drug_cost" or kind == "pharmacy")
    ]


@lru_cache(maxsize=32768)
def _entry(name: str, amount: Decimal) -> Piece:
    """A whole adjudication: the same amounts come again and again."""
    return fhir.piece({"category": coded(*AMOUNTS[name]), "amount": fhir.money(amount)})
