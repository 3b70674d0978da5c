"""Registered apps: the model Authlib asks, and the registry read from `fixtures/clients.yaml`."""

from __future__ import annotations

import hmac
import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from sandbox.core.errors import FileProblem
from sandbox.core.files import read_yaml
from sandbox.store.ledger import digest


@dataclass(frozen=True)
class Client:
    """An app. `secret_sha256` None: public. `any_loopback` is for the one default client of first
    tries: every http loopback URI works for it, and nothing else. `pkce_optional` is for old SDKs."""

    client_id: str
    name: str
    redirect_uris: tuple[str, ...] = ()
    secret_sha256: str | None = None
    any_loopback: bool = False
    pkce_optional: bool = False
    about: str = ""
    grant_types: tuple[str, ...] = ("authorization_code", "refresh_token")

    @property
    def public(self) -> bool:
        return self.secret_sha256 is None

    def allows_redirect(self, uri: str) -> bool:
        """Exact string comparison (RFC 9700 §2.1); only the port of a registered loopback URI may
        vary (RFC 8252 §7.3)."""
        if uri in self.redirect_uris:
            return True
        asked = _loopback(uri)
        if asked is None:
            return False
        if self.any_loopback:
            return True
        return any(
            (known := _loopback(registered)) is not None
            and (known.hostname, known.path, known.query) == (asked.hostname, asked.path, asked.query)
            for registered in self.redirect_uris
        )

    # What Authlib asks of a client (authlib.oauth2.rfc6749.ClientMixin).

    def get_client_id(self) -> str:
        return self.client_id

    def check_client_secret(self, secret: str) -> bool:
        return self.secret_sha256 is not None and hmac.compare_digest(digest(secret), self.secret_sha256)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == ("none" if self.public else "client_secret_basic")

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.grant_types


def _loopback(uri: str) -> SplitResult | None:
    """The parts of an http URI on this machine, or None. No userinfo, no fragment."""
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme != "http" or not host or "@" in parts.netloc or parts.fragment or "\\" in uri:
        return None
    if host == "localhost":
        return parts
    try:
        return parts if ipaddress.ip_address(host).is_loopback else None
    except ValueError:
        return None


def load(path: Path) -> dict[str, Client]:
    """The registry, by client id. Raises FileProblem naming the entry."""
    listed = read_yaml(path)
    if not isinstance(listed, list):
        raise FileProblem(f"{path}: a list of clients is expected")
    clients = {}
    for entry in listed:
        try:
            client = _client(entry)
        except (TypeError, KeyError, ValueError) as problem:
            raise FileProblem(f"{path}: client {entry!r}: {problem}") from None
        clients[client.client_id] = client
    return clients


def _client(entry: dict[str, Any]) -> Client:
    fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in entry.items()}
    for uri in fields.get("redirect_uris", ()):
        if not urlsplit(uri).scheme or urlsplit(uri).fragment:
            raise ValueError(f"{uri!r} is not an absolute URI without fragment")
    return Client(**fields)
