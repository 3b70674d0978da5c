"""What a plan pays for, and what it leaves to its members."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True)
class Share:
    """A member's cost sharing for a benefit: copay first, then deductible, then coinsurance."""

    copay: Decimal
    coinsurance: Decimal
    deductible: bool


@dataclass(frozen=True)
class Plan:
    """A plan. `type` is a code of v3-ActCode, `payment` one of the Source of Payment Typology.

    Deductibles and out-of-pocket maxima are for a calendar year, one member's and a family's together
    (None: there is no such limit). `outside` is what a member pays outside the network, whatever the
    benefit (None: nothing is paid there). `fees`: kind of claim → what the plan allows, as a part of the
    contracted fee (all of it where nothing is said).
    """

    code: str
    name: str
    group: str
    group_name: str
    type: str
    deductible: Decimal
    sharing: Mapping[str, Share]
    family_deductible: Decimal | None = None
    out_of_pocket_maximum: Decimal | None = None
    family_out_of_pocket_maximum: Decimal | None = None
    outside: Share | None = None
    payment: str | None = None
    fees: Mapping[str, Decimal] = field(default_factory=dict)
