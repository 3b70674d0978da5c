"""Build a demonstration fleet: tenants of one sandbox, with a seeded mix of its scenarios.

The grader does not know that the endpoints are a sandbox's. A vendor has a few scenarios that most of its
payers share, one of them its own; the first vendor has none. A payer may add a scenario or lack one of its
vendor's. The default is 352 payers of 30 vendors; fewer payers have fewer vendors, each with several.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import httpx

from sandbox.core.errors import UsageError
from sandbox.core.text import quantity
from sandbox.score.fleet.roster import Endpoint, Fleet

VENDORS, PAYERS_OF_ONE = 30, 4
"""The most vendors, and the payers that a vendor has at least on average."""

TOO_SMALL = 12
SMALLEST, LARGEST = 500, 4_000_000
HANGING, SLOW = 20, 0.25
"""Seconds of a scenario's wait: not played from the first on, cut down to the second."""


@dataclass(frozen=True)
class ScenarioPool:
    """The scenarios of a sandbox: those that cost points, and those that only lint or apps notice."""

    seen: Sequence[str]
    unseen: Sequence[str] = ()

    def draw(self, drawn: Random) -> str:
        """Draw a scenario; three of four cost points, since perfect payers make a dull report."""
        return drawn.choice(self.unseen if self.unseen and drawn.random() < 0.25 else self.seen)


def scenarios(sandbox: str) -> ScenarioPool:
    """Return the scenarios that a running sandbox offers. Raises UsageError.

    The baseline and scenarios that hang for 20 seconds or more are left out; slow ones are made faster.
    """
    try:
        offered = httpx.get("/".join([sandbox, "_sandbox", "scenarios"]), timeout=30).json()["scenarios"]
        played = {name: bool(entry["expect"]) for entry in offered if (name := _played(entry))}
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError):
        raise UsageError(f"{sandbox} is not a payer sandbox whose control API can be reached") from None
    seen = sorted(name for name, visible in played.items() if visible)
    return ScenarioPool(seen, sorted(set(played) - set(seen)))


def _played(entry: dict[str, Any]) -> str:
    """Return a scenario with its parameters; empty for one that is left out."""
    dial = entry["parameters"].get("seconds", {})
    wait = dial["default"] if dial.get("kind") == "number" else 0
    if entry["id"] == "baseline" or wait >= HANGING:
        return ""
    return f"{entry['id']},seconds={SLOW}" if wait > SLOW else str(entry["id"])


def fleet(sandbox: str, pool: ScenarioPool, payers: int, seed: int) -> Fleet:
    """Build `payers` endpoints that count and a dozen that are too small. A seed gives one fleet."""
    drawn = Random(f"fleet:{seed}")
    vendors = max(1, min(VENDORS, payers // PAYERS_OF_ONE))
    habits = _habits(seed, pool, vendors)
    sizes = [drawn.paretovariate(0.9) for _ in range(vendors)]
    endpoints = []
    for number in range(payers + TOO_SMALL):
        own = Random(f"fleet:{seed}:payer:{number}")
        vendor = number % vendors if number < 2 * vendors else own.choices(range(vendors), sizes)[0]
        mix = _mix(own, habits[vendor], pool)
        selection = ".".join(mix) or "baseline"
        small = number >= payers
        many = round(SMALLEST * (LARGEST / SMALLEST) ** own.random())
        lives = own.randint(20, SMALLEST - 1) if small else many
        endpoints.append(
            Endpoint(
                payer=f"Payer {number + 1:03}",
                vendor=f"Vendor {vendor + 1:02}",
                id=f"payer-{number + 1:03}",
                lives=lives,
                url="/".join([sandbox, "s", f"{selection}~fleet-{seed}-{number + 1:03}", "fhir"]),
            )
        )
    return Fleet(
        title=f"A demonstration: {quantity(payers, 'payer')} over {quantity(vendors, 'vendor')}",
        note="These are sessions of a sandbox with a random mix of its scenarios, not real payers.",
        endpoints=endpoints,
    )


def _habits(seed: int, pool: ScenarioPool, vendors: int) -> list[list[str]]:
    """Draw the scenarios that the payers of each vendor share."""
    seen = list(pool.seen)
    Random(f"fleet:{seed}:vendors").shuffle(seen)
    habits: list[list[str]] = [[]]
    for number in range(1, vendors):
        drawn = Random(f"fleet:{seed}:vendor:{number}")
        habits.append([seen[number % len(seen)], *(pool.draw(drawn) for _ in range(drawn.choice([0, 1, 2])))])
    return habits


def _mix(own: Random, habits: Sequence[str], pool: ScenarioPool) -> list[str]:
    """Draw a payer's scenarios: most of its vendor's, and sometimes one of its own."""
    mix = [name for name in habits if own.random() < 0.8]
    if own.random() < 0.4:
        mix.append(pool.draw(own))
    return sorted({name.partition(",")[0]: name for name in mix}.values())
