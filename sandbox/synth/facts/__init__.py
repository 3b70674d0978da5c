"""What is true of the synthetic world, in plain words: people, policies, providers, claims.

Money is Decimal in USD with two digits, days are `date`. Nothing here knows FHIR. Everybody imports from
here; the modules beneath only keep the nouns apart.
"""

from sandbox.synth.facts.claims import (
    Appeal,
    Claim,
    ClaimLine,
    Denial,
    Drug,
    Fill,
    Ingredient,
    Kind,
    Seat,
    Stay,
    Surgery,
    Trip,
)
from sandbox.synth.facts.people import (
    CoveredMember,
    Duplicate,
    FormerName,
    Gender,
    Person,
    Policy,
    Relative,
    Subscriber,
)
from sandbox.synth.facts.plans import Plan, Share
from sandbox.synth.facts.providers import Address, Network, Organization, Practitioner
from sandbox.synth.facts.settlements import Amounts, Pointer, Settled
from sandbox.synth.facts.terms import Term

__all__ = [
    "Address",
    "Amounts",
    "Appeal",
    "Claim",
    "ClaimLine",
    "CoveredMember",
    "Denial",
    "Drug",
    "Duplicate",
    "Fill",
    "FormerName",
    "Gender",
    "Ingredient",
    "Kind",
    "Network",
    "Organization",
    "Person",
    "Plan",
    "Pointer",
    "Policy",
    "Practitioner",
    "Relative",
    "Seat",
    "Settled",
    "Share",
    "Stay",
    "Subscriber",
    "Surgery",
    "Term",
    "Trip",
]
