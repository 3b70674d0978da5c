"""How drawn members compare with real ones, by line of business, as the table of docs/population.md.

    .venv/bin/python benchmarks/realism.py [MEMBERS]

Twelve months of service before the day below, seed 1, claims in force. A member-year is a year of
coverage by us, a claim belongs to the coverage that paid it. Allowed is `eligible`, what plan, member and
other payers pay together; drugs are gross of rebates. Members with names are left out: their stories
are made for tests.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from sandbox.settings import Settings
from sandbox.synth.config.spec import Spec
from sandbox.synth.population import Dossier, generate, load_spec

TODAY = date(2026, 11, 1)
FROM = TODAY.replace(year=TODAY.year - 1)
YEAR = (TODAY - FROM).days

KINDS = ("inpatient", "outpatient", "professional", "pharmacy", "vision and dental")
EMERGENCY_ROOM = "045"  # NUBC revenue codes of emergency rooms start with it

REFERENCE = {
    "commercial": "$5,641 (2017, under 65, employers' plans: HCCI)",
    "medicare-advantage": "$11,844 (2019, paid to plans, without Part D: KFF)",
}
"""Line of business → a public figure; where none is known for certain, there is none.

HCCI: 2017 Health Care Cost and Utilization Report, February 2019. KFF: Higher and Faster Growing Spending
Per Medicare Advantage Enrollee, August 2021.
"""

Resource = dict[str, Any]


@dataclass
class Measured:
    """What the members of one line of business came to."""

    days: int = 0
    members: int = 0
    claims: int = 0
    clinical: int = 0
    resources: int = 0
    stays: int = 0
    emergencies: int = 0
    member_pays: Decimal = Decimal(0)
    allowed: Counter[str] = field(default_factory=Counter)


def measure(spec: Spec, members: int) -> dict[str, Measured]:
    """By line of business, of the drawn members."""
    found: dict[str, Measured] = defaultdict(Measured)
    for dossier in generate(spec, members=members, seed=1, today=TODAY):
        if dossier.account and dossier.account.username.startswith("member-"):
            _count(spec, dossier, found)
    return found


def _count(spec: Spec, dossier: Dossier, found: dict[str, Measured]) -> None:
    lines = {business.plan.code: name for name, business in spec.lines.items()}
    covered: dict[str, str] = {}
    last: dict[tuple[str, str], Resource] = {}
    for resource in dossier.resources:
        last[resource["resourceType"], resource["id"]] = resource
    for (kind, ident), resource in last.items():
        if kind == "Coverage":
            (plan,) = (c["value"] for c in resource["class"] if _code(c["type"]) == "plan")
            if plan in lines:
                covered[f"Coverage/{ident}"] = lines[plan]
                found[lines[plan]].days += _days(resource["period"])
    own = found[list(covered.values())[-1]]
    own.members += 1
    for (kind, _), resource in last.items():
        seen = resource["meta"]["lastUpdated"][:10] < TODAY.isoformat()
        own.resources += seen
        own.clinical += seen and kind not in ("ExplanationOfBenefit", "Coverage", "Patient", "RelatedPerson")
        if kind == "ExplanationOfBenefit" and resource["status"] == "active":
            paid_by = resource["insurance"][0]["coverage"]["reference"]
            if FROM.isoformat() <= resource["billablePeriod"]["start"] < TODAY.isoformat():
                _claim(found[covered[paid_by]], resource)


def _claim(of: Measured, eob: Resource) -> None:
    kind = _code(eob["type"])
    if kind == "institutional":
        kind = _code(eob["subType"])
    total = {_code(t["category"]): t["amount"]["value"] for t in eob["total"]}
    of.claims += 1
    of.stays += kind == "inpatient"
    revenues = [_code(item["revenue"]) for item in eob["item"] if "revenue" in item]
    of.emergencies += kind == "outpatient" and any(code.startswith(EMERGENCY_ROOM) for code in revenues)
    of.member_pays += total.get("memberliability", Decimal(0))
    of.allowed["vision and dental" if kind in ("vision", "oral") else kind] += total.get("eligible", 0)


def _code(concept: Resource) -> str:
    return str(concept["coding"][0]["code"])


def _days(period: Resource) -> int:
    start = max(date.fromisoformat(period["start"]), FROM)
    end = min(date.fromisoformat(period["end"]), TODAY) if "end" in period else TODAY
    return max((end - start).days, 0)


def table(spec: Spec, found: dict[str, Measured]) -> Iterator[str]:
    """The lines of the table."""
    yield (
        "| line of business | members | claims a year | allowed a year | "
        + " · ".join(KINDS)
        + " | member pays | stays, emergencies per 1,000 | resources each, clinical | a public figure |"
    )
    yield "|---" * 9 + "|"
    for name in spec.lines:
        of = found[name]
        years = of.days / YEAR
        allowed = sum(of.allowed.values()) or 1
        shares = " · ".join(f"{of.allowed[kind] / allowed:.0%}" for kind in KINDS)
        yield (
            f"| {name} | {of.members} | {of.claims / years:.1f} | ${float(allowed) / years:,.0f} | {shares} "
            f"| ${float(of.member_pays) / years:,.0f} "
            f"| {1000 * of.stays / years:.0f}, {1000 * of.emergencies / years:.0f} "
            f"| {of.resources / of.members:.0f}, {of.clinical / of.members:.0f} "
            f"| {REFERENCE.get(name, '–')} |"
        )


def main() -> None:
    members = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    spec = load_spec(Settings().fixtures)
    print("\n".join(table(spec, measure(spec, members))))


if __name__ == "__main__":
    main()
