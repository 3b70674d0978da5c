"""How the grader authenticates at a token endpoint, what it asks for, and whose token it then holds."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from conftest import Grade, no_resolver
from fake_payer import FakePayer
from joserfc import jwk, jwt

from sandbox.core.errors import UsageError
from sandbox.score.http.client import HttpClient
from sandbox.score.http.guard import Guard
from sandbox.score.signin.client_auth import method_of, prove
from sandbox.score.signin.patient_context import id_of
from sandbox.score.signin.scopes import SCOPE, Scopes, ladder
from sandbox.score.signin.tokens import ClientApp, Endpoints, client_credentials

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KEY: dict[str, Any] = {**jwk.generate_key("EC", "P-384").as_dict(private=True), "alg": "ES384", "kid": "k1"}
SECRET, PUBLIC = ClientApp("app", "cb", "shh"), ClientApp("app", "cb")


@pytest.mark.parametrize(
    ("app", "listed", "method"),
    [
        (SECRET, (), "client_secret_basic"),
        (SECRET, ("client_secret_post", "client_secret_basic"), "client_secret_basic"),
        (SECRET, ("client_secret_post",), "client_secret_post"),
        (SECRET, ("private_key_jwt", "client_secret_post"), "client_secret_post"),
        (SECRET, ("tls_client_auth",), "client_secret_basic"),
        (PUBLIC, ("client_secret_basic",), "none"),
        (PUBLIC, (), "none"),
        (ClientApp("app", "cb", None, KEY), ("private_key_jwt",), "private_key_jwt"),
        (ClientApp("app", "cb", "shh", KEY), ("private_key_jwt",), "private_key_jwt"),
        (
            ClientApp("app", "cb", "shh", None, "client_secret_post"),
            ("client_secret_basic",),
            "client_secret_post",
        ),
    ],
)
def test_the_method_is_one_that_the_payer_lists_and_the_app_can(
    app: ClientApp, listed: tuple[str, ...], method: str
) -> None:
    assert method_of(app, listed) == method


def test_a_key_signs_an_assertion_for_the_token_endpoint() -> None:
    endpoints = Endpoints("https://p/a", "https://p/t", auth_methods=("private_key_jwt",))
    proof = prove(ClientApp("app", "cb", None, KEY), endpoints, NOW)
    token = jwt.decode(proof.form["client_assertion"], jwk.import_key(KEY), algorithms=["ES384"])
    assert (token.header["kid"], token.claims["iss"], token.claims["sub"]) == ("k1", "app", "app")
    assert token.claims["aud"] == "https://p/t"
    assert 0 < token.claims["exp"] - NOW.timestamp() <= 300
    assert proof.form["client_assertion"] in proof.secrets


@pytest.mark.parametrize(
    ("app", "says"),
    [
        (ClientApp("app", "cb", None, None, "client_secret_post"), "--client-secret"),
        (ClientApp("app", "cb", "shh", None, "private_key_jwt"), "needs a key"),
        (ClientApp("app", "cb", None, {"kty": "EC"}, "private_key_jwt"), "cannot sign"),
    ],
)
def test_a_method_that_the_app_cannot_use_is_one_line(app: ClientApp, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        prove(app, Endpoints("https://p/a", "https://p/t"), NOW)


@pytest.mark.parametrize(
    ("supported", "capabilities", "asked"),
    [
        ((), (), SCOPE),
        ((), ("permission-v1",), SCOPE.replace(".rs", ".read")),
        ((), ("permission-v1", "permission-v2"), SCOPE),
        (("openid", "patient/*.read"), (), "openid patient/*.read"),
        (("launch/patient", "patient/Coverage.read"), (), "launch/patient patient/Coverage.read"),
        (("patient/Patient.rs", "patient/Patient.read", "patient/Patient.c"), (), "patient/Patient.rs"),
        (
            ("patient/Patient.rs", "patient/Patient.read", "patient/Coverage.read"),
            (),
            "patient/Patient.rs patient/Coverage.read",
        ),
        (("patient/Patient.cruds", "patient/Patient.rs"), (), "patient/Patient.rs"),
        (("patient/Goal.r", "patient/Goal.s", "patient/Goal.c"), (), "patient/Goal.r patient/Goal.s"),
        (("patient/Coverage.*", "patient/Coverage.read"), (), "patient/Coverage.read"),
        (("patient/Goal.rs", "patient/Claim.rs?use=claim"), (), "patient/Goal.rs patient/Claim.rs?use=claim"),
        (("openid", "profile", "user/*.rs"), (), "openid patient/*.rs"),
        (("offline_access", "patient/*.rs", "patient/*.rs?category=x"), (), "offline_access patient/*.rs"),
    ],
)  # fmt: skip
def test_only_what_is_listed_is_asked_for(
    supported: tuple[str, ...], capabilities: tuple[str, ...], asked: str
) -> None:
    assert ladder(supported, capabilities)[0] == asked


def test_where_no_data_scope_is_listed_the_other_version_is_asked_too() -> None:
    assert ladder(("openid", "profile"))[:2] == ["openid patient/*.rs", "openid patient/*.read"]


def test_narrower_scopes_end_and_what_a_person_asks_for_stays() -> None:
    scopes = Scopes()
    steps = [scopes.current]
    while scopes.narrow():
        steps.append(scopes.current)
    assert len(steps) == len(set(steps)) > 2
    assert steps[-1] == "launch/patient patient/*.rs"
    assert not Scopes(("openid",), (), "mine only").narrow()


def test_an_invalid_scope_is_followed_by_a_narrower_one(grade_fake: Grade) -> None:
    payer = FakePayer()
    real = payer._auth

    def refuse(request: Any, prefix: str, path: str) -> Any:
        query = dict(request.url.params)
        if path == "/auth/authorize" and "openid" in query["scope"].split():
            return payer._back(query, {"error": "invalid_scope"})
        return real(request, prefix, path)

    payer._auth = refuse  # type: ignore[method-assign]
    card, evidence = grade_fake(payer)
    assert card.score == 100
    refused = [
        r for r in payer.requests if r.url.path == "/auth/authorize" and "openid" in r.url.params["scope"]
    ]
    assert len(refused) == 1  # what was refused once is not asked again
    assert json.loads(evidence.to_json())


@pytest.mark.parametrize(
    ("said", "name"),
    [("7", "7"), ("Patient/7", "7"), ("https://p.example/fhir/Patient/7", "7"),
     ("https://p.example/fhir/Patient/7/", "7"), ("https://p.example/fhir/Patient/7/_history/2", "7"),
     ("https://p.example/fhir/Patient/7?_format=json", "7"), ("urn:uuid:8b", "urn:uuid:8b")],
)  # fmt: skip
def test_the_id_in_what_a_token_response_calls_its_patient(said: str, name: str) -> None:
    assert id_of(said) == name


@pytest.mark.parametrize("how", ["Patient/{}", "https://payer.example/fhir/Patient/{}"])
def test_a_patient_that_is_a_reference_is_one_finding(grade_fake: Grade, how: str) -> None:
    class Referring(FakePayer):
        def _token(self, request: Any, prefix: str, form: dict[str, str]) -> Any:
            answer = super()._token(request, prefix, form)
            body = json.loads(answer.content)
            if "patient" in body:
                body["patient"] = how.format(body["patient"])
                return type(answer)(answer.status_code, json=body)
            return answer

    card, _ = grade_fake(Referring())
    assert card.score == 100
    (finding,) = [found for found in card.lint if found.rule == "token-patient"]
    assert "not the id of a Patient" in finding.text


@pytest.mark.parametrize("when", [None, datetime(2027, 5, 1, tzinfo=UTC)])
def test_a_backend_service_gets_a_token_by_its_key(when: datetime | None) -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"access_token": "for-the-system"})

    app = ClientApp("service", "", None, KEY)
    endpoints = Endpoints("", "http://127.0.0.1/token", auth_methods=("private_key_jwt",))
    guard = Guard("http://127.0.0.1/fhir", resolve=no_resolver)
    with HttpClient(guard, transport=httpx.MockTransport(answer), now=lambda: NOW) as http:
        reply = client_credentials(http, endpoints, app, "system/*.rs", when)
        assert "for-the-system" in http.secrets
    form = {name: values[0] for name, values in parse_qs(asked[0].content.decode()).items()}
    assertion = jwt.decode(form.pop("client_assertion"), jwk.import_key(KEY), algorithms=["ES384"])
    assert reply.text("access_token") == "for-the-system"
    assert (asked[0].method, str(asked[0].url)) == ("POST", "http://127.0.0.1/token")
    assert asked[0].headers["accept"] == "application/json"
    assert form == {
        "grant_type": "client_credentials",
        "scope": "system/*.rs",
        "client_id": "service",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }
    assert 0 < assertion.claims["exp"] - (when or NOW).timestamp() <= 300
