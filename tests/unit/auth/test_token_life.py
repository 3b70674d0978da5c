"""Tokens after they are issued: refresh and rotation, revocation, introspection, bearer access."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from unit.auth.auth_desk import FHIR, ISSUER, SCOPE, App

from sandbox.auth.authorization.decision import Decision, issue
from sandbox.auth.authorization.request import AuthorizationRequest
from sandbox.auth.tokens.access_token import Access, TokenPlan, access
from sandbox.core.errors import Forbidden, Unauthorized
from sandbox.core.gates import Facts, Stage
from sandbox.core.payer import PayerProfile

KEEPS = PayerProfile(refresh_rotation="none")
ROTATES = PayerProfile(refresh_rotation="rotate")


def test_a_refresh_gives_new_tokens_and_the_old_access_token_lives_on(app: App) -> None:
    first = app.sign_in()
    status, second = app.refresh(first["refresh_token"])
    assert (status, second["scope"], second["patient"]) == (200, SCOPE, "p1")
    assert app.is_alive(first["access_token"])
    assert app.is_alive(second["access_token"])
    assert second["refresh_token"] != first["refresh_token"]


def test_a_payer_may_rotate_without_ending_the_family(app: App) -> None:
    app = app.under(ROTATES)
    first = app.sign_in()
    _, second = app.refresh(first["refresh_token"])
    assert app.refresh(first["refresh_token"])[0] == 400
    assert app.refresh(second["refresh_token"])[0] == 200


def test_a_payer_may_keep_the_refresh_token(app: App) -> None:
    app = app.under(KEEPS)
    first = app.sign_in()
    for _ in range(3):
        status, again = app.refresh(first["refresh_token"])
        assert (status, "refresh_token" in again) == (200, False)


def test_refreshing_ends_as_many_days_after_the_yes_as_the_payer_says(app: App) -> None:
    app = app.under(PayerProfile(refresh_max_days=90))
    token = app.sign_in()
    app.advance(days=89)
    _, token = app.refresh(token["refresh_token"])
    app.advance(days=1, minutes=9, seconds=59)  # on the ninetieth day itself it still works
    status, token = app.refresh(token["refresh_token"])
    assert status == 200
    app.advance(seconds=1)
    assert app.refresh(token["refresh_token"])[1]["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("scope", "answer"),
    [
        ("patient/*.rs", "patient/*.rs"),
        ("patient/*.rs openid openid", "patient/*.rs openid"),
        ("", SCOPE),
        ("  ", SCOPE),
        ("patient/*.cruds", "invalid_scope"),
        (SCOPE + " user/*.rs", "invalid_scope"),
        ("é", "invalid_scope"),
    ],
)
def test_a_refresh_may_narrow_the_scope_never_widen_it(app: App, scope: str, answer: str) -> None:
    first = app.sign_in()
    _, body = app.refresh(first["refresh_token"], scope=scope)
    assert answer in (body.get("scope"), body.get("error"))
    if "error" in body:
        assert app.refresh(first["refresh_token"])[0] == 200
    else:
        assert app.introspect(body["access_token"])["scope"] == answer


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"refresh_token": "unknown"}, "invalid_grant"),
        ({"client_id": "other"}, "invalid_grant"),
        ({"client_id": "codes-only"}, "unauthorized_client"),
        ({"refresh_token": ["a", "b"]}, "invalid_request"),
    ],
)
def test_a_wrong_refresh_is_refused_and_leaves_the_token_alone(
    app: App, changes: dict[str, Any], error: str
) -> None:
    token = app.sign_in()["refresh_token"]
    assert app.refresh(**{"token": token, **changes})[1]["error"] == error
    assert app.post({"grant_type": "refresh_token", **app.me()})[1]["error"] == "invalid_request"
    assert app.refresh(token)[0] == 200


def test_a_public_app_need_not_name_itself_to_refresh(app: App, web: App) -> None:
    """SMART's refresh request has no client_id, and npm's fhirclient sends none."""
    token = app.sign_in()["refresh_token"]
    nameless = {"grant_type": "refresh_token", "refresh_token": token}
    status, body = app.post(nameless)
    assert (status, body["token_type"]) == (200, "Bearer")
    assert app.post(nameless)[1]["error"] == "invalid_grant"  # a replay, as ever
    assert app.post(nameless | {"refresh_token": "unknown"})[1]["error"] == "invalid_client"
    confidential = web.sign_in()["refresh_token"]
    status, body = app.post(nameless | {"refresh_token": confidential})
    assert (status, body["error"]) == (401, "invalid_client")
    assert web.refresh(confidential)[0] == 200


def test_an_access_token_does_not_refresh_and_a_refresh_token_does_not_read(app: App) -> None:
    token = app.sign_in()
    assert app.refresh(token["access_token"])[1]["error"] == "invalid_grant"
    assert not app.is_alive(token["refresh_token"])


# revocation and introspection


def test_revoking_a_refresh_token_ends_everything_of_the_grant(app: App) -> None:
    token, other = app.sign_in(), app.sign_in()
    assert app.revoke(token["refresh_token"], token_type_hint="access_token") == 200
    assert not app.is_alive(token["access_token"])
    assert app.refresh(token["refresh_token"])[0] == 400
    assert app.is_alive(other["access_token"])


def test_revoking_an_access_token_ends_only_that(app: App) -> None:
    token = app.sign_in()
    assert app.revoke(token["access_token"]) == 200
    assert app.revoke(token["access_token"]) == 200
    assert not app.is_alive(token["access_token"])
    assert app.refresh(token["refresh_token"])[0] == 200


def test_unknown_tokens_and_those_of_other_clients_are_not_told_of(app: App) -> None:
    token = app.sign_in()
    stranger = replace(app, client="other")
    assert app.reply({"token": "unknown", "client_id": "app"}, "revocation").body == b""
    assert stranger.revoke(token["access_token"]) == 200
    assert stranger.revoke(token["refresh_token"]) == 200
    assert app.is_alive(token["access_token"])
    assert stranger.introspect(token["access_token"]) == {"active": False}


@pytest.mark.parametrize("endpoint", ["revocation", "introspection"])
def test_revocation_and_introspection_want_a_client_and_a_token(app: App, endpoint: str) -> None:
    assert app.post({"token": "x", "client_id": "nobody"}, endpoint)[0] == 401
    assert app.post({"token": "x"}, endpoint)[1]["error"] == "invalid_client"
    assert app.post({"client_id": "app"}, endpoint)[1]["error"] == "invalid_request"
    assert app.post({"client_id": "app", "token": ["x", "y"]}, endpoint)[1]["error"] == "invalid_request"


def test_introspection_tells_what_a_living_token_is_good_for(app: App) -> None:
    token = app.sign_in()
    told = app.introspect(token["access_token"])
    now = app.desk.now() // 1000
    assert len(told.pop("sub")) == 32
    assert told == {
        "active": True,
        "scope": SCOPE,
        "client_id": "app",
        "token_type": "Bearer",
        "iat": now,
        "exp": now + 3600,
        "iss": ISSUER,
        "patient": "p1",
        "fhirUser": f"{FHIR}/Patient/p1",
    }
    assert app.introspect(token["refresh_token"])["exp"] == now + 365 * 86_400 + 600
    app.advance(hours=1)
    assert app.introspect(token["access_token"]) == {"active": False}
    assert app.introspect("unknown") == {"active": False}


# bearer access


def test_a_bearer_token_opens_one_patient_for_an_hour(app: App) -> None:
    token = app.sign_in(scope="patient/Coverage.rs")["access_token"]
    allowed = access(app.desk, f"bearer  {token} ")
    assert allowed == Access("p1", "maria", "app", ("patient/Coverage.rs",))
    assert allowed.readable(["Patient", "Coverage"]) == {"Coverage"}
    with pytest.raises(Forbidden) as caught:
        allowed.require("Patient", "r")
    assert 'scope="patient/Patient.r"' in caught.value.headers["WWW-Authenticate"]
    app.advance(minutes=59, seconds=59.999)
    assert app.is_alive(token)
    app.advance(seconds=0.001)
    assert not app.is_alive(token)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic eA==", "token", "\u2003"])
def test_without_a_token_the_challenge_names_no_error(app: App, header: str | None) -> None:
    with pytest.raises(Unauthorized) as caught:
        access(app.desk, header)
    assert caught.value.headers == {"WWW-Authenticate": 'Bearer realm="fhir"'}
    assert caught.value.code == "login"


def test_a_token_that_is_not_good_is_called_invalid(app: App) -> None:
    with pytest.raises(Unauthorized) as caught:
        access(app.desk, "Bearer ünknown")
    assert 'error="invalid_token"' in caught.value.headers["WWW-Authenticate"]
    assert caught.value.code == "expired"


def test_a_payer_may_issue_a_token_and_refuse_the_data(app: App) -> None:
    asked = AuthorizationRequest("app", "http://localhost:3000/callback", (), None, None, None)
    decision = Decision("maria", "p1", ("patient/*.rs",), asked.redirect_uri, refused="No coverage")
    code = issue(app.desk, asked, decision).url.partition("code=")[2]
    _, token = app.exchange(code, code_verifier=None)
    with pytest.raises(Forbidden, match="No coverage"):
        access(app.desk, f"Bearer {token['access_token']}")


class _OneGate:
    """A TOKEN gate that changes the plan; it keeps the facts it was run with."""

    def __init__(self, **changes: Any):
        self.changes = changes
        self.facts = Facts()

    def armed(self, stage: Stage) -> bool:
        return stage is Stage.TOKEN

    def run(self, stage: Stage, value: Any, facts: Facts) -> Any:
        self.facts = facts
        return replace(value, **self.changes) if isinstance(value, TokenPlan) else value

    def fired(self) -> tuple[str, ...]:
        return ()


def test_the_token_gate_decides_what_is_true_and_leaves_what_is_said(app: App) -> None:
    gate = _OneGate(lifetime=60, uses=2, extras={})
    token = replace(app, desk=replace(app.desk, gates=gate)).sign_in()
    assert (token["expires_in"], "patient" in token) == (3600, False)
    assert (gate.facts.client, gate.facts.member) == ("app", "maria")
    assert gate.facts.grant_type == "authorization_code"
    assert [app.is_alive(token["access_token"]) for _ in range(3)] == [True, True, False]
    status, again = app.refresh(token["refresh_token"])
    assert (status, again["patient"]) == (200, "p1")
