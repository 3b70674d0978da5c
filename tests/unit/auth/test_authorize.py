"""The authorization request: what is checked, in which order, and where its errors go."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, quote_from_bytes, unquote_to_bytes, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.auth.auth_desk import CALLBACK, FHIR, ISSUER, SCOPE, App, args, challenge

from sandbox.auth.authorization.authorize import check, keep_registered
from sandbox.auth.authorization.decision import Decision, callback, error_url, issue, reply_params
from sandbox.auth.authorization.request import AuthorizationRequest, parameters
from sandbox.auth.context import AuthContext
from sandbox.auth.errors import CallbackError
from sandbox.core.errors import BadRequest
from sandbox.core.files import json_bytes, json_value
from sandbox.core.payer import PayerProfile


def refused(desk: AuthContext, **changes: Any) -> CallbackError:
    with pytest.raises(CallbackError) as caught:
        check(args(**changes), desk)
    return caught.value


def test_a_good_request_keeps_what_the_token_will_need(at: AuthContext) -> None:
    asked = check(args(nonce="n"), at)
    assert asked == AuthorizationRequest("app", CALLBACK, tuple(SCOPE.split()), "st", challenge(), "n")
    assert AuthorizationRequest.from_json(asked.to_json()) == asked


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": None},
        {"client_id": "nobody"},
        {"client_id": ""},
        {"client_id": ["app", "app"]},
        {"redirect_uri": None},
        {"redirect_uri": "https://evil.example/callback"},
        {"redirect_uri": CALLBACK + "/"},
        {"redirect_uri": [CALLBACK, CALLBACK]},
        {"redirect_uri": [CALLBACK, "https://evil.example"]},
    ],
)
def test_an_error_of_client_or_redirect_uri_never_redirects(at: AuthContext, changes: dict[str, Any]) -> None:
    with pytest.raises(BadRequest) as caught:
        check(args(response_type="token", scope=None, **changes), at)
    assert caught.value.expression in changes


def test_a_state_that_is_too_short_is_told_on_a_page(at: AuthContext) -> None:
    strict = replace(at, payer=PayerProfile(least_state=3))
    with pytest.raises(BadRequest, match="state is shorter than 3 characters"):
        check(args(state="st"), strict)
    assert check(args(state="abc"), strict).state == "abc"
    assert check(args(state="st"), at).state == "st"


ERRORS: list[tuple[dict[str, Any], str, str]] = [
    ({"state": ["a", "b"]}, "invalid_request", "state"),
    ({"response_type": None}, "invalid_request", "response_type"),
    ({"response_type": "token"}, "unsupported_response_type", "code"),
    ({"client_id": "no-codes"}, "unauthorized_client", "client"),
    ({"code_challenge": None, "code_challenge_method": None}, "invalid_request", "code_challenge"),
    ({"aud": "https://h.example"}, "invalid_request", "aud"),
    ({"scope": "system/*.rs openid"}, "invalid_scope", "system"),
    ({"scope": None}, "invalid_scope", "scope"),
]
"""In the order in which they are told."""


@pytest.mark.parametrize("first", range(len(ERRORS)))
def test_of_several_errors_the_first_is_told(at: AuthContext, first: int) -> None:
    changes: dict[str, Any] = {}
    for later, _, _ in reversed(ERRORS[first:]):
        changes |= later
    error = refused(at, **changes)
    assert error.error == ERRORS[first][1]
    assert ERRORS[first][2] in error.description
    assert error.redirect_uri == CALLBACK


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        *[({name: ["x", "x"]}, "invalid_request") for name in ("scope", "aud", "nonce", "code_challenge")],
        ({"code_challenge_method": ["S256", "S256"]}, "invalid_request"),
        ({"response_type": ["code", "code"]}, "invalid_request"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": ""}, "unsupported_response_type"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": "s256"}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge": "", "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": "x" * 42}, "invalid_request"),
        ({"code_challenge": "x" * 129}, "invalid_request"),
        ({"code_challenge": challenge() + "="}, "invalid_request"),
        ({"code_challenge": challenge() + "\n"}, "invalid_request"),
        ({"aud": None}, "invalid_request"),
        ({"aud": ""}, "invalid_request"),
        ({"aud": "http://h.example/fhir"}, "invalid_request"),
        ({"aud": "https://evil.example/fhir"}, "invalid_request"),
        ({"aud": "https://h.example/FHIR"}, "invalid_request"),
        ({"aud": "https://h.example/fhir//"}, "invalid_request"),
        ({"aud": "https://h.example/fhir/x"}, "invalid_request"),
        ({"aud": None, "resource": "https://evil.example/fhir"}, "invalid_request"),
        ({"scope": ""}, "invalid_scope"),
        ({"scope": "patient/Banana.rs nonsense"}, "invalid_scope"),
        ({"scope": "patient/*.cud"}, "invalid_scope"),
        ({"request": "eyJ..."}, "request_not_supported"),
        ({"request_uri": "https://app.example/request"}, "request_uri_not_supported"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "request_uri_not_supported"),
        ({"launch": "xyz"}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"response_mode": "form_post"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "create"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"max_age": "9" * 10}, "invalid_request"),
        ({"nonce": "x" * 8193}, "invalid_request"),
        ({"nonce": "\udcff"}, "invalid_request"),
        ({"scope": "openid " * 2000}, "invalid_scope"),
        ({"scope": "patient/*.rs\x00"}, "invalid_request"),
        ({"launch": ["a", "b"]}, "invalid_request"),
        ({"state": None}, "invalid_request"),
    ],
)
def test_every_other_error_goes_to_the_app(at: AuthContext, changes: dict[str, Any], error: str) -> None:
    assert refused(at, **changes).error == error


def test_resource_stands_for_aud_and_one_slash_at_the_end_is_forgiven(at: AuthContext) -> None:
    for changes in ({"aud": None, "resource": FHIR}, {"aud": FHIR + "/"}):
        assert check(args(**changes), at)


def test_what_cannot_be_granted_is_left_out(at: AuthContext) -> None:
    withheld = replace(at, payer=PayerProfile(withheld_types=("Observation",)))
    asked = check(args(scope="patient/Observation.rs nonsense patient/Coverage.read openid"), withheld)
    assert asked.scope == ("patient/Coverage.read", "openid")


def test_only_a_legacy_client_may_leave_pkce_out_and_only_altogether(at: AuthContext) -> None:
    none: dict[str, Any] = {"code_challenge": None, "code_challenge_method": None}
    assert check(args(client_id="legacy", **none), at).challenge is None
    assert check(args(client_id="legacy"), at).challenge == challenge()
    assert refused(at, client_id="legacy", code_challenge=None).error == "invalid_request"
    assert refused(at, client_id="legacy", code_challenge_method="plain").error == "invalid_request"
    assert refused(at, client_id="web", **none).error == "invalid_request"


@pytest.mark.parametrize("state", [None, "", "a b+c%20&d=e#f", "ñ→😀", "x" * 500, "\t\n", '{"json": [1]}'])
def test_the_state_comes_back_byte_for_byte(at: AuthContext, state: str | None) -> None:
    error = refused(at, state=state, scope=None)
    told = dict(parse_qsl(urlsplit(error_url(at, error)).query, keep_blank_values=True))
    assert told.pop("error") == "invalid_scope"
    assert told.pop("error_description")
    assert told == {"iss": ISSUER} | ({} if state is None else {"state": state})


@settings(deadline=None)
@given(st.dictionaries(st.text(min_size=1, max_size=5), st.text(max_size=10), max_size=3))
def test_every_parameter_survives_the_callback(params: dict[str, str]) -> None:
    query = urlsplit(callback(CALLBACK, params)).query
    assert dict(parse_qsl(query, keep_blank_values=True)) == params


@pytest.mark.parametrize(
    ("uri", "url"),
    [
        ("https://a.example/cb", "https://a.example/cb?code=c"),
        ("https://a.example/cb?x=1", "https://a.example/cb?x=1&code=c"),
        ("https://a.example/cb?x=%20%2B", "https://a.example/cb?x=%20%2B&code=c"),
        ("https://a.example/cb?", "https://a.example/cb?code=c"),
        ("https://a.example/cb?x=1&", "https://a.example/cb?x=1&code=c"),
        ("com.example.app:/cb", "com.example.app:/cb?code=c"),
    ],
)
def test_a_query_that_the_redirect_uri_has_is_kept(uri: str, url: str) -> None:
    assert callback(uri, {"code": "c"}) == url


def test_a_decision_becomes_a_code_or_its_error(at: AuthContext, app: App) -> None:
    asked = check(args(), at)
    yes = Decision("maria", "p1", ("openid",), CALLBACK, reply_params(at, "s t"))
    told = dict(parse_qsl(urlsplit(issue(at, asked, yes).url).query))
    assert set(told) == {"code", "state", "iss"}
    assert app.exchange(told["code"])[1]["scope"] == "openid"
    no = replace(yes, error="access_denied", description="The member said no")
    told = dict(parse_qsl(urlsplit(issue(at, asked, no).url).query))
    assert told == {
        "error": "access_denied",
        "error_description": "The member said no",
        "state": "s t",
        "iss": ISSUER,
    }
    silent = issue(at, asked, replace(no, description=None, params={})).url
    assert silent == f"{CALLBACK}?error=access_denied"


@pytest.mark.parametrize(
    ("policy", "changes", "good"),
    [
        ("required", {}, True),
        ("required", {"aud": FHIR + "/"}, True),
        ("required", {"aud": FHIR, "resource": "https://evil.example"}, False),
        ("slash-strict", {}, True),
        ("slash-strict", {"aud": FHIR + "/"}, False),
        ("slash-strict", {"aud": None}, False),
        ("forbidden", {"aud": None}, True),
        ("forbidden", {}, False),
        ("forbidden", {"aud": None, "resource": FHIR}, False),
        ("ignored", {"aud": None}, True),
        ("ignored", {"aud": "https://evil.example"}, True),
    ],
)
def test_aud_is_what_the_payer_makes_of_it(
    at: AuthContext, policy: Any, changes: dict[str, Any], good: bool
) -> None:
    payer = replace(at, payer=PayerProfile(aud=policy))
    if good:
        assert check(args(**changes), payer)
    else:
        assert refused(payer, **changes).error == "invalid_request"


def test_a_legacy_client_may_leave_the_state_out(at: AuthContext) -> None:
    assert check(args(client_id="legacy", state=None), at).state is None


def test_unknown_parameters_are_ignored_however_often(at: AuthContext) -> None:
    assert check(args(flavour=["a", "b"], ui_locales="es"), at)


@pytest.mark.parametrize("changes", [{"state": "x" * 8193}, {"redirect_uri": CALLBACK + "?" + "x" * 8192}])
def test_what_is_too_long_to_echo_or_trust_gets_a_page(at: AuthContext, changes: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        check(args(**changes), at)


@pytest.mark.parametrize("id", ["\udcff", "a\x00", "a\nb"])
def test_a_client_id_that_cannot_be_stored_gets_a_page(at: AuthContext, id: str) -> None:
    with pytest.raises(BadRequest):
        check(args(client_id=id), at)


@pytest.mark.parametrize(
    ("asked", "ceiling", "left"),
    [
        ("openid patient/*.rs", None, "openid patient/*.rs"),
        ("openid patient/*.rs", "openid patient/*.rs", "openid patient/*.rs"),
        (
            "openid patient/*.rs",
            "patient/Coverage.rs patient/Patient.r",
            "patient/Coverage.rs patient/Patient.r",
        ),
        ("patient/Coverage.rs", "patient/*.read", "patient/Coverage.rs"),
        ("patient/Coverage.rs", "patient/Patient.rs", ""),
        ("user/*.rs", "patient/*.rs", ""),
        ("offline_access openid", "openid", "openid"),
    ],
)
def test_nobody_is_given_more_than_they_registered(asked: str, ceiling: str | None, left: str) -> None:
    assert " ".join(keep_registered(asked.split(), ceiling)) == left


def test_the_answer_may_come_in_the_fragment(at: AuthContext) -> None:
    payer = replace(at, payer=PayerProfile(response_mode="fragment"))
    asked = check(args(response_mode="fragment"), payer)
    url = issue(payer, asked, Decision("maria", "p1", ("openid",), CALLBACK, reply_params(at, "s"))).url
    assert url.startswith(f"{CALLBACK}#code=")
    assert dict(parse_qsl(urlsplit(url).fragment))["state"] == "s"
    assert urlsplit(error_url(payer, refused(payer, scope="nonsense"))).fragment.startswith(
        "error=invalid_scope"
    )


@given(st.binary(min_size=1, max_size=40))
def test_bytes_of_the_state_survive_storage_and_callback(raw: bytes) -> None:
    state = parameters(b"state=" + quote_from_bytes(raw, safe="").encode())["state"][0]
    kept = AuthorizationRequest.from_json(
        json_value(json_bytes(AuthorizationRequest("a", CALLBACK, (), state, None, None).to_json()))
    )
    sent = urlsplit(callback(CALLBACK, {"state": kept.state or ""})).query
    assert unquote_to_bytes(sent.removeprefix("state=").replace("+", " ")) == raw


def test_too_many_parameters_are_no_request() -> None:
    with pytest.raises(ValueError, match="fields"):
        parameters(b"a=1&" * 101)
