"""The network: the payer, organizations and their practitioners."""

from __future__ import annotations

from decimal import Decimal
from random import Random

from sandbox.synth.config.name_pools import Pools, phone
from sandbox.synth.config.spec import PayerIdentity, Spec, Trade
from sandbox.synth.facts import Network, Organization, Practitioner

PRACTITIONER_NPIS = 50_000  # running numbers of people start here, those of organizations at 1


def build(spec: Spec, pools: Pools, rng: Random) -> Network:
    """Everybody in the network; ids follow the order of `network:` in population.yaml."""
    organizations: list[Organization] = []
    practitioners: list[Practitioner] = []
    for kind, trade in spec.network.items():
        for number in range(1, trade.count + 1):
            place = _organization(kind, trade, number, len(organizations) + 1, pools, rng)
            organizations.append(place)
            for seat in range(trade.practitioners):
                specialty = trade.specialties[seat % len(trade.specialties)]
                practitioners.append(_practitioner(place, specialty, len(practitioners) + 1, pools, rng))
    payer = _payer(spec.payer, pools, rng)
    others = tuple(_payer(other, pools, rng) for other in spec.other_payers.values())
    return Network(payer, tuple(organizations), tuple(practitioners), others)


def _payer(payer: PayerIdentity, pools: Pools, rng: Random) -> Organization:
    return Organization(
        id=payer.id,
        kind="payer",
        name=payer.name,
        tax_id=payer.tax_id,
        address=pools.address(rng),
        phone=payer.phone,
        payer_code=payer.payer_code,
    )


def _organization(
    kind: str, trade: Trade, number: int, index: int, pools: Pools, rng: Random
) -> Organization:
    address = pools.address(rng)
    return Organization(
        id=f"org-{kind}-{number:02d}",
        kind=kind,
        name=f"{address.city} {trade.ending}",
        tax_id=f"00-{index + 1:07d}",  # no employer number starts with 00
        address=address,
        phone=phone(rng),
        npi=npi(index),
        markup=Decimal(rng.randrange(110, 180)) / 100,
    )


def _practitioner(
    workplace: Organization, specialty: str, index: int, pools: Pools, rng: Random
) -> Practitioner:
    return Practitioner(
        id=f"prac-{index:03d}",
        given_name=pools.draw_given_name(rng, rng.choice(("female", "male"))),
        family=rng.choice(pools.family),
        npi=npi(PRACTITIONER_NPIS + index),
        specialty=specialty,
        workplace=workplace.id,
        address=workplace.address,
        phone=workplace.phone,
    )


# --- National Provider Identifiers ---------------------------------------------------------------

ISSUER = "80840"  # the card issuer prefix that the Luhn check of an NPI includes


def check_digit(nine: str) -> str:
    """The Luhn digit that completes nine digits."""
    total = 0
    for place, digit in enumerate(reversed(ISSUER + nine)):
        # from the right, every other digit doubled, starting beside the check digit
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def npi(number: int) -> str:
    """Return the synthetic NPI with a running number (0 to 99,999,999).

    It starts with 2, a prefix that is reserved and never issued: it belongs to nobody.
    """
    nine = f"2{number:08d}"
    return nine + check_digit(nine)
