"""Registered apps: the model, and those that are read from `fixtures/clients.yaml`.

Sources: RFC 7591 §2 (metadata), SMART App Launch 2.2.0 "Client Authentication: Asymmetric". Every
client has one way to authenticate, and only that one works.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from pydantic import TypeAdapter, ValidationError, with_config

from sandbox.auth.clients.jwks import check_jwks
from sandbox.core.errors import FileProblem
from sandbox.core.files import json_bytes, read_yaml
from sandbox.store.secret import digest

State = Literal["submitted", "approved", "denied", "suspended"]
AuthMethod = Literal["none", "client_secret_basic", "client_secret_post", "private_key_jwt"]

SECRET_METHODS = ("client_secret_basic", "client_secret_post")


@with_config(extra="forbid")
@dataclass(frozen=True)
class Client:
    """A registered app.

    `any_loopback` accepts every http loopback redirect URI, for the one client of first tries.
    `pkce_optional` is for old SDKs. `scope` limits what the app may ask for (None: no limit of its own).
    `scenario` pins the app to a scenario. `empty_basic`: a public app may send its id by HTTP Basic with an
    empty password, as some libraries do. Without `token_endpoint_auth_method` the credentials decide.
    `old_secret_sha256` works until `old_secret_until` (ms). `registered` is when the app registered itself
    (ms; None: a fixture). `criterion` says why it was denied or suspended. `attested` is what it answered
    about its privacy practices (None: nothing); never a reason to refuse it. `details` decide nothing.
    """

    client_id: str
    name: str
    redirect_uris: tuple[str, ...] = ()
    secret_sha256: str | None = field(default=None, repr=False)  # libraries log what they are given
    any_loopback: bool = False
    pkce_optional: bool = False
    empty_basic: bool = False
    about: str = ""
    grant_types: tuple[str, ...] = ("authorization_code", "refresh_token")
    token_endpoint_auth_method: AuthMethod | None = None
    jwks: Mapping[str, Any] | None = None
    jwks_uri: str | None = None
    scope: str | None = None
    scenario: str | None = None
    state: State = "approved"
    criterion: str | None = None
    old_secret_sha256: str | None = field(default=None, repr=False)
    old_secret_until: int | None = None
    registered: int | None = None
    attested: bool | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def auth_method(self) -> str:
        """The one way in which this client authenticates."""
        if self.token_endpoint_auth_method:
            return self.token_endpoint_auth_method
        if self.secret_sha256 is not None:
            return "client_secret_basic"
        return "none" if self.jwks is None and self.jwks_uri is None else "private_key_jwt"

    @property
    def public(self) -> bool:
        return self.auth_method == "none"

    @property
    def refusal(self) -> str | None:
        """Return why this client may do nothing; None for an approved one."""
        text = _STANDING.get(self.state)
        return text.format(self.criterion) if text else None

    def allows_redirect(self, uri: str) -> bool:
        """Exact string comparison (RFC 9700 §2.1); only the port of a registered loopback URI may
        vary (RFC 8252 §7.3)."""
        if uri in self.redirect_uris:
            return True
        loopback = _loopback(uri)
        if loopback is None:
            return False
        if self.any_loopback:  # such a client registers no URI: the rule of registration counts here
            return answer_parameter(uri) is None
        return loopback in map(_loopback, self.redirect_uris)

    def check_client_secret(self, secret: str, now: int | None = None) -> bool:
        """Whether the secret is right at `now` (ms); without a time, the current secret only."""
        sent = digest(secret)
        right = self.secret_sha256 is not None and hmac.compare_digest(sent, self.secret_sha256)
        if self.old_secret_sha256 is None or self.old_secret_until is None or now is None:
            return right
        return right or (now < self.old_secret_until and hmac.compare_digest(sent, self.old_secret_sha256))

    def check_grant_type(self, grant_type: str) -> bool:
        """Whether the client may use a grant type. Authlib calls this method."""
        return grant_type in self.grant_types


_STANDING = {
    "submitted": "This app is registered (state: submitted) and waits for the payer's approval",
    "denied": "This app was denied by the payer (state: denied, criterion: {})",
    "suspended": "This app is suspended by the payer (state: suspended, criterion: {})",
}


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


_ANSWER = frozenset({"code", "state", "error", "error_description", "error_uri", "iss"})


def answer_parameter(uri: str) -> str | None:
    """Return a parameter in a redirect URI that an answer would repeat (RFC 6749 §3.1), or None."""
    return next(
        (name for name, _ in parse_qsl(urlsplit(uri).query, keep_blank_values=True) if name in _ANSWER), None
    )


_VISIBLE = re.compile(r"[!-~]+")


def _loopback(uri: str) -> tuple[str, str] | None:
    """Return host and everything after the port of an http URI on this machine; None for another URI.

    It has no userinfo, no fragment (not even an empty one), no blanks or control characters: urlsplit
    removes those silently, a browser or header might not.
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
    """Return the clients of a file by id. Raises FileProblem naming the entry."""
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


_CLIENT = TypeAdapter(Client)


def _client(entry: Any) -> Client:
    try:
        # Strict: the word "no" would otherwise be true.
        client = _CLIENT.validate_json(json_bytes(entry), strict=True)
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the entry"
        raise ValueError(f"{where}: {first['msg']}") from None
    if client.jwks is not None:
        check_jwks(client.jwks)
    needed = {"none": 0, "private_key_jwt": 0}.get(client.auth_method, 1)
    if needed != (client.secret_sha256 is not None):
        raise ValueError(f"{client.auth_method} does not go with the credentials that are given")
    if (client.auth_method == "private_key_jwt") != ((client.jwks is None) != (client.jwks_uri is None)):
        raise ValueError("private_key_jwt, and only that, needs jwks or jwks_uri")
    for uri in client.redirect_uris:
        if not urlsplit(uri).scheme or "#" in uri:
            raise ValueError(f"{uri!r} is not an absolute URI without fragment")
    return client
