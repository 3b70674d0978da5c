"""Key pairs and assertions of a confidential app, good ones and forged ones."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from functools import lru_cache
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

AUD = "https://h.example/auth/token"
NOW = 1749988800
"""Seconds: where the desk's clock stands (2025-06-15T12:00Z)."""


@lru_cache
def key(name: str = "ec", kind: str = "EC") -> ECKey | RSAKey:
    """A key pair with its name as kid; the same for every test."""
    options = {"kid": name}
    if kind == "EC":
        return ECKey.generate_key("P-384", options, private=True)
    return RSAKey.generate_key(2048, options, private=True)


def public(*keys: ECKey | RSAKey) -> dict[str, Any]:
    return {"keys": [k.as_dict(private=False) for k in keys]}


def claims(**changes: Any) -> dict[str, Any]:
    """Good claims, changed; None leaves one out."""
    good = {"iss": "svc", "sub": "svc", "aud": AUD, "exp": NOW + 300, "iat": NOW, "jti": "j1"}
    return {name: value for name, value in (good | changes).items() if value is not None}


def signed(
    said: dict[str, Any], pair: ECKey | RSAKey | None = None, alg: str = "ES384", **header: Any
) -> str:
    """A JWS of the claims with exactly this header (None leaves a member out)."""
    pair = pair or key()
    protected = {"alg": alg, "typ": "JWT", "kid": pair.kid, **header}
    protected = {name: value for name, value in protected.items() if value is not None}
    registry = jws.JWSRegistry(algorithms=[alg], strict_check_header=False)
    return jws.serialize_compact(protected, json.dumps(said).encode(), pair, registry=registry)


def raw(header: dict[str, Any], said: dict[str, Any] | str, signature: bytes = b"") -> str:
    """A token put together by hand."""
    body = said if isinstance(said, str) else json.dumps(said)
    return ".".join(_b64(part) for part in (json.dumps(header).encode(), body.encode(), signature))


def confused(said: dict[str, Any], secret: bytes, alg: str = "HS256") -> str:
    """HS256 with a public key for the shared secret: the classic confusion."""
    head = raw({"alg": alg, "typ": "JWT", "kid": "rsa"}, said).rpartition(".")[0]
    return f"{head}.{_b64(hmac.new(secret, head.encode(), hashlib.sha256).digest())}"


def _b64(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()
