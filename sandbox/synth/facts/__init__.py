"""What is true of the synthetic world: people, policies, plans, providers, claims and what was paid for them.

Money is Decimal in USD with two digits, days are `date`. Nothing here knows FHIR.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal


@dataclass(frozen=True)
class Term:
    """A code of a published code system. `name` is its published name, or our own wording."""

    system: str
    code: str
    name: str

    def __hash__(self) -> int:  # what is looked up a hundred times for each member
        return hash(self.code)


# --- who provides care, and who pays for it --------------------------------------------------------


@dataclass(frozen=True)
class Address:
    line: str
    city: str
    state: str
    postal_code: str


@dataclass(frozen=True)
class Organization:
    """The payer, or a place that bills it. `markup`: what it asks, relative to the contracted fee."""

    id: str
    kind: str
    name: str
    tax_id: str
    address: Address
    phone: str
    npi: str | None = None
    payer_code: str | None = None
    markup: Decimal = Decimal(1)

    @property
    def in_network(self) -> bool:
        """Has it a contract with the payer? The kinds that have none say so in their name."""
        return not self.kind.startswith("outside-")


@dataclass(frozen=True)
class Practitioner:
    """A clinician. `specialty` is a NUCC taxonomy code, `workplace` the id of an organization."""

    id: str
    given_name: str
    family: str
    npi: str
    specialty: str
    workplace: str
    address: Address
    phone: str


@dataclass(frozen=True)
class Network:
    """The payer and everybody it has a contract with."""

    payer: Organization
    organizations: tuple[Organization, ...]
    practitioners: tuple[Practitioner, ...]
    other_payers: tuple[Organization, ...] = ()

    def of_kind(self, kind: str) -> tuple[Organization, ...]:
        return tuple(o for o in self.organizations if o.kind == kind)

    def staff(self, organization: Organization) -> tuple[Practitioner, ...]:
        return tuple(p for p in self.practitioners if p.workplace == organization.id)

    def doctor(self, organization: Organization, specialty: str) -> Practitioner:
        """Who has this specialty there; somebody else there if nobody does."""
        staff = self.staff(organization)
        return next((p for p in staff if p.specialty == specialty), staff[0])


# --- plans -----------------------------------------------------------------------------------------


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


# --- who is insured --------------------------------------------------------------------------------


Gender = Literal["female", "male"]


@dataclass(frozen=True)
class FormerName:
    """A name until a day, which was the last it was used."""

    given_name: str
    family: str
    until: date


@dataclass(frozen=True)
class Person:
    given_name: str
    family: str
    gender: Gender
    birth_date: date
    address: Address
    phone: str
    race: Term
    ethnicity: Term
    former: tuple[FormerName, ...] = ()


@dataclass(frozen=True)
class Relative:
    """Somebody beside a member: who holds their policy, or who acts for them.

    `roles` say what they are to the member (v3-RoleCode); `since` is when the payer heard of them.
    """

    id: str
    person: Person
    roles: tuple[Term, ...]
    since: date


@dataclass(frozen=True)
class Subscriber:
    """Who holds the policy of a dependant.

    `relationship` says what the dependant is to them (subscriber-relationship), `dependent` is the
    dependant's number under the policy ("01" is the first).
    """

    relative: Relative
    member_id: str
    relationship: str
    dependent: str


@dataclass(frozen=True)
class Policy:
    """One coverage of one member: first and last day (None: still running).

    `subscriber` None: the member holds it. `payer` None: ours. `order` 1 pays first.
    """

    id: str
    line: str
    plan: Plan
    member_id: str
    start: date
    end: date | None
    subscriber: Subscriber | None = None
    payer: Organization | None = None
    order: int = 1

    @property
    def subscriber_id(self) -> str:
        return self.subscriber.member_id if self.subscriber else self.member_id

    def covers(self, day: date) -> bool:
        return self.start <= day and (self.end is None or day <= self.end)


@dataclass(frozen=True)
class Duplicate:
    """A second record of a member, made by mistake and merged into theirs on a day."""

    patient_id: str
    member_id: str
    given_name: str
    since: date
    merged: date


@dataclass(frozen=True)
class CoveredMember:
    """A person with policies, oldest first. `number` counts members from 1 and makes the ids.

    `enrolled` is the day the payer first heard of the member, always before today. `household` is
    the number of the subscriber whose family they belong to (their own, of most). `elsewhere` are
    coverages by other payers, which pay before ours. `surely` names what the record has whatever chance
    says: allergies, implants, answers.
    """

    number: int
    person: Person
    policies: tuple[Policy, ...]
    conditions: tuple[str, ...]
    enrolled: date
    doctor: Practitioner
    household: int
    relatives: tuple[Relative, ...] = ()
    elsewhere: tuple[Policy, ...] = ()
    duplicates: tuple[Duplicate, ...] = ()
    surely: frozenset[str] = frozenset()

    @property
    def patient_id(self) -> str:
        return f"mbr-{self.number:04d}"

    def policy_on(self, day: date) -> Policy | None:
        for policy in self.policies:  # asked some hundred times for each member
            if policy.start <= day and (policy.end is None or day <= policy.end):
                return policy
        return None

    def elsewhere_on(self, day: date) -> Policy | None:
        """Another payer's coverage of a day: it pays first."""
        return next((p for p in self.elsewhere if p.covers(day)), None) if self.elsewhere else None

    def age_on(self, day: date) -> int:
        born = self.person.birth_date
        return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


