"""Who is insured: people, their relatives, their policies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from sandbox.synth.facts.plans import Plan
from sandbox.synth.facts.providers import Address, Organization, Practitioner
from sandbox.synth.facts.terms import Term

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
