"""id_token and JWKS: RS256 by joserfc. Source: SMART App Launch 2.2.0 "fhirUser", OpenID Connect Core.

Keys rotate for one tenant at a time: its clock decides when an old key has nothing left to prove, and
another test's tokens stay as they are. A tenant that never rotated signs with the server's key.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey

from sandbox.auth.context import Desk
from sandbox.auth.scopes import split
from sandbox.core.files import json_bytes, json_value
from sandbox.store.ledger.repositories.grants import Grant
from sandbox.store.secret import digest

LIFETIME = 3600
"""Seconds an id_token says it is good for."""


def new_key() -> str:
    """A private RSA key as JWK JSON, its id derived from the key itself (RFC 7638)."""
    key = RSAKey.generate_key(2048, private=True)
    return json_bytes(
        {**key.as_dict(private=True), "kid": key.thumbprint()[:16], "use": "sig", "alg": "RS256"}
    ).decode()


@lru_cache(maxsize=16)
def _key(private: str) -> RSAKey:
    """The parsed key. Parsing checks its primes, which costs fifty times as much as a signature."""
    return RSAKey.import_key(json_value(private))


def jwks(*private: str) -> dict[str, Any]:
    """The public halves, as `jwks_uri` serves them: bare keys."""
    return {"keys": [_key(jwk).as_dict(private=False) for jwk in private]}


def rotate(desk: Desk) -> str:
    """Sign with a new key from now on. Returns its id."""
    key = new_key()
    kid = str(_key(key).kid)
    desk.ledger.add_signing_key(kid, key, desk.now())
    return kid


def signing_keys(desk: Desk) -> list[str]:
    """Private keys, the current one first, then those that signed an id_token which still lives."""
    rotated = desk.ledger.signing_keys()  # oldest first, each with the time it took over
    keys = [desk.signing_key, *(key for key, _ in rotated)]
    ended = [since for _, since in rotated]  # each key was in use until the next one took over
    now = desk.now()
    living = [key for key, end in zip(keys, ended, strict=False) if now < end + LIFETIME * 1000]
    return [keys[-1], *reversed(living)]


def subject(desk: Desk, username: str) -> str:
    """Who the member is to apps: stable per member and payer, and it tells nothing."""
    return digest(f"{desk.payer.name}|{username}")[:32]


def find_subject(desk: Desk, hint: str) -> str | None:
    """The `sub` of an `id_token_hint`: an id_token that this payer has signed, with whichever of its keys,
    expired or not (OpenID Connect Core §3.1.2.1). None for anything else."""
    keys = KeySet([_key(desk.signing_key), *(_key(key) for key, _ in desk.ledger.signing_keys())])
    try:
        claim = jwt.decode(hint, keys, algorithms=["RS256"]).claims.get("sub")
    except (JoseError, ValueError):
        return None
    return claim if isinstance(claim, str) else None


def user(desk: Desk, grant: Grant) -> str:
    """Who signed in, as a FHIR URL: the patient, or the RelatedPerson who acts for them (SMART-041)."""
    account = desk.accounts.get(grant.username)
    at_home = account.user if account else f"Patient/{grant.patient}"
    return f"{desk.fhir}/{grant.fhir_user or at_home}"


def id_token(desk: Desk, grant: Grant, nonce: str | None) -> str:
    """A signed id_token; `fhirUser` is absolute. `profile` is what SMART 1 called it. `auth_time` is when
    the member signed in, also after refreshes (OpenID Connect Core §2, §12.2)."""
    now, granted = desk.now() // 1000, set(split(grant.scope))
    claims: dict[str, Any] = {
        "iss": desk.issuer,
        "sub": subject(desk, grant.username),
        "aud": grant.client,
        "iat": now,
        "exp": now + LIFETIME,
    }
    if {"fhirUser", "profile"} & granted:
        claims["fhirUser"] = user(desk, grant)
    if "profile" in granted:
        claims["profile"] = user(desk, grant)
    if grant.signed_in is not None:
        claims["auth_time"] = grant.signed_in // 1000
    if nonce:
        claims["nonce"] = nonce
    key = _key(signing_keys(desk)[0])
    return jwt.encode({"alg": "RS256", "typ": "JWT", "kid": key.kid}, claims, key, algorithms=["RS256"])
