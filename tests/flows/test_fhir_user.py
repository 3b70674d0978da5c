"""`openid fhirUser` lets an app read who signed in: that one resource, and nothing beside it (SMART-040)."""

from __future__ import annotations

import pytest
from support.smart_app import MakeApp, SmartApp

SCOPE = "openid fhirUser launch/patient patient/Coverage.rs"


def test_the_member_is_read_without_a_scope_for_patients(make_app: MakeApp) -> None:
    app = make_app(scope=SCOPE).connect("maria")
    own = app.get(f"Patient/{app.patient}")
    assert (own.status_code, own.json()["id"]) == (200, app.patient)
    assert app.get(f"Patient/{app.patient}?_elements=name").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "Patient",
        "Patient?_id={p}",
        "Patient/{p}/$everything",
        "Patient/{p}/_history",
        "Patient/{p}/_history/1",
        "Patient/mbr-0002",
        "Practitioner/{p}",
        "RelatedPerson/{p}",
        "ExplanationOfBenefit",
    ],
)
def test_nothing_else_is(make_app: MakeApp, path: str) -> None:
    app = make_app(scope=SCOPE).connect("maria")
    answer = app.get(path.format(p=app.patient))
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (403, "forbidden")


@pytest.mark.parametrize("scope", ["fhirUser", "openid", "openid profile"])
def test_both_scopes_are_needed(make_app: MakeApp, scope: str) -> None:
    app = make_app(scope=f"{scope} launch/patient patient/Coverage.rs").connect("maria")
    assert app.get(f"Patient/{app.patient}").status_code == 403


def test_a_refresh_that_drops_the_scope_drops_the_reading(make_app: MakeApp) -> None:
    app = make_app(scope=f"{SCOPE} offline_access").connect("maria")
    assert app.refresh(scope="openid patient/Coverage.rs").status_code == 200
    assert app.get("Patient/mbr-0001").status_code == 403


def test_a_granular_scope_for_patients_does_not_hide_the_member(make_app: MakeApp) -> None:
    app = make_app(scope=f"{SCOPE} patient/Patient.rs?identifier=nothing").connect("maria")
    assert app.get(f"Patient/{app.patient}").status_code == 200
    assert app.get("Patient").json()["total"] == 0


def test_a_member_who_keeps_their_demographics_keeps_them(make_app: MakeApp) -> None:
    """The consent page says that fhirUser shows them, and the scope goes where they are dropped."""
    app = make_app(scope=SCOPE)
    page = app.choose(app.log_in("maria"))
    assert 'value="demographics"' in page.text
    code = app.decide(page, {"decision": "share", "data": ["coverage"]})["code"]
    app.tokens = app.redeem(code).json()
    assert "fhirUser" not in app.tokens["scope"].split()
    assert app.get("Coverage").status_code == 200
    assert app.get("Patient/mbr-0001").status_code == 403


def test_a_guardian_reads_their_own_record_and_not_the_childs(make_app: MakeApp) -> None:
    app = make_app(scope=SCOPE)
    picker = app.follow(app.log_in("family"))
    child = app.control("members/twin-one").json()["may_share"][0]
    page = app.choose(picker, child)
    app.tokens = app.redeem(app.decide(page, {"decision": "allow"})["code"]).json()
    user = fhir_user(app)
    assert user.startswith("RelatedPerson/")
    assert app.get(user).json()["resourceType"] == "RelatedPerson"
    assert app.get(f"Patient/{child}").status_code == 403
    assert app.get("RelatedPerson").status_code == 403


def fhir_user(app: SmartApp) -> str:
    """Who signed in, as introspection has it."""
    whole = app.post("introspect", {"token": app.tokens["access_token"]}).json()["fhirUser"]
    return str(whole).removeprefix(f"{app.base}/fhir/")
