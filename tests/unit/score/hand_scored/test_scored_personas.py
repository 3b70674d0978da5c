"""Payers of a kind, each line of their card explained."""

from __future__ import annotations

import httpx
import pytest
from scored_card import examine
from scored_http import outcome
from scored_payer import Payer
from scored_people import Person, roster


def like_blue_button(answer: dict[str, str] | None) -> Payer:
    """Claims of Medicare: Patient, Coverage and claims, contained providers, no `$everything`, confidential
    clients, access for 13 months, pages of 10."""
    lines = ("medicare",)
    people = [p for p in roster(lines=lines) if answer is not None or p.role != "ineligible"]
    payer = Payer(people, base="/v2/fhir", clinical=())
    payer.names_everything = False
    payer.before["everything"] = [lambda call: outcome(404, "not-found")]
    payer.desk.secret = "s3cret-of-the-client"
    payer.desk.renews = lambda age, idle: age <= 395
    if answer is not None:
        payer.desk.ending = lambda person, n: answer if person.role == "ineligible" else None
    for claim in payer.every("ExplanationOfBenefit"):
        claim["contained"] = [{"resourceType": "Organization", "id": "provider-org"}]
        claim["provider"] = {"reference": "#provider-org"}
    payer.claims |= {"offered_lines": ["medicare"], "mandated_lines": ["medicare"]}
    payer.claims |= {"supported_lines": ["medicare"], "refresh_max_days": 395}
    return payer


ANSWERS: dict[str, tuple[dict[str, str] | None, int, int]] = {
    "it says so": ({"error": "access_denied", "error_description": "Not eligible for Medicare"}, 87, 87),
    "a bare refusal": ({"error": "access_denied"}, 83, 83),
    "nobody to try": (None, 83, 87),
}


@pytest.mark.parametrize("how", ANSWERS)
def test_like_blue_button(how: str) -> None:
    """Ecosystem: live 10, sandbox 6, both documents 2 + 2: 20 of 20. Patient: sign-ins 39 of 40, 97.5 %,
    14; refresh tokens for 395 days, 10; former members for ever, 8; no opt-in, 6; the one line it offers is
    mandated, 2 of 3; the eligibility error 4, or 0, or unseen: 40 of 45 without it. Developer: 4 requests a
    member, all 200 ($everything was never offered and is not counted), 10; no reference leads out of the
    Bundles, 0 of 5; claims, Coverage and Patient 6; no clinical type, 0 of 4; fast, 5; no $everything, 0 of
    3; portal 2: 23 of 35. 20 + 40 + 23 = 83 without the eligibility error: never under 82."""
    answer, score, top = ANSWERS[how]
    unseen = ("eligibility-errors",) if answer is None else ()
    points = {} if answer is None else {"eligibility_errors": score - 83}
    examine(like_blue_button(answer)).earns(
        score=score,
        top=top,
        lines_of_business=2,
        reference_resolution=0,
        clinical_resources=0,
        everything=0,
        unseen=unseen,
        **points,
    )


def test_a_regional_plan_with_two_lines() -> None:
    """Medicaid and CHIP, both mandated: 2 of 3. Refresh tokens die after 45 days: the last day that works
    is 25, 2 of 10. Former members for a year: 200 days work, 500 do not: 1 of 8. Opt-in in the portal: 0 of
    6. The ineligible member ends on a page: 0 of 4. $everything is not there and was not promised: 0 of 3.
    Only Encounter and Immunization of the clinical types: 2 of 4. Syncs of 8 seconds (6 requests, a second
    each, and 2 pages more of claims): under 10, 3 of 5. 100 - 1 - 8 - 7 - 6 - 4 - 3 - 2 - 2 = 67."""
    payer = Payer(roster(lines=("medicaid", "chip")), clinical=("Encounter", "Immunization"), claims=40)
    payer.claims |= {"offered_lines": ["medicaid", "chip"], "mandated_lines": ["medicaid", "chip"]}
    payer.claims |= {"supported_lines": ["medicaid", "chip"], "refresh_max_days": 45}
    payer.claims |= {"inactive_access_days": 365, "portal_opt_in": True}
    payer.names_everything = False
    payer.before["everything"] = [lambda call: outcome(501, "not-supported")]
    payer.desk.renews = lambda age, idle: age <= 45
    page = httpx.Response(200, html="<h1>We could not find an active plan</h1>")

    def ending(person: Person, attempt: int) -> dict[str, str] | httpx.Response | None:
        if person.role in ("ineligible", "not-opted-in"):
            return page
        too_long_ago = person.role in ("lapsed-500", "lapsed-1000", "lapsed-2000", "lapsed-4000")
        return {"error": "access_denied", "error_description": "ended"} if too_long_ago else None

    payer.desk.ending = ending
    payer.latency = lambda call: 1.0 if call.bearer and "$everything" not in call.path else 0.0
    examined = examine(payer)
    examined.earns(
        score=67,
        lines_of_business=2,
        refresh_token=2,
        inactive_members=1,
        portal_opt_in=0,
        eligibility_errors=0,
        everything=0,
        clinical_resources=2,
        sync_speed=3,
    )
    assert examined.value("sync-speed") == 8
    assert examined.card.findings == ()
