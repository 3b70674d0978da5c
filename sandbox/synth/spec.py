"""The spec: what `fixtures/` says the population is like, read into plain values once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from sandbox.core.roster import LINES, ROLES
from sandbox.synth.codes import Codes, load_codes, pair, read
from sandbox.synth.facts import Plan, Share, Term


@dataclass(frozen=True)
class Business:
    """A line of business: how many members it has, how old they are, what they bought."""

    share: float
    ages: tuple[int, int]
    plan: Plan


@dataclass(frozen=True)
class Trade:
    """A kind of provider in the network."""

    count: int
    ending: str
    practitioners: int
    specialties: tuple[str, ...]


@dataclass(frozen=True)
class Named:
    """A member with a name in `members.yaml`."""

    username: str
    given: str
    family: str
    gender: str
    born: date
    line: str
    before: str | None
    role: str
    conditions: tuple[str, ...]
    stories: Mapping[str, float]
    purpose: str


@dataclass(frozen=True)
class Spec:
    """The whole of it. `races` and `ethnicities` pair a term with its share."""

    payer: Mapping[str, str]
    years: int
    lines: Mapping[str, Business]
    prevalence: Mapping[str, tuple[float, ...]]
    most_conditions: int
    stories: Mapping[str, float]
    denied: float
    opened_portal: float
    races: tuple[tuple[Term, float], ...]
    ethnicities: tuple[tuple[Term, float], ...]
    network: Mapping[str, Trade]
    codes: Codes
    named: tuple[Named, ...]


OMB = "urn:oid:2.16.840.1.113883.6.238"


def load_spec(fixtures: Path) -> Spec:
    """Read population.yaml, members.yaml and codes/*.yaml of a folder. Raises FileProblem."""
    codes = load_codes(fixtures / "codes")
    named = read(fixtures / "members.yaml", lambda d: _members(d["members"], codes))
    return read(fixtures / "population.yaml", lambda d: _spec(d, codes, named))


def _spec(data: dict[str, Any], codes: Codes, named: tuple[Named, ...]) -> Spec:
    if set(data["lines"]) != set(LINES):
        raise ValueError(f"lines must be {', '.join(LINES)}")
    return Spec(
        payer=data["payer"],
        years=data["years"],
        lines={
            k: Business(float(v["share"]), pair(v["ages"]), _plan(v["plan"]))
            for k, v in data["lines"].items()
        },
        prevalence={k: tuple(map(float, v)) for k, v in data["prevalence"].items() if codes.chronic[k]},
        most_conditions=data["most_conditions"],
        stories={k: float(v) for k, v in data["stories"].items()},
        denied=float(data["denied"]),
        opened_portal=float(data["opened_portal"]),
        races=_shares(data["race"]),
        ethnicities=_shares(data["ethnicity"]),
        network={
            k: Trade(v["count"], v["ending"], v["practitioners"], tuple(v["specialties"]))
            for k, v in data["network"].items()
        },
        codes=codes,
        named=named,
    )


def _members(entries: list[dict[str, Any]], codes: Codes) -> tuple[Named, ...]:
    usernames = [entry["username"] for entry in entries]
    twice = {name for name in usernames if usernames.count(name) > 1}
    if twice:
        raise ValueError(f"a username is there twice: {', '.join(sorted(twice))}")
    return tuple(_named(entry, codes) for entry in entries)


def _named(d: dict[str, Any], codes: Codes) -> Named:
    for name in d["conditions"]:
        codes.chronic[name]
    if d["role"] not in ROLES:
        raise ValueError(f"no role {d['role']!r}: known are {', '.join(ROLES)}")
    if d["line"] not in LINES or d.get("before", d["line"]) not in LINES:
        raise ValueError(f"{d['username']}: a line of business is one of {', '.join(LINES)}")
    return Named(
        username=d["username"],
        given=d["given"],
        family=d["family"],
        gender=d["gender"],
        born=date.fromisoformat(d["born"]),
        line=d["line"],
        before=d.get("before"),
        role=d["role"],
        conditions=tuple(d["conditions"]),
        stories={k: float(v) for k, v in d.get("stories", {}).items()},
        purpose=d["purpose"],
    )


def _plan(d: dict[str, Any]) -> Plan:
    sharing = {
        k: Share(Decimal(v["copay"]), Decimal(v["coinsurance"]), v["deductible"])
        for k, v in d["sharing"].items()
    }
    return Plan(
        d["code"], d["name"], d["group"], d["group_name"], d["type"], Decimal(d["deductible"]), sharing
    )


def _shares(d: dict[str, Any]) -> tuple[tuple[Term, float], ...]:
    return tuple((Term(OMB, v["code"], name), float(v["share"])) for name, v in d.items())
