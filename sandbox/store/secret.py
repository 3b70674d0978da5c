"""Secrets: how they are made, and how they are kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from joserfc import jwe
from joserfc.jwk import OctKey


def digest(secret: str) -> str:
    """How codes, tokens and secrets are kept: SHA-256, hex. They are random, so no salt is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def new_secret(length: int = 32) -> str:
    """An unguessable string of URL-safe characters; `length` is in bytes of entropy."""
    return secrets.token_urlsafe(length)


_SEALED = {"alg": "dir", "enc": "A256GCM"}


def seal(text: str, secret: str) -> str:
    """A text that only whoever has the secret can read (JWE). Its digest, which may be kept, is no help."""
    return jwe.encrypt_compact(_SEALED, text.encode(), _sealing_key(secret))


def unseal(sealed: str, secret: str) -> str:
    """The text that was sealed with this secret."""
    plaintext = jwe.decrypt_compact(sealed, _sealing_key(secret)).plaintext
    return (plaintext or b"").decode()


def _sealing_key(secret: str) -> OctKey:
    return OctKey.import_key(hmac.digest(secret.encode(), b"seal", "sha256"))
