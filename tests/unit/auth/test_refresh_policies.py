"""Rotation policies, and when refreshing and access end: the payer's character, by the clock."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from unit.auth.auth_desk import SCOPE, App

from sandbox.auth.tokens.id_token import jwks
from sandbox.core.payer import PayerProfile, Rotation

GRACE = PayerProfile(refresh_rotation="rotate-with-grace", refresh_grace_seconds=30)
ONLINE = "openid online_access patient/*.rs"


def test_within_its_grace_a_replaced_token_answers_again(app: App) -> None:
    app = app.under(GRACE)
    first = app.sign_in()
    _, second = app.refresh(first["refresh_token"])
    app.advance(seconds=29.999)
    status, third = app.refresh(first["refresh_token"])
    assert status == 200
    for token in (second, third):
        assert app.is_alive(token["access_token"])
        assert app.refresh(token["refresh_token"])[0] == 200


@pytest.mark.parametrize(
    ("payer", "seconds"), [(PayerProfile(), 0), (GRACE, 30)], ids=["by default", "after its grace"]
)
def test_a_token_that_is_used_again_ends_the_family(app: App, payer: PayerProfile, seconds: int) -> None:
    app = app.under(payer)
    first = app.sign_in()
    _, second = app.refresh(first["refresh_token"])
    app.advance(seconds=seconds)
    assert app.refresh(first["refresh_token"])[1]["error"] == "invalid_grant"
    assert not app.is_alive(second["access_token"])
    assert app.refresh(second["refresh_token"])[1]["error"] == "invalid_grant"


def test_a_revoked_token_has_no_grace(app: App) -> None:
    app = app.under(GRACE)
    first = app.sign_in()
    _, second = app.refresh(first["refresh_token"])
    app.revoke(second["refresh_token"])
    assert app.refresh(first["refresh_token"])[1]["error"] == "invalid_grant"


def test_another_client_gets_no_grace_and_ends_nothing(app: App) -> None:
    for payer in (GRACE, PayerProfile()):
        here = app.under(payer)
        first = here.sign_in()
        _, second = here.refresh(first["refresh_token"])
        assert replace(here, client="other").refresh(first["refresh_token"])[1]["error"] == "invalid_grant"
        assert here.is_alive(second["access_token"])


@pytest.mark.parametrize(
    ("rotation", "winners", "alive"),
    [
        ("none", 8, True),
        ("rotate", 1, True),
        ("rotate-with-grace", 8, True),
        ("reuse-revokes-family", 1, False),
    ],
)
def test_of_many_refreshes_at_once(app: App, rotation: Rotation, winners: int, alive: bool) -> None:
    app = app.under(PayerProfile(refresh_rotation=rotation))
    token = app.sign_in()["refresh_token"]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: app.refresh(token), range(8)))
    won = [body for status, body in answers if status == 200]
    assert len(won) == winners
    assert {status for status, _ in answers} <= {200, 400}
    assert app.is_alive(won[0]["access_token"]) is alive


def test_an_access_token_is_never_good_for_longer_than_the_authorization(app: App) -> None:
    app = app.under(PayerProfile(refresh_max_days=1))
    token = app.sign_in()
    app.advance(days=1)
    _, token = app.refresh(token["refresh_token"])
    assert token["expires_in"] == 600
    app.advance(seconds=599.999)
    assert app.is_alive(token["access_token"])
    app.advance(seconds=0.001)
    assert not app.is_alive(token["access_token"])


@pytest.mark.parametrize("days", [None, 0])
def test_a_payer_that_never_refreshes_still_gives_whole_access_tokens(app: App, days: int | None) -> None:
    token = app.under(PayerProfile(refresh_max_days=days)).sign_in()
    assert token["expires_in"] == 3600
    assert "refresh_token" not in token


def test_online_access_ends_with_the_members_session(app: App) -> None:
    app = app.under(PayerProfile(session_seconds=1800))
    token = app.sign_in(scope=ONLINE)
    app.advance(minutes=29)
    _, token = app.refresh(token["refresh_token"])
    app.advance(minutes=1)
    assert app.refresh(token["refresh_token"])[1]["error"] == "invalid_grant"
    assert app.is_alive(token["access_token"])


def test_offline_access_survives_the_session_even_beside_online_access(app: App) -> None:
    app = app.under(PayerProfile(session_seconds=1800))
    token = app.sign_in(scope=ONLINE + " offline_access")
    app.advance(days=300)
    assert app.refresh(token["refresh_token"])[0] == 200


def test_a_narrower_refresh_leaves_the_refresh_token_whole(app: App) -> None:
    first = app.sign_in()
    _, less = app.refresh(first["refresh_token"], scope="patient/Patient.r")
    assert app.introspect(less["access_token"])["scope"] == "patient/Patient.r"
    assert app.introspect(less["refresh_token"])["scope"] == SCOPE
    assert app.refresh(less["refresh_token"])[1]["scope"] == SCOPE


def test_a_refresh_may_take_a_part_of_a_type_and_never_give_it_back_wider(app: App) -> None:
    granted = "patient/Observation.rs?category=s|lab"
    token = app.sign_in(scope=f"offline_access {granted}")["refresh_token"]
    assert app.refresh(token, scope="patient/Observation.rs")[1]["error"] == "invalid_scope"
    assert app.refresh(token, scope=f"{granted},s|vital")[1]["error"] == "invalid_scope"
    status, less = app.refresh(token, scope=f"{granted}&code=x")
    assert (status, less["scope"]) == (200, f"{granted}&code=x")


def test_a_refresh_renews_the_id_token_without_its_nonce(app: App, key: str) -> None:
    first = app.sign_in(nonce="n-1")
    app.advance(minutes=5)
    _, second = app.refresh(first["refresh_token"])
    keys = KeySet.import_key_set(jwks(key))
    before, after = (jwt.decode(t["id_token"], keys, algorithms=["RS256"]).claims for t in (first, second))
    assert before.pop("nonce") == "n-1"
    assert (after.pop("iat") - before.pop("iat"), after.pop("exp") - before.pop("exp")) == (300, 300)
    assert before == after
    assert "id_token" not in app.refresh(second["refresh_token"], scope="patient/*.rs")[1]
