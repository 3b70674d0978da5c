"""What may be registered: RFC 7591 metadata as apps send it, and as attackers do."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from unit.auth.keyring import key, public

from sandbox.auth.clients.registration import (
    MAX_BYTES,
    RegistrationRules,
    client_of,
    described,
    read,
)
from sandbox.auth.errors import OAuthRefusal
from sandbox.core.payer import PayerProfile
from sandbox.fhir.schema.types import TYPES

RULES = RegistrationRules(
    PayerProfile(),
    list(TYPES),
    loopback=True,
    scenario_problem=lambda name: None if name == "known" else "no such",
)
CB = "https://app.example/cb"
KEYS = public(key())
SERVICE = {
    "token_endpoint_auth_method": "private_key_jwt",
    "grant_types": ["client_credentials"],
    "scope": "system/*.rs",
    "jwks": KEYS,
}


def registered(rules: RegistrationRules = RULES, **metadata: Any) -> dict[str, Any]:
    return described(client_of(read(json.dumps(metadata).encode()), rules, 1_000_000))


def refused(rules: RegistrationRules = RULES, **metadata: Any) -> tuple[str, str]:
    with pytest.raises(OAuthRefusal) as problem:
        registered(rules, **metadata)
    return problem.value.error, problem.value.description


def test_the_defaults_are_those_of_the_standard() -> None:
    told = registered(redirect_uris=[CB])
    assert told.pop("client_id").startswith("app-")
    told.pop("client_name")
    assert told == {
        "client_id_issued_at": 1000,
        "redirect_uris": [CB],
        "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "client_state": "approved",
    }


def test_what_was_sent_is_echoed() -> None:
    sent = {
        "redirect_uris": [CB, "com.example.app:/cb", "http://127.0.0.1/cb", "http://[::1]:8000/cb", "http://localhost/"],
        "client_name": 'Ärzte "App" \\ 2',
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "scope": "openid launch/patient patient/*.rs patient/Observation.rs?category=x user/Coverage.read",
        "contacts": ["dev@app.example"],
        "client_uri": "https://app.example",
        "software_id": "x",
        "software_version": "1",
        "scenario": "known",
        "privacy_attestation": False,
    }  # fmt: skip
    assert sent.items() <= registered(**sent).items()


def test_null_is_not_there_and_what_is_not_understood_is_ignored() -> None:
    told = registered(redirect_uris=[CB], scope=None, jwks=None, colour="red", **{"client_name#es": "x"})
    assert "colour" not in told
    assert "scope" not in told


def test_two_registrations_are_two_clients() -> None:
    assert registered(redirect_uris=[CB])["client_id"] != registered(redirect_uris=[CB])["client_id"]


def test_a_missing_or_negative_attestation_refuses_nobody() -> None:
    for answer in (True, False, None):
        approving = replace(RULES, payer=PayerProfile(registration="approval"))
        assert registered(redirect_uris=[CB], privacy_attestation=answer)["client_state"] == "approved"
        told = registered(approving, redirect_uris=[CB], privacy_attestation=answer)
        assert told["client_state"] == "submitted"


BAD_REDIRECTS = [
    "http://app.example/cb", "https://app.example/cb#x", "https://app.example/cb#", "https://*.app.example/cb",
    "https://app.example/*", "https://user@app.example/cb", "https://user:pw@app.example/cb", "https:///cb",
    "https://@app.example/cb", "https:app.example/cb", "//app.example/cb", "/cb", "", "app.example/cb", "https://",
    "javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd",
    "about:blank",
    "blob:https://app.example/x", "myapp:/cb", "myapp://cb", "http:/localhost/cb", "ftp://app.example/cb",
    "com.example.app:", ".com:/cb", "com.:/cb", "1com.example:/cb",
    "http://localhost.evil.example/cb", "http://127.0.0.1.evil.example/cb", "http://127.1/cb", "http://0/cb",
    "http://0.0.0.0/cb", "http://10.0.0.1/cb", "http://[::2]/cb", "http://localhost@evil.example/cb",
    "http://evil.example\\@localhost/cb", "http://local\thost/cb", "http://localhost:99999/cb", "http://localhost:x/cb",
    "http://localhost:/cb", "https://app.example:/cb", "https://app%2eexample/cb", "https://app..example/cb",
    "https://-app.example/cb", "https://app.example./cb", "https://app_x.example/cb", "https://äpp.example/cb",
    "https://app.example/ cb", " https://app.example/cb", "https://app.example/cb\n", "https://app.example/\x00",
    "https://app.example/\u202ecb", 'https://app.example/"><script>', "https://app.example/cb\\..", "https://[::1/cb",
    "https://app.example/" + "a" * 2000,
    *(f"{CB}?{name}" for name in (
        "state=x&code=y", "code=y", "a=b&state=x", "error=x", "error_description=x", "error_uri=x", "iss=x",
        "code", "code=", "%63ode=x", "a=b&st%61te=x")),
    "com.example.app:/cb?code=x", "http://127.0.0.1:9999/cb?state=x&code=y",
]  # fmt: skip


@pytest.mark.parametrize("query", ["tenant=7", "Code=x", "mycode=x", "a=code", "code%3Dx=1"])
def test_a_redirect_uri_may_have_a_query_of_its_own(query: str) -> None:
    assert registered(redirect_uris=[f"{CB}?{query}"])["redirect_uris"] == [f"{CB}?{query}"]


LASTING = ["authorization_code", "refresh_token"]


@pytest.mark.parametrize(
    ("scope", "grants"),
    [
        (None, LASTING),
        ("openid offline_access patient/*.rs", LASTING),
        ("online_access patient/*.rs", LASTING),
        ("openid patient/*.rs", ["authorization_code"]),
    ],
)
def test_an_app_that_names_no_grants_gets_those_that_its_scope_needs(
    scope: str | None, grants: list[str]
) -> None:
    assert registered(redirect_uris=[CB], scope=scope)["grant_types"] == grants
    assert registered(redirect_uris=[CB], scope=scope, grant_types=None)["grant_types"] == grants
    never = replace(RULES, payer=PayerProfile(refresh_max_days=None))
    assert registered(never, redirect_uris=[CB], scope=scope)["grant_types"] == ["authorization_code"]


def test_grants_that_are_named_stay_as_they_are() -> None:
    for grants in (["authorization_code"], LASTING):
        assert registered(redirect_uris=[CB], grant_types=grants)["grant_types"] == grants


@pytest.mark.parametrize("uri", BAD_REDIRECTS)
def test_a_redirect_uri_that_cannot_be_safe_is_refused(uri: str) -> None:
    error, description = refused(redirect_uris=[CB, uri])
    assert error == "invalid_redirect_uri"
    assert len(description) < 300


@pytest.mark.parametrize(
    "uris", [[f"{CB}{n}" for n in range(1000)], [], [7], [[CB]], CB, {"0": CB}, None, [None]]
)
def test_a_list_of_redirect_uris_is_a_short_list_of_text(uris: Any) -> None:
    assert refused(redirect_uris=uris)[0] == "invalid_redirect_uri"


KEYED = {"token_endpoint_auth_method": "private_key_jwt"}
PRIVATE = key().as_dict(private=True)
BAD = {
    "an unknown method": ({"token_endpoint_auth_method": "client_secret_jwt"}, "token_endpoint_auth_method"),
    "a secret in the form": ({"token_endpoint_auth_method": "client_secret_post"}, "client_secret_post"),
    "the password grant": ({"grant_types": ["password"]}, "grant_types"),
    "the implicit grant": ({"grant_types": ["authorization_code", "implicit"]}, "grant_types"),
    "no grants": ({"grant_types": []}, "grant_types"),
    "tokens from authorize": ({"response_types": ["token"]}, "response_types"),
    "no response type": ({"response_types": []}, "response_types"),
    "refresh alone": ({**SERVICE, "grant_types": ["client_credentials", "refresh_token"]}, "refresh_token"),
    "a backend service with a secret": (
        {"grant_types": ["client_credentials"], "scope": "system/*.rs"}, "private_key_jwt"),
    "a public backend service": (
        {**SERVICE, "token_endpoint_auth_method": "none", "jwks": None}, "private_key_jwt"),
    "a backend service without scopes": ({**SERVICE, "scope": None}, "scope"),
    "a backend service of a member": ({**SERVICE, "scope": "patient/*.rs"}, "scope"),
    "system scopes for a public app": ({"scope": "system/*.rs"}, "system"),
    "a scope that is none": ({"scope": "openid everything"}, "everything"),
    "a scope of an unknown type": ({"scope": "patient/Secret.rs"}, "Secret"),
    "a scope with letters out of order": ({"scope": "patient/*.sr"}, "scope"),
    "a blank scope": ({"scope": "  "}, "scope"),
    "a scope without end": ({"scope": "openid " * 2000}, "scope"),
    "no keys": (KEYED, "jwks"),
    "keys twice": (
        {**KEYED, "jwks": KEYS, "jwks_uri": "https://a.example/k"}, "jwks"),
    "keys without need": ({"jwks": KEYS}, "jwks"),
    "an unknown scenario": ({"scenario": "nope"}, "scenario"),
    "a name that turns around": ({"client_name": "evil\u202eppa"}, "visible"),
    "a name with a line end": ({"client_name": "a\nb"}, "visible"),
    "an empty name": ({"client_name": ""}, "client_name"),
    "a long name": ({"client_name": "a" * 201}, "client_name"),
    "a name that is a number": ({"client_name": 7}, "client_name"),
    "a script for a home page": ({"client_uri": "javascript:alert(1)"}, "client_uri"),
    "a script for a logo": ({"logo_uri": "data:image/svg+xml,x"}, "logo_uri"),
    "contacts without end": ({"contacts": ["x"] * 11}, "contacts"),
    "an attestation in words": ({"privacy_attestation": "yes"}, "privacy_attestation"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_other_metadata_that_cannot_be_is_refused_and_named(name: str) -> None:
    metadata, says = BAD[name]
    coded = "client_credentials" not in metadata.get("grant_types", [])
    error, description = refused(**({"redirect_uris": [CB]} if coded else {}), **metadata)
    assert error == "invalid_client_metadata"
    assert says in description


def test_a_backend_service_registers_its_keys_and_no_redirect_uri() -> None:
    assert registered(**SERVICE)["jwks"]["keys"][0]["kid"] == "ec"
    assert refused(**SERVICE, redirect_uris=[CB])[0] == "invalid_redirect_uri"


BAD_KEYS: dict[str, tuple[Any, str]] = {
    "a private key": ({"keys": [PRIVATE]}, "private"),
    "a private key among public ones": (
        {"keys": [*KEYS["keys"], key("rsa", "RSA").as_dict(private=True)]}, "private"),
    "a shared secret": ({"keys": [*KEYS["keys"], {"kty": "oct", "k": "c2VjcmV0", "kid": "o"}]}, "private"),
    "a secret without its value": ({"keys": [*KEYS["keys"], {"kty": "oct", "kid": "o"}]}, "private"),
    "no keys": ({"keys": []}, "keys"),
    "no list": ({"keys": KEYS}, "keys"),
    "keys of text": ({"keys": ["x"]}, "kty"),
    "no kid": ({"keys": [{k: v for k, v in KEYS["keys"][0].items() if k != "kid"}]}, "kid"),
    "a curve too small": (
        {"keys": [{"kty": "EC", "crv": "P-256", "kid": "a", "x": "AA", "y": "AA"}]}, "P-384"),
    "off the curve": ({"keys": [{"kty": "EC", "crv": "P-384", "kid": "a", "x": "AA", "y": "AA"}]}, "read"),
    "RSA too small": ({"keys": [{"kty": "RSA", "kid": "a", "e": "AQAB", "n": "_" * 170 + "8"}]}, "bits"),
    "for encryption": ({"keys": [{**KEYS["keys"][0], "use": "enc"}]}, "fits"),
    "for another algorithm": ({"keys": [{**KEYS["keys"][0], "alg": "ES256"}]}, "fits"),
    "a kid twice": ({"keys": KEYS["keys"] * 2}, "same kid"),
    "twenty-one": ({"keys": [{**KEYS["keys"][0], "kid": str(n)} for n in range(21)]}, "at most"),
    "a kid of a number": ({"keys": [{**KEYS["keys"][0], "kid": 7}]}, "kid"),
    "a modulus without end": ({"keys": [{"kty": "RSA", "kid": "a", "e": "AQAB", "n": "A" * 5000}]}, "2000"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_KEYS)
def test_a_key_set_that_cannot_be_used_or_should_never_have_been_sent_is_refused(name: str) -> None:
    jwks, says = BAD_KEYS[name]
    error, description = refused(**{**SERVICE, "jwks": jwks})
    assert error == "invalid_client_metadata"
    assert says in description


def test_of_a_key_only_what_verifies_is_kept() -> None:
    told = registered(**{**SERVICE, "jwks": {"keys": [{**KEYS["keys"][0], "note": [[["x"]]]}], "more": 1}})
    assert told["jwks"] == KEYS


@pytest.mark.parametrize(
    ("uri", "open_", "local"),
    [
        ("https://app.example/jwks", True, True),
        ("https://8.8.8.8/jwks", True, True),
        ("http://localhost:9/jwks", False, True),
        ("http://127.0.0.1:9/jwks", False, True),
        ("https://[::1]/jwks", False, True),
        ("http://app.example/jwks", False, False),
        ("https://10.0.0.1/jwks", False, False),
        ("https://192.168.1.1/jwks", False, False),
        ("https://169.254.169.254/latest/meta-data", False, False),
        ("https://[fd00::1]/jwks", False, False),
        ("https://0.0.0.0/jwks", False, False),
        ("https://user@app.example/jwks", False, False),
        ("https://app.example/jwks#x", False, False),
        ("https://app.example:x/jwks", False, False),
        ("file:///etc/passwd", False, False),
        ("gopher://app.example/", False, False),
        ("jwks", False, False),
        ("", False, False),
    ],
)
def test_where_keys_may_be_published(uri: str, open_: bool, local: bool) -> None:
    for loopback, allowed in ((False, open_), (True, local)):
        rules = replace(RULES, loopback=loopback)
        metadata = {**SERVICE, "jwks": None, "jwks_uri": uri}
        if allowed:
            assert registered(rules, **metadata)["jwks_uri"] == uri
        else:
            assert "jwks" in refused(rules, **metadata)[1]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"7", b'"x"', b"null", b"[" * 60_000, b'{"a":"\xff"}', b'{"a":"\\ud800"}']
)
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(OAuthRefusal, match="body") as problem:
        read(body)
    assert problem.value.error == "invalid_client_metadata"


def test_a_body_too_large_is_refused_before_it_is_read() -> None:
    with pytest.raises(OAuthRefusal, match="bytes"):
        read(b"{" + b" " * MAX_BYTES + b"}")


def test_a_secret_in_the_form_can_be_registered_where_the_payer_takes_it() -> None:
    rules = replace(RULES, payer=PayerProfile(client_secret_post=True))
    told = registered(rules, redirect_uris=[CB], token_endpoint_auth_method="client_secret_post")
    assert told["token_endpoint_auth_method"] == "client_secret_post"
