"""What members and their families have used up of a plan's limits in a calendar year.

A member's deductible and out-of-pocket maximum are embedded in the family's: what is left to a member
is the less of what is left of their own limit and of the family's. Amounts are USD with two digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from sandbox.synth.facts import Amounts, CoveredMember, Plan

ZERO = Decimal("0.00")
UNLIMITED = Decimal("Infinity")


class Left(NamedTuple):
    """What a member may still be asked for: of the deductible, and of cost sharing altogether."""

    deductible: Decimal
    out_of_pocket: Decimal


@dataclass
class Used:
    """What has been used of one pair of limits."""

    deductible: Decimal = ZERO
    out_of_pocket: Decimal = ZERO


@dataclass(frozen=True)
class BenefitYear:
    """One member's year under a plan, together with the family's."""

    plan: Plan
    own: Used
    family: Used

    @property
    def left(self) -> Left:
        plan, own, family = self.plan, self.own, self.family
        return Left(
            min(plan.deductible - own.deductible, _left(plan.family_deductible, family.deductible)),
            min(
                _left(plan.out_of_pocket_maximum, own.out_of_pocket),
                _left(plan.family_out_of_pocket_maximum, family.out_of_pocket),
            ),
        )

    def take(self, amounts: Amounts) -> None:
        """Count what a claim asked of the member."""
        sharing = amounts.cost_sharing
        for used in (self.own, self.family) if sharing else ():
            used.deductible += amounts.deductible
            used.out_of_pocket += sharing

    def give_back(self, amounts: Amounts) -> None:
        """Undo it, when the claim is replaced or voided."""
        for used in (self.own, self.family):
            used.deductible -= amounts.deductible
            used.out_of_pocket -= amounts.cost_sharing


class Accumulators:
    """The benefit years of a family, made when they are first asked for."""

    def __init__(self) -> None:
        self._years: dict[tuple[int, str, int], BenefitYear] = {}
        self._family: dict[tuple[str, int], Used] = {}

    def year(self, member: CoveredMember, plan: Plan, year: int) -> BenefitYear:
        key = (member.number, plan.code, year)
        benefit_year = self._years.get(key)
        if benefit_year is None:
            family = self._family.setdefault((plan.code, year), Used())
            benefit_year = self._years[key] = BenefitYear(plan, Used(), family)
        return benefit_year


def _left(limit: Decimal | None, used: Decimal) -> Decimal:
    return UNLIMITED if limit is None else limit - used
