"""Errors of the OAuth endpoints, each with the cause of the refusal (an id of a causes.yaml)."""

from __future__ import annotations

import re

_FORBIDDEN = re.compile(r"[^ !#-\[\]-~]")


def describable(text: str) -> str:
    """Return the text in the characters that an error_description may have (RFC 6749 §5.2)."""
    return _FORBIDDEN.sub("'", text)


class OAuthRefusal(Exception):
    """An error that an endpoint answers to the app as JSON (RFC 6749 §5.2, RFC 7591 §3.2.2)."""

    def __init__(self, error: str, description: str, *, cause: str, status: int | None = None):
        super().__init__(description)
        self.error, self.description, self.cause = error, describable(description), cause
        self.status = status or (401 if error == "invalid_client" else 400)

    @property
    def body(self) -> dict[str, str]:
        return {"error": self.error, "error_description": self.description}


class CallbackError(Exception):
    """An error that the app is told of on its redirect URI (RFC 6749 §4.1.2.1)."""

    def __init__(self, redirect_uri: str, error: str, description: str, state: str | None, *, cause: str):
        super().__init__(description)
        self.redirect_uri, self.error, self.description, self.state = redirect_uri, error, description, state
        self.cause = cause


def invalid_request(description: str, *, cause: str = "token-form-invalid") -> OAuthRefusal:
    """Return the error of a malformed call."""
    return OAuthRefusal("invalid_request", description, cause=cause)


def invalid_client(description: str, *, cause: str = "client-unauthenticated") -> OAuthRefusal:
    """Return the error of a client that could not be authenticated."""
    return OAuthRefusal("invalid_client", description, cause=cause)


def invalid_grant(description: str, *, cause: str = "grant-invalid") -> OAuthRefusal:
    """Return the error of a code or refresh token that is not accepted."""
    return OAuthRefusal("invalid_grant", description, cause=cause)
