"""The money adds up: line by line for any numbers, and in every claim of a population."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.synth.dossiers import code

from sandbox.synth.claims.accumulators import UNLIMITED, ZERO, Left
from sandbox.synth.claims.adjudication import CENT, adjudicate, capitated
from sandbox.synth.config.spec import Spec
from sandbox.synth.facts import Amounts, ClaimLine, Denial, Plan, Share, Term
from sandbox.synth.population import Dossier

AMOUNT = st.decimals(min_value=0, max_value=50_000, places=2)
PART = st.decimals(min_value=0, max_value=1, places=2)
SHARES = st.builds(Share, AMOUNT, PART, st.booleans())
NO_LIMIT = Left(UNLIMITED, UNLIMITED)
LEFT = st.one_of(st.just(NO_LIMIT), st.builds(Left, AMOUNT, AMOUNT))
LINES = st.builds(
    ClaimLine,
    what=st.just(Term("system", "code", "name")),
    units=st.just(Decimal(1)),
    charge=AMOUNT,
    fee=AMOUNT,
    benefit=st.just("office"),
    place=st.none(),
    denial=st.one_of(st.none(), st.builds(Denial, st.just("50"), st.booleans())),
)


@given(LINES, SHARES, LEFT, PART, st.booleans())
def test_a_line_adds_up(line: ClaimLine, share: Share, left: Left, prior: Decimal, in_network: bool) -> None:
    a = adjudicate(line, share, left, prior, in_network)
    assert a.eligible == a.submitted - a.noncovered - a.discount
    assert a.benefit == a.eligible - a.copay - a.deductible - a.coinsurance - a.prior_payer_paid
    assert a.member_liability == a.copay + a.deductible + a.coinsurance + a.noncovered_billable
    # every dollar asked for is somebody's: nobody pays the discount or what may not be billed
    unpaid = a.discount + a.noncovered - a.noncovered_billable
    assert a.submitted == a.benefit + a.prior_payer_paid + a.member_liability + unpaid


@given(LINES, SHARES, LEFT, PART, st.booleans())
def test_no_amount_is_negative_or_has_less_than_a_cent(
    line: ClaimLine, share: Share, left: Left, prior: Decimal, in_network: bool
) -> None:
    a = adjudicate(line, share, left, prior, in_network)
    for name in Amounts.__dataclass_fields__:
        value = getattr(a, name)
        assert value >= 0, name
        assert value == value.quantize(CENT), name


@given(LINES, SHARES, LEFT, PART)
def test_limits_are_never_overdrawn(line: ClaimLine, share: Share, left: Left, prior: Decimal) -> None:
    a = adjudicate(line, share, left, prior)
    assert a.deductible <= left.deductible
    assert a.cost_sharing <= left.out_of_pocket
    assert share.deductible or a.deductible == 0


@given(LINES, SHARES)
def test_after_the_out_of_pocket_maximum_the_plan_pays_all(line: ClaimLine, share: Share) -> None:
    a = adjudicate(line, share, Left(Decimal(9999), ZERO))
    assert (a.cost_sharing, a.benefit) == (ZERO, a.eligible)


@given(LINES, SHARES, LEFT)
def test_a_denied_line_pays_nothing(line: ClaimLine, share: Share, left: Left) -> None:
    a = adjudicate(line, share, left)
    if line.denial:
        assert (a.benefit, a.eligible, a.noncovered) == (ZERO, ZERO, a.submitted)
        assert a.member_liability == (a.submitted if line.denial.member_pays else ZERO)


@given(LINES, SHARES, LEFT)
def test_outside_the_network_the_rest_is_the_members(line: ClaimLine, share: Share, left: Left) -> None:
    a = adjudicate(line, share, left, in_network=False)
    if not line.denial:
        assert a.discount == 0
        assert a.noncovered == a.noncovered_billable == a.submitted - a.eligible


@given(LINES)
def test_a_capitated_line_shows_what_was_asked_and_nothing_else(line: ClaimLine) -> None:
    a = capitated(line)
    assert (a.submitted, a.eligible, a.benefit, a.member_liability) == (line.charge, ZERO, ZERO, ZERO)


# --- over a population -----------------------------------------------------------------------------

PAID_BY_MEMBER = ("copay", "deductible", "coinsurance")


def by_category(entries: list[dict[str, Any]]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for entry in entries:
        if "amount" in entry:
            found[code(entry["category"])] += entry["amount"]["value"]
    return found


def item_amounts(eob: dict[str, Any]) -> list[dict[str, Any]]:
    return [a for item in eob["item"] for a in item.get("adjudication", []) if "amount" in a]


def header_amounts(eob: dict[str, Any]) -> list[dict[str, Any]]:
    return [a for a in eob["adjudication"] if "amount" in a]


def test_totals_are_the_sums_of_the_items_or_of_the_header(eobs: list[dict[str, Any]]) -> None:
    for eob in eobs:
        items, header = item_amounts(eob), header_amounts(eob)
        assert bool(items) != bool(header), eob["id"]
        totals = [code(t["category"]) for t in eob["total"]]
        assert len(totals) == len(set(totals)), eob["id"]
        assert by_category(eob["total"]) == by_category(items or header), eob["id"]


def test_an_inpatient_header_submits_what_the_items_ask(eobs: list[dict[str, Any]]) -> None:
    stays = [eob for eob in eobs if header_amounts(eob)]
    assert stays
    for eob in stays:
        assert code(eob["subType"]) == "inpatient"
        asked = sum(item["net"]["value"] for item in eob["item"])
        assert asked == by_category(eob["total"])["submitted"]


def obeys(t: dict[str, Decimal]) -> bool:
    member = sum((t[name] for name in PAID_BY_MEMBER), ZERO)
    return (
        t["eligible"] == t["submitted"] - t["noncovered"] - t["discount"]
        and t["benefit"] == t["eligible"] - member - t["priorpayerpaid"]
        and member <= t["memberliability"] <= member + t["noncovered"]
        and t["paidtoprovider"] == t["benefit"]
    )


def test_every_item_header_and_total_obeys_the_rules(eobs: list[dict[str, Any]]) -> None:
    for eob in eobs:
        parts = [item.get("adjudication", []) for item in eob["item"]]
        for part in (*parts, eob["adjudication"], eob["total"]):
            assert obeys(by_category(part)), eob["id"]
        assert by_category(eob["total"])["benefit"] == eob["payment"]["amount"]["value"]


def test_money_is_decimal_with_two_digits(eobs: list[dict[str, Any]]) -> None:
    for eob in eobs:
        for entry in [*eob["total"], *item_amounts(eob), *header_amounts(eob)]:
            value = entry["amount"]["value"]
            assert isinstance(value, Decimal)
            assert value.as_tuple().exponent == -2


def in_force(dossiers: list[Dossier]) -> Iterator[tuple[Dossier, dict[str, Any]]]:
    """The last version of every claim that was neither replaced nor voided."""
    for dossier in dossiers:
        last = {r["id"]: r for r in dossier.resources if r["resourceType"] == "ExplanationOfBenefit"}
        yield from ((dossier, eob) for eob in last.values() if eob["status"] == "active")


def plan_of(spec: Spec, dossier: Dossier, eob: dict[str, Any]) -> Plan:
    reference = eob["insurance"][0]["coverage"]["reference"]
    coverage = next(r for r in dossier.resources if f"Coverage/{r['id']}" == reference)
    (number,) = (c["value"] for c in coverage["class"] if code(c["type"]) == "plan")
    return next(line.plan for line in spec.lines.values() if line.plan.code == number)


def test_a_year_takes_no_more_than_the_plan_allows(spec: Spec, members: list[Dossier]) -> None:
    taken: dict[tuple[str, str, str], list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
    plans = {}
    for dossier, eob in in_force(members):
        plan, t = plan_of(spec, dossier, eob), by_category(eob["total"])
        key = (eob["patient"]["reference"], plan.code, eob["billablePeriod"]["start"][:4])
        taken[key][0] += t["deductible"]
        taken[key][1] += sum((t[name] for name in PAID_BY_MEMBER), ZERO)
        plans[plan.code] = plan
    for (_, number, _), (deductible, out_of_pocket) in taken.items():
        limit = plans[number].out_of_pocket_maximum
        assert deductible <= plans[number].deductible
        assert limit is not None
        assert out_of_pocket <= limit
    assert any(
        out_of_pocket == plans[number].out_of_pocket_maximum
        for (_, number, _), (_, out_of_pocket) in taken.items()
    )
    assert any(
        0 < deductible == plans[number].deductible for (_, number, _), (deductible, _) in taken.items()
    )


def test_a_denied_claim_says_so_and_why(eobs: list[dict[str, Any]]) -> None:
    seen: dict[str, int] = defaultdict(int)
    for eob in eobs:
        if header_amounts(eob):
            continue
        t = by_category(eob["total"])
        denied = [by_category(i["adjudication"])["eligible"] == 0 for i in eob["item"]]
        status = code(eob["payment"]["type"])
        assert eob["outcome"] == "complete"
        seen[status] += 1
        if t["discount"] == t["submitted"]:  # capitated
            assert status == "paid"
            continue
        assert status == ("denied" if all(denied) else "partiallypaid" if any(denied) else "paid")
        pharmacy = code(eob["type"]) == "pharmacy"
        why = "rejectreason" if pharmacy else "adjustmentreason"
        for item, is_denied in zip(eob["item"], denied, strict=True):
            reasons = [a for a in item["adjudication"] if code(a["category"]) == why]
            assert bool(reasons) >= is_denied
    assert min(seen["denied"], seen["partiallypaid"], seen["paid"]) > 0


@pytest.mark.parametrize("service", ["G0438", "G0439", "G0008", "G0121"])
def test_prevention_costs_the_member_nothing(eobs: list[dict[str, Any]], service: str) -> None:
    found = [
        by_category(item["adjudication"])
        for eob in eobs
        for item in eob["item"]
        if code(item["productOrService"]) == service
    ]
    assert found
    assert all(t["memberliability"] in (t["noncovered"], 0) for t in found)
