"""Clients in the ledger: hashed secrets, rotation, decisions, and one tenant's apps unknown to others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from unit.auth.auth_desk import CALLBACK, CLIENTS, App, args, basic, changed
from unit.auth.keyring import key, public

from sandbox.auth.authorization import authorize
from sandbox.auth.clients.client import Client
from sandbox.auth.clients.registry import CRITERIA, Registry
from sandbox.auth.context import AuthContext
from sandbox.core.errors import BadRequest
from sandbox.core.payer import PayerProfile
from sandbox.store.ledger.database import Ledger, TenantLedger
from sandbox.store.secret import digest

MINE = Client(
    "mine",
    "Mine",
    (CALLBACK,),
    token_endpoint_auth_method="client_secret_basic",
    registered=1000,
    scope="openid launch/patient offline_access patient/*.rs",
    details={"contacts": ["a"]},
)


@pytest.fixture
def registry(tenant: TenantLedger) -> Registry:
    found = Registry(CLIENTS, tenant)
    found.add(MINE, "the-secret", "the-key")
    return found


@pytest.fixture
def mine(at: AuthContext, registry: Registry) -> App:
    return App(changed(at, clients=registry), "mine", basic("mine", "the-secret"))


def at_introspect(app: App, secret: str | None = None) -> int:
    app = replace(app, headers=basic(app.client, secret)) if secret else app
    return app.post({"token": "x"}, "introspection")[0]


def test_a_client_comes_back_as_it_was_registered(registry: Registry) -> None:
    assert registry["mine"] == replace(MINE, secret_sha256=digest("the-secret"))
    with_keys = replace(MINE, client_id="k", token_endpoint_auth_method="private_key_jwt", jwks=public(key()))
    registry.add(with_keys, None, "x")
    assert registry["k"] == with_keys


def test_it_stands_beside_the_fixtures_as_a_mapping(registry: Registry) -> None:
    assert isinstance(registry, Mapping)
    assert [*registry] == [*CLIENTS, "mine"]
    assert len(registry.values()) == len(CLIENTS) + 1
    assert registry.get("nobody") is None
    assert registry["web"] == CLIENTS["web"]


def test_another_tenant_does_not_know_it(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "two.db")
    Registry(CLIENTS, ledger.tenant("a")).add(MINE, None, "the-key")
    other = Registry(CLIENTS, ledger.tenant("b"))
    assert other.get("mine") is None
    assert other.managed("mine", "the-key") is None
    Registry(CLIENTS, ledger.tenant("a")).decide("web", "suspended", "malware", 5)
    assert other["web"].state == "approved"
    ledger.tenant("a").reset()
    assert Registry(CLIENTS, ledger.tenant("a")).get("mine") is None
    ledger.close()


def test_only_digests_are_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "grep.db"
    ledger = Ledger(path)
    registry = Registry(CLIENTS, ledger.tenant(""))
    registry.add(MINE, "the-secret-itself", "the-key-itself")
    new = registry.rotate("mine", PayerProfile(), 0, notice=True)
    ledger.close()
    kept = b"".join(each.read_bytes() for each in tmp_path.glob("grep.db*"))
    assert digest("the-secret-itself").encode() in kept
    for secret in ("the-secret-itself", "the-key-itself", new):
        assert secret.encode() not in kept


@pytest.mark.parametrize("token", ["", "the-kex", "the-key ", "The-key", digest("the-key")])
def test_only_its_own_token_opens_it(registry: Registry, token: str) -> None:
    assert registry.managed("mine", "the-key") == registry["mine"]
    assert registry.managed("mine", token) is None


@pytest.mark.parametrize("id", ["app", "web", "nobody", ""])
def test_nothing_opens_a_fixture(registry: Registry, id: str) -> None:
    registry.decide("app", "suspended", "malware", 5)
    for token in ("", "the-key", "None"):
        assert registry.managed(id, token) is None


# secrets


def test_with_notice_both_secrets_work_until_the_day(mine: App, registry: Registry) -> None:
    new = registry.rotate("mine", PayerProfile(secret_grace_days=30), mine.desk.now(), notice=True)
    assert (at_introspect(mine, "the-secret"), at_introspect(mine, new)) == (200, 200)
    mine.advance(days=30, seconds=-1)
    assert at_introspect(mine, "the-secret") == 200
    mine.advance(seconds=1)
    assert (at_introspect(mine, "the-secret"), at_introspect(mine, new)) == (401, 200)


def test_without_notice_the_old_secret_dies_at_once(mine: App, registry: Registry) -> None:
    first = registry.rotate("mine", PayerProfile(), mine.desk.now(), notice=True)
    second = registry.rotate("mine", PayerProfile(), mine.desk.now(), notice=False)
    assert [at_introspect(mine, s) for s in ("the-secret", first, second)] == [401, 401, 200]


def test_a_second_notice_ends_the_first_secret(mine: App, registry: Registry) -> None:
    first = registry.rotate("mine", PayerProfile(), mine.desk.now(), notice=True)
    second = registry.rotate("mine", PayerProfile(), mine.desk.now(), notice=True)
    assert [at_introspect(mine, s) for s in ("the-secret", first, second)] == [401, 200, 200]


def test_the_secret_of_a_fixture_rotates_for_one_tenant(at: AuthContext, registry: Registry) -> None:
    web = App(changed(at, clients=registry), "web", basic("web", "s3cret: +%ü"))
    new = registry.rotate("web", PayerProfile(), at.now(), notice=False)
    assert (at_introspect(web), at_introspect(web, new)) == (401, 200)
    assert CLIENTS["web"].check_client_secret("s3cret: +%ü")


def test_an_app_without_a_secret_has_none_to_rotate(registry: Registry) -> None:
    with pytest.raises(BadRequest):
        registry.rotate("app", PayerProfile(), 0, notice=True)


# decisions


@pytest.mark.parametrize(
    ("state", "criterion"),
    [
        ("denied", None),
        ("denied", "no-attestation"),
        ("denied", "we do not like them"),
        ("suspended", ""),
        ("suspended", ["malware"]),
        ("approved", "malware"),
        ("submitted", None),
        ("gone", None),
        (None, None),
        (["approved"], None),
    ],
)
def test_a_decision_is_a_known_state_with_a_known_criterion(
    registry: Registry, state: Any, criterion: Any
) -> None:
    with pytest.raises(BadRequest):
        registry.decide("mine", state, criterion, 5)
    assert registry["mine"].state == "approved"


def test_no_criterion_is_about_what_an_app_says_of_its_privacy() -> None:
    assert not [text for text in CRITERIA.values() if "attest" in text or "privacy" in text]


@pytest.mark.parametrize("state", ["denied", "suspended"])
@pytest.mark.parametrize("id", ["mine", "app"])
def test_a_stopped_app_loses_everything_at_once(
    at: AuthContext, registry: Registry, state: str, id: str
) -> None:
    app = App(changed(at, clients=registry), id, basic("mine", "the-secret") if id == "mine" else {})
    held = app.sign_in(scope="openid launch/patient offline_access patient/*.rs")
    waiting = app.code()
    registry.decide(id, state, "leaked-credentials", at.now())
    for status, body in (app.refresh(held["refresh_token"]), app.exchange(waiting)):
        assert (status, body["error"]) == (401, "invalid_client")
        assert "leaked-credentials" in body["error_description"]
    # Nor do its tokens answer anybody else.
    bearer = App(app.desk, "", {"Authorization": f"Bearer {held['access_token']}"})
    assert bearer.post({"token": held["access_token"]}, "introspection")[0] == 401
    with pytest.raises(BadRequest, match=f"{state}.*leaked-credentials"):
        authorize.check(args(client_id=id), app.desk)
    # Approved again, it may come back; what it held stays dead.
    registry.decide(id, "approved", None, at.now())
    assert app.refresh(held["refresh_token"])[1]["error"] == "invalid_grant"
    assert app.exchange(waiting)[1]["error"] == "invalid_grant"
    assert app.sign_in()["token_type"] == "Bearer"


def test_other_apps_go_on(at: AuthContext, registry: Registry) -> None:
    other = App(changed(at, clients=registry), "other")
    held = other.sign_in()
    registry.decide("app", "suspended", "malware", at.now())
    assert other.refresh(held["refresh_token"])[0] == 200


def test_a_submitted_app_waits(at: AuthContext, registry: Registry) -> None:
    registry.add(replace(MINE, client_id="new", state="submitted"), "the-secret", "x")
    app = App(changed(at, clients=registry), "new", basic("new", "the-secret"))
    assert at_introspect(app) == 401
    with pytest.raises(BadRequest, match="submitted"):
        authorize.check(args(client_id="new"), app.desk)
    registry.decide("new", "approved", None, 5)
    assert at_introspect(app) == 200


# a registration that changes


def test_where_somebody_decides_a_changed_app_is_decided_about_again(registry: Registry) -> None:
    moved = replace(MINE, redirect_uris=("https://elsewhere.example/cb",), state="submitted")
    assert registry.replace(moved, 5).state == "submitted"
    assert registry["mine"].check_client_secret("the-secret")


def test_new_keys_need_no_new_decision(registry: Registry) -> None:
    service = replace(MINE, client_id="k", token_endpoint_auth_method="private_key_jwt", jwks=public(key()))
    registry.add(service, None, "x")
    new = replace(service, jwks=public(key("next")), state="submitted")
    assert registry.replace(new, 5).state == "approved"
    assert registry["k"].jwks == public(key("next"))


@pytest.mark.parametrize("state", ["denied", "suspended"])
def test_a_stopped_app_cannot_change_itself_free(registry: Registry, state: str) -> None:
    registry.decide("mine", state, "malware", 5)
    assert registry.replace(replace(MINE, scope="openid fhirUser"), 6).state == state


def test_a_removed_app_is_unknown_and_its_tokens_are_dead(mine: App, registry: Registry) -> None:
    held = mine.sign_in(scope="launch/patient offline_access patient/*.rs")
    assert registry.remove("mine", mine.desk.now())
    assert not registry.remove("mine", mine.desk.now())
    assert mine.refresh(held["refresh_token"])[0] == 401
    assert registry.get("mine") is None
