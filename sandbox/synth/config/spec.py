"""What `fixtures/` says the population is like."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from sandbox.core.members import LINES
from sandbox.synth.config.codes import Codes, load_codes
from sandbox.synth.config.fixture import read
from sandbox.synth.config.members import NamedMember, check_condition, load_members
from sandbox.synth.config.name_pools import Names
from sandbox.synth.facts import Plan, Term

OMB = "urn:oid:2.16.840.1.113883.6.238"
AGE_BANDS = (18, 45, 65)
"""The first ages of the second and later bands of what population.yaml says by age."""

Rate = float | tuple[float, float, float, float]
"""How often in a year: at every age, or by age band."""


def _check_rate(rate: Any) -> Any:
    if isinstance(rate, list) and len(rate) != len(AGE_BANDS) + 1:
        raise ValueError(f"a rate by age is {len(AGE_BANDS) + 1} numbers, not {rate}")
    return rate


def _weigh_terms(entries: dict[str, Any]) -> list[Any]:
    return [({"system": OMB, "code": v["code"], "name": name}, v["share"]) for name, v in entries.items()]


WeightedTerms = Annotated[tuple[tuple[Term, float], ...], BeforeValidator(_weigh_terms)]
"""Terms of the OMB categories of race and ethnicity, each with its share."""


@dataclass(frozen=True)
class Business:
    """A line of business: how many members it has, how old they are, what they bought.

    `families` is the share of its subscribers who have dependants. `stories` are rates that differ from
    those of everybody.
    """

    share: float
    ages: tuple[int, int]
    plan: Plan
    families: float = 0.0
    stories: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class PayerIdentity:
    """Who a payer is."""

    id: str
    name: str
    payer_code: str
    tax_id: str
    phone: str


@dataclass(frozen=True)
class OwnPayer(PayerIdentity):
    """The payer itself: the base of its URLs, and the state it is in."""

    base: str
    state: str


@dataclass(frozen=True)
class OtherPayer(PayerIdentity):
    """Another payer, which some of our members are insured with as well."""

    plan: Plan


@dataclass(frozen=True)
class Trade:
    """A kind of provider in the network."""

    count: int
    ending: str
    practitioners: int
    specialties: tuple[str, ...]


@dataclass(frozen=True)
class Spec:
    """population.yaml, with the code sets, the named members and the names of people and places."""

    payer: OwnPayer
    other_payers: Annotated[
        dict[str, OtherPayer], BeforeValidator(lambda payers: {payer["id"]: payer for payer in payers})
    ]
    years: float
    lines: dict[str, Business]
    histories: dict[str, float]
    prevalence: dict[Annotated[str, AfterValidator(check_condition)], tuple[float, float, float, float]]
    most_conditions: int
    stories: dict[str, Annotated[Rate, BeforeValidator(_check_rate)]]
    denied: float
    rejected: float
    opened_portal: float
    races: Annotated[WeightedTerms, Field(alias="race")]
    ethnicities: Annotated[WeightedTerms, Field(alias="ethnicity")]
    network: dict[str, Trade]
    codes: Codes
    named: tuple[NamedMember, ...]
    names: Names

    def __post_init__(self) -> None:
        if self.payer.state not in self.names.postal_codes:
            raise ValueError(f"payer.state must be a state of names.yaml, not {self.payer.state}")
        if set(self.lines) != set(LINES):
            raise ValueError(f"lines must be {', '.join(LINES)}")

    def rates(self, line: str, age: int) -> dict[str, float]:
        """Return how often in a year each story happens to somebody of this line of business and age."""
        band = sum(age >= limit for limit in AGE_BANDS)
        usual = {name: rate[band] if isinstance(rate, tuple) else rate for name, rate in self.stories.items()}
        return usual | self.lines[line].stories


def load_spec(fixtures: Path) -> Spec:
    """Read population.yaml, members.yaml, names.yaml and codes/*.yaml of a folder. Raises FileProblem."""
    codes = load_codes(fixtures / "codes")
    named = load_members(fixtures / "members.yaml", codes)
    names = read(fixtures / "names.yaml", Names)
    return read(fixtures / "population.yaml", Spec, codes=codes, named=named, names=names)
