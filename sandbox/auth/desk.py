"""The desk: what one request needs to decide about authorization, handed down from `web`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sandbox.auth.clients import Client
from sandbox.auth.eligibility import Refusal, decide
from sandbox.core.clock import Clock
from sandbox.core.gates import Facts, Gates
from sandbox.core.payer import Payer
from sandbox.core.roster import Account
from sandbox.fhir.dates import milliseconds
from sandbox.fhir.params import TYPES
from sandbox.store.ledger import TenantLedger


@dataclass(frozen=True)
class Desk:
    """`issuer` is the authorization server's URL, `fhir` the FHIR base, both without a slash at the
    end; `signing_key` is the private JWK (JSON) that signs id_tokens."""

    payer: Payer
    clock: Clock
    ledger: TenantLedger
    gates: Gates
    facts: Facts
    clients: Mapping[str, Client]
    accounts: Mapping[str, Account]
    issuer: str
    fhir: str
    signing_key: str

    def now(self) -> int:
        """Milliseconds by the tenant's clock."""
        return milliseconds(self.clock.now())

    def today(self) -> date:
        return self.clock.now().date()

    def types(self) -> list[str]:
        """Resource types this payer serves."""
        return [kind for kind in TYPES if kind not in self.payer.withheld_types]

    def opted_in(self, account: Account) -> bool:
        return account.portal_opened or self.ledger.opted_in(account.username)

    def refusal(self, account: Account) -> Refusal | None:
        return decide(self.payer, account, self.today(), self.opted_in(account))
