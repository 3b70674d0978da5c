"""id_tokens are signed with RS256, and the public keys are published (JWKS).

Sources: SMART App Launch 2.2.0 "fhirUser", OpenID Connect Core.
Keys rotate for one tenant at a time: its clock decides when an old key is not needed any more, and the tokens
of other tests stay valid. A tenant that never rotated signs with the server's key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey

from sandbox.auth.context import AuthContext
from sandbox.auth.scopes import split
from sandbox.core.files import json_bytes, json_value
from sandbox.core.gates import Stage
from sandbox.store.ledger.repositories.grants import Grant
from sandbox.store.secret import digest

LIFETIME = 3600
"""Seconds until an id_token expires."""


def new_key() -> str:
    """Return a private RSA key as JWK JSON, with an id derived from the key (RFC 7638)."""
    key = RSAKey.generate_key(2048, private=True)
    return json_bytes(
        {**key.as_dict(private=True), "kid": key.thumbprint()[:16], "use": "sig", "alg": "RS256"}
    ).decode()


@lru_cache(maxsize=16)
def _key(private: str) -> RSAKey:
    """Return the parsed key. Parsing checks its primes, which costs fifty times as much as a signature."""
    return RSAKey.import_key(json_value(private))


def jwks(*private: str) -> dict[str, Any]:
    """Return the public keys, as `jwks_uri` serves them."""
    return {"keys": [_key(jwk).as_dict(private=False) for jwk in private]}


def rotate(context: AuthContext) -> str:
    """Sign with a new key from now on. Returns its id."""
    key = new_key()
    kid = str(_key(key).kid)
    context.ledger.add_signing_key(kid, key, context.now())
    return kid


def signing_keys(context: AuthContext) -> list[str]:
    """Return the private keys: the current one, then those that signed an id_token which is still valid."""
    rotated = context.ledger.signing_keys()  # oldest first, each with the time it took over
    keys = [context.services.signing_key, *(key for key, _ in rotated)]
    ended = [since for _, since in rotated]  # each key was in use until the next one took over
    now = context.now()
    living = [key for key, end in zip(keys, ended, strict=False) if now < end + LIFETIME * 1000]
    return [keys[-1], *reversed(living)]


def subject(context: AuthContext, username: str) -> str:
    """Return the `sub` of a member: stable for member and payer, and without meaning."""
    return digest(f"{context.payer.name}|{username}")[:32]


def find_subject(context: AuthContext, hint: str) -> str | None:
    """Return the `sub` of an `id_token_hint`; None for anything but an id_token of this payer, signed with
    one of its keys, expired or not (OpenID Connect Core §3.1.2.1)."""
    keys = KeySet(
        [_key(context.services.signing_key), *(_key(key) for key, _ in context.ledger.signing_keys())]
    )
    try:
        claim = jwt.decode(hint, keys, algorithms=["RS256"]).claims.get("sub")
    except (JoseError, ValueError):
        return None
    return claim if isinstance(claim, str) else None


def user(context: AuthContext, grant: Grant) -> str:
    """Return who signed in as a FHIR URL: the patient, or the RelatedPerson who acts for them (SMART-041)."""
    account = context.services.accounts.get(grant.username)
    at_home = account.user if account else f"Patient/{grant.patient}"
    return f"{context.fhir}/{grant.fhir_user or at_home}"


def id_token(context: AuthContext, grant: Grant, nonce: str | None) -> str:
    """Return a signed id_token. `fhirUser` is absolute; SMART 1 called it `profile`. `auth_time` is when the
    member signed in, also after refreshes (OpenID Connect Core §2, §12.2)."""
    now, granted = context.now() // 1000, set(split(grant.scope))
    claims: dict[str, Any] = {
        "iss": context.issuer,
        "sub": subject(context, grant.username),
        "aud": grant.client,
        "iat": now,
        "exp": now + LIFETIME,
    }
    if {"fhirUser", "profile"} & granted:
        claims["fhirUser"] = user(context, grant)
    if "profile" in granted:
        claims["profile"] = user(context, grant)
    if grant.signed_in is not None:
        claims["auth_time"] = grant.signed_in // 1000
    if nonce:
        claims["nonce"] = nonce
    facts = replace(context.facts, client=grant.client, member=grant.username or None)
    return sign(context, context.gates.run(Stage.ID_TOKEN, claims, facts))


def sign(context: AuthContext, claims: Mapping[str, Any], kind: str = "JWT") -> str:
    """Return a JWT of this type (`typ`) that is signed with the tenant's current key."""
    key = _key(signing_keys(context)[0])
    header = {"alg": "RS256", "typ": kind, "kid": key.kid}
    return jwt.encode(header, dict(claims), key, algorithms=["RS256"])
