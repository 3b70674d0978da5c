"""Keys of clients that publish them at a `jwks_uri` are fetched and cached as HTTP says.

The guarded client is `core.outbound`. A server that can wait fetches the document before the request
runs (`missing`, `fetched`); elsewhere it is fetched when it is needed, under the same deadline. The keys
are kept in the ledger, so that every worker verifies with the same ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.auth.clients.jwks import check_jwks, select
from sandbox.core import outbound
from sandbox.core.files import json_bytes, json_value
from sandbox.core.outbound import SECONDS, Failure, Outcome, Resolve, resolve_name
from sandbox.store.ledger.database import TenantLedger
from sandbox.store.ledger.repositories.keys import RemoteKeys
from sandbox.store.secret import digest

DEFAULT_AGE, LONGEST_AGE = 300, 86_400
"""Seconds that a set is kept without, and at most with, a Cache-Control of its own."""

FETCHES, WINDOW = 6, 60_000
"""At most so many fetches of one address in so many milliseconds of the payer's clock."""

_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=\"?(\d{1,9})\"?(?=$|[\s,;])", re.IGNORECASE)


def check_address(uri: str, loopback: bool) -> None:
    """Raises ValueError for a jwks_uri that may not even be registered."""
    try:
        outbound.check_url(uri, loopback)
    except ValueError as problem:
        raise ValueError(f"jwks_uri {problem}") from None


@dataclass(frozen=True)
class RemoteJwks:
    """JWK Sets of clients. `loopback`: whether this server listens on loopback; `fetched`: documents
    that the server has fetched for this request already."""

    loopback: bool = False
    resolve: Resolve = resolve_name
    fetched: Mapping[str, Outcome] = field(default_factory=dict)

    def keys(self, uri: str, ledger: TenantLedger, now: int, fresh: bool = False) -> Mapping[str, Any]:
        """Return the set at `uri`, from the ledger while it is current (`fresh`: fetch it in any case).

        Raises ValueError with the reason when it cannot be fetched or may not be used.
        """
        kept = None if fresh else self._kept(uri, ledger, now)
        if kept is not None:
            return kept
        count, _ = ledger.window(_counter(uri), now, WINDOW)
        if count > FETCHES:
            raise ValueError("jwks_uri was fetched too often in the last minute")
        jwks, age = self.fetch(uri)
        ledger.keep_remote_keys(RemoteKeys(uri, json_bytes(jwks).decode(), now, now + age * 1000))
        return jwks

    def missing(self, uri: str, header: Mapping[str, Any], ledger: TenantLedger, now: int) -> bool:
        """Whether `keys` would have to fetch the set to find the key that a JWS header names."""
        if uri in self.fetched or ledger.counted(_counter(uri), now, WINDOW)[0] >= FETCHES:
            return False
        kept = self._kept(uri, ledger, now)
        return kept is None or select(kept, str(header.get("kid")), str(header.get("alg"))) is None

    def fetch(self, uri: str) -> tuple[Mapping[str, Any], int]:
        """Return the set and the seconds it may be kept. Raises ValueError."""
        outcome = self.fetched.get(uri) or outbound.fetch_blocking(
            uri, self.loopback, resolve=self.resolve, seconds=SECONDS
        )
        if isinstance(outcome, Failure):
            raise ValueError(f"jwks_uri {outcome.reason}")
        try:
            value = json_value(outcome.body)
        except ValueError:
            raise ValueError("jwks_uri does not answer with JSON") from None
        return check_jwks(value), _age(outcome.headers)

    def _kept(self, uri: str, ledger: TenantLedger, now: int) -> Mapping[str, Any] | None:
        kept = ledger.remote_keys(uri)
        if kept is None or not kept.fetched <= now < kept.expires:
            return None
        jwks: Mapping[str, Any] = json_value(kept.body)
        return jwks


def _counter(uri: str) -> str:
    return f"jwks|{digest(uri)}"


def _age(headers: Mapping[str, str]) -> int:
    policy = headers.get("cache-control", "").lower()
    if "no-store" in policy or "no-cache" in policy:
        return 0
    match = _MAX_AGE.search(policy)
    return min(int(match[1]), LONGEST_AGE) if match else DEFAULT_AGE
