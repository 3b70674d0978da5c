"""Rules about claims: their profile, its required elements, and the sums."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.score.http.answers import objects, texts, word

REQUIRED = (
    *("identifier", "status", "type", "use", "patient", "billablePeriod", "created", "insurer"),
    *("provider", "outcome", "insurance", "total"),
)
CENT = Decimal("0.01")


def explanation(eob: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Check one ExplanationOfBenefit. Yields (rule, text)."""
    meta = eob.get("meta")
    profiles = meta.get("profile") if isinstance(meta, dict) else None
    named = texts(profiles)
    if not any("/carin-bb/" in profile for profile in named):
        yield "eob-profile", "meta.profile has no CARIN Blue Button profile"
    for name in REQUIRED:
        if name not in eob and not (name == "total" and any("Basis" in p for p in named)):
            yield "eob-profile", f"{name} is missing"
    yield from _money(eob)


def _money(eob: dict[str, Any]) -> Iterator[tuple[str, str]]:
    totals = _amounts(eob.get("total"))
    sums: dict[str, Decimal] = {}
    for item in objects(eob.get("item")):
        for code, amount in _amounts(item.get("adjudication")).items():
            sums[code] = sums.get(code, Decimal()) + amount
    for code, total in totals.items():
        if code in sums and abs(sums[code] - total) >= CENT:
            yield "eob-money", f"total {code} is not the sum of the lines"


def _amounts(rows: Any) -> dict[str, Decimal]:
    """Return the sum by category code of a list of adjudications or totals."""
    sums: dict[str, Decimal] = {}
    for row in objects(rows):
        try:
            value = row["amount"]["value"]
            code = word(row["category"]["coding"][0]["code"])
            sums[code] = sums.get(code, Decimal()) + Decimal(word(value))
        except (KeyError, IndexError, TypeError, InvalidOperation):
            continue
    return sums
