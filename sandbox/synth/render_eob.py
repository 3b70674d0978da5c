"""What every ExplanationOfBenefit has in common (CARIN Blue Button, base profile).

A renderer of a kind of claim starts with `head`, adds its own parts, and ends with `tail`. Pieces that
come again and again are made once and shared: nobody may change them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from functools import cache, lru_cache

from sandbox.synth import business_days
from sandbox.synth import elements as fhir
from sandbox.synth.adjudication import ZERO
from sandbox.synth.elements import Json
from sandbox.synth.facts import Amounts, Claim, Member, Settled
from sandbox.synth.spec import Spec

ADJUDICATION = fhir.TERMINOLOGY + "adjudication"
C4BB_ADJUDICATION = fhir.C4BB + "C4BBAdjudication"
DISCRIMINATOR = fhir.C4BB + "C4BBAdjudicationDiscriminator"
STATUS = fhir.C4BB + "C4BBPayerAdjudicationStatus"
INFO = fhir.C4BB + "C4BBSupportingInfoType"
ROLE = fhir.C4BB + "C4BBClaimCareTeamRole"
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

ALWAYS = {"submitted", "eligible", "benefit", "paid_to_provider", "member_liability"}
"""Amounts that are listed even when they are zero."""

coded = lru_cache(maxsize=None)(fhir.concept)
"""A CodeableConcept that is shared by all who ask for it."""


def visible(day: date) -> date:
    """The day on which what was processed on a day can be seen: the next business day."""
    return business_days.after(day)


def head(spec: Spec, member: Member, settled: Settled, profile: str) -> Json:
    """From `meta` to `careTeam`. `created` is the day of adjudication."""
    claim = settled.claim
    order = int(settled.number[-5:])
    eob = fhir.resource(
        "ExplanationOfBenefit",
        settled.id,
        fhir.instant(visible(claim.processed), order),
        fhir.carin(profile),
    ) | {
        "identifier": [
            {
                "type": coded(fhir.C4BB + "C4BBIdentifierType", "uc"),
                "system": claim_numbers(spec),
                "value": settled.number,
            }
        ],
        "status": "active",
        "type": coded(fhir.TERMINOLOGY + "claim-type", CLAIM_TYPE.get(claim.kind, claim.kind)),
        "use": "claim",
        "patient": fhir.reference("Patient", member.patient_id),
        "billablePeriod": {"start": claim.served.isoformat(), "end": claim.last_day.isoformat()},
        "created": f"{claim.processed.isoformat()}T00:00:00Z",
        "insurer": fhir.reference("Organization", spec.payer["id"]),
        "provider": fhir.reference("Organization", claim.provider.id),
    }
    if paid(settled):
        eob["payee"] = {
            "type": coded(fhir.TERMINOLOGY + "payeetype", "provider"),
            "party": fhir.reference("Organization", claim.provider.id),
        }
    eob["outcome"] = "complete"
    if claim.team:
        eob["careTeam"] = [
            {
                "sequence": number,
                "provider": fhir.reference("Practitioner", seat.practitioner.id),
                "role": coded(
                    fhir.TERMINOLOGY + "claimcareteamrole" if seat.role in HL7_ROLES else ROLE, seat.role
                ),
                "qualification": coded("http://nucc.org/provider-taxonomy", seat.practitioner.specialty),
            }
            for number, seat in enumerate(claim.team, 1)
        ]
    return eob


def claim_numbers(spec: Spec) -> str:
    """The system of the payer's claim numbers."""
    return f"{spec.payer['base']}/claims"


def insurance(settled: Settled) -> list[Json]:
    """The policy that was in force on the day of service; and the one elsewhere that paid before it."""
    found = [{"focal": True, "coverage": fhir.reference("Coverage", settled.policy.id)}]
    if settled.first_payer:
        found.append({"focal": False, "coverage": fhir.reference("Coverage", settled.first_payer.id)})
    return found


def tail(settled: Settled) -> Json:
    """`total` (per category, the sum of the lines) and `payment`."""
    return {
        "total": totals(settled),
        "payment": {
            "type": coded(STATUS, payment_status(settled)),
            "date": settled.claim.paid.isoformat(),
            "amount": fhir.money(paid(settled)),
        },
    }


def amounts(claim: Claim, of: Amounts) -> list[Json]:
    """One adjudication for each amount of a line that is not zero, or that is always there."""
    return _entries(_listed(claim, of))


def totals(settled: Settled) -> list[Json]:
    """The same categories for the whole claim: each the sum of the lines."""
    first, *others = (_listed(settled.claim, line) for line in settled.amounts)
    for line in others:
        for name, value in line.items():
            first[name] += value
    return _entries(first)


def payment_status(settled: Settled) -> str:
    """denied: no line is covered; partiallypaid: some line is not; paid: the rest, be it with 0.00."""
    denied = [line.denial is not None for line in settled.claim.lines]
    if all(denied):
        return "denied"
    return "partiallypaid" if any(denied) else "paid"


def paid(settled: Settled) -> Decimal:
    """What the payer paid for the whole claim."""
    return sum((line.benefit for line in settled.amounts), ZERO)


@cache
def reason(category: str, system: str, code: str) -> Json:
    """An adjudication without an amount: a discriminator and what it says."""
    return {"category": coded(DISCRIMINATOR, category), "reason": coded(system, code)}


def in_network(category: str, claim: Claim) -> Json:
    """A discriminator that says whether the provider has a contract."""
    return reason(category, STATUS, "innetwork" if claim.provider.in_network else "outofnetwork")


@lru_cache(maxsize=4096)
def allowed_units(units: Decimal) -> Json:
    return {"category": coded(DISCRIMINATOR, "allowedunits"), "value": units}


def numbered(infos: Iterable[Json]) -> list[Json]:
    """`supportingInfo` with its sequence numbers."""
    return [{"sequence": number} | info for number, info in enumerate(infos, 1)]


def info(category: str, **value: object) -> Json:
    """One `supportingInfo` without its number."""
    return {"category": coded(INFO, category)} | value


def _entries(values: dict[str, Decimal]) -> list[Json]:
    return [
        {"category": coded(*AMOUNTS[name]), "amount": fhir.money(value)}
        for name, value in values.items()
        if value or name in ALWAYS
    ]


def _listed(claim: Claim, of: Amounts) -> dict[str, Decimal]:
    """Every amount by its name in AMOUNTS, in that order."""
    return {
        "submitted": of.submitted,
        "discount": of.discount,
        "noncovered": of.noncovered,
        "eligible": of.eligible,
        "copay": of.copay,
        "deductible": of.deductible,
        "coinsurance": of.coinsurance,
        "prior_payer_paid": of.prior_payer_paid,
        "benefit": of.benefit,
        "paid_to_provider": of.benefit,  # every provider takes assignment: members are not paid
        "member_liability": of.member_liability,
        "drug_cost": of.eligible if claim.kind == "pharmacy" else ZERO,
    }
