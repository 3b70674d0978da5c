"""Signing in: the rate, eligibility errors, the portal, and payers whose sign-in is odd but good."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from scored_card import MEMBERS_ONLY, examine
from scored_desk import CONSENT, LOGIN, Page, signed_alike
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


# Members refused of 39 → the rate of 40 attempts, the ineligible one among them, and its points.
RATES = {2: (92.5, 12), 20: (47.5, 0)}


@pytest.mark.parametrize("refused", RATES)
def test_the_rate_of_sign_ins(refused: int) -> None:
    """So many of the 39 eligible members end on the callback with server_error; with the ineligible one
    there are 40 attempts. 37 are 92.5 %, 19 are 47.5 %, under half. The members who get in are of all
    lines, five of them are synced: nothing else is lost."""
    rate, points = RATES[refused]
    payer = Payer(roster())
    refuse(payer, {"error": "server_error"}, last(refused))
    examined = examine(payer)
    examined.earns(score=86 + points, authorization_success=points)
    assert examined.value("authorization-success") == rate


ENDINGS: dict[str, Callable[[Payer], None]] = {
    "a page with 500": lambda payer: refuse(payer, httpx.Response(500, html="<p>Oops</p>"), last(6)),
    "a page that says sorry": lambda payer: refuse(payer, httpx.Response(200, html="<p>Sorry</p>"), last(6)),
    "a code that is not known": lambda payer: refuse(payer, {"code": "of-somebody-else"}, last(6)),
}


@pytest.mark.parametrize("how", ENDINGS)
def test_however_an_attempt_dies(how: str) -> None:
    """Six eligible members die in this way: 33 of 40 are 82.5 %, 10 of 14. 96."""
    payer = Payer(roster())
    ENDINGS[how](payer)
    examine(payer).earns(score=96, authorization_success=10)


def test_no_state_comes_back() -> None:
    """Every callback lacks the state, so an app must refuse all 39 codes: 0 of 40, 0 of 14. The rest is
    looked at all the same, since one fault costs one metric; nobody has signed in as an app would, so live
    is the payer's word only. 86."""
    payer = Payer(roster())
    payer.desk.returns_state = False
    examine(payer).earns(score=86, authorization_success=0, source={"status": "declared"})


def test_a_token_endpoint_that_fails_for_some() -> None:
    """The code of four members is refused at the token endpoint: 35 of 40, 87.5 %, 10 of 14. 96."""
    payer = Payer(roster())

    def broken(call: Call) -> httpx.Response | None:
        flow = payer.desk.codes.get(call.form.get("code", ""))
        dies = flow is not None and flow.person is not None and last(4)(flow.person)
        return httpx.Response(400, json={"error": "invalid_grant"}) if dies else None

    payer.before["token"] = [broken]
    examine(payer).earns(score=96, authorization_success=10)


# -- the patient

PATIENTS: dict[str, Callable[[Person], dict[str, Any]]] = {
    "Patient/id": lambda person: {"patient": f"Patient/{person.patient}"},
    "fhirUser is relative": lambda person: {
        "id_token": signed_alike({"fhirUser": f"Patient/{person.patient}"})
    },
}


@pytest.mark.parametrize("how", PATIENTS)
def test_the_patient_in_another_form(how: str) -> None:
    """The token response names the patient as a reference, or only the id_token does: known. 100."""
    payer = Payer()
    payer.desk.patient_claim = PATIENTS[how]
    examine(payer).earns(score=100)


def test_the_patient_is_a_url() -> None:
    """`patient` is a whole URL. Its last part is the patient, so nothing is lost; one finding says what is
    odd instead of 55 refused requests. 100."""
    payer = Payer()
    payer.desk.patient_claim = lambda person: {"patient": f"{payer.url}/Patient/{person.patient}"}
    examine(payer).earns(score=100).finds("patient", "URL")


def test_nothing_names_the_patient_but_the_one_that_the_token_opens() -> None:
    """Neither `patient` nor an id_token: `GET /Patient` shows exactly one, and that is who signed in. No
    points are lost; a finding says what is missing. 100."""
    payer = Payer()
    payer.desk.patient_claim = lambda person: {}
    examine(payer).earns(score=100).finds("patient")


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


