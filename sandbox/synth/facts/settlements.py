"""What adjudication makes of a claim."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sandbox.synth.facts.claims import Claim
from sandbox.synth.facts.people import Policy


@dataclass(frozen=True)
class Amounts:
    """What adjudication made of one line. `noncovered_billable` is the part the member must pay."""

    submitted: Decimal
    noncovered: Decimal
    noncovered_billable: Decimal
    discount: Decimal
    eligible: Decimal
    copay: Decimal
    deductible: Decimal
    coinsurance: Decimal
    prior_payer_paid: Decimal
    benefit: Decimal

    @property
    def cost_sharing(self) -> Decimal:
        """What counts towards the out-of-pocket maximum."""
        return self.copay + self.deductible + self.coinsurance

    @property
    def member_liability(self) -> Decimal:
        return self.cost_sharing + self.noncovered_billable


@dataclass(frozen=True)
class Pointer:
    """Another claim for the same service: id and number of its explanation, day of processing."""

    id: str
    number: str
    processed: date


@dataclass(frozen=True)
class Settled:
    """A claim after adjudication: its number and the policy in force.

    `amounts` go line by line; an inpatient stay is paid as a whole and has one. `first_payer` is the
    coverage elsewhere that paid before ours. `prior` and `replaced_by` are the neighbours in a chain.
    """

    id: str
    number: str
    claim: Claim
    policy: Policy
    amounts: tuple[Amounts, ...]
    first_payer: Policy | None = None
    prior: Pointer | None = None
    replaced_by: Pointer | None = None
