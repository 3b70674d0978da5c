"""Who is insured: a named member from the file, or one drawn by the shares of the spec.

Coverage follows from the role: `POLICY_DAYS` says, for each role, which days a member is covered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import TypeVar

from sandbox.core.roster import Account, Span
from sandbox.synth.facts import Gender, Member, Network, Person, Policy, Practitioner
from sandbox.synth.pools import Pools, phone
from sandbox.synth.spec import Named, Spec

T = TypeVar("T")
ADULT = 20  # years; nobody's own coverage starts in an earlier calendar year than this
AGE_BANDS = (45, 65)  # of `prevalence:` in population.yaml

Days = tuple[date, date | None]


@dataclass(frozen=True)
class Login:
    """What an account says beside the member's own facts."""

    username: str
    role: str
    purpose: str
    portal_opened: bool


def named(
    spec: Spec, who: Named, number: int, network: Network, pools: Pools, rng: Random, today: date
) -> Member:
    """The member that an entry of members.yaml describes."""
    gender: Gender = "female" if who.gender == "female" else "male"
    person = _person(spec, who.given, who.family, gender, who.born, pools, rng)
    spans = _spans(who, today)
    return _member(spec, number, person, spans, who.conditions, network, rng, today)


def drawn(
    spec: Spec, number: int, network: Network, pools: Pools, rng: Random, today: date
) -> tuple[Member, Login]:
    """A member without a name in the file: eligible, covered for years and still."""
    line = _weighted(rng, [(name, business.share) for name, business in spec.lines.items()])
    youngest, oldest = spec.lines[line].ages
    gender: Gender = rng.choice(("female", "male"))
    age = rng.randint(youngest, oldest)
    born = _years_before(today, age) - timedelta(days=rng.randrange(365))
    person = _person(spec, pools.given(rng, gender), rng.choice(pools.family), gender, born, pools, rng)
    # a Medicare Advantage member joins after turning 65, the others as adults
    joined = max(today.year - rng.randint(1, 6), born.year + (66 if youngest >= 65 else ADULT))
    start = date(min(joined, today.year - 1), 1, 1)
    conditions = _conditions(spec, age, rng)
    login = Login(f"member-{number:03d}", "eligible", "", rng.random() < spec.opened_portal)
    return _member(spec, number, person, [(line, (start, None))], conditions, network, rng, today), login


def login_of(who: Named) -> Login:
    return Login(who.username, who.role, who.purpose, who.role != "not-opted-in")


def account(member: Member, login: Login) -> Account:
    """The member's login; the password is the username and "-pass"."""
    return Account(
        username=login.username,
        password=f"{login.username}-pass",
        patient=member.patient_id,
        name=f"{member.person.given} {member.person.family}",
        role=login.role,
        birth_date=member.person.birth_date,
        spans=tuple(Span(p.line, p.start, p.end) for p in member.policies),
        portal_opened=login.portal_opened,
        purpose=login.purpose,
    )


# --- coverage by role ------------------------------------------------------------------------------


def _running(today: date, role: str) -> Days:
    return date(today.year - 5, 1, 1), None


def _next_month(today: date, role: str) -> Days:
    return (today.replace(day=28) + timedelta(days=4)).replace(day=1), None


def _lapsed(today: date, role: str) -> Days:
    end = today - timedelta(days=int(role.removeprefix("lapsed-")))
    return date(end.year - 4, 1, 1), end


POLICY_DAYS: dict[str, Callable[[date, str], Days]] = {
    "eligible": _running,
    "not-opted-in": _running,
    "ineligible": _next_month,
    "lapsed": _lapsed,
}
"""Role, or its first word → first and last day of coverage."""


def _spans(who: Named, today: date) -> list[tuple[str, Days]]:
    """Lines of business and days, oldest first."""
    policy_days = POLICY_DAYS.get(who.role) or POLICY_DAYS[who.role.partition("-")[0]]
    start, end = policy_days(today, who.role)
    if who.before is None:
        return [(who.line, (start, end))]
    # people change plans with the year: the last but one, so that both have claims in three years
    change = date(today.year - 1, 1, 1)
    return [(who.before, (start, change - timedelta(days=1))), (who.line, (change, end))]


# --- parts -----------------------------------------------------------------------------------------


def _member(
    spec: Spec,
    number: int,
    person: Person,
    spans: list[tuple[str, Days]],
    conditions: tuple[str, ...],
    network: Network,
    rng: Random,
    today: date,
) -> Member:
    policies = tuple(
        Policy(
            id=f"cov-{number:04d}-{index}",
            line=line,
            plan=spec.lines[line].plan,
            member_id=f"JHP{number:06d}{number * 37 % 100:02d}",
            start=start,
            end=end,
        )
        for index, (line, (start, end)) in enumerate(spans, 1)
    )
    enrolled = min(policies[0].start - timedelta(days=21), today - timedelta(days=7))
    return Member(number, person, policies, conditions, enrolled, _doctor(network, rng))


def _person(
    spec: Spec, given: str, family: str, gender: Gender, born: date, pools: Pools, rng: Random
) -> Person:
    return Person(
        given=given,
        family=family,
        gender=gender,
        birth_date=born,
        address=pools.address(rng),
        phone=phone(rng),
        race=_weighted(rng, spec.races),
        ethnicity=_weighted(rng, spec.ethnicities),
    )


def _doctor(network: Network, rng: Random) -> Practitioner:
    clinic = rng.choice(network.of_kind("clinic"))
    return rng.choice(network.staff(clinic))


def _conditions(spec: Spec, age: int, rng: Random) -> tuple[str, ...]:
    band = sum(age >= limit for limit in AGE_BANDS)
    # every condition is drawn, so that a change of one probability does not disturb the others
    have = tuple(name for name, shares in spec.prevalence.items() if rng.random() < shares[band])
    return have[: spec.most_conditions]


def _weighted(rng: Random, shares: list[tuple[T, float]] | tuple[tuple[T, float], ...]) -> T:
    return rng.choices([value for value, _ in shares], [share for _, share in shares])[0]


def _years_before(day: date, years: int) -> date:
    # the 29th of February has no anniversary in most years
    return day.replace(year=day.year - years, day=min(day.day, 28))
