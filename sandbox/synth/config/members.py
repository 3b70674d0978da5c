"""The cast: the people with names in `fixtures/members.yaml`, read into plain values.

A household stands together in the file: the subscriber first, then who depends on them or acts for
them. Days may be given by today, so that a newborn is always one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sandbox.core.members import LINES, ROLES
from sandbox.synth.config.codes import Codes
from sandbox.synth.config.relationships import ACTS_AS, DEPENDS_AS


@dataclass(frozen=True)
class Day:
    """A day as the file says it: fixed, days from today, or a month and day of a year from today's.

    `2016-01-01` · `{days: -25}` · `{years: -17, month: 3, day: 14}`
    """

    fixed: date | None = None
    days: int = 0
    years: int = 0
    month: int | None = None
    day: int | None = None

    def on(self, today: date) -> date:
        """The day it is when today is this."""
        if self.fixed:
            return self.fixed
        if self.month and self.day:
            return date(today.year + self.years, self.month, self.day)
        return today + timedelta(days=self.days)


@dataclass(frozen=True)
class Stretch:
    """A coverage: of which line (or whose other payer), from when, until when (None: still)."""

    line: str
    start: Day
    end: Day | None


@dataclass(frozen=True)
class Renamed:
    """The family name that somebody had until a day."""

    family: str
    until: Day


@dataclass(frozen=True)
class Doubled:
    """A second record under another given name, and when the two were made one."""

    given: str
    since: Day
    merged: Day


@dataclass(frozen=True)
class Kin:
    """A relative of the same family name who neither is insured with us nor signs in."""

    relation: str
    given: str
    gender: str
    born: Day


@dataclass(frozen=True)
class NamedMember:
    """A person with a name in `members.yaml`.

    Coverage follows from the role and `line` (`before` that another), or is given as `coverage`.
    `of` and `relation` tie somebody to the subscriber. `only`: nothing happens but `stories`.
    `surely` is what their record has whatever chance says.
    """

    username: str
    given: str
    family: str
    gender: str
    born: Day
    line: str | None
    before: str | None
    role: str
    conditions: tuple[str, ...]
    stories: Mapping[str, float]
    only: bool
    purpose: str
    of: str | None = None
    relation: str | None = None
    coverage: tuple[Stretch, ...] = ()
    elsewhere: tuple[Stretch, ...] = ()
    renamed: Renamed | None = None
    doubled: Doubled | None = None
    kin: Kin | None = None
    surely: frozenset[str] = frozenset()

    @property
    def acts(self) -> bool:
        """Somebody who is no member, but signs in for one."""
        return self.role == "representative"


def cast(entries: list[dict[str, Any]], codes: Codes) -> tuple[NamedMember, ...]:
    """The entries of the file. Raises ValueError or KeyError on what it cannot mean."""
    usernames = [entry["username"] for entry in entries]
    twice = {name for name in usernames if usernames.count(name) > 1}
    if twice:
        raise ValueError(f"a username is there twice: {', '.join(sorted(twice))}")
    people = tuple(_named(entry, codes) for entry in entries)
    for household in households(people):
        subscriber = household[0]
        for other in household:
            if other is subscriber and other.of:
                raise ValueError(f"{other.username}: must stand behind {other.of} and their family")
            if other is not subscriber and other.of != subscriber.username:
                raise ValueError(f"{other.username}: {other.of} is not the first of the household")
    return people


def households(people: tuple[NamedMember, ...]) -> Iterator[tuple[NamedMember, ...]]:
    """Each subscriber with those that stand behind, in the order of the file."""
    group: list[NamedMember] = []
    for who in people:
        if who.of is None and group:
            yield tuple(group)
            group = []
        group.append(who)
    if group:
        yield tuple(group)


def _named(d: dict[str, Any], codes: Codes) -> NamedMember:
    for name in d.get("conditions", ()):
        codes.chronic[name]
    if d["role"] not in ROLES:
        raise ValueError(f"no role {d['role']!r}: known are {', '.join(ROLES)}")
    coverage = tuple(_stretch(c, "line") for c in d.get("coverage", ()))
    lines = [*(c.line for c in coverage), *(d[key] for key in ("line", "before") if key in d)]
    if any(line not in LINES for line in lines) or not ("of" in d or "line" in d or coverage):
        raise ValueError(f"{d['username']}: a line of business is one of {', '.join(LINES)}")
    known = ACTS_AS if d["role"] == "representative" else DEPENDS_AS
    if ("of" in d) != ("relation" in d) or ("of" in d and d["relation"] not in known):
        raise ValueError(f"{d['username']}: `of` goes with `relation`, one of {', '.join(known)}")
    return NamedMember(
        username=d["username"],
        given=d["given"],
        family=d["family"],
        gender=d["gender"],
        born=_day(d["born"]),
        line=d.get("line"),
        before=d.get("before"),
        role=d["role"],
        conditions=tuple(d.get("conditions", ())),
        stories={k: float(v) for k, v in d.get("stories", d.get("only", {})).items()},
        only="only" in d,
        purpose=d["purpose"],
        of=d.get("of"),
        relation=d.get("relation"),
        coverage=coverage,
        elsewhere=tuple(_stretch(c, "payer") for c in d.get("elsewhere", ())),
        renamed=Renamed(d["renamed"]["family"], _day(d["renamed"]["until"])) if "renamed" in d else None,
        doubled=_doubled(d["doubled"]) if "doubled" in d else None,
        kin=_kin(d["kin"]) if "kin" in d else None,
        surely=_surely(d.get("surely", ()), codes),
    )


def _doubled(d: dict[str, Any]) -> Doubled:
    return Doubled(d["given"], _day(d["since"]), _day(d["merged"]))


def _kin(d: dict[str, Any]) -> Kin:
    ACTS_AS[d["relation"]]
    return Kin(d["relation"], d["given"], d["gender"], _day(d["born"]))


def _surely(names: list[str] | tuple[()], codes: Codes) -> frozenset[str]:
    clinical = codes.clinical
    for name in names:
        if not any(name in of for of in (clinical.allergens, clinical.implants, clinical.questions)):
            raise ValueError(f"surely: nothing has the name {name!r}")
    return frozenset(names)


def _stretch(d: dict[str, Any], of: str) -> Stretch:
    return Stretch(d[of], _day(d["start"]), _day(d["end"]) if "end" in d else None)


def _day(value: Any) -> Day:
    if isinstance(value, str):
        return Day(fixed=date.fromisoformat(value))
    return Day(**value)