def test_a_secret_in_the_body_only() -> None:
    """token_endpoint_auth_methods_supported has client_secret_post alone, and Basic is refused. 100."""
    payer = Payer()
    payer.desk.secret, payer.desk.secret_by = "s3cret-of-the-client", ("client_secret_post",)
    payer.smart = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
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

BOXES = Page(
    '<h1>What do you share?</h1><form method="post" action="{action}">'
    '<label><input type="checkbox" name="claims" value="on" required> Claims</label>'
    '<label><input type="checkbox" name="clinical" value="on" required> Clinical notes</label>'
    '<button name="choice" value="share">Continue</button></form>',
    lambda desk, flow, form: {form.get("claims"), form.get("clinical")} == {"on"},
)
PRESELECTED = Page(
    '<form method="post" action="{action}"><fieldset><legend>Share my data with the app?</legend>'
    '<label><input type="radio" name="answer" value="0" checked> Do not share</label>'
    '<label><input type="radio" name="answer" value="1"> Share my data</label></fieldset>'
    "<button>Continue</button></form>",
    lambda desk, flow, form: form.get("answer") == "1",
)
SPANISH = Page(
    '<form id="permiso" method="post" action="{action}"><p>¿Desea compartir sus datos?</p></form>'
    '<button form="permiso" name="choice" value="n">No permitir</button>'
    '<button form="permiso" name="choice" value="s">Permitir</button>',
    lambda desk, flow, form: form.get("choice") == "s",
)
DECOY = Page(
    '<form method="post" action="{action}">'
    '<div style="display:none"><label>Leave this empty <input name="website"></label></div>'
    '<label for="u">User ID</label><input id="u" name="username">'
    '<label for="p">Password</label><input id="p" type="password" name="password">'
    "<button>Log in</button></form>",
    lambda desk, flow, form: not form.get("website") and LOGIN.accept(desk, flow, form),
)
PAGES = {
    "required check boxes": (LOGIN, BOXES),
    "the refusal is preselected": (LOGIN, PRESELECTED),
    "Spanish, buttons outside of the form": (LOGIN, SPANISH),
    "a hidden field first": (DECOY, CONSENT),
}


@pytest.mark.parametrize("how", PAGES)
def test_pages_that_a_member_gets_through(how: str) -> None:
    """A person in front of this page would share and go on, so every sign-in works and no metric differs.
    100."""
    payer = Payer()
    payer.desk.pages = PAGES[how]
    examine(payer).earns(score=100)


def test_a_page_that_only_a_browser_can_show() -> None:
    """The sign-in is a script without a form: the payer may be perfect or not, nobody could look. Seen are
    both documents (2 + 2) and the portal (2), claimed live (10) and the sandbox (6): 22. All that needs a
    member is unseen, 78: the range is 22 to 100 and holds the truth."""
    payer = Payer()
    page = '<html><head><script src="/app.js"></script></head><body><div id="root"></div></body></html>'
    payer.before["page"] = [lambda call: httpx.Response(200, html=page)]
    examine(payer).earns(score=22, top=100, source={"status": "declared"}, unseen=MEMBERS_ONLY)


# -- eligibility errors

SAID: dict[str, tuple[Ending, int]] = {
    "unauthorized_client": (
        {"error": "unauthorized_client", "error_description": "member is not eligible"},
        4,
    ),
    "coverage": ({"error": "access_denied", "error_description": "Your coverage starts on 02/01"}, 4),
    "plan": ({"error": "access_denied", "error_description": "No plan of yours is open to apps"}, 4),
    "membership": ({"error": "access_denied", "error_description": "Membership not found"}, 4),
    "enrollment": ({"error": "access_denied", "error_description": "You are not enrolled"}, 4),
    "a code of its own": ({"error": "member_not_eligible"}, 4),
    "an error_uri": (
        {"error": "access_denied", "error_uri": "https://payer.example/help/eligibility"},
        4,
    ),
    "a bare refusal": ({"error": "access_denied"}, 0),
    "a refusal in other words": ({"error": "access_denied", "error_description": "Access was refused"}, 0),
    "a fault": ({"error": "server_error"}, 0),
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
