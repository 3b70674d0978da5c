"""Dynamic client registration (RFC 7591): a client for the grader, made only when it was asked for."""

from __future__ import annotations

from sandbox.score.evidence import Observation, seen, unseen
from sandbox.score.http.client import HttpClient
from sandbox.score.signin.scopes import SCOPE
from sandbox.score.signin.tokens import ClientApp


def register(http: HttpClient, endpoint: str, redirect_uri: str) -> tuple[ClientApp | None, Observation]:
    """A new client, or none and why. Value of the observation: `{"status"}`; the client is not kept."""
    if not endpoint:
        return None, unseen(
            "no client_id was given, and the payer does not let apps register themselves", cause="no-client"
        )
    body = {
        "client_name": "payer-sandbox grader",
        "redirect_uris": [redirect_uri],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "scope": SCOPE,
    }
    headers = {"Accept": "application/json"}
    answer = http.send("POST", endpoint, step="register", reach="page", headers=headers, json=body)
    registered = answer.json()
    client, secret = registered.get("client_id"), registered.get("client_secret")
    if answer.status not in (200, 201) or not isinstance(client, str) or not client:
        problem = registered.get("error") or answer.exchange.note or "no client_id"
        why = f"registering a client failed: the endpoint answered {answer.status} ({problem})"
        return None, unseen(why, [answer.exchange], "registration-refused")
    app = ClientApp(client, redirect_uri, secret if isinstance(secret, str) and secret else None)
    return app, seen({"status": answer.status}, [answer.exchange])
