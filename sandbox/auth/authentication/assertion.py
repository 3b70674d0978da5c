"""Client assertions (`private_key_jwt`) are verified here, as SMART has it.

Sources: SMART App Launch 2.2.0 "Client Authentication: Asymmetric" (RS384, ES384; kid; jku; at most
five minutes; jti once), RFC 7523 §3, RFC 8725. Each refusal says which check failed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from sandbox.auth.clients.client import Client
from sandbox.auth.clients.jwks import ALGORITHMS, select
from sandbox.auth.context import AuthContext
from sandbox.core.files import json_value
from sandbox.core.urls import same_url

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIFETIME = 300
"""Seconds from now that `exp` may be away."""

LEEWAY = 5
"""Seconds that a client's clock may be ahead of ours where it says when it signed."""

_LONGEST = 16_384


class AssertionRefused(ValueError):
    """An assertion that does not authenticate anybody; the text says which check failed."""


def unverified_client(assertion: str) -> str | None:
    """Return who the assertion says it is from. Nobody may rely on it before `verify`."""
    try:
        claims = json_value(_extracted(assertion).payload)
    except ValueError:
        return None
    subject = claims.get("sub") if isinstance(claims, dict) else None
    return subject if isinstance(subject, str) else None


def keys_to_fetch(context: AuthContext, assertion: str) -> str | None:
    """Return the jwks_uri that `verify` would have to fetch for this assertion; None when it needs none."""
    client = context.clients.get(unverified_client(assertion) or "")
    if client is None or client.jwks_uri is None:
        return None
    try:
        header = _header(assertion)
    except AssertionRefused:
        return None
    if header.get("jku", client.jwks_uri) != client.jwks_uri:
        return None
    return (
        client.jwks_uri
        if context.remote.missing(client.jwks_uri, header, context.ledger, context.now())
        else None
    )


def verify(context: AuthContext, client: Client, assertion: str, audiences: tuple[str, ...]) -> None:
    """Authenticate `client` by `assertion`, and spend its `jti`. `aud` must be one of the URLs `audiences`.

    Raises AssertionRefused.
    """
    header = _header(assertion)
    key = _key(context, client, header)
    try:
        claims = jwt.decode(assertion, key, algorithms=[header["alg"]]).claims
    except (JoseError, ValueError, RecursionError):
        raise AssertionRefused("the signature does not match the registered key") from None
    now = context.now()
    _check_claims(claims, client.client_id, audiences, now // 1000)
    until = int(claims["exp"]) * 1000
    if not context.ledger.spend_assertion(client.client_id, claims["jti"], until, now, context.machine_now()):
        raise AssertionRefused("jti was already used: sign a new assertion for each call")


def _header(assertion: str) -> dict[str, Any]:
    header: dict[str, Any] = _extracted(assertion).headers()
    if header.get("alg") not in tuple(ALGORITHMS):
        raise AssertionRefused(f"alg must be {' or '.join(ALGORITHMS)}")
    if header.get("typ") != "JWT":
        raise AssertionRefused("typ must be JWT")
    if "crit" in header or "b64" in header:
        raise AssertionRefused("crit and b64 are not supported")
    if not isinstance(header.get("kid"), str):
        raise AssertionRefused("kid is missing")
    return header


def _extracted(assertion: str) -> jws.CompactSignature:
    if len(assertion) > _LONGEST:
        raise AssertionRefused(f"it is longer than {_LONGEST} characters")
    try:
        return jws.extract_compact(assertion.encode())
    except (JoseError, ValueError, RecursionError):
        raise AssertionRefused("it is not a signed JWT") from None


def _key(context: AuthContext, client: Client, header: Mapping[str, Any]) -> RSAKey | ECKey:
    """Return the registered key that the header names; the set is fetched again when the key is unknown."""
    if "jku" in header and header["jku"] != client.jwks_uri:
        raise AssertionRefused("jku differs from the registered jwks_uri")
    try:
        if client.jwks_uri is None:
            key = select(client.jwks or {"keys": []}, header["kid"], header["alg"])
        else:
            jwks = context.remote.keys(client.jwks_uri, context.ledger, context.now())
            key = select(jwks, header["kid"], header["alg"])
            if key is None:
                jwks = context.remote.keys(client.jwks_uri, context.ledger, context.now(), fresh=True)
                key = select(jwks, header["kid"], header["alg"])
    except ValueError as problem:
        raise AssertionRefused(str(problem)) from None
    if key is None:
        raise AssertionRefused("no registered key has this kid and this alg")
    return key


def _check_claims(claims: Mapping[str, Any], client: str, audiences: tuple[str, ...], now: int) -> None:
    for name in ("iss", "sub"):
        if claims.get(name) != client:
            raise AssertionRefused(f"{name} must be the client_id")
    # One audience: an assertion that two servers accept can be carried from one to the other.
    audience = claims.get("aud")
    if isinstance(audience, list) and len(audience) == 1:
        audience = audience[0]
    if not isinstance(audience, str) or not any(same_url(audience, ours) for ours in audiences):
        raise AssertionRefused(f"aud must be {audiences[0]}")
    expires = claims.get("exp")
    if not _is_time(expires):
        raise AssertionRefused("exp is missing, or is not a number of seconds")
    if expires <= now:
        raise AssertionRefused(f"it has expired: this payer's clock says {now}")
    if expires > now + LIFETIME:
        raise AssertionRefused(f"exp is more than {LIFETIME} seconds away: this payer's clock says {now}")
    for name in ("iat", "nbf"):
        if name in claims and (not _is_time(claims[name]) or not 0 <= claims[name] <= now + LEEWAY):
            raise AssertionRefused(f"{name} is in the future, or not a number: this payer's clock says {now}")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 1 <= len(jti) <= 256 or not jti.isprintable():
        raise AssertionRefused("jti must have 1 to 256 printable characters")


def _is_time(value: Any) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e12
