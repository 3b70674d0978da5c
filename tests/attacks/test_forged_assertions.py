"""Client assertions: forged, confused, out of their time, replayed; and keys that were given away."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from attacks.breach import Scene, held, refused, undefended
from attacks.services import RSA, register, service
from joserfc.jwk import ECKey, RSAKey
from unit.auth.keyring import confused, key, raw, signed

from sandbox.auth.authentication import assertion
from sandbox.auth.clients import jwks
from sandbox.store.ledger.database import TenantLedger

_spend = TenantLedger.spend_assertion
_verify, _check, _key = assertion.verify, assertion._check_claims, assertion._key


def _header(proof: str) -> dict[str, Any]:
    head = proof.partition(".")[0]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    return found


def _believes_none(desk: Any, client: Any, proof: str, audiences: Any) -> None:
    if str(_header(proof)["alg"]).lower() != "none":
        _verify(desk, client, proof, audiences)


@pytest.mark.parametrize(
    "alg",
    [
        pytest.param("none", id="none"),
        pytest.param("nOnE", id="capitals"),
    ],
)
@undefended(assertion, verify=_believes_none)
def test_signing_with_nothing(scene: Scene, alg: str) -> None:
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


@undefended(assertion, verify=_takes_the_algorithm_from_the_header)
def test_signing_with_the_public_key(scene: Scene) -> None:
    """HS256, with the public key (which everybody has) for the shared secret."""
    victim = service(scene)
    forged = confused(victim.claims(), RSA.as_pem(private=False))
    held(refused(victim.token(forged)), "a token for an assertion that anybody can sign")


def _trusts_the_header(desk: Any, client: Any, header: Mapping[str, Any]) -> Any:
    return ECKey.import_key(header["jwk"]) if "jwk" in header else _key(desk, client, header)


@undefended(assertion, _key=_trusts_the_header)
def test_bringing_ones_own_key(scene: Scene) -> None:
    victim, stranger = service(scene), key("stranger")
    forged = signed(victim.claims(), stranger, kid="rsa", jwk=stranger.as_dict(private=False))
    held(refused(victim.token(forged)), "a token for an assertion that verifies with its own key")


def _without(*names: str, **instead: Callable[[], Any]) -> pytest.MarkDecorator:
    """Claims checked as if some were not there, or were good."""

    def check(claims: Mapping[str, Any], client: str, audiences: tuple[str, ...], now: int) -> None:
        good = {name: value for name, value in claims.items() if name not in names}
        _check({**good, **{name: make() for name, make in instead.items()}}, client, audiences, now)

    return undefended(assertion, _check_claims=check)


_ANY_END = _without(exp=lambda: int(time.time()) + 60)


@pytest.mark.parametrize(
    "seconds",
    [
        pytest.param({"exp": -1}, id="expired", marks=_ANY_END),
        pytest.param({"exp": 86_400 * 365}, id="for years", marks=_ANY_END),
        pytest.param({"exp": 400}, id="just too long", marks=_ANY_END),
        pytest.param({"iat": 86_400, "exp": 60}, id="made tomorrow", marks=_without("iat")),
        pytest.param({"nbf": 200, "exp": 250}, id="not yet good", marks=_without("nbf")),
    ],
)
def test_being_out_of_time(scene: Scene, seconds: dict[str, int]) -> None:
    """Assertions that expired, last too long, or are not good yet (`seconds` from now)."""
    victim = service(scene)
    claims = {name: int(time.time()) + away for name, away in seconds.items()}
    held(refused(victim.token(signed(victim.claims(**claims), RSA, "RS384"))), "a token out of its time")


def _for_anybody(claims: Mapping[str, Any], client: str, audiences: tuple[str, ...], now: int) -> None:
    _check({**claims, "aud": audiences[0]}, client, audiences, now)


@undefended(assertion, _check_claims=_for_anybody)
def test_carrying_an_assertion_over(scene: Scene) -> None:
    """An assertion that the service made for another server, and which that server brings here."""
    victim = service(scene)
    said = victim.claims(aud="https://evil.example/auth/token")
    held(refused(victim.token(signed(said, RSA, "RS384"))), "a token for another server's assertion")


@undefended(TenantLedger, spend_assertion=lambda *_: True)
def test_replaying_an_assertion(scene: Scene) -> None:
    victim = service(scene)
    proof = signed(victim.claims(), RSA, "RS384")
    assert victim.token(proof).status_code == 200
    held(refused(victim.token(proof)), "a second token for one assertion")
    scene.make().control("clock", {"advance": "PT30S"})
    held(refused(victim.token(proof)), "a token for an assertion that was used half a minute ago")


def _by_the_tenants_clock(self: Any, client: str, jti: str, until: int, now: int, machine: int) -> bool:
    return _spend(self, client, jti, until, now, now)


@undefended(TenantLedger, spend_assertion=_by_the_tenants_clock)
def test_replaying_an_assertion_after_the_clock_was_turned_back(scene: Scene) -> None:
    victim, staff = service(scene), scene.make()
    proof = signed(victim.claims(), RSA, "RS384")
    assert victim.token(proof).status_code == 200
    ahead = 2 * 86_400
    staff.control("clock", {"advance": "P2D"})
    later = victim.claims(exp=int(time.time()) + ahead + 60, iat=int(time.time()) + ahead)
    assert victim.token(signed(later, RSA, "RS384")).status_code == 200  # which sweeps what is over
    staff.control("clock", {"advance": "-P2D"})
    held(refused(victim.token(proof)), "a second token for one assertion")


@undefended(TenantLedger, spend_assertion=lambda *_: True)
def test_reusing_a_jti(scene: Scene) -> None:
    victim = service(scene)
    for number, wanted in enumerate((True, False)):
        said = victim.claims(jti="the-same", iat=int(time.time()) - number)
        answer = victim.token(signed(said, RSA, "RS384"))
        held((answer.status_code == 200) == wanted, "a second token for one jti")


@undefended(jwks, _PRIVATE=())
def test_registering_a_private_key(scene: Scene) -> None:
    """Whoever publishes a private key has lost it: no such client is taken."""
    answer = register(scene.make(), jwks={"keys": [RSA.as_dict(private=True)]})
    held(answer.status_code == 400, "a client whose key everybody has")
    assert answer.json()["error"] == "invalid_client_metadata"
    assert "private" in answer.json()["error_description"]
