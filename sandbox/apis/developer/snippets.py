"""Programs that make the first call with a client of this payer: curl, Python, JavaScript and Java."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from urllib.parse import urlencode, urlsplit

from authlib.oauth2.rfc7636 import create_s256_code_challenge

from sandbox.auth.clients.client import Client
from sandbox.store.secret import new_secret
from sandbox.web.pages import Snippet
from sandbox.web.request import RequestContext

SCOPE = "openid fhirUser launch/patient offline_access patient/*.rs"
LOOPBACK_URI = "http://127.0.0.1:3000/callback"
"""Where the programs listen, for an app that may use any loopback address."""

_LANGUAGES = {"curl": "curl", "python": "Python", "javascript": "JavaScript", "java": "Java"}
"""File of a program, without its suffix → its language."""


def build_snippets(context: RequestContext, client: Client, secret: str = "") -> list[Snippet]:
    """Return the programs for a client; none for a backend service, or one that signs with a key.

    Only curl can be used where no redirect URI is on loopback: the others listen there.
    """
    if client.auth_method == "private_key_jwt" or "authorization_code" not in client.grant_types:
        return []
    redirect_uri = find_redirect_uri(client)
    is_local = urlsplit(redirect_uri).hostname in ("127.0.0.1", "localhost")
    values = {
        "FHIR": context.fhir,
        "CLIENT_ID": client.client_id,
        "CLIENT_SECRET": secret,
        "REDIRECT_URI": redirect_uri,
        "SCOPE": client.scope or SCOPE,
        "AUTHORIZE_URL": f"{context.issuer}/authorize?{urlencode(_build_request(context, client))}",
        "TOKEN_URL": f"{context.issuer}/token",
        "CODE_SECONDS": str(context.payer.code_seconds),
    }
    languages = _LANGUAGES if is_local else {"curl": "curl"}
    return [Snippet(name, title, _fill(name, values)) for name, title in languages.items()]


def find_redirect_uri(client: Client) -> str:
    """Return the address at which a program of this client listens: one on loopback, if there is one."""
    local = (uri for uri in client.redirect_uris if urlsplit(uri).hostname in ("127.0.0.1", "localhost"))
    return next(local, client.redirect_uris[0] if client.redirect_uris else LOOPBACK_URI)


def _build_request(context: RequestContext, client: Client) -> dict[str, str]:
    request = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": find_redirect_uri(client),
        "scope": client.scope or SCOPE,
    }
    return request if context.payer.aud == "forbidden" else {**request, "aud": context.fhir}


def _fill(name: str, values: Mapping[str, str]) -> str:
    code = (files(__package__) / "first_call" / f"{name}.txt").read_text("utf-8")
    for placeholder, value in values.items():
        code = code.replace(f"__{placeholder}__", value)
    return code


@dataclass(frozen=True)
class BrowserSignIn:
    """A sign-in that a person begins by following `url`; `redeem` is the call that redeems its code."""

    url: str
    redeem: str


def begin_in_browser(context: RequestContext, client: Client) -> BrowserSignIn:
    """Return a sign-in with a fresh code verifier. Nothing of it is kept here."""
    verifier = new_secret(32)
    request = _build_request(context, client) | {
        "state": new_secret(16),
        "code_challenge": create_s256_code_challenge(verifier),
        "code_challenge_method": "S256",
    }
    redeem = (
        f'curl "{context.issuer}/token" -d grant_type=authorization_code -d client_id={client.client_id} \\\n'
        f"  -d code_verifier={verifier} -d redirect_uri={find_redirect_uri(client)} -d code=CODE"
    )
    return BrowserSignIn(f"{context.issuer}/authorize?{urlencode(request)}", redeem)
