"""Registered apps: the model Authlib asks, and the registry read from `fixtures/clients.yaml`."""

from __future__ import annotations

import hmac
import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import TypeAdapter, ValidationError

from sandbox.core.errors import FileProblem
from sandbox.core.files import json_bytes, read_yaml
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
        return self.any_loopback or asked in map(_loopback, self.redirect_uris)

    # What Authlib asks of a client (authlib.oauth2.rfc6749.ClientMixin).

    def get_client_id(self) -> str:
        return self.client_id

    def check_client_secret(self, secret: str) -> bool:
        return self.secret_sha256 is not None and hmac.compare_digest(digest(secret), self.secret_sha256)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == ("none" if self.public else "client_secret_basic")

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.grant_types


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


_VISIBLE = re.compile(r"[!-~]+")


def _loopback(uri: str) -> tuple[str, str] | None:
    """Host, and everything behind the port, of an http URI on this machine; or None.

    No userinfo, no fragment (not even an empty one), no blanks or control characters: urlsplit
    would silently remove those, a browser or header might not.
    """
    if not _VISIBLE.fullmatch(uri) or "\\" in uri or "#" in uri:
        return None
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme != "http" or not host or "@" in parts.netloc:
        return None
    # The host as it is written: only the port may vary.
    return (
        (parts.netloc.removesuffix(f":{port}"), uri.partition(parts.netloc)[2]) if is_loopback(host) else None
    )


def load(path: Path) -> dict[str, Client]:
    """The registry, by client id. Raises FileProblem naming the entry."""
    listed = read_yaml(path)
    if not isinstance(listed, list):
        raise FileProblem(f"{path}: a list of clients is expected")
    clients = {}
    for entry in listed:
        try:
            client = _client(entry)
        except (TypeError, ValueError) as problem:
            raise FileProblem(f"{path}: client {entry!r}: {problem}") from None
        if client.client_id in clients:
            raise FileProblem(f"{path}: client {client.client_id!r} is there twice")
        clients[client.client_id] = client
    return clients


def _client(entry: Any) -> Client:
    if not isinstance(entry, dict):
        raise TypeError("a mapping is expected")
    fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in entry.items()}
    client = Client(**fields)
    try:
        # Strict: the word "no" would otherwise be true.
        TypeAdapter(Client).validate_json(json_bytes(vars(client)), strict=True)
    except ValidationError as problem:
        first = problem.errors()[0]
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    for uri in client.redirect_uris:
        if not urlsplit(uri).scheme or "#" in uri:
            raise ValueError(f"{uri!r} is not an absolute URI without fragment")
    return client