# --- what providers bill ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Denial:
    """Why a line is not paid; may the member be billed for it?

    `code` is a claim adjustment reason code, or of a pharmacy's claim an NCPDP reject code.
    """

    code: str
    member_pays: bool


@dataclass(frozen=True)
class ClaimLine:
    """One line of a bill. `charge` is what is asked and `fee` what the contract allows, for all units.

    `benefit` is the key of the plan's cost sharing; `place` a CMS place of service (None: pharmacies and
    hospitals); `revenue` an NUBC revenue code of a hospital's line; `tooth` and `surfaces` are a dentist's.
    """

    what: Term
    units: Decimal
    charge: Decimal
    fee: Decimal
    benefit: str
    place: str | None = None
    denial: Denial | None = None
    revenue: str | None = None
    tooth: str | None = None
    surfaces: tuple[str, ...] = ()

    def __hash__(self) -> int:
        return hash((self.what.code, self.charge))


@dataclass(frozen=True)
class Seat:
    """A practitioner's role in a claim, such as rendering, referring, prescribing or attending."""

    role: str
    practitioner: Practitioner


@dataclass(frozen=True)
class Drug:
    """A clinical drug and the (made-up) product that is dispensed for it.

    `dose` units are taken at a time, once in `every` days; None: goes by `per_day`.
    """

    clinical: Term
    ndc: str
    tier: str
    unit_cost: Decimal
    per_day: Decimal
    unit: str
    days: tuple[int, ...]
    take: str
    dose: int | None = None
    every: int | None = None


@dataclass(frozen=True)
class Ingredient:
    """A product that went into a compound, and how much of it."""

    ndc: str
    quantity: Decimal
    unit: str


@dataclass(frozen=True)
class Fill:
    """One dispensing: `number` 0 is the first, `authorized` counts the refills after it.

    `unit` is that of `quantity`. A compound, mixed by the pharmacy, has ingredients.
    """

    drug: Drug
    number: int
    authorized: int
    days: int
    quantity: Decimal
    unit: str
    ingredients: tuple[Ingredient, ...] = ()


@dataclass(frozen=True)
class Trip:
    """An ambulance ride."""

    miles: Decimal
    pick_up: str
    drop_off: str


@dataclass(frozen=True)
class Surgery:
    """Something done to an inpatient: a procedure of ICD-10-PCS and its day."""

    what: Term
    day: date


@dataclass(frozen=True)
class Stay:
    """A hospital's bill apart from its lines: bare NUBC codes, and an MS-DRG for an inpatient.

    `reason` is what the patient came with: the admitting diagnosis, or the reason for the visit.
    """

    bill: str
    origin: str
    admission: str
    discharge: str
    reason: Term
    drg: str | None = None
    operations: tuple[Surgery, ...] = ()


@dataclass(frozen=True)
class Appeal:
    """The member contests a denial. `upheld`: the denial stands; otherwise a replacement follows."""

    filed: date
    decided: date
    upheld: bool


@dataclass(frozen=True)
class Claim:
    """What a provider billed and when it went through. `kind` chooses the renderer.

    `through` is the last day of service (None: the first). `capitated`: the provider is paid by the
    head, not for this. `replaces` is the earlier claim that this one corrects, `voided` the day the
    provider's cancellation of this one was processed.
    """

    kind: Literal["professional", "vision", "pharmacy", "oral", "inpatient", "outpatient"]
    served: date
    received: date
    processed: date
    paid: date
    provider: Organization
    team: tuple[Seat, ...]
    diagnoses: tuple[Term, ...]
    lines: tuple[ClaimLine, ...]
    fill: Fill | None = None
    trip: Trip | None = None
    stay: Stay | None = None
    through: date | None = None
    capitated: bool = False
    replaces: Claim | None = None
    voided: date | None = None
    appeal: Appeal | None = None

    @property
    def last_day(self) -> date:
        return self.through or self.served


# --- what adjudication makes of a claim ------------------------------------------------------------


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
