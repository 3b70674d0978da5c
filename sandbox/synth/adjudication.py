"""Paying a claim: Decimal arithmetic, line by line.

    eligible         = submitted − noncovered − discount
    benefit          = eligible − copay − deductible − coinsurance − prior payer paid
    member liability = copay + deductible + coinsurance + noncovered that may be billed to the member

A line that is denied is wholly noncovered. What the contract does not allow is discount, which nobody
pays. The deductible of a calendar year (of the day of service) is used up in order of processing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import ROUND_HALF_UP, Decimal

from sandbox.synth.facts import Amounts, Claim, Line, Member, Plan, Policy, Settled, Share

CENT = Decimal("0.01")
ZERO = Decimal("0.00")
_FREE = Share(ZERO, ZERO, False)


def cents(amount: Decimal) -> Decimal:
    """Rounded to whole cents, halves up."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def adjudicate(
    line: Line, share: Share, deductible_left: Decimal, prior_payer_paid: Decimal = ZERO
) -> Amounts:
    """The amounts of one line. None is negative; the deductible taken is at most what is left."""
    submitted = cents(line.charge)
    if line.denial:
        billable = submitted if line.denial.member_pays else ZERO
        return Amounts(submitted, submitted, billable, ZERO, ZERO, ZERO, ZERO, ZERO, ZERO, ZERO)
    eligible = min(cents(line.fee), submitted)
    rest = eligible
    copay = min(cents(share.copay), rest)
    rest -= copay
    deductible = min(deductible_left, rest) if share.deductible else ZERO
    rest -= deductible
    coinsurance = cents(rest * share.coinsurance)
    rest -= coinsurance
    prior = min(prior_payer_paid, rest)
    return Amounts(
        submitted=submitted,
        noncovered=ZERO,
        noncovered_billable=ZERO,
        discount=submitted - eligible,
        eligible=eligible,
        copay=copay,
        deductible=deductible,
        coinsurance=coinsurance,
        prior_payer_paid=prior,
        benefit=rest - prior,
    )


class Deductibles:
    """What is left of each policy's deductible, by calendar year."""

    def __init__(self) -> None:
        self._used: dict[tuple[str, int], Decimal] = {}

    def left(self, policy: Policy, year: int) -> Decimal:
        return cents(policy.plan.deductible) - self._used.get((policy.id, year), ZERO)

    def use(self, policy: Policy, year: int, amount: Decimal) -> None:
        self._used[policy.id, year] = self._used.get((policy.id, year), ZERO) + amount


def settle(member: Member, claims: Iterable[Claim]) -> Iterator[Settled]:
    """The member's claims in order of processing, paid under the policy of the day of service.

    A copay is for the visit: it is taken on the first line of its benefit only.
    """
    deductibles = Deductibles()
    ordered = sorted(claims, key=lambda c: (c.processed, c.served, c.kind, c.lines[0].what.code))
    for index, claim in enumerate(ordered, 1):
        policy = member.policy_on(claim.served)
        if policy is None:
            raise ValueError(f"{member.patient_id} has no coverage on {claim.served}")
        amounts = tuple(_lines(claim, policy, deductibles))
        yield Settled(
            id=f"eob-{member.number:04d}-{index:03d}",
            number=f"CLM-{member.number:04d}-{index:05d}",
            claim=claim,
            policy=policy,
            amounts=amounts,
        )


def _lines(claim: Claim, policy: Policy, deductibles: Deductibles) -> Iterator[Amounts]:
    copaid: set[str] = set()
    for line in claim.lines:
        share = _share(policy.plan, line.benefit)
        if line.benefit in copaid:
            share = Share(ZERO, share.coinsurance, share.deductible)
        amounts = adjudicate(line, share, deductibles.left(policy, claim.served.year))
        deductibles.use(policy, claim.served.year, amounts.deductible)
        if amounts.copay:
            copaid.add(line.benefit)
        yield amounts


def _share(plan: Plan, benefit: str) -> Share:
    # a benefit that the plan does not mention costs the member nothing
    return plan.sharing.get(benefit, _FREE)
