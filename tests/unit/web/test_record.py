"""Records: no secret survives, wherever and however a client has sent it; what is no secret does."""

from __future__ import annotations

import json
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from sandbox.web.journal.record import (
    BODY_CHARACTERS_MAX,
    SECRET_PARAMETERS,
    decode_record,
    describe_request,
    encode_record,
    mask,
    mask_address,
    mask_body,
    mask_text,
)

FORM, JSON, FHIR = "application/x-www-form-urlencoded", "application/json", "application/fhir+json"

names = st.sampled_from(sorted(SECRET_PARAMETERS)).flatmap(
    lambda name: st.sampled_from((name, name.upper(), name.title()))
)
random_secrets = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", min_size=12)
any_secrets = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=8)


def keep(**parts: object) -> str:
    """What a record has of a request, as text."""
    builder = EnvironBuilder("/auth/token", method="POST", **parts)
    sent = Request(builder.get_environ())
    body = mask_body(sent.get_data(), sent.content_type or "")
    return json.dumps(decode_record(encode_record(describe_request(sent, body, is_fhir=False), 200, [], "")))


@given(names, any_secrets)
@settings(max_examples=400, deadline=None)
def test_no_secret_survives_in_a_form_in_json_or_in_an_address(name: str, secret: str) -> None:
    assume(secret not in "https://app.example/callback?state=1 grant_type hidden name value input")
    written = {secret, quote(secret), quote_plus(secret), json.dumps(secret)[1:-1]}
    for kept in (
        mask_body(urlencode({"grant_type": "x", name: secret}).encode(), FORM),
        mask_body(json.dumps({"a": [{name: secret}]}).encode(), JSON),
        mask_body(json.dumps({name: [secret, {"b": secret}]}).encode(), JSON),
        mask_address(f"https://app.example/callback?state=1&{urlencode({name: secret})}"),
        mask_address(f"/callback#{urlencode({name: secret})}&state=1"),
        mask_body(f'<input type="hidden" name="{name}" value="{quote(secret)}">'.encode(), "text/html"),
    ):
        assert not any(text in kept for text in written if len(text) > 6), kept


@given(names, random_secrets)
@settings(max_examples=400, deadline=None)
def test_no_secret_survives_where_the_content_type_is_wrong(name: str, secret: str) -> None:
    form, text = urlencode({"grant_type": "x", name: secret}), json.dumps({"a": 1, name: secret})
    for body in (form, text, text[:-3], text.replace('"', "'"), f"{name}: {secret}", f"a {name}={secret} b"):
        for content_type in (FORM, JSON, "text/plain", "text/html; charset=utf-8", "application/xml"):
            assert secret not in mask_body(body.encode(), content_type), (body, content_type)
        for content_type in ("", "multipart/form-data; boundary=x", "application/octet-stream"):
            assert mask_body(body.encode(), content_type) == f"[{len(body)} bytes]"


@given(
    st.sampled_from((
        "Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "X-Sandbox-Key", "X-Api-Key",
        "X-Access-Token", "X-Auth", "Authentication", "X-Client-Secret", "X-Form-Token",
    )),
    st.sampled_from(("{}", "Bearer {}", "bearer {}", "Basic {}", "payer_session={}", "a=1; b={}")),
    random_secrets,
)  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_no_secret_survives_in_a_header(name: str, pattern: str, secret: str) -> None:
    assert secret not in keep(headers={name: pattern.format(secret)})


@given(random_secrets)
@settings(deadline=None)
def test_no_bearer_survives_in_any_header(secret: str) -> None:
    assert secret not in keep(headers={"X-Whatever": f"Bearer {secret}"})
    assert secret not in keep(headers={"Referer": f"https://app.example/cb?code={secret}&state=1"})
    assert secret not in keep(query_string=f"access_token={secret}")
    assert secret not in keep(query_string=f"next=/cb%3Fx%3D1&to=/a?code={secret}")


