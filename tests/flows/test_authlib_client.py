"""Authlib's own OAuth 2 client, as a public app and as a confidential one."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from support.smart_app import WEB, MakeApp, SmartApp

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Authlib announces the end of a module that its client imports
    from authlib.integrations.base_client.errors import OAuthError
    from authlib.integrations.httpx_client import OAuth2Client

APPS: dict[str, dict[str, Any]] = {"public": {}, "confidential": WEB}


def client(app: SmartApp) -> OAuth2Client:
    return OAuth2Client(
        client_id=app.client_id,
        client_secret=app.secret,
        token_endpoint_auth_method="client_secret_basic" if app.secret else "none",
        revocation_endpoint_auth_method="client_secret_basic" if app.secret else "none",
        scope=app.scope,
        redirect_uri=app.redirect_uri,
        code_challenge_method="S256",
        timeout=600,
    )


@pytest.mark.parametrize("kind", APPS)
def test_authlibs_client_connects_reads_refreshes_and_revokes(make_app: MakeApp, kind: str) -> None:
    app = make_app(**APPS[kind])
    known = app.get(".well-known/smart-configuration").json()
    with client(app) as oauth:
        url, state = oauth.create_authorization_url(
            known["authorization_endpoint"], code_verifier=app.verifier, aud=f"{app.base}/fhir"
        )
        back = app.share(url, "maria")
        token = oauth.fetch_token(
            known["token_endpoint"], authorization_response=back, state=state, code_verifier=app.verifier
        )
        assert (token["patient"], token["token_type"]) == ("mbr-0001", "Bearer")
        patient = oauth.get(f"{app.base}/fhir/Patient/{token['patient']}")
        assert patient.json()["name"][0]["family"] == "Delgado"
        renewed = oauth.refresh_token(known["token_endpoint"], refresh_token=token["refresh_token"])
        assert renewed["access_token"] != token["access_token"]
        assert oauth.get(f"{app.base}/fhir/Coverage").json()["total"] > 0
        gone = oauth.revoke_token(
            known["revocation_endpoint"], token=renewed["refresh_token"], token_type_hint="refresh_token"
        )
        assert gone.status_code == 200
        assert oauth.get(f"{app.base}/fhir/Coverage").status_code == 401
        with pytest.raises(OAuthError, match="invalid_grant"):
            oauth.refresh_token(known["token_endpoint"], refresh_token=renewed["refresh_token"])
