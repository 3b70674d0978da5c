"""A member's claims as the portal lists them, the newest first, a page at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sandbox.core.errors import Gone
from sandbox.core.files import json_exact
from sandbox.core.members import Account
from sandbox.fhir.search.query import parse
from sandbox.web.request import RequestContext

CLAIMS_PER_PAGE = 10

KINDS = {
    "pharmacy": "Pharmacy",
    "professional": "Doctor or lab",
    "institutional": "Hospital or facility",
    "oral": "Dental",
    "vision": "Vision",
}
"""Code of a claim's type → its name for members."""

_BILLED, _PAID, _OWED = ("submitted",), ("benefit", "paidtoprovider"), ("memberliability", "paidbypatient")


@dataclass(frozen=True)
class ListedClaim:
    """A claim. `day` is in milliseconds (None: it has no full date); amounts are texts, empty if unknown."""

    day: int | None
    provider: str
    kind: str
    billed: str
    paid: str
    owed: str
    is_canceled: bool


@dataclass(frozen=True)
class ClaimsPage:
    """One page of claims; `older` is where the next one begins (0: there is none)."""

    claims: tuple[ListedClaim, ...]
    total: int
    older: int


def list_claims(context: RequestContext, account: Account, after: int) -> ClaimsPage:
    """Return the claims of the patient whose data an account opens. `after` is `older` of a page before."""
    query = parse(
        "ExplanationOfBenefit",
        (("_sort", "-service-date"),),
        page_size=CLAIMS_PER_PAGE,
        page_size_max=CLAIMS_PER_PAGE,
        base=context.fhir,
    ).within(account.patient, refuse=True)
    library, now = context.library, context.now()
    try:
        page = library.search(replace(query, after=after), now)
    except Gone:
        page = library.search(query, now)
    claims = tuple(_read_claim(context, json_exact(stored.body)) for stored in page.matches)
    return ClaimsPage(claims, page.total or 0, page.last if page.more else 0)


def _read_claim(context: RequestContext, claim: Mapping[str, Any]) -> ListedClaim:
    amounts = dict(_read_totals(claim))
    codes = (c.get("code", "") for c in (claim.get("type") or {}).get("coding", []))
    when = (claim.get("billablePeriod") or {}).get("start") or claim.get("created") or ""
    billed, paid, owed = (
        next((amounts[code] for code in names if code in amounts), "") for names in (_BILLED, _PAID, _OWED)
    )
    return ListedClaim(
        day=_find_day(when),
        provider=_name_provider(context, claim.get("provider") or {}),
        kind=next((KINDS[code] for code in codes if code in KINDS), "Claim"),
        billed=billed,
        paid=paid,
        owed=owed,
        is_canceled=claim.get("status") == "cancelled",
    )


def _read_totals(claim: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for total in claim.get("total", []):
        amount = total.get("amount") or {}
        value, currency = Decimal(amount.get("value", 0)), amount.get("currency", "USD")
        text = f"${value:,.2f}" if currency == "USD" else f"{value:,.2f} {currency}"
        for coding in (total.get("category") or {}).get("coding", []):
            yield coding.get("code", ""), text


def _find_day(text: str) -> int | None:
    try:
        return int(datetime.fromisoformat(text[:10]).replace(tzinfo=UTC).timestamp() * 1000)
    except ValueError:  # loaded data may have a year or a month
        return None


def _name_provider(context: RequestContext, reference: Mapping[str, Any]) -> str:
    if reference.get("display"):
        return str(reference["display"])
    kind, _, id = str(reference.get("reference", "")).rpartition("/")
    stored = context.library.read(kind.rpartition("/")[2], id, context.now()) if kind else None
    name = json_exact(stored.body).get("name", "") if stored else ""
    if isinstance(name, list):  # of a person
        first = name[0] if name else {}
        name = first.get("text") or " ".join([*first.get("given", []), first.get("family", "")])
    return str(name)
