"""Payers without data, with one record set for everybody, and with references that cannot be followed."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from conftest import Grade
from fake_payer import FakePayer

from sandbox.score.card import Card
from sandbox.score.evidence import seen, unseen
from sandbox.score.lint.records import Records, leaves
from sandbox.score.trust.verification import _check_members

SAID = {"same-patient", "same-records", "empty-records", "references-logical", "instrument-lapsed-member"}


def said(card: Card) -> dict[str, str]:
    return {finding.rule: finding.text for finding in card.lint if finding.rule in SAID}


class Telling(FakePayer):
    """A payer whose claims have dates and amounts, of each member their own, or of all the same."""

    alike = False
    one_set = False

    def data(self, patient: str) -> list[dict[str, Any]]:
        found = super().data("p-m0" if self.one_set else patient)
        own = 0 if self.alike else int("0" + "".join(filter(str.isdigit, patient)))
        for number, resource in enumerate(found):
            resource["billablePeriod"] = {"start": f"2025-0{number % 9 + 1}-01", "end": "2025-12-01"}
            resource["total"] = [{"amount": {"value": 10.25 + number + own, "currency": "USD"}}]
        if self.one_set:
            return [{**r, "patient": {"reference": f"Patient/{patient}"}} for r in found]
        return found


def test_members_with_records_of_their_own_have_no_finding(grade_fake: Grade) -> None:
    for payer in (FakePayer(), Telling()):
        card, _ = grade_fake(payer)
        assert said(card) == {}
        assert card.score == 100


def test_no_data_for_anybody_is_said(grade_fake: Grade) -> None:
    payer = FakePayer()

    def empty(request: httpx.Request, number: int) -> httpx.Response | None:
        whose = request.url.path.endswith("/Patient") or "authorization" not in request.headers
        return None if whose else httpx.Response(200, json={"resourceType": "Bundle", "type": "searchset"})

    payer.before_fhir = empty
    card, _ = grade_fake(payer)
    assert "5 of 5 syncs returned no record" in said(card)["empty-records"]


def test_one_empty_sync_is_said_and_one_that_fails_is_not_called_empty(grade_fake: Grade) -> None:
    payer = FakePayer()
    payer.before_fhir = lambda request, number: httpx.Response(500) if number < 5000 else None
    card, _ = grade_fake(payer)
    assert "empty-records" not in said(card)


def test_one_patient_for_everybody_is_said(grade_fake: Grade) -> None:
    payer = FakePayer()

    def one(request: httpx.Request) -> httpx.Response:
        answer = payer(request)
        if request.url.path.endswith("/auth/token") and answer.status_code == 200:
            token = answer.json()["access_token"]
            payer.access[token] = "m0"
            return httpx.Response(200, json={**answer.json(), "patient": "p-m0"})
        return answer

    card, evidence = grade_fake(payer, transport=httpx.MockTransport(one))
    assert "name 1 patient" in said(card)["same-patient"]
    assert evidence["locks"].value["breach-other-member"]["held"] is None


@pytest.mark.parametrize(("alike", "one_set"), [(True, False), (False, True)], ids=["other-ids", "same-ids"])
def test_one_record_set_for_everybody_is_said(grade_fake: Grade, alike: bool, one_set: bool) -> None:
    payer = Telling()
    payer.alike, payer.one_set = alike, one_set
    card, _ = grade_fake(payer)
    words = "under different ids" if alike else "the same records"
    assert words in said(card)["same-records"]


class Logical(FakePayer):
    """All providers by identifier; one Organization by address, and every `insurer`, where there is one."""

    insurer: dict[str, Any] | None = None

    def data(self, patient: str) -> list[dict[str, Any]]:
        found = super().data(patient)
        for resource in found[2:]:
            resource["provider"] = {"identifier": {"system": "http://npi", "value": "1"}}
            if self.insurer:
                resource["insurer"] = resource["performer"] = self.insurer
        return found


def test_logical_references_are_said_where_the_letter_gives_the_points(grade_fake: Grade) -> None:
    card, evidence = grade_fake(Logical())
    points = {line.id: line.points for line in card.lines}
    assert points["reference-resolution"] == 5
    assert evidence["references"].value["read"] == 5
    assert "215 references have only an identifier, 5 have an address" in said(card)["references-logical"]


def test_an_insurer_with_an_address_does_not_hide_providers_without(grade_fake: Grade) -> None:
    payer = Logical()
    payer.insurer = {"reference": "Organization/o-1"}
    card, _ = grade_fake(payer)
    assert said(card)["references-logical"].startswith("in provider 2")


def test_a_member_lent_as_lapsed_who_is_covered_is_said() -> None:
    told = "the coverage of the account with the role lapsed-4000 has not ended"
    lapsed = {"30": {"works": True}, "4000": {"works": False, "contradicts": told}}
    found = {"sync": unseen("no sync"), "lapsed": seen(lapsed)}
    assert list(_check_members([], found)) == [("instrument-lapsed-member", told)]


def test_nothing_that_is_compared_is_kept_or_deep(grade_fake: Grade) -> None:
    deep: Any = "bottom"
    for _ in range(5000):
        deep = {"x": [deep]}
    records = Records()
    records.begin("p")
    records.take({"resourceType": "Coverage", "id": "c", "deep": deep}, "Coverage/c")
    assert list(records.notes()) == []
    assert [name for name, _ in leaves({"a": 1, "b": [2, {"c": 3}]})].count("c") == 1
