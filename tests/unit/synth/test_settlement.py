"""Settling a family: limits hold in order of processing, for any claims; chains and voids give back."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.synth.claims.accumulators import ZERO
from sandbox.synth.claims.settlement import settle_family
from sandbox.synth.facts import (
    Address,
    Claim,
    ClaimLine,
    CoveredMember,
    Organization,
    Person,
    Plan,
    Policy,
    Practitioner,
    Settled,
    Share,
    Term,
)

HERE = Address("1 Elm St", "Salem", "OR", "97301")
CLINIC = Organization("org-clinic-01", "clinic", "Clinic", "00-0000001", HERE, "503-555-0100", "2000000012")
OUTSIDE = replace(CLINIC, id="org-outside", kind="outside-clinic")
DOCTOR = Practitioner("prac-1", "A", "B", "2000000012", "207Q00000X", CLINIC.id, HERE, "503-555-0100")
WHAT = Term("system", "code", "name")
YEAR = date(2025, 1, 1)
MONEY = st.decimals(min_value=0, max_value=9000, places=2)

PLANS = st.builds(
    lambda deductible, oop, copay, rate: Plan(
        code="P",
        name="P",
        group="G",
        group_name="G",
        type="PPO",
        deductible=min(deductible, oop),
        sharing={"office": Share(copay, rate, True), "free": Share(ZERO, ZERO, False)},
        family_deductible=min(deductible, oop) * 2,
        out_of_pocket_maximum=oop,
        family_out_of_pocket_maximum=oop * 2,
        outside=Share(ZERO, Decimal("0.4"), True),
    ),
    MONEY,
    MONEY,
    st.decimals(min_value=0, max_value=100, places=2),
    st.decimals(min_value=0, max_value=1, places=2),
)


def somebody(number: int, plan: Plan) -> CoveredMember:
    race = Term("system", "code", "name")
    person = Person("A", "B", "female", date(1980, 1, 1), HERE, "503-555-0100", race, race)
    policy = Policy(f"cov-{number}", "commercial", plan, f"M{number}", date(2020, 1, 1), None)
    return CoveredMember(number, person, (policy,), (), date(2019, 12, 1), DOCTOR, household=1)


def bill(day: int, *charges: Decimal, provider: Organization = CLINIC, benefit: str = "office") -> Claim:
    """A claim of the day of the year, processed a week later."""
    served = YEAR + timedelta(days=day)
    lines = tuple(ClaimLine(WHAT, Decimal(1), c, c * Decimal("0.8"), benefit, "11") for c in charges)
    processed = served + timedelta(days=7)
    return Claim("professional", served, processed, processed, processed, provider, (), (WHAT,), lines)


def cost_sharing(settled: Settled) -> Decimal:
    return sum((a.cost_sharing for a in settled.amounts), ZERO)


def deductible(settled: Settled) -> Decimal:
    return sum((a.deductible for a in settled.amounts), ZERO)


@given(
    PLANS,
    st.lists(
        st.tuples(
            st.integers(1, 3),
            st.integers(0, 700),
            st.lists(st.decimals(min_value=1, max_value=4000, places=2), min_size=1, max_size=3),
            st.sampled_from([CLINIC, OUTSIDE]),
            st.sampled_from(["as it is", "replaced", "voided"]),
        ),
        max_size=25,
    ),
)
def test_no_member_and_no_family_passes_a_limit(
    plan: Plan,
    bills: list[tuple[int, int, list[Decimal], Organization, str]],
) -> None:
    claims: dict[int, list[Claim]] = {1: [], 2: [], 3: []}
    for who, day, charges, provider, fate in bills:
        claim = bill(day, *charges, provider=provider)
        if fate == "voided":
            claim = replace(claim, voided=claim.processed + timedelta(days=30))
        claims[who].append(claim)
        if fate == "replaced":
            later = claim.processed + timedelta(days=20)
            claims[who].append(replace(claim, lines=claim.lines[:1], processed=later, replaces=claim))
    settled = settle_family([(somebody(n, plan), of) for n, of in claims.items()])
    assert {n: len(of) for n, of in settled.items()} == {n: len(of) for n, of in claims.items()}
    own: dict[tuple[int, int], list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
    for number, of in settled.items():
        for s in of:
            if not s.claim.voided and not s.replaced_by:
                year = own[number, s.claim.served.year]
                year[0] += deductible(s)
                year[1] += cost_sharing(s)
    assert plan.out_of_pocket_maximum is not None
    for taken in own.values():
        assert taken[0] <= plan.deductible
        assert taken[1] <= plan.out_of_pocket_maximum
    for benefit_year in (2025, 2026):
        family = [taken for (_, year), taken in own.items() if year == benefit_year]
        assert sum(d for d, _ in family) <= plan.deductible * 2
        assert sum(o for _, o in family) <= plan.out_of_pocket_maximum * 2


@pytest.fixture
def plan() -> Plan:
    return Plan(
        code="P",
        name="P",
        group="G",
        group_name="G",
        type="PPO",
        deductible=Decimal("1000.00"),
        sharing={"office": Share(ZERO, Decimal("0.20"), True)},
        family_deductible=Decimal("1500.00"),
        out_of_pocket_maximum=Decimal("2000.00"),
        family_out_of_pocket_maximum=Decimal("3000.00"),
    )


def test_the_deductible_is_used_up_in_order_of_processing(plan: Plan) -> None:
    late = bill(0, Decimal(1000))
    early = bill(30, Decimal(1000))
    late = replace(late, processed=late.processed + timedelta(days=90))
    settled = settle_family([(somebody(1, plan), [late, early])])[1]
    assert [s.claim.served for s in settled] == [early.served, late.served]
    assert [deductible(s) for s in settled] == [Decimal("800.00"), Decimal("200.00")]


def test_a_family_meets_its_deductible_together(plan: Plan) -> None:
    bills = {n: [bill(n, Decimal(1000))] for n in (1, 2, 3)}
    settled = settle_family([(somebody(n, plan), of) for n, of in bills.items()])
    taken = [deductible(settled[n][0]) for n in (1, 2, 3)]
    assert taken == [Decimal("800.00"), Decimal("700.00"), ZERO]


def test_a_new_benefit_year_begins_at_nothing(plan: Plan) -> None:
    settled = settle_family([(somebody(1, plan), [bill(0, Decimal(1000)), bill(365, Decimal(1000))])])[1]
    assert [deductible(s) for s in settled] == [Decimal("800.00"), Decimal("800.00")]


def test_a_replacement_gives_back_what_the_claim_before_it_took(plan: Plan) -> None:
    first = bill(0, Decimal(1000))
    again = replace(first, processed=first.processed + timedelta(days=20), replaces=first)
    one, two = settle_family([(somebody(1, plan), [first, again])])[1]
    assert deductible(one) == deductible(two) == Decimal("800.00")
    assert one.replaced_by is not None
    assert two.prior is not None
    assert (one.replaced_by.id, two.prior.id) == (two.id, one.id)


def test_a_void_gives_back_what_its_claim_took(plan: Plan) -> None:
    first = bill(0, Decimal(1000))
    first = replace(first, voided=first.processed + timedelta(days=5))
    _, second = settle_family([(somebody(1, plan), [first, bill(40, Decimal(1000))])])[1]
    assert deductible(second) == Decimal("800.00")


def test_a_day_without_coverage_is_refused(plan: Plan) -> None:
    early = replace(bill(0, Decimal(10)), served=date(2019, 1, 1))
    with pytest.raises(ValueError, match="mbr-0001 has no coverage on 2019-01-01"):
        settle_family([(somebody(1, plan), [early])])


def test_the_order_in_which_claims_are_given_does_not_matter(plan: Plan) -> None:
    claims = [bill(day, Decimal(100 + day)) for day in range(0, 200, 7)]
    mixed = Random(7).sample(claims, len(claims))
    assert settle_family([(somebody(1, plan), claims)]) == settle_family([(somebody(1, plan), mixed)])
