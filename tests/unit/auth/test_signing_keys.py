"""Rotating the key of id_tokens: a new one signs at once, the old one can still be checked."""

from __future__ import annotations

from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from unit.auth.auth_desk import App

from sandbox.auth.context import AuthContext
from sandbox.auth.tokens.id_token import jwks, rotate, signing_keys


def published(desk: AuthContext) -> dict[str, Any]:
    return jwks(*signing_keys(desk))


def checks(app: App, id_token: str) -> bool:
    try:
        return bool(jwt.decode(id_token, KeySet.import_key_set(published(app.desk)), algorithms=["RS256"]))
    except (JoseError, ValueError):
        return False


def test_a_rotated_key_signs_and_the_old_one_stays_until_its_id_tokens_are_over(app: App) -> None:
    old = app.sign_in()["id_token"]
    kid = rotate(app.desk)
    new = app.sign_in()["id_token"]
    assert checks(app, old)
    assert checks(app, new)
    assert published(app.desk)["keys"][0]["kid"] == kid
    app.advance(minutes=59, seconds=59.999)
    assert checks(app, old)
    app.advance(seconds=0.001)
    assert not checks(app, old)
    assert [key["kid"] for key in published(app.desk)["keys"]] == [kid]


def test_every_key_has_an_id_of_its_own_and_keeps_its_secret(app: App) -> None:
    for _ in range(2):
        rotate(app.desk)
    keys = published(app.desk)["keys"]
    assert len({key["kid"] for key in keys}) == len(keys) == 3
    assert all(set(key) == {"kty", "n", "e", "alg", "kid", "use"} for key in keys)


def test_a_tenant_that_is_reset_signs_with_the_servers_key_again(app: App, key: str) -> None:
    rotate(app.desk)
    app.desk.ledger.reset()
    assert signing_keys(app.desk) == [key]