@pytest.mark.parametrize(
    "name",
    [
        "access_token",
        "refresh_token",
        "id_token",
        "client_secret",
        "client_assertion",
        "code_verifier",
        "password",
    ],
)
def test_fhir_bodies_and_addresses_have_no_secrets_either(name: str) -> None:
    secret = "s3cret-s3cret-s3cret"
    assert secret not in mask_body(json.dumps({name: secret}).encode(), FHIR, is_fhir=True)
    assert secret not in mask_address(f"/fhir/Patient?{name}={secret}", is_fhir=True)


def test_codes_of_fhir_are_no_secrets_and_codes_of_oauth_are() -> None:
    search = "/fhir/Observation?code=http%3A%2F%2Floinc.org%7C4548-4&patient=x"
    assert mask_address(search, is_fhir=True) == search
    condition = (
        b'{"resourceType": "Condition", "code": {"coding": [{"code": "4548-4"}]}, "request": {"a": "b"}}'
    )
    assert mask_body(condition, FHIR, is_fhir=True) == condition.decode()
    assert mask_body(b"code=4548-4", FORM, is_fhir=True) == "code=4548-4"
    code = "a" * 43
    assert code not in mask_address(f"/fhir/Observation?code={code}", is_fhir=True)


def test_what_is_no_secret_stays_as_it_is() -> None:
    assert (
        mask_body(b"grant_type=authorization_code&state=%20a", FORM)
        == "grant_type=authorization_code&state=%20a"
    )
    assert mask_text('WWW-Authenticate: Bearer realm="fhir", error="invalid_token"').endswith(
        '"invalid_token"'
    )
    body = b'{"token_type": "Bearer", "expires_in": 3600, "active": true, "code": null}'
    assert json.loads(mask_body(body, JSON)) == json.loads(body)
    sent = Request(EnvironBuilder("/fhir", headers={"X-Sandbox-Fail-Next": "token=2"}).get_environ())
    assert ("X-Sandbox-Fail-Next", "token=2") in describe_request(sent, "", is_fhir=True)["headers"]


def test_a_secret_is_known_by_its_digest_and_a_password_is_not() -> None:
    assert mask_body(b"code=abc", FORM) == f"code={mask('abc')}"
    assert mask_body(b"password=maria-pass", FORM) == "password=[masked]"
    assert "Basic [masked]" in keep(headers={"Authorization": "Basic c2FuZGJveA=="})


def test_an_address_is_kept_as_it_was_sent() -> None:
    sent = Request(EnvironBuilder("/fhir/Patient/a%3Fb%20c%25", query_string="x=%20y").get_environ())
    assert describe_request(sent, "", is_fhir=True)["target"] == "/fhir/Patient/a%3Fb%20c%25?x=%20y"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"[" * 200_000, JSON),
        (b'{"code":' * 900 + b"1" + b"}" * 900, JSON),
        (b'{"a":' * 900 + b'{"code": "s3cret-s3cret"}' + b"}" * 900, JSON),
        (b'{"code": "\\ud800"}', JSON),
        (b"\xff\xfe code=s3cret-s3cret", "text/plain"),
        (b"\xff", FHIR),
    ],
)
def test_no_body_is_too_odd(body: bytes, content_type: str) -> None:
    kept = mask_body(body, content_type)
    assert "s3cret-s3cret" not in kept
    encode_record({"body": kept}, 200, [], kept)


@pytest.mark.parametrize("is_fhir", [True, False])
def test_a_long_body_is_cut_and_says_so(is_fhir: bool) -> None:
    body = b'"access_token": "' + b"s3cret" * BODY_CHARACTERS_MAX
    kept = mask_body(body, "text/plain", is_fhir=is_fhir)
    assert len(kept) < BODY_CHARACTERS_MAX + 100
    assert "s3cret" not in kept
    long = mask_body(b"x " * BODY_CHARACTERS_MAX, "text/plain", is_fhir=is_fhir)
    request = Request(EnvironBuilder("/").get_environ())
    assert not describe_request(request, long, is_fhir=is_fhir)["whole"]
    assert describe_request(request, "short", is_fhir=is_fhir)["whole"]
    assert long.endswith(f"[{BODY_CHARACTERS_MAX} characters more]")
