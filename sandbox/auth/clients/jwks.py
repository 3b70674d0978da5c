"""JWK Sets of clients are checked here, and the key that verifies a signature is selected (pure).

Source: SMART App Launch 2.2.0 "Client Authentication: Asymmetric", RFC 7517. A set with private or
symmetric keys is refused whole: whoever published it has lost the keys.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from joserfc.jwk import ECKey, RSAKey

MAX_KEYS = 20
ALGORITHMS = {"RS384": "RSA", "ES384": "EC"}
"""Algorithm of an assertion → type of its key. All others are refused: `none`, RS256, and HS256, which
would use a public key as a shared secret."""

_PRIVATE = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")
_PUBLIC = ("kty", "kid", "use", "alg", "crv", "x", "y", "n", "e")
"""The members that are kept of a key; others (certificates, notes) do not matter here."""

_LONGEST = 2000
_RSA_BITS = (2048, 8192)


def check_jwks(value: Any) -> Mapping[str, Any]:
    """Return the set, if a client may publish it. Raises ValueError with the reason."""
    keys = value.get("keys") if isinstance(value, Mapping) else None
    if not isinstance(keys, list) or not keys:
        raise ValueError('a JWK Set is an object with a list "keys" that is not empty')
    if len(keys) > MAX_KEYS:
        raise ValueError(f"a JWK Set holds at most {MAX_KEYS} keys here")
    for key in keys:
        if not isinstance(key, dict) or not isinstance(key.get("kty"), str):
            raise ValueError("every key is an object with a kty")
        if key["kty"] == "oct" or any(name in key for name in _PRIVATE):
            raise ValueError("the JWK Set holds private key material: publish public keys only")
        for name in _PUBLIC:
            member = key.get(name, "")
            if not isinstance(member, str) or len(member) > _LONGEST:
                raise ValueError(f"{name} of a key is not text of at most {_LONGEST} characters")
    keys = [{name: key[name] for name in _PUBLIC if name in key} for key in keys]
    usable = [key for key in keys if any(_fits(key, algorithm) for algorithm in ALGORITHMS)]
    if not usable:
        raise ValueError("no key has a kid and fits RS384 (RSA) or ES384 (EC, P-384)")
    named = [(key["kid"], key["kty"]) for key in usable]
    if len(set(named)) != len(named):
        raise ValueError("two keys have the same kid and kty")
    for key in usable:
        _imported(key)
    return {"keys": keys}


def select(jwks: Mapping[str, Any], kid: str, algorithm: str) -> RSAKey | ECKey | None:
    """Return the key with this kid that fits the algorithm; None when there is none. Raises ValueError when
    several fit."""
    keys = [key for key in jwks["keys"] if key.get("kid") == kid and _fits(key, algorithm)]
    if len(keys) > 1:
        raise ValueError("two keys have the same kid and kty")
    return _imported(keys[0]) if keys else None


def _fits(key: Mapping[str, Any], algorithm: str) -> bool:
    return (
        key["kty"] == ALGORITHMS[algorithm]
        and isinstance(key.get("kid"), str)
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and (key["kty"] != "EC" or key.get("crv") == "P-384")
    )


def _imported(key: Mapping[str, Any]) -> RSAKey | ECKey:
    kid = str(key.get("kid"))[:40]
    try:
        if key["kty"] == "EC":
            return ECKey.import_key({name: key[name] for name in ("kty", "crv", "x", "y")})
        bits = int.from_bytes(base64.urlsafe_b64decode(key["n"] + "==")).bit_length()
        if _RSA_BITS[0] <= bits <= _RSA_BITS[1]:
            return RSAKey.import_key({name: key[name] for name in ("kty", "n", "e")})
    except Exception as problem:  # joserfc, cryptography and base64 each have their own
        raise ValueError(f"the key {kid!r} cannot be read") from problem
    raise ValueError(f"the RSA key {kid!r} does not have 2048 to 8192 bits")
