"""What a decision about authorization depends on: payer, clock, ledger, gates, accounts, addresses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from sandbox.auth.clients.client import Client
from sandbox.auth.clients.registry import Registry
from sandbox.auth.clients.remote_keys import RemoteJwks
from sandbox.auth.eligibility import Refusal, decide
from sandbox.core.clock import Clock, OffsetClock
from sandbox.core.gates import Facts, Gates
from sandbox.core.members import Account
from sandbox.core.payer import PayerProfile
from sandbox.fhir.capability import served
from sandbox.fhir.dates import milliseconds
from sandbox.store.ledger.database import TenantLedger


@dataclass(frozen=True, kw_only=True)
class AuthServices:
    """What the authorization server has for every request.

    `clients` are the apps of the fixtures; `signing_key` is the private JWK (JSON) that signs id_tokens.
    `accounts` are by user name, `members` the same by the id of their Patient; `household` returns who is on
    a patient's policies, with the id of the RelatedPerson that the subscriber is to them. `others` are the
    resource types of the data beyond those of the guides.
    """

    clients: Mapping[str, Client]
    accounts: Mapping[str, Account]
    signing_key: str
    remote: RemoteJwks = field(default_factory=RemoteJwks)
    members: Mapping[str, Account] = field(default_factory=dict)
    household: Callable[[str], Sequence[tuple[str, str]]] = lambda patient: ()
    others: Sequence[str] = ()


@dataclass(kw_only=True)
class AuthContext:
    """What the authorization server knows of a request and its payer.

    `issuer` is the authorization server's URL, `fhir` the FHIR base, both without a slash at the end.
    """

    services: AuthServices
    payer: PayerProfile
    clock: Clock
    ledger: TenantLedger
    gates: Gates
    facts: Facts
    issuer: str
    fhir: str

    @property
    def clients(self) -> Registry:
        """The apps that this payer knows."""
        return Registry(self.services.clients, self.ledger)

    @property
    def remote(self) -> RemoteJwks:
        """The keys of apps at their own addresses."""
        return self.services.remote

    def now(self) -> int:
        """Return the milliseconds of the tenant's clock."""
        return milliseconds(self.clock.now())

    def machine_now(self) -> int:
        """Return the milliseconds of the machine's clock, which no tenant moves."""
        clock = self.clock
        while isinstance(clock, OffsetClock):
            clock = clock.base
        return milliseconds(clock.now())

    def today(self) -> date:
        return self.clock.now().date()

    def types(self) -> list[str]:
        """Return the resource types that this payer serves."""
        return list(served(self.payer, self.services.others))

    def opted_in(self, account: Account) -> bool:
        """Whether the member has switched sharing on (opening the portal did), and not off since."""
        if "opted-out" in self.ledger.standing(account.username):
            return False
        return account.portal_opened or self.ledger.opted_in(account.username)

    def refusal(self, account: Account, *, acting: bool = False) -> Refusal | None:
        """Return why this member's data may not be shared. `acting`: another person signed in for them."""
        standing = self.ledger.standing(account.username)
        opted_in = self.opted_in(account)
        return decide(self.payer, account, self.today(), opted_in, standing=standing, acting=acting)
