"""Client assertions: forged, confused, out of their time, replayed; and keys that were given away."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx
from attacks.breach import Scene, attack, held, refused
from joserfc.jwk import ECKey, RSAKey
from support.smart_app import SmartApp
from unit.auth.keyring import confused, key, public, raw, signed

from sandbox.auth.authentication import assertion
from sandbox.store.ledger.database import TenantLedger

RSA = key("rsa", "RSA")
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

_spend = TenantLedger.spend_assertion
_VERIFY = "sandbox.auth.authentication.assertion.verify"
_verify, _check, _key = assertion.verify, assertion._check_claims, assertion._key


class Service:
    """A backend service that registered its public key."""

    def __init__(self, app: SmartApp):
        answer = register(app, public(RSA))
        assert answer.status_code == 201, answer.text
        self.app, self.id = app, answer.json()["client_id"]

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        good = {"iss": self.id, "sub": self.id, "aud": f"{self.app.base}/auth/token", "exp": now + 60}
        return good | {"iat": now, "jti": secrets.token_urlsafe()} | changes

    def token(self, proof: str) -> httpx.Response:
        form = {"grant_type": "client_credentials", "scope": "system/Patient.rs"}
        form |= {"client_assertion_type": TYPE, "client_assertion": proof}
        return self.app.http.post(f"{self.app.base}/auth/token", data=form)


def register(app: SmartApp, jwks: Mapping[str, Any]) -> httpx.Response:
    metadata = {
        "client_name": "A service",
        "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": "system/*.rs",
        "jwks": jwks,
    }
    return app.http.post(f"{app.base}/auth/register", json=metadata)


def service(scene: Scene) -> Service:
    """Registered, and let in with a good assertion."""
    made = Service(scene.make())
    assert made.token(signed(made.claims(), RSA, "RS384")).status_code == 200
    return made


def _header(proof: str) -> dict[str, Any]:
    head = proof.partition(".")[0]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    return found


def _believes_none(desk: Any, client: Any, proof: str, audiences: Any) -> None:
    if str(_header(proof)["alg"]).lower() != "none":
        _verify(desk, client, proof, audiences)


@attack("JWT confusion", {_VERIFY: _believes_none}, "none", alg="none")
@attack("JWT confusion", {_VERIFY: _believes_none}, "capitals", alg="nOnE")
def signing_with_nothing(scene: Scene, alg: str) -> None:
    victim = service(scene)
    forged = raw({"alg": alg, "typ": "JWT", "kid": "rsa"}, victim.claims())
    held(refused(victim.token(forged)), "a token for an unsigned assertion")


def _takes_the_algorithm_from_the_header(desk: Any, client: Any, proof: str, audiences: Any) -> None:
    """What a library does that is given a key and left to choose how to use it."""
    if _header(proof)["alg"] != "HS256":
        return _verify(desk, client, proof, audiences)
    head, _, signature = proof.rpartition(".")
    pem = RSAKey.import_key(client.jwks["keys"][0]).as_pem(private=False)
    mine = base64.urlsafe_b64encode(hmac.new(pem, head.encode(), hashlib.sha256).digest())
    if mine.rstrip(b"=").decode() != signature:
        raise assertion.AssertionRefused("the signature is wrong")
    return None


@attack("JWT confusion", {_VERIFY: _takes_the_algorithm_from_the_header})
def signing_with_the_public_key(scene: Scene) -> None:
    """HS256, with the public key (which everybody has) for the shared secret."""
    victim = service(scene)
    forged = confused(victim.claims(), RSA.as_pem(private=False))
    held(refused(victim.token(forged)), "a token for an assertion that anybody can sign")


def _trusts_the_header(desk: Any, client: Any, header: Mapping[str, Any]) -> Any:
    return ECKey.import_key(header["jwk"]) if "jwk" in header else _key(desk, client, header)


@attack("JWT confusion", {"sandbox.auth.authentication.assertion._key": _trusts_the_header})
def bringing_ones_own_key(scene: Scene) -> None:
    victim, stranger = service(scene), key("stranger")
    forged = signed(victim.claims(), stranger, kid="rsa", jwk=stranger.as_dict(private=False))
    held(refused(victim.token(forged)), "a token for an assertion that verifies with its own key")


def _without(*names: str, **instead: Callable[[], Any]) -> dict[str, Any]:
    """Claims checked as if some were not there, or were good."""

    def check(claims: Mapping[str, Any], client: str, audiences: tuple[str, ...], now: int) -> None:
        good = {name: value for name, value in claims.items() if name not in names}
        _check({**good, **{name: make() for name, make in instead.items()}}, client, audiences, now)

    return {"sandbox.auth.authentication.assertion._check_claims": check}


_ANY_END = _without(exp=lambda: int(time.time()) + 60)


@attack("expired and future assertions", _ANY_END, "expired", exp=-1)
@attack("expired and future assertions", _ANY_END, "for years", exp=86_400 * 365)
@attack("expired and future assertions", _ANY_END, "just too long", exp=400)
@attack("expired and future assertions", _without("iat"), "made tomorrow", iat=86_400, exp=60)
@attack("expired and future assertions", _without("nbf"), "not yet good", nbf=200, exp=250)
def being_out_of_time(scene: Scene, **seconds: int) -> None:
    """`seconds` from now."""
    victim = service(scene)
    said = {name: int(time.time()) + away for name, away in seconds.items()}
    held(refused(victim.token(signed(victim.claims(**said), RSA, "RS384"))), "a token out of its time")


def _for_anybody(claims: Mapping[str, Any], client: str, audiences: tuple[str, ...], now: int) -> None:
    _check({**claims, "aud": audiences[0]}, client, audiences, now)


@attack("JWT confusion", {"sandbox.auth.authentication.assertion._check_claims": _for_anybody})
def carrying_an_assertion_over(scene: Scene) -> None:
    """An assertion that the service made for another server, and which that server brings here."""
    victim = service(scene)
    said = victim.claims(aud="https://evil.example/auth/token")
    held(refused(victim.token(signed(said, RSA, "RS384"))), "a token for another server's assertion")


@attack("jti replay", {"sandbox.store.ledger.database.TenantLedger.spend_assertion": lambda *_: True})
def replaying_an_assertion(scene: Scene) -> None:
    victim = service(scene)
    proof = signed(victim.claims(), RSA, "RS384")
    assert victim.token(proof).status_code == 200
    held(refused(victim.token(proof)), "a second token for one assertion")
    scene.make().control("clock", {"advance": "PT30S"})
    held(refused(victim.token(proof)), "a token for an assertion that was used half a minute ago")


def _by_the_tenants_clock(self: Any, client: str, jti: str, until: int, now: int, machine: int) -> bool:
    return _spend(self, client, jti, until, now, now)


@attack("jti replay", {"sandbox.store.ledger.database.TenantLedger.spend_assertion": _by_the_tenants_clock})
def replaying_an_assertion_after_the_clock_was_turned_back(scene: Scene) -> None:
    victim, staff = service(scene), scene.make()
    proof = signed(victim.claims(), RSA, "RS384")
    assert victim.token(proof).status_code == 200
    ahead = 2 * 86_400
    staff.control("clock", {"advance": "P2D"})
    later = victim.claims(exp=int(time.time()) + ahead + 60, iat=int(time.time()) + ahead)
    assert victim.token(signed(later, RSA, "RS384")).status_code == 200  # which sweeps what is over
    staff.control("clock", {"advance": "-P2D"})
    held(refused(victim.token(proof)), "a second token for one assertion")


@attack("jti replay", {"sandbox.store.ledger.database.TenantLedger.spend_assertion": lambda *_: True})
def reusing_a_jti(scene: Scene) -> None:
    victim = service(scene)
    for number, wanted in enumerate((True, False)):
        said = victim.claims(jti="the-same", iat=int(time.time()) - number)
        answer = victim.token(signed(said, RSA, "RS384"))
        held((answer.status_code == 200) == wanted, "a second token for one jti")


@attack("private key in JWKS", {"sandbox.auth.clients.jwks._PRIVATE": ()})
def registering_a_private_key(scene: Scene) -> None:
    """Whoever publishes a private key has lost it: no such client is taken."""
    answer = register(scene.make(), {"keys": [RSA.as_dict(private=True)]})
    held(answer.status_code == 400, "a client whose key everybody has")
    assert answer.json()["error"] == "invalid_client_metadata"
    assert "private" in answer.json()["error_description"]
