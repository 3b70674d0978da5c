"""A `scope` is bounded wherever it enters, with a clear error; and what fits costs one condition."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote_plus

import pytest
from support.backend import assertion, form
from support.smart_app import MakeApp, SmartApp, hidden

from sandbox.auth.scopes import GRANULAR_MAX
from sandbox.core.limits import BODY_BYTES_MAX

EXCESSIVE = {
    "2,000 granular scopes": " ".join(f"patient/Observation.rs?category=c{n}" for n in range(2000)),
    "150 short granular scopes": " ".join(f"patient/Media.r?type=c{n}" for n in range(150)),
    "1,000 scopes": " ".join(f"patient/X{n}.r" for n in range(1000)),
    "a long scope": "openid " + "x" * 9000,
    "a thousand values": " ".join("patient/Media.r?type=" + "a," * 20 + str(n) for n in range(50)),
    "encoded commas": " ".join("patient/Media.r?type=" + "a%2C" * 19 + str(n) for n in range(21)),
    "combined filters": " ".join(f"patient/Media.r?type=t{n}&identifier=i{n}" for n in range(11)),
}


def invalid(body: Any) -> bool:
    return body["error"] == "invalid_scope" and bool(body["error_description"])


@pytest.mark.parametrize("what", EXCESSIVE)
def test_an_excessive_scope_is_refused_at_every_door(maria: SmartApp, what: str) -> None:
    app, scope = maria, EXCESSIVE[what]
    sent = len(quote_plus(scope))
    if sent < 60_000:  # what the client itself can send
        by_get = app.authorize(scope=scope)
        assert by_get.status_code == 414 if sent > 7000 else invalid(app.callback(by_get))
    token = f"{app.base}/auth/token"
    system = scope.replace("patient/", "system/")
    posted = app.browser.post(f"{app.base}/auth/authorize", data=app.request(scope=scope))
    answers = [
        app.post("par", app.request(scope=scope)),
        app.refresh(scope=scope),
        app.http.post(token, data=form(assertion(token), system)),
    ]
    if sent > BODY_BYTES_MAX:
        assert posted.status_code == 413
        assert [answer.status_code for answer in answers] == [413] * 3
        assert {answer.json()["error"] for answer in answers} == {"invalid_request"}
    else:
        assert invalid(app.callback(posted))
        assert all(invalid(answer.json()) for answer in answers)
    assert app.refresh().status_code == 200  # the refresh token was not spent
    metadata = {
        "redirect_uris": ["https://a.example/cb"],
        "token_endpoint_auth_method": "none",
        "scope": scope,
    }
    registered = app.http.post(f"{app.base}/auth/register", json=metadata)
    assert registered.status_code == (413 if len(scope) > 65_536 else 400)
    error = "invalid_request" if len(scope) > BODY_BYTES_MAX else "invalid_client_metadata"
    assert registered.json()["error"] == error


def test_as_many_granular_scopes_as_there_may_be_work(make_app: MakeApp) -> None:
    base = "http://terminology.hl7.org/CodeSystem/observation-category|laboratory"
    scopes = [f"patient/Observation.rs?category=c{n}" for n in range(GRANULAR_MAX - 1)]
    scopes += ["launch/patient", "patient/Patient.rs", f"patient/Observation.rs?category={base}"]
    app = make_app(scope=" ".join(scopes))
    page = app.follow(app.browser.post(f"{app.base}/auth/authorize", data=app.request()))
    consent = app.choose(app.submit(page, "maria"))
    assert hidden(consent)
    app.tokens = app.redeem(app.decide(consent, {"decision": "allow"})["code"]).json()
    assert len(app.tokens["scope"].split()) == GRANULAR_MAX + 2
    assert app.get("Observation").json()["total"] > 0
    assert app.get(f"Patient/{app.patient}/$everything").status_code == 200
