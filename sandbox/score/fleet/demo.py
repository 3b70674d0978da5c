"""A demonstration: 352 payers over 30 vendors, tenants of one sandbox, from a seeded mix of scenarios.

The fleet knows that it is a sandbox's; the grader that grades it does not. A vendor has habits: some
scenarios that most of its payers share; a payer may have one of its own, or be rid of its vendor's.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import httpx

from sandbox.core.errors import UsageError
from sandbox.score.fleet.roster import Endpoint, Fleet

VENDORS = 30
TOO_SMALL = 12
SMALLEST, LARGEST = 500, 4_000_000


def scenarios(sandbox: str) -> list[str]:
    """The scenarios a running sandbox offers, without the baseline. Raises UsageError."""
    try:
        answer = httpx.get(f"{sandbox}/_sandbox/scenarios", timeout=30)
        found = [str(entry["id"]) for entry in answer.json()["scenarios"]]
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError):
        raise UsageError(f"{sandbox} is not a payer sandbox that shows its scenarios") from None
    return sorted(name for name in found if name != "baseline")


def fleet(sandbox: str, known: Sequence[str], payers: int, seed: int) -> Fleet:
    """`payers` endpoints that count, and a dozen too small to. The same seed gives the same fleet."""
    drawn = Random(f"fleet:{seed}")
    habits = [_habits(Random(f"fleet:{seed}:vendor:{n}"), known) for n in range(VENDORS)]
    sizes = [drawn.paretovariate(0.9) for _ in range(VENDORS)]
    endpoints = []
    for number in range(payers + TOO_SMALL):
        own = Random(f"fleet:{seed}:payer:{number}")
        vendor = number if number < VENDORS else own.choices(range(VENDORS), sizes)[0]
        mix = _mix(own, habits[vendor], known)
        small = number >= payers
        many = round(SMALLEST * (LARGEST / SMALLEST) ** own.random())
        lives = own.randint(20, SMALLEST - 1) if small else many
        endpoints.append(
            Endpoint(
                payer=f"Payer {number + 1:03}",
                vendor=f"Vendor {vendor + 1:02}",
                id=f"payer-{number + 1:03}",
                lives=lives,
                url=f"{sandbox}/s/{'.'.join(mix) or 'baseline'}~fleet-{seed}-{number + 1:03}/fhir",
            )
        )
    return Fleet(
        title=f"A demonstration: {payers} payers over {min(VENDORS, payers)} vendors",
        note="Tenants of a sandbox, with a seeded mix of its scenarios. No real payer is meant.",
        endpoints=endpoints,
    )


def _habits(drawn: Random, known: Sequence[str]) -> list[str]:
    most = min(len(known), 3)
    return drawn.sample(list(known), drawn.choice([0, *range(most + 1)])) if known else []


def _mix(own: Random, habits: Sequence[str], known: Sequence[str]) -> list[str]:
    mix = [name for name in habits if own.random() < 0.8]
    if known and own.random() < 0.3:
        mix.append(own.choice(list(known)))
    return sorted(set(mix))[:4]
