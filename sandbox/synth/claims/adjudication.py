"""Paying a claim: Decimal arithmetic, line by line.

    eligible         = submitted − noncovered − discount
    benefit          = eligible − copay − deductible − coinsurance − prior payer paid
    member liability = copay + deductible + coinsurance + noncovered that may be billed to the member

A line that is denied is wholly noncovered. What the contract does not allow is discount, which nobody
pays; without a contract it is noncovered, and the member's to pay. Another payer's money comes off
first, and the member is asked for no more than it leaves. Cost sharing stops at what is left of the
out-of-pocket maximum. `settlement` takes whole claims through this, in order of processing.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from sandbox.synth.claims.accumulators import ZERO, Left
from sandbox.synth.facts import Amounts, ClaimLine, Plan, Share

CENT = Decimal("0.01")
FREE = Share(ZERO, ZERO, False)
ALL = Share(ZERO, Decimal(1), False)


def cents(amount: Decimal) -> Decimal:
    """Rounded to whole cents, halves up."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def adjudicate(
    line: ClaimLine, share: Share, left: Left, prior_payer_pays: Decimal = ZERO, in_network: bool = True
) -> Amounts:
    """The amounts of one line; none is negative, and cost sharing is at most what is left.

    `prior_payer_pays` is the other payer's part of what is eligible, from 0 to 1.
    """
    if line.denial:
        return _denied(line.charge, line.denial.member_pays)
    # no limit that is above the fee makes a difference: most lines have been worked out before
    most = line.fee + CENT
    limits = min(left.deductible, most) if share.deductible else ZERO, min(left.out_of_pocket, most)
    return _adjudicated(line.charge, line.fee, share, *limits, prior_payer_pays, in_network)


@lru_cache(maxsize=16384)
def _denied(charge: Decimal, member_pays: bool) -> Amounts:
    submitted = cents(charge)
    billable = submitted if member_pays else ZERO
    return Amounts(submitted, submitted, billable, ZERO, ZERO, ZERO, ZERO, ZERO, ZERO, ZERO)


@lru_cache(maxsize=16384)
def _adjudicated(
    charge: Decimal,
    fee: Decimal,
    share: Share,
    deductible_left: Decimal,
    out_of_pocket_left: Decimal,
    prior_payer_pays: Decimal,
    in_network: bool,
) -> Amounts:
    submitted = cents(charge)
    eligible = min(cents(fee), submitted)
    prior = cents(eligible * prior_payer_pays)
    payable = eligible - prior
    room = min(payable, out_of_pocket_left)
    copay = min(cents(share.copay), room)
    deductible = min(deductible_left, eligible - copay, room - copay) if share.deductible else ZERO
    remainder = eligible - copay - deductible
    coinsurance = min(cents(remainder * share.coinsurance), room - copay - deductible)
    above = submitted - eligible
    return Amounts(
        submitted=submitted,
        noncovered=ZERO if in_network else above,
        noncovered_billable=ZERO if in_network else above,
        discount=above if in_network else ZERO,
        eligible=eligible,
        copay=copay,
        deductible=deductible,
        coinsurance=coinsurance,
        prior_payer_paid=prior,
        benefit=payable - copay - deductible - coinsurance,
    )


def capitated(line: ClaimLine) -> Amounts:
    """A line of a provider who is paid by the head: what was asked is shown, and nobody pays it."""
    submitted = cents(line.charge)
    return Amounts(submitted, ZERO, ZERO, submitted, ZERO, ZERO, ZERO, ZERO, ZERO, ZERO)


def share_of(plan: Plan, benefit: str, in_network: bool) -> Share:
    """What the plan asks for a benefit. One that it does not mention costs the member nothing."""
    if not in_network:
        return plan.outside or ALL
    return plan.sharing.get(benefit, FREE)
