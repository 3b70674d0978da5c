"""Settlement: adjudicate a family's claims in the order of processing.

A replacement undoes what the claim before it took of the limits, and a void undoes its own claim: so at
any moment the claims in force have taken no more than the limits allow.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from sandbox.synth.claims.accumulators import ZERO, Accumulators, BenefitYear
from sandbox.synth.claims.adjudication import adjudicate, capitated, share_of
from sandbox.synth.facts import Amounts, Claim, ClaimLine, CoveredMember, Pointer, Policy, Settled

PRIOR_PAYER_PAYS = Decimal("0.80")  # of what is eligible, by the payer that comes before ours


class Filed(NamedTuple):
    """A claim of a member with the names it goes by, before anything is paid."""

    member: CoveredMember
    claim: Claim
    pointer: Pointer


def settle_family(family: Sequence[tuple[CoveredMember, Sequence[Claim]]]) -> dict[int, tuple[Settled, ...]]:
    """The claims of members who share a policy: member number → theirs, in order of processing.

    A claim that `replaces` another must come with the very object that it names.
    Raises ValueError where a member has no coverage on the day of service.
    """
    filed = {member.number: _file(member, claims) for member, claims in family}
    accumulators = Accumulators()
    settled: dict[int, Settled] = {}
    years: dict[int, BenefitYear] = {}
    pointers = {id(f.claim): f.pointer for claim_filed in filed.values() for f in claim_filed}
    successors = {
        id(f.claim.replaces): f.pointer
        for claim_filed in filed.values()
        for f in claim_filed
        if f.claim.replaces
    }
    for _, undo, _, claim_filed in sorted(_steps(filed), key=lambda step: step[:3]):
        key, prior = id(claim_filed.claim), claim_filed.claim.replaces
        if undo or prior:
            undone = key if undo else id(prior)
            for amounts in settled[undone].amounts:
                years[undone].give_back(amounts)
        if not undo:
            policy = _policy(claim_filed)
            years[key] = accumulators.year(claim_filed.member, policy.plan, claim_filed.claim.served.year)
            settled[key] = _settled(
                claim_filed, policy, years[key], pointers.get(id(prior)), successors.get(key)
            )
    return {number: tuple(settled[id(f.claim)] for f in claim_filed) for number, claim_filed in filed.items()}


def _file(member: CoveredMember, claims: Sequence[Claim]) -> list[Filed]:
    ordered = sorted(claims, key=lambda c: (c.processed, c.served, c.kind, c.lines[0].what.code))
    return [
        Filed(
            member,
            claim,
            Pointer(
                f"eob-{member.number:04d}-{index:03d}",
                f"CLM-{member.number:04d}-{index:05d}",
                claim.processed,
            ),
        )
        for index, claim in enumerate(ordered, 1)
    ]


def _steps(filed: dict[int, list[Filed]]) -> Iterator[tuple[date, bool, tuple[int, int], Filed]]:
    """Day, whether it undoes, an order among those of a day, and whose turn it is."""
    for number, filings in filed.items():
        for index, f in enumerate(filings):
            yield f.claim.processed, False, (number, index), f
            if f.claim.voided:
                yield f.claim.voided, True, (number, index), f


def _policy(filed: Filed) -> Policy:
    policy = filed.member.policy_on(filed.claim.served)
    if policy is None:
        raise ValueError(f"{filed.member.patient_id} has no coverage on {filed.claim.served}")
    return policy


def _settled(
    filed: Filed, policy: Policy, year: BenefitYear, prior: Pointer | None, replaced_by: Pointer | None
) -> Settled:
    first_payer = None if filed.claim.capitated else filed.member.elsewhere_on(filed.claim.served)
    return Settled(
        id=filed.pointer.id,
        number=filed.pointer.number,
        claim=filed.claim,
        policy=policy,
        amounts=tuple(_lines(filed.claim, year, PRIOR_PAYER_PAYS if first_payer else ZERO)),
        first_payer=first_payer,
        prior=prior,
        replaced_by=replaced_by,
    )


def _lines(claim: Claim, year: BenefitYear, prior_payer_pays: Decimal) -> Iterator[Amounts]:
    """A copay is for the visit: it is taken on the first line of its benefit only."""
    copaid: set[str] = set()
    in_network = claim.provider.in_network
    part = year.plan.fees.get(claim.kind)
    for line in (_whole(claim),) if claim.kind == "inpatient" else claim.lines:
        if claim.capitated:
            yield capitated(line)
            continue
        share = share_of(year.plan, line.benefit, in_network)
        if line.benefit in copaid:
            share = replace(share, copay=ZERO)
        if part is not None:
            line = replace(line, fee=line.fee * part)
        amounts = adjudicate(line, share, year.left, prior_payer_pays, in_network)
        year.take(amounts)
        if amounts.copay:
            copaid.add(line.benefit)
        yield amounts


def _whole(claim: Claim) -> ClaimLine:
    """A stay as one line: it is paid by its diagnosis related group, not by what was used."""
    first = claim.lines[0]
    charge = sum((line.charge for line in claim.lines), ZERO)
    return replace(first, charge=charge, fee=sum((line.fee for line in claim.lines), ZERO))
