"""Client authentication at the token endpoint (RFC 6749 §2.3, RFC 7523, SMART App Launch 2.2)."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sandbox.core.errors import UsageError

if TYPE_CHECKING:
    from sandbox.score.signin.tokens import ClientApp, Endpoints

METHODS = ("client_secret_basic", "client_secret_post", "private_key_jwt", "none")
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIFETIME_SECONDS = 300


@dataclass(frozen=True)
class Proof:
    """The headers and form fields that authenticate a token request, and the secrets in them."""

    headers: dict[str, str] = field(default_factory=dict, repr=False)
    form: dict[str, str] = field(default_factory=dict, repr=False)
    secrets: set[str] = field(default_factory=set, repr=False)


def method_of(app: ClientApp, supported: tuple[str, ...]) -> str:
    """Return the method that was chosen, else the first listed one that the app can use, else Basic.

    RFC 8414 §2: a payer that lists none takes client_secret_basic.
    """
    if app.auth_method:
        return app.auth_method
    able = [
        m for m in METHODS if (app.client_secret and "secret" in m) or (app.key and m == "private_key_jwt")
    ]
    if not able:
        return "none"
    return next((method for method in able if method in supported), able[0])


def prove(app: ClientApp, endpoints: Endpoints, now: datetime) -> Proof:
    """Authenticate by the method that fits. Raises UsageError when the app lacks what it needs."""
    method = method_of(app, endpoints.auth_methods)
    if method == "private_key_jwt":
        if app.key is None:
            raise UsageError(
                "private_key_jwt needs a key, but the instruments in the facts document have none"
            )
        token = _assertion(app.client_id, app.key, endpoints.token, now)
        form = {"client_id": app.client_id, "client_assertion_type": ASSERTION, "client_assertion": token}
        return Proof({}, form, {token})
    if method == "none":
        return Proof({}, {"client_id": app.client_id}, set())
    if not app.client_secret:
        raise UsageError(f"{method} needs a secret: pass --client-secret")
    if method == "client_secret_post":
        form = {"client_id": app.client_id, "client_secret": app.client_secret}
        return Proof({}, form, {app.client_secret})
    pair = f"{quote(app.client_id, safe='')}:{quote(app.client_secret, safe='')}"
    basic = base64.b64encode(pair.encode()).decode()
    return Proof({"Authorization": f"Basic {basic}"}, {}, {basic, app.client_secret})


def _assertion(client_id: str, key: dict[str, Any], audience: str, now: datetime) -> str:
    """Sign an assertion (RFC 7523 §3) with a private JWK that names its `alg` and `kid`."""
    from joserfc import jwk, jwt
    from joserfc.errors import JoseError

    algorithm = key.get("alg") or ("ES384" if key.get("kty") == "EC" else "RS384")
    seconds = int(now.timestamp())
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "jti": secrets.token_urlsafe(16),
        "iat": seconds,
        "exp": seconds + LIFETIME_SECONDS,
    }
    header = {"alg": algorithm, "typ": "JWT", **({"kid": key["kid"]} if key.get("kid") else {})}
    try:
        return jwt.encode(header, claims, jwk.import_key(key), algorithms=[algorithm])
    except (JoseError, ValueError, TypeError, KeyError) as problem:
        raise UsageError(f"the client's key cannot sign: {problem}") from None
