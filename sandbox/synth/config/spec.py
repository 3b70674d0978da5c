"""The spec: what `fixtures/` says the population is like, read into plain values once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from sandbox.core.members import LINES
from sandbox.synth.config.codes import Codes, load_codes, pair, read
from sandbox.synth.config.members import NamedMember, cast
from sandbox.synth.config.name_pools import Names, parse_names
from sandbox.synth.facts import Plan, Share, Term

AGE_BANDS = (18, 45, 65)
"""The first ages of the second and later bands of what population.yaml says by age."""

Rate = float | tuple[float, ...]
"""How often in a year: at every age, or by age band."""


@dataclass(frozen=True)
class Mandate:
    """A rule that obliges a line of business to serve apps; `state` None: everywhere."""

    rule: str
    cites: str | None
    state: str | None


@dataclass(frozen=True)
class Business:
    """A line of business: how many members it has, how old they are, what they bought.

    `families` is the share of its subscribers who have dependants. `mandates` are all the rules that
    may reach it, whatever the payer's state. `stories` are rates that differ from those of everybody.
    """

    share: float
    ages: tuple[int, int]
    families: float
    mandates: tuple[Mandate, ...]
    stories: Mapping[str, float]
    plan: Plan


@dataclass(frozen=True)
class OtherPayer:
    """Another payer, which some of our members are insured with as well."""

    id: str
    name: str
    payer_code: str
    tax_id: str
    phone: str
    plan: Plan


@dataclass(frozen=True)
class Trade:
    """A kind of provider in the network."""

    count: int
    ending: str
    practitioners: int
    specialties: tuple[str, ...]


@dataclass(frozen=True)
class Spec:
    """The whole of it. `races` and `ethnicities` pair a term with its share."""

    payer: Mapping[str, str]
    other_payers: Mapping[str, OtherPayer]
    years: float
    lines: Mapping[str, Business]
    histories: Mapping[str, float]
    prevalence: Mapping[str, tuple[float, ...]]
    most_conditions: int
    stories: Mapping[str, Rate]
    denied: float
    rejected: float
    opened_portal: float
    races: tuple[tuple[Term, float], ...]
    ethnicities: tuple[tuple[Term, float], ...]
    network: Mapping[str, Trade]
    codes: Codes
    named: tuple[NamedMember, ...]
    names: Names

    def mandate(self, line: str) -> Mandate | None:
        """The rule that obliges the payer to serve a line of business, or None: nobody does."""
        reach = (None, self.payer["state"])
        return next((m for m in self.lines[line].mandates if m.state in reach), None)

    def rates(self, line: str, age: int) -> dict[str, float]:
        """How often in a year each story happens to somebody of this line of business and age."""
        band = sum(age >= limit for limit in AGE_BANDS)
        usual = {name: of[band] if isinstance(of, tuple) else of for name, of in self.stories.items()}
        return usual | dict(self.lines[line].stories)


OMB = "urn:oid:2.16.840.1.113883.6.238"


def load_spec(fixtures: Path) -> Spec:
    """Read population.yaml, members.yaml, names.yaml and codes/*.yaml of a folder. Raises FileProblem."""
    codes = load_codes(fixtures / "codes")
    named = read(fixtures / "members.yaml", lambda d: cast(d["members"], codes))
    names = read(fixtures / "names.yaml", parse_names)
    return read(fixtures / "population.yaml", lambda d: _spec(d, codes, named, names))


def _spec(data: dict[str, Any], codes: Codes, named: tuple[NamedMember, ...], names: Names) -> Spec:
    if data["payer"]["state"] not in names.postal_codes:
        raise ValueError(f"payer.state must be a state of names.yaml, not {data['payer']['state']}")
    if set(data["lines"]) != set(LINES):
        raise ValueError(f"lines must be {', '.join(LINES)}")
    return Spec(
        payer=data["payer"],
        other_payers={v["id"]: OtherPayer(**{**v, "plan": _plan(v["plan"])}) for v in data["other_payers"]},
        years=float(data["years"]),
        lines={
            k: Business(
                share=float(v["share"]),
                ages=pair(v["ages"]),
                families=float(v.get("families", 0)),
                mandates=tuple(
                    Mandate(m["rule"], m.get("cites"), m.get("state")) for m in v["mandated_by"] or ()
                ),
                stories={name: float(rate) for name, rate in v.get("stories", {}).items()},
                plan=_plan(v["plan"]),
            )
            for k, v in data["lines"].items()
        },
        histories={k: float(v) for k, v in data["histories"].items()},
        prevalence={k: tuple(map(float, v)) for k, v in data["prevalence"].items() if codes.chronic[k]},
        most_conditions=data["most_conditions"],
        stories={k: _rate(v) for k, v in data["stories"].items()},
        denied=float(data["denied"]),
        rejected=float(data["rejected"]),
        opened_portal=float(data["opened_portal"]),
        races=_shares(data["race"]),
        ethnicities=_shares(data["ethnicity"]),
        network={
            k: Trade(v["count"], v["ending"], v["practitioners"], tuple(v["specialties"]))
            for k, v in data["network"].items()
        },
        codes=codes,
        named=named,
        names=names,
    )


def _plan(d: dict[str, Any]) -> Plan:
    def limit(name: str) -> Decimal | None:
        return Decimal(d[name]) if name in d else None

    return Plan(
        code=d["code"],
        name=d["name"],
        group=d["group"],
        group_name=d["group_name"],
        type=d["type"],
        deductible=Decimal(d["deductible"]),
        sharing={k: _share(v) for k, v in d["sharing"].items()},
        family_deductible=limit("family_deductible"),
        out_of_pocket_maximum=limit("out_of_pocket_maximum"),
        family_out_of_pocket_maximum=limit("family_out_of_pocket_maximum"),
        outside=_share(d["outside"]) if "outside" in d else None,
        payment=d.get("payment"),
        fees={kind: Decimal(part) for kind, part in d.get("fees", {}).items()},
    )


def _rate(value: Any) -> Rate:
    if not isinstance(value, list):
        return float(value)
    if len(value) != len(AGE_BANDS) + 1:
        raise ValueError(f"a rate by age is {len(AGE_BANDS) + 1} numbers, not {value}")
    return tuple(map(float, value))


def _share(d: dict[str, Any]) -> Share:
    return Share(Decimal(d["copay"]), Decimal(d["coinsurance"]), d["deductible"])


def _shares(d: dict[str, Any]) -> tuple[tuple[Term, float], ...]:
    return tuple((Term(OMB, v["code"], name), float(v["share"])) for name, v in d.items())
