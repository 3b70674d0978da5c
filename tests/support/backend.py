"""A backend service: signs assertions with the fixtures' key and asks for tokens."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey

from sandbox.core.clock import SystemClock
from sandbox.core.files import json_value
from sandbox.settings import root

CLIENT = "sandbox-backend"
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def assertion(aud: str | list[str], now: int | None = None, **claims: Any) -> str:
    """An assertion for this audience, signed at `now` (seconds; the machine's time where it is not given)."""
    key = ECKey.import_key(json_value((root() / "fixtures" / "keys" / f"{CLIENT}.jwk").read_bytes()))
    now = int(SystemClock().now().timestamp()) if now is None else now
    whole = {"iss": CLIENT, "sub": CLIENT, "aud": aud, "exp": now + 200, "jti": secrets.token_urlsafe(8)}
    header = {"alg": "ES384", "typ": "JWT", "kid": key.kid}
    return jwt.encode(header, whole | claims, key, algorithms=["ES384"])


def form(proof: str, scope: str = "system/Patient.rs") -> dict[str, str]:
    """The request for a token by an assertion."""
    asked = {"grant_type": "client_credentials", "scope": scope, "client_assertion_type": TYPE}
    return asked | {"client_assertion": proof}


def backend_token(base: str, aud: str) -> httpx.Response:
    """A token of the payer at `base`, by an assertion for `aud`, signed by the payer's clock."""
    now = datetime.fromisoformat(httpx.get(f"{base}/_sandbox/clock").json()["now"])
    return httpx.post(f"{base}/auth/token", data=form(assertion(aud, int(now.timestamp()))))
