"""What the FHIR API answers to a token, or to none: status, challenge and OperationOutcome of each case
(RFC 6750 §3, SMART "Accessing FHIR data")."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from urllib.parse import urlsplit

import httpx
import pytest
from support.smart_app import MakeApp, SmartApp

NONE = 'Bearer realm="fhir"'
INVALID = 'Bearer realm="fhir", error="invalid_token", error_description="'
MALFORMED = 'Bearer realm="fhir", error="invalid_request", error_description="'


def shows(answer: httpx.Response, status: int, code: str, challenge: str | None = None) -> None:
    """Status, issue code, and how the challenge begins (None: there is none)."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/fhir+json")
    outcome = answer.json()
    assert outcome["resourceType"] == "OperationOutcome"
    (issue,) = outcome["issue"]
    assert (issue["severity"], issue["code"]) == ("error", code)
    assert issue["details"]["text"]
    said = answer.headers.get("www-authenticate")
    assert said == challenge if challenge in (None, NONE) else said.startswith(challenge), said


def expired(app: SmartApp) -> None:
    app.control("clock", {"advance": "PT1H"})


def revoked(app: SmartApp) -> None:
    app.post("revoke", {"token": app.tokens["access_token"]})


def family_revoked(app: SmartApp) -> None:
    app.post("revoke", {"token": app.tokens["refresh_token"]})


def refresh_token(app: SmartApp) -> None:
    app.tokens["access_token"] = app.tokens["refresh_token"]


def cut(app: SmartApp) -> None:
    app.tokens["access_token"] = app.tokens["access_token"][:-1]


@pytest.mark.parametrize("end", [expired, revoked, family_revoked, refresh_token, cut])
def test_a_token_that_is_over_is_invalid(maria: SmartApp, end: Callable[[SmartApp], None]) -> None:
    assert maria.get("Coverage").status_code == 200
    end(maria)
    for path in ("Coverage", f"Patient/{maria.patient}", f"Patient/{maria.patient}/$everything", "Nothing"):
        shows(maria.get(path), 401, "expired", INVALID)


@pytest.mark.parametrize("header", [None, "", "Bearer", "bearer", "Basic Zm9vOmJhcg==", "x" * 99])
def test_without_a_token_there_is_a_challenge_without_an_error(app: SmartApp, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    for path in ("Coverage", "Patient/x", "Patient/x/$everything", "Starship"):
        shows(app.get(path, **headers), 401, "login", NONE)


def test_a_token_goes_into_the_header_and_nowhere_else(maria: SmartApp) -> None:
    token = maria.tokens["access_token"]
    url = f"{maria.base}/fhir/Coverage"
    for headers in ({}, {"Authorization": f"Bearer {token}"}):
        asked = httpx.get(url, params={"access_token": token}, headers=headers)
        shows(asked, 400, "invalid", MALFORMED)
        posted = httpx.post(f"{url}/_search", data={"access_token": token}, headers=headers)
        shows(posted, 400, "invalid", MALFORMED)
        assert token not in asked.text + posted.text
    assert token not in maria.control("journal").text


def test_two_authorization_headers_are_one_too_many(maria: SmartApp) -> None:
    good = f"Bearer {maria.tokens['access_token']}"
    parts = urlsplit(f"{maria.base}/fhir/Coverage")
    for pair in ((good, "Bearer x"), ("Bearer x", good), (good, good)):
        link = http.client.HTTPConnection(parts.netloc, timeout=600)
        link.putrequest("GET", parts.path)
        for value in pair:
            link.putheader("Authorization", value)
        link.endheaders()
        answer = link.getresponse()
        assert (answer.status, b'"invalid"' in answer.read()) == (400, True)
        assert answer.headers["WWW-Authenticate"].startswith(MALFORMED)
        link.close()


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("Coverage", "patient/Coverage.s"),
        ("Coverage/x", "patient/Coverage.r"),
        ("Patient", "patient/Patient.s"),
        ("Patient/x/$everything", "patient/Patient.r"),
    ],
)
def test_a_scope_that_is_too_small_is_named(make_app: MakeApp, path: str, wanted: str) -> None:
    app = make_app(scope="launch/patient patient/ExplanationOfBenefit.rs").connect("maria")
    shows(app.get(path), 403, "forbidden", f'Bearer error="insufficient_scope", scope="{wanted}"')


def test_a_throttled_caller_is_told_when_to_come_back(make_app: MakeApp) -> None:
    app = make_app("rate-limited").connect("maria")
    answers = [app.get("Coverage") for _ in range(15)]
    (first, *_) = [answer for answer in answers if answer.status_code != 200]
    shows(first, 429, "throttled")
    assert first.headers["retry-after"].isdigit()


# another member


@pytest.fixture
def tells(at: Callable[..., SmartApp]) -> SmartApp:
    """An app at a payer that tells of other members' resources and answers foreign searches with nothing."""
    return at("tells-of-others").connect("maria")


OTHER = "mbr-0002"


def test_a_search_for_another_member_is_forbidden(maria: SmartApp) -> None:
    for path in (f"Coverage?patient={OTHER}", f"Coverage?patient=Patient/{OTHER}"):
        shows(maria.get(path), 403, "forbidden")
    shows(maria.get(f"Coverage?patient={maria.patient}&patient={OTHER}"), 403, "forbidden")


def test_a_payer_may_say_forbidden_of_another_members_resource(tells: SmartApp) -> None:
    for path in (f"Patient/{OTHER}", f"Patient/{OTHER}/$everything"):
        shows(tells.get(path), 403, "forbidden")
    shows(tells.get("Patient/nobody"), 404, "not-found")


def test_a_payer_may_answer_a_foreign_search_with_nothing(tells: SmartApp) -> None:
    mine = tells.get("Coverage").json()["total"]
    for query in (f"patient={OTHER}", f"patient={tells.patient}&patient={OTHER}"):
        bundle = tells.get(f"Coverage?{query}").json()
        assert (bundle["total"], bundle.get("entry")) == (0, None)
    assert tells.get(f"Coverage?patient={tells.patient},{OTHER}").json()["total"] == mine > 0
