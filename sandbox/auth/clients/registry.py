"""The apps of one payer: the fixtures, which all tenants share, and those that registered here, each with
what the payer decided about it (REG-40, REG-41)."""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any, get_args

from sandbox.auth.clients.client import SECRET_METHODS, Client, State
from sandbox.core.errors import bad_request
from sandbox.core.files import json_bytes, json_value
from sandbox.core.payer import PayerProfile
from sandbox.store.ledger.database import TenantLedger
from sandbox.store.ledger.repositories.clients import ClientRecord
from sandbox.store.secret import digest, new_secret

DAY = 86_400_000

CRITERIA: Mapping[str, str] = {
    "no-tls": "The app receives codes or tokens, or passes data on, over connections without TLS.",
    "leaked-credentials": "A secret or private key of the app is public and was not replaced after notice.",
    "token-misuse": "Tokens issued to the app were used by systems that are not the app's.",
    "attack-traffic": "Requests of the app carried attacks: injection, scanning, forged or altered tokens.",
    "limit-exceeded": "The app kept exceeding the published request limits after notice.",
    "known-weakness": "The app runs software with a published, exploitable weakness, and did after notice.",
    "malware": "The app, or the place its redirect URIs lead to, distributes malicious software.",
}
"""The only reasons to deny or suspend an app: each is a verifiable risk to the payer's own systems, and the
same for all apps (42 CFR 422.119(e)). What an app answers about its privacy practices is not among them."""

_STATES: tuple[str, ...] = get_args(State)
_CHANGING = ("secret_sha256", "old_secret_sha256", "old_secret_until", "state", "criterion", "registered")


class Registry(Mapping[str, Client]):
    """Clients by id, for one tenant. Each lookup reads the ledger: any worker may have changed it."""

    def __init__(self, fixtures: Mapping[str, Client], ledger: TenantLedger):
        self._fixtures, self._ledger = fixtures, ledger

    def __getitem__(self, id: str) -> Client:
        client = self._merged(id, self._ledger.client(id))
        if client is None:
            raise KeyError(id)
        return client

    def __iter__(self) -> Iterator[str]:
        yield from self._fixtures
        yield from (r.id for r in self._ledger.clients() if r.entry is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def all(self) -> Iterator[Client]:
        """Return every client, with one query of the ledger."""
        records = {record.id: record for record in self._ledger.clients()}
        ids = [*self._fixtures, *(id for id, record in records.items() if record.entry is not None)]
        return (client for id in ids if (client := self._merged(id, records.get(id))))

    def _merged(self, id: str, record: ClientRecord | None) -> Client | None:
        fixture = self._fixtures.get(id)
        if record is None:
            return fixture
        if record.entry is not None:
            return _from_record(record)
        if fixture is None:
            return None
        return replace(
            fixture,
            state=record.state,  # type: ignore[arg-type]  # only `decide` writes it
            criterion=record.criterion,
            secret_sha256=record.secret or fixture.secret_sha256,
            old_secret_sha256=record.old_secret,
            old_secret_until=record.old_until,
        )

    # registration

    def add(self, client: Client, secret: str | None, manage: str) -> None:
        """Add a client that has just registered. `manage` is its registration access token."""
        self._ledger.add_client(
            ClientRecord(
                client.client_id,
                _entry(client),
                client.registered or 0,
                digest(manage),
                client.state,
                client.criterion,
                digest(secret) if secret else None,
                None,
                None,
            )
        )

    def replace(self, client: Client, now: int) -> Client:
        """Replace the metadata of a client and return it; its secret stays. Where the payer approves apps, an
        approved one that changes more than its keys needs approval again; a denied or suspended one
        remains so."""
        old = self[client.client_id]
        keys_only = replace(old, jwks=client.jwks, jwks_uri=client.jwks_uri)
        again = old.state == "approved" and _entry(keys_only) != _entry(client)
        state = client.state if again else old.state
        self._ledger.change_client(client.client_id, now, entry=_entry(client), state=state)
        return self[client.client_id]

    def remove(self, id: str, now: int) -> bool:
        """Remove a client that registered here, and end its access. True for exactly one caller."""
        self._ledger.revoke_client(id, now)
        return self._ledger.remove_client(id)

    def managed(self, id: str, token: str) -> Client | None:
        """Return the client that this registration access token manages; None where it manages none."""
        record = self._ledger.client(id)
        if record is None or record.entry is None or record.manage is None:
            return None
        return _from_record(record) if hmac.compare_digest(record.manage, digest(token)) else None

    # what the payer does about an app

    def decide(self, id: str, state: Any, criterion: Any, now: int) -> Client:
        """Approve, deny or suspend a client. One that is no longer approved loses every token at once.

        Raises BadRequest for an unknown state or criterion, KeyError for an unknown client.
        """
        client = self[id]
        if state not in _STATES or state == "submitted":
            bad_request("state must be approved, denied or suspended")
        if state == "approved" and criterion is not None:
            bad_request("An approval has no criterion. Leave criterion out")
        if state != "approved" and not (isinstance(criterion, str) and criterion in CRITERIA):
            bad_request(f"criterion must be one of: {', '.join(CRITERIA)}")
        self._ledger.change_client(id, now, state=state, criterion=criterion)
        if state != "approved":
            self._ledger.revoke_client(id, now)
        return replace(client, state=state, criterion=criterion)

    def rotate(self, id: str, payer: PayerProfile, now: int, *, notice: bool) -> str:
        """Return a new secret. The old one ends now; with notice it works for the payer's days of grace.

        Raises BadRequest for a client without a secret, KeyError for an unknown one.
        """
        client = self[id]
        if client.auth_method not in SECRET_METHODS:
            bad_request("This app has no secret: it authenticates in another way")
        secret = new_secret()
        until = now + payer.secret_grace_days * DAY
        self._ledger.change_client(
            id,
            now,
            secret=digest(secret),
            old_secret=client.secret_sha256 if notice else None,
            old_until=until if notice else None,
        )
        return secret


def _entry(client: Client) -> str:
    kept = {name: value for name, value in asdict(client).items() if name not in _CHANGING}
    return json_bytes(kept).decode()


def _from_record(record: ClientRecord) -> Client:
    entry: dict[str, Any] = json_value(record.entry or "{}")
    fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in entry.items()}
    return Client(
        **fields,
        secret_sha256=record.secret,
        old_secret_sha256=record.old_secret,
        old_secret_until=record.old_until,
        state=record.state,  # type: ignore[arg-type]  # only `add` and `decide` write it
        criterion=record.criterion,
        registered=record.created,
    )
