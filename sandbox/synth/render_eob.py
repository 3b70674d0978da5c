"""What every ExplanationOfBenefit has in common (CARIN Blue Button 2.0.0, base profile).

A renderer of a kind of claim starts with `head`, adds its own parts, and ends with `tail`.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

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
CARC = "https://x12.org/codes/claim-adjustment-reason-codes"

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

CARE_TEAM_ROLE: dict[str, str] = {
    "primary": fhir.TERMINOLOGY + "claimcareteamrole",
    "rendering": fhir.C4BB + "C4BBClaimCareTeamRole",
    "referring": fhir.C4BB + "C4BBClaimCareTeamRole",
    "prescribing": fhir.C4BB + "C4BBClaimCareTeamRole",
}


def head(spec: Spec, member: Member, settled: Settled, profile: str) -> Json:
    """From `meta` to `careTeam`. `created` is the day of adjudication."""
    claim = settled.claim
    eob = fhir.resource(
        "ExplanationOfBenefit",
        settled.id,
        fhir.instant(claim.processed, int(settled.number[-5:])),
        fhir.carin(profile),
    ) | {
        "identifier": [
            fhir.identifier(
                f"{spec.payer['base']}/claims", settled.number, fhir.C4BB + "C4BBIdentifierType", "uc"
            )
        ],
        "status": "active",
        "type": fhir.concept(fhir.TERMINOLOGY + "claim-type", claim.kind),
        "use": "claim",
        "patient": fhir.reference("Patient", member.patient_id),
        "billablePeriod": {"start": claim.served.isoformat(), "end": claim.served.isoformat()},
        "created": f"{claim.processed.isoformat()}T00:00:00Z",
        "insurer": fhir.reference("Organization", spec.payer["id"]),
        "provider": fhir.reference("Organization", claim.provider.id),
    }
    if _paid(settled):
        eob["payee"] = {
            "type": fhir.concept(fhir.TERMINOLOGY + "payeetype", "provider"),
            "party": fhir.reference("Organization", claim.provider.id),
        }
    eob["outcome"] = "complete"
    if claim.team:
        eob["careTeam"] = [
            {
                "sequence": number,
                "provider": fhir.reference("Practitioner", seat.practitioner.id),
                "role": fhir.concept(CARE_TEAM_ROLE[seat.role], seat.role),
                "qualification": fhir.concept(
                    "http://nucc.org/provider-taxonomy", seat.practitioner.specialty
                ),
            }
            for number, seat in enumerate(claim.team, 1)
        ]
    return eob


def insurance(settled: Settled) -> list[Json]:
    """The policy that was in force on the day of service, and no other."""
    return [{"focal": True, "coverage": fhir.reference("Coverage", settled.policy.id)}]


def tail(settled: Settled) -> Json:
    """`total` (per category, the sum of the lines) and `payment`."""
    claim = settled.claim
    return {
        "total": totals(settled),
        "payment": {
            "type": fhir.concept(STATUS, payment_status(settled)),
            "date": claim.paid.isoformat(),
            "amount": fhir.money(_paid(settled)),
        },
    }


def amounts(claim: Claim, of: Amounts) -> list[Json]:
    """One adjudication for each amount of a line that is not zero, or that is always there."""
    return _entries(_listed(claim, of))


def totals(settled: Settled) -> list[Json]:
    """The same categories for the whole claim: each the sum of the lines."""
    sums: dict[str, Decimal] = {}
    for line in settled.amounts:
        for name, value in _listed(settled.claim, line).items():
            sums[name] = sums.get(name, ZERO) + value
    return _entries(sums)


def payment_status(settled: Settled) -> str:
    """denied: no line is covered; partiallypaid: some line is not; paid: the rest, be it with 0.00."""
    denied = [line.denial is not None for line in settled.claim.lines]
    if all(denied):
        return "denied"
    return "partiallypaid" if any(denied) else "paid"


def reason(category: str, system: str, code: str) -> Json:
    """An adjudication without an amount: a discriminator and what it says."""
    return {"category": fhir.concept(DISCRIMINATOR, category), "reason": fhir.concept(system, code)}


def in_network(category: str) -> Json:
    return reason(category, STATUS, "innetwork")


def numbered(infos: Iterable[Json]) -> list[Json]:
    """`supportingInfo` with its sequence numbers."""
    return [{"sequence": number} | info for number, info in enumerate(infos, 1)]


def info(category: str, **value: object) -> Json:
    """One `supportingInfo` without its number."""
    return {"category": fhir.concept(INFO, category)} | value


def _entries(values: dict[str, Decimal]) -> list[Json]:
    return [
        {"category": fhir.concept(*AMOUNTS[name]), "amount": fhir.money(value)}
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


def _paid(settled: Settled) -> Decimal:
    return sum((line.benefit for line in settled.amounts), ZERO)
