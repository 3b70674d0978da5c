"""Signing in: the rate, eligibility errors, the portal, and payers whose sign-in is odd but good."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from scored_card import examine
from scored_http import Call
from scored_payer import Payer
from scored_people import Person, roster

Ending = dict[str, str] | httpx.Response


def refuse(payer: Payer, ending: Ending, who: Callable[[Person], bool]) -> None:
    """Some members end so, the others as before."""
    before = payer.desk.ending
    payer.desk.ending = lambda person, n: ending if who(person) else before(person, n)


def last(count: int) -> Callable[[Person], bool]:
    """The last so many of the 39 eligible members."""
    return lambda person: person.role == "eligible" and person.number >= 39 - count


def test_no_state_comes_back() -> None:
    """Every callback lacks the state, so an app must refuse all 39 codes: 0 of 40, 0 of 14. The rest is
    looked at all the same, since one fault costs one metric; nobody has signed in as an app would, so live
    is the payer's word only. 86."""
    payer = Payer(roster())
    payer.desk.returns_state = False
    examine(payer).earns(score=86, authorization_success=0, source={"status": "declared"})


# -- the patient


# -- clients and scopes


def test_scopes_of_version_1_only() -> None:
    """`capabilities` have permission-v1 and nothing lists scopes; any other scope is refused. Asked for v1,
    everything is there. 100."""
    payer = Payer()
    payer.smart = {"capabilities": ["launch-standalone", "client-public", "permission-v1"]}
    payer.desk.scopes = (
        *("openid", "fhirUser", "profile", "launch/patient", "offline_access", "patient/*.read"),
    )
    examine(payer).earns(score=100)


def test_only_the_listed_scopes_are_allowed() -> None:
    """Neither openid nor wild cards: the listed scopes are asked for, type by type, and open all seven
    types. 100."""
    payer = Payer()
    listed = ["launch/patient", "offline_access", *(f"patient/{kind}.rs" for kind in payer.types)]
    payer.smart = {"scopes_supported": listed}
    payer.desk.scopes = tuple(listed)
    examine(payer).earns(score=100)


def test_a_member_who_shares_claims_only() -> None:
    """The token's scope has Patient, Coverage and ExplanationOfBenefit: no clinical type may be asked for,
    0 of 4. $everything shows what is in scope, 22 resources, and that is all the searches yield. 96."""
    payer = Payer()
    kinds = ("Patient", "Coverage", "ExplanationOfBenefit")
    payer.desk.granted_scope = " ".join(f"patient/{kind}.rs" for kind in kinds) + " offline_access"
    for name, held in payer.records.items():
        payer.records[name] = [r for r in held if r["resourceType"] in kinds]
    examine(payer).earns(score=96, clinical_resources=0)


# -- pages


# -- eligibility errors

SAID: dict[str, tuple[Ending, int]] = {
    "words": ({"error": "access_denied", "error_description": "Your coverage starts on 02/01"}, 4),
    "a code of its own": ({"error": "member_not_eligible"}, 4),
    "an error_uri": (
        {"error": "access_denied", "error_uri": "https://payer.example/help/eligibility"},
        4,
    ),
    "a bare refusal": ({"error": "access_denied"}, 0),
    "a page": (httpx.Response(403, html="<h1>You are not eligible</h1>"), 0),
}


@pytest.mark.parametrize("how", SAID)
def test_what_an_ineligible_member_hears(how: str) -> None:
    """The callback tells more than refusal, by a code of its own or by words about eligibility, coverage,
    plan, membership or enrollment: 4. A bare or wordless refusal, a fault, a page of the payer: 0. It is
    one failed attempt of 20 either way, 95 %. 100 or 96."""
    ending, points = SAID[how]
    payer = Payer()
    payer.desk.ending = lambda person, n: ending if person.role == "ineligible" else None
    examine(payer).earns(score=96 + points, eligibility_errors=points)


def test_an_ineligible_member_gets_a_token() -> None:
    """No error on the callback, the token is refused later: 0 of 4. 40 of 40 end with a token. 96."""
    payer = Payer(roster())
    payer.desk.ending = lambda person, n: None

    def refused(call: Call) -> httpx.Response | None:
        grant = payer.desk.holder(call)
        return httpx.Response(403) if grant and grant.person.role == "ineligible" else None

    payer.before["search"] = payer.before["everything"] = [refused]
    examined = examine(payer)
    examined.earns(score=96, eligibility_errors=0)
    assert examined.value("authorization-success") == 100


def test_no_ineligible_member_is_lent() -> None:
    """39 of 39, 100 %. What an ineligible member hears nobody could try: unseen, 0 to 4. 96 to 100."""
    payer = Payer([person for person in roster() if person.role != "ineligible"])
    examine(payer).earns(score=96, top=100, unseen=("eligibility-errors",))


# -- the portal


def test_an_opt_in_in_the_portal() -> None:
    """The member who never opened the portal is sent there: 0 of 6; the payer's claim is contradicted. The
    probe is no sign-in of the rate. 94."""
    payer = Payer(roster())
    page = httpx.Response(200, html="<p>Activate your account in the member portal first</p>")
    refuse(payer, page, lambda person: person.role == "not-opted-in")
    examined = examine(payer)
    examined.earns(score=94, portal_opt_in=0).finds("portal-opt-in")
    assert examined.value("authorization-success") == 97.5


def test_no_member_without_a_portal_account_is_lent() -> None:
    """That no opt-in is needed is claimed, and a claim alone does not count here: unseen, 94 to 100."""
    payer = Payer([person for person in roster() if person.role != "not-opted-in"])
    examine(payer).earns(score=94, top=100, unseen=("portal-opt-in",))
