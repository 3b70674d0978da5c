"""Backend services of attacks: how they register, and the assertions they make."""

from __future__ import annotations

import secrets
import time
from typing import Any

import httpx
from attacks.breach import Scene
from support.smart_app import SmartApp
from unit.auth.keyring import key, public, signed

RSA = key("rsa", "RSA")
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Service:
    """A backend service that registered its public key."""

    def __init__(self, app: SmartApp, **keys: Any):
        answer = register(app, **(keys or {"jwks": public(RSA)}))
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


def register(app: SmartApp, **keys: Any) -> httpx.Response:
    """Register a service with `jwks` or a `jwks_uri`."""
    metadata = {
        "client_name": "A service",
        "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": "system/*.rs",
    }
    return app.http.post(f"{app.base}/auth/register", json=metadata | keys)


def service(scene: Scene) -> Service:
    """Registered, and let in with a good assertion."""
    made = Service(scene.make())
    assert made.token(signed(made.claims(), RSA, "RS384")).status_code == 200
    return made
