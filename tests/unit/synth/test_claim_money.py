"""The money adds up: line by line for any numbers, and in every claim of a population."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sandbox.synth.adjudication import CENT, ZERO, adjudicate
from sandbox.synth.facts import Amounts, Denial, Line, Share, Term
from sandbox.synth.spec import Spec

AMOUNT = st.decimals(min_value=0, max_value=50_000, places=2)
SHARES = st.builds(Share, AMOUNT, st.decimals(min_value=0, max_value=1, places=2), st.booleans())
LINES = st.builds(
    Line,
    what=st.just(Term("system", "code", "name")),
    units=st.just(Decimal(1)),
    charge=AMOUNT,
    fee=AMOUNT,
    benefit=st.just("office"),
    place=st.none(),
    denial=st.one_of(st.none(), st.builds(Denial, st.just("50"), st.booleans())),
)


@given(LINES, SHARES, AMOUNT, AMOUNT)
def test_a_line_adds_up(line: Line, share: Share, left: Decimal, prior: Decimal) -> None:
    a = adjudicate(line, share, left, prior)
    assert a.eligible == a.submitted - a.noncovered - a.discount
    assert a.benefit == a.eligible - a.copay - a.deductible - a.coinsurance - a.prior_payer_paid
    assert a.member_liability == a.copay + a.deductible + a.coinsurance + a.noncovered_billable
    # every dollar asked for is somebody's: nobody pays the discount or what may not be billed
    unpaid = a.discount + a.noncovered - a.noncovered_billable
    assert a.submitted == a.benefit + a.prior_payer_paid + a.member_liability + unpaid


@given(LINES, SHARES, AMOUNT)
def test_no_amount_is_negative_or_has_less_than_a_cent(line: Line, share: Share, left: Decimal) -> None:
    a = adjudicate(line, share, left)
    for name in Amounts.__dataclass_fields__:
        value = getattr(a, name)
        assert value >= 0, name
        assert value == value.quantize(CENT), name


@given(LINES, SHARES, AMOUNT)
def test_the_deductible_is_never_overdrawn(line: Line, share: Share, left: Decimal) -> None:
    taken = adjudicate(line, share, left).deductible
    assert taken <= left
    assert share.deductible or taken == 0


@given(LINES, SHARES, AMOUNT)
def test_a_denied_line_pays_nothing(line: Line, share: Share, left: Decimal) -> None:
    a = adjudicate(line, share, left)
    if line.denial:
        assert (a.benefit, a.eligible, a.noncovered) == (ZERO, ZERO, a.submitted)
        assert a.member_liability == (a.submitted if line.denial.member_pays else ZERO)


# --- over a population -----------------------------------------------------------------------------


def by_category(entries: list[dict[str, Any]]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for entry in entries:
        if "amount" in entry:
            found[entry["category"]["coding"][0]["code"]] += entry["amount"]["value"]
    return found


def test_totals_are_the_sums_of_the_items(eobs: list[dict[str, Any]]) -> None:
    for eob in eobs:
        items = by_category([a for item in eob["item"] for a in item["adjudication"]])
        totals = [t["category"]["coding"][0]["code"] for t in eob["total"]]
        assert len(totals) == len(set(totals)), eob["id"]
        assert by_category(eob["total"]) == items, eob["id"]


def test_totals_obey_the_rules_of_adjudication(eobs: list[dict[str, Any]]) -> None:
    for eob in eobs:
        t = by_category(eob["total"])
        assert t["eligible"] == t["submitted"] - t["noncovered"] - t["discount"]
        paid_by_member = t["copay"] + t["deductible"] + t["coinsurance"]
        assert t["benefit"] == t["eligible"] - paid_by_member - t["priorpayerpaid"]
        assert paid_by_member <= t["memberliability"] <= paid_by_member + t["noncovered"]
        assert t["paidtoprovider"] == t["benefit"] == eob["payment"]["amount"]["value"]


def test_money_is_decimal_with_two_digits(eobs: list[dict[str, Any]]) -> None:
    for eob in eobs:
        for entry in [*eob["total"], *(a for i in eob["item"] for a in i["adjudication"] if "amount" in a)]:
            value = entry["amount"]["value"]
            assert isinstance(value, Decimal)
            assert value.as_tuple().exponent == -2


def test_a_year_takes_no_more_than_the_deductible(
    spec: Spec, eobs: list[dict[str, Any]], resources: list[dict[str, Any]]
) -> None:
    plans = {line.plan.code: line.plan.deductible for line in spec.lines.values()}
    limits = {
        f"Coverage/{r['id']}": plans[r["class"][1]["value"]]
        for r in resources
        if r["resourceType"] == "Coverage"
    }
    taken: dict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
    for eob in eobs:
        coverage = eob["insurance"][0]["coverage"]["reference"]
        taken[coverage, eob["billablePeriod"]["start"][:4]] += by_category(eob["total"])["deductible"]
    assert all(amount <= limits[coverage] for (coverage, _), amount in taken.items())
    assert any(amount > 0 for amount in taken.values())


def test_a_denied_claim_says_so_and_why(eobs: list[dict[str, Any]]) -> None:
    seen = defaultdict(int)
    for eob in eobs:
        categories = [
            [a["category"]["coding"][0]["code"] for a in item["adjudication"]] for item in eob["item"]
        ]
        denied = ["adjustmentreason" in item for item in categories]
        status = eob["payment"]["type"]["coding"][0]["code"]
        assert status == ("denied" if all(denied) else "partiallypaid" if any(denied) else "paid")
        assert eob["outcome"] == "complete"
        seen[status] += 1
    assert min(seen["denied"], seen["partiallypaid"], seen["paid"]) > 0


def test_prevention_costs_the_member_nothing(eobs: list[dict[str, Any]]) -> None:
    for eob in eobs:
        for item in eob["item"]:
            if item["productOrService"]["coding"][0]["code"] in ("G0438", "G0439", "G0008"):
                amounts = by_category(item["adjudication"])
                assert amounts["memberliability"] == amounts["noncovered"] or amounts["memberliability"] == 0
