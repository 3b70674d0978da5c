"""Secrets: how they are made, and how they are kept."""

from __future__ import annotations

import hashlib
import secrets


def digest(secret: str) -> str:
    """How codes, tokens and secrets are kept: SHA-256, hex. They are random, so no salt is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def new_secret(length: int = 32) -> str:
    """An unguessable string of URL-safe characters; `length` is in bytes of entropy."""
    return secrets.token_urlsafe(length)
