"""A few fills are refused at the counter: said with a bare NCPDP code, paid by nobody, tried again."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from unit.synth.dossiers import code

from sandbox.synth.config.spec import Spec
from sandbox.synth.population import Dossier, generate

Resource = dict[str, Any]
NCPDP = "http://terminology.hl7.org/CodeSystem/NCPDPRejectCode"


def fills(dossiers: list[Dossier]) -> list[tuple[Dossier, Resource]]:
    return [
        (d, r)
        for d in dossiers
        for r in d.resources
        if r["resourceType"] == "ExplanationOfBenefit" and code(r["type"]) == "pharmacy"
    ]


def refusals(eob: Resource) -> list[Resource]:
    return [
        a["reason"]["coding"][0]
        for item in eob["item"]
        for a in item["adjudication"]
        if code(a["category"]) == "rejectreason"
    ]


def infos(eob: Resource) -> dict[str, Resource]:
    return {code(i["category"]): i for i in eob["supportingInfo"]}


@pytest.fixture(scope="module")
def rejected(members: list[Dossier]) -> list[tuple[Dossier, Resource]]:
    return [(d, eob) for d, eob in fills(members) if refusals(eob)]


def test_a_few_percent_of_fills_are_refused(
    members: list[Dossier], rejected: list[tuple[Dossier, Resource]]
) -> None:
    assert 0.01 <= len(rejected) / len(fills(members)) <= 0.06


def test_a_refusal_says_why_without_a_word(spec: Spec, rejected: list[tuple[Dossier, Resource]]) -> None:
    known = {of.code for of in spec.codes.rejections.values()}
    for _, eob in rejected:
        (reason,) = refusals(eob)
        assert reason == {"system": NCPDP, "code": reason["code"]}
        assert reason["code"] in known
        assert code(eob["payment"]["type"]) == "denied"


def test_only_a_refill_comes_too_soon(spec: Spec, rejected: list[tuple[Dossier, Resource]]) -> None:
    too_soon = spec.codes.rejections["too-soon"].code
    numbers = [
        infos(eob)["refillnum"]["valueQuantity"]["value"]
        for _, eob in rejected
        if refusals(eob)[0]["code"] == too_soon
    ]
    assert numbers
    assert 0 not in numbers


def test_nobody_pays_what_was_refused(rejected: list[tuple[Dossier, Resource]]) -> None:
    for _, eob in rejected:
        amounts = {code(t["category"]): t["amount"]["value"] for t in eob["total"]}
        assert amounts["benefit"] == amounts["memberliability"] == amounts["eligible"] == Decimal("0.00")
        assert amounts["submitted"] == amounts["noncovered"] > 0


def test_what_was_refused_was_not_handed_over(rejected: list[tuple[Dossier, Resource]]) -> None:
    alone = 0
    for dossier, eob in rejected:
        day = eob["item"][0]["servicedDate"]
        # something else may have been filled on the same day
        paid = [e for _, e in fills([dossier]) if e["item"][0]["servicedDate"] == day and not refusals(e)]
        handed = [
            r
            for r in dossier.resources
            if r["resourceType"] == "MedicationDispense" and r["whenHandedOver"] == day
        ]
        assert len(handed) <= len(paid)
        alone += not paid
    assert alone


def test_a_later_try_goes_through(spec: Spec, today: date) -> None:
    """If every first try is refused, every fill is there twice, some days apart."""
    always = replace(spec, rejected=1.0)
    maria = next(d for d in generate(always, members=1, seed=1, today=today) if d.account)
    tries = sorted(
        (
            code(e["item"][0]["productOrService"]),
            date.fromisoformat(e["item"][0]["servicedDate"]),
            not refusals(e),
        )
        for _, e in fills([maria])
        if "detail" not in e["item"][0]
    )
    pairs = [(a, b) for a, b in pairwise(tries) if not a[2] and b[2] and a[0] == b[0]]
    assert len(pairs) > 5
    assert all(timedelta(0) < b[1] - a[1] <= timedelta(days=4) for a, b in pairs)
