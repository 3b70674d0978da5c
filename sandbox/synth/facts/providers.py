"""Who provides care, and who pays for it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Address:
    line: str
    city: str
    state: str
    postal_code: str


@dataclass(frozen=True)
class Organization:
    """The payer, or a place that bills it. `markup`: what it asks, relative to the contracted fee."""

    id: str
    kind: str
    name: str
    tax_id: str
    address: Address
    phone: str
    npi: str | None = None
    payer_code: str | None = None
    markup: Decimal = Decimal(1)

    @property
    def in_network(self) -> bool:
        """Has it a contract with the payer? The kinds that have none say so in their name."""
        return not self.kind.startswith("outside-")


@dataclass(frozen=True)
class Practitioner:
    """A clinician. `specialty` is a NUCC taxonomy code, `workplace` the id of an organization."""

    id: str
    given_name: str
    family: str
    npi: str
    specialty: str
    workplace: str
    address: Address
    phone: str


@dataclass(frozen=True)
class Network:
    """The payer and everybody it has a contract with."""

    payer: Organization
    organizations: tuple[Organization, ...]
    practitioners: tuple[Practitioner, ...]
    other_payers: tuple[Organization, ...] = ()

    def of_kind(self, kind: str) -> tuple[Organization, ...]:
        return tuple(o for o in self.organizations if o.kind == kind)

    def staff(self, organization: Organization) -> tuple[Practitioner, ...]:
        return tuple(p for p in self.practitioners if p.workplace == organization.id)
