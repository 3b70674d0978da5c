"""id_token and JWKS: RS256 by joserfc. Source: SMART App Launch 2.2.0 "fhirUser", OpenID Connect Core."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey

from sandbox.auth.desk import Desk
from sandbox.auth.scopes import split
from sandbox.core.files import json_bytes, json_value
from sandbox.store.ledger import Grant, digest

LIFETIME = 3600
"""Seconds an id_token says it is good for."""


def new_key() -> str:
    """A private RSA key as JWK JSON, its id derived from the key itself (RFC 7638)."""
    key = RSAKey.generate_key(2048, private=True)
    return json_bytes(
        {**key.as_dict(private=True), "kid": key.thumbprint()[:16], "use": "sig", "alg": "RS256"}
    ).decode()


@lru_cache(maxsize=4)
def _key(private: str) -> RSAKey:
    """The parsed key. Parsing checks its primes, which costs fifty times as much as a signature."""
    return RSAKey.import_key(json_value(private))


def jwks(private: str) -> dict[str, Any]:
    """The public half, as `jwks_uri` serves it: bare keys."""
    public = _key(private).as_dict(private=False)
    return {"keys": [public]}


def subject(desk: Desk, grant: Grant) -> str:
    """Who the member is to apps: stable per member and payer, and it tells nothing."""
    return digest(f"{desk.payer.name}|{grant.username}")[:32]


def user(desk: Desk, grant: Grant) -> str:
    """Who signed in, as a FHIR URL: the patient, or the RelatedPerson who acts for them (SMART-041)."""
    account = desk.accounts.get(grant.username)
    return f"{desk.fhir}/{account.user if account else f'Patient/{grant.patient}'}"


def id_token(desk: Desk, grant: Grant, nonce: str | None) -> str:
    """A signed id_token; `fhirUser` is absolute."""
    now = desk.now() // 1000
    claims: dict[str, Any] = {
        "iss": desk.issuer,
        "sub": subject(desk, grant),
        "aud": grant.client,
        "iat": now,
        "exp": now + LIFETIME,
    }
    if {"fhirUser", "profile"} & set(split(grant.scope)):
        claims["fhirUser"] = user(desk, grant)
    if nonce:
        claims["nonce"] = nonce
    key = _key(desk.signing_key)
    return jwt.encode({"alg": "RS256", "typ": "JWT", "kid": key.kid}, claims, key, algorithms=["RS256"])
