"""Does the money of a whole population add up? Read from the files that `generate` wrote, not from its facts.

    .venv/bin/payer-sandbox generate --members 10000 --out out/population
    .venv/bin/python benchmarks/reconciliation.py out/population

For every claim: items, header and totals obey the rules of CARIN's financial summary, to the cent. For
every member and family and benefit year: deductible and out-of-pocket maximum of the plan. Services lie
within the coverage that paid them, and every reference leads to something in the files. Exit code 1 when
anything is off.
"""

from __future__ import annotations

import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import yaml

ZERO = Decimal(0)
OF_MEMBER = ("copay", "deductible", "coinsurance")
REFERENCE = re.compile(rb'"reference":"([A-Z][A-Za-z]+/[^"#]+)"')
IDENT = re.compile(rb'"id":"([^"]+)"')
AMOUNT = re.compile(rb'"value":(-?\d+(?:\.\d+)?),"currency"')

Json = dict[str, Any]
Limits = tuple[Decimal | None, Decimal | None]


def main() -> None:
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.exit("usage: reconciliation.py FOLDER (made by payer-sandbox generate)")
    folder = Path(sys.argv[1])
    wrong: Counter[str] = Counter()
    known, referred = references(folder)
    for target in sorted(referred - known):
        complain(wrong, "dangling references", target)
    coverages = {c["id"]: c for c in resources(folder, "Coverage")}
    versions = 0
    last: dict[str, Json] = {}
    for claim in resources(folder, "ExplanationOfBenefit"):
        versions += 1
        check_claim(wrong, claim, coverages)
        last[claim["id"]] = summary(claim)
    years = check_years(wrong, last.values(), coverages)
    members = len({coverage["beneficiary"]["reference"] for coverage in coverages.values()})
    print(f"{members} members, {versions} versions of {len(last)} claims, {years} benefit years of members")
    for what in (
        "dangling references", "claims off by a cent", "services outside coverage",
        "members over a limit", "families over a limit",
    ):  # fmt: skip
        print(f"{wrong[what]:>8} {what}")
    sys.exit(1 if wrong else 0)


def complain(wrong: Counter[str], what: str, where: str) -> None:
    wrong[what] += 1
    if wrong[what] <= 5:
        print(f"{what}: {where}", file=sys.stderr)


def lines(folder: Path, kind: str) -> Iterator[bytes]:
    with (folder / f"{kind}.ndjson").open("rb") as file:
        yield from file


def resources(folder: Path, kind: str) -> Iterator[Json]:
    """Each line parsed; amounts of money as text, so that no cent is rounded away."""
    for line in lines(folder, kind):
        yield orjson.loads(AMOUNT.sub(rb'"value":"\1","currency"', line))


def references(folder: Path) -> tuple[set[str], set[str]]:
    """What there is, and what is referred to, as Type/id."""
    known, referred = set(), set()
    for path in folder.glob("[A-Z]*.ndjson"):
        for line in lines(folder, path.stem):
            known.add(f"{path.stem}/{IDENT.search(line)[1].decode()}")  # type: ignore[index]
            referred.update(found.decode() for found in REFERENCE.findall(line))
    return known, referred


def amounts(entries: list[Json]) -> Counter[str]:
    """The sum of each category; what is not there is nothing."""
    found: Counter[str] = Counter()
    for entry in entries:
        if "amount" in entry:
            found[entry["category"]["coding"][0]["code"]] += Decimal(entry["amount"]["value"])
    return found


def obeys(t: Counter[str]) -> bool:
    member = sum((t[name] for name in OF_MEMBER), ZERO)
    return (
        t["eligible"] == t["submitted"] - t["noncovered"] - t["discount"]
        and t["benefit"] == t["eligible"] - member - t["priorpayerpaid"]
        and member <= t["memberliability"] <= member + t["noncovered"]
        and t["paidtoprovider"] == t["benefit"]
    )


def check_claim(wrong: Counter[str], claim: Json, coverages: dict[str, Json]) -> None:
    items = [part for item in claim["item"] for part in item.get("adjudication", [])]
    totals = amounts(claim["total"])
    parts = [claim["adjudication"], *(item.get("adjudication", []) for item in claim["item"])]
    adds_up = (
        obeys(totals)
        and all(obeys(amounts(part)) for part in parts)
        and totals == (amounts(items) or amounts(claim["adjudication"]))
        and totals["benefit"] == Decimal(claim["payment"]["amount"]["value"])
    )
    if not adds_up:
        complain(wrong, "claims off by a cent", claim["id"])
    period = coverages[focal(claim)]["period"]
    if not period["start"] <= claim["billablePeriod"]["start"] <= period.get("end", "9999"):
        complain(wrong, "services outside coverage", claim["id"])


def focal(claim: Json) -> str:
    of = next(insurance for insurance in claim["insurance"] if insurance["focal"])
    return str(of["coverage"]["reference"].removeprefix("Coverage/"))


def summary(claim: Json) -> Json:
    """What a benefit year needs of a claim; the whole of a population's claims would not fit."""
    totals = amounts(claim["total"])
    return {
        "status": claim["status"],
        "patient": claim["patient"]["reference"],
        "coverage": focal(claim),
        "year": claim["billablePeriod"]["start"][:4],
        "deductible": totals["deductible"],
        "paid": sum((totals[name] for name in OF_MEMBER), ZERO),
    }


def check_years(wrong: Counter[str], claims: Any, coverages: dict[str, Json]) -> int:
    """What members and families paid in a calendar year, claims in force only. Returns member-years."""
    members: dict[tuple[str, str, str], list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
    families: dict[tuple[str, str, str], list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
    for claim in claims:
        if claim["status"] != "active":
            continue
        coverage = coverages[claim["coverage"]]
        plan = next(c["value"] for c in coverage["class"] if c["type"]["coding"][0]["code"] == "plan")
        for years, who in ((members, claim["patient"]), (families, coverage["subscriberId"])):
            taken = years[who, plan, claim["year"]]
            taken[0] += claim["deductible"]
            taken[1] += claim["paid"]
    for what, years, limits in (
        ("members over a limit", members, plan_limits("deductible", "out_of_pocket_maximum")),
        ("families over a limit", families, plan_limits("family_deductible", "family_out_of_pocket_maximum")),
    ):
        for (who, plan, year), taken in years.items():
            if any(most is not None and paid > most for paid, most in zip(taken, limits[plan], strict=True)):
                complain(wrong, what, f"{who} {plan} {year}: {taken[0]} {taken[1]}")
    return len(members)


def plan_limits(*names: str) -> dict[str, Limits]:
    """Plan code → its limits, from the file that describes the population."""
    path = Path(__file__).parent.parent / "fixtures" / "population.yaml"
    lines_of_business = yaml.safe_load(path.read_text(encoding="utf-8"))["lines"]
    plans = [line["plan"] for line in lines_of_business.values()]
    return {
        plan["code"]: tuple(Decimal(plan[name]) if plan.get(name) else None for name in names)
        for plan in plans
    }  # type: ignore[return-value]


if __name__ == "__main__":
    main()
