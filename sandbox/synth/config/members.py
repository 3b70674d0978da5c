"""The people with names in `fixtures/members.yaml`.

A household stands together in the file: the subscriber first, then who depends on them or acts for
them. Days may be given by today, so that a newborn is always one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, ValidationInfo

from sandbox.core.members import LINES, ROLES
from sandbox.synth.config.codes import Codes
from sandbox.synth.config.fixture import changed, read
from sandbox.synth.config.relationships import ACTS_AS, DEPENDS_AS
from sandbox.synth.facts import Gender


@dataclass(frozen=True)
class RelativeDay:
    """A day of the file: fixed, days from today, or a month and day of a year from today's.

    `2016-01-01` · `{days: -25}` · `{years: -17, month: 3, day: 14}`
    """

    fixed: date | None = None
    days: int = 0
    years: int = 0
    month: int | None = None
    day: int | None = None

    def on(self, today: date) -> date:
        """Return the day it is when today is this."""
        if self.fixed:
            return self.fixed
        if self.month and self.day:
            return date(today.year + self.years, self.month, self.day)
        return today + timedelta(days=self.days)


Day = Annotated[RelativeDay, BeforeValidator(lambda day: {"fixed": day} if isinstance(day, str) else day)]


@dataclass(frozen=True)
class Stretch:
    """A coverage: of which line (or whose other payer), from when, until when (None: still)."""

    line: Annotated[str, Field(validation_alias=AliasChoices("line", "payer"))]
    start: Day
    end: Day | None = None


@dataclass(frozen=True)
class Renamed:
    """The family name that somebody had until a day."""

    family: str
    until: Day


@dataclass(frozen=True)
class Doubled:
    """A second record under another given name, and when the two were merged."""

    given_name: Annotated[str, Field(alias="given")]
    since: Day
    merged: Day


@dataclass(frozen=True)
class Kin:
    """A relative of the same family name who neither is insured with us nor signs in."""

    relation: str
    given_name: Annotated[str, Field(alias="given")]
    gender: Gender
    born: Day

    def __post_init__(self) -> None:
        if self.relation not in ACTS_AS:
            raise ValueError(f"`relation` is one of {', '.join(ACTS_AS)}")


def check_condition(name: str, info: ValidationInfo) -> str:
    """Return the name of a chronic condition. Raises ValueError for one that is not in conditions.yaml."""
    if name not in (info.context or {})["codes"].chronic:
        raise ValueError(f"no chronic condition {name!r}")
    return name


def _check_surely(name: str, info: ValidationInfo) -> str:
    codes: Codes = (info.context or {})["codes"]
    if not any(name in names for names in (codes.allergens, codes.implants, codes.questions)):
        raise ValueError(f"no allergy, implant or question {name!r}")
    return name


@dataclass(frozen=True)
class NamedMember:
    """A person with a name in `members.yaml`.

    Coverage follows from the role and `line` (`before` that another), or is listed as `coverage`.
    `subscriber` and `relation` tie somebody to the policy of another. `only`: nothing happens but `stories`.
    `surely` is what their record has whatever chance says.
    """

    username: str
    given_name: Annotated[str, Field(alias="given")]
    family: str
    gender: Gender
    born: Day
    role: str
    purpose: str
    line: str | None = None
    before: str | None = None
    conditions: tuple[Annotated[str, AfterValidator(check_condition)], ...] = ()
    stories: dict[str, float] = field(default_factory=dict)
    only: bool = False
    subscriber: Annotated[str | None, Field(alias="of")] = None
    relation: str | None = None
    coverage: tuple[Stretch, ...] = ()
    elsewhere: tuple[Stretch, ...] = ()
    renamed: Renamed | None = None
    doubled: Doubled | None = None
    kin: Kin | None = None
    surely: frozenset[Annotated[str, AfterValidator(_check_surely)]] = frozenset()

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise ValueError(f"no role {self.role!r}: a role is one of {', '.join(ROLES)}")
        lines = [line for line in (*(c.line for c in self.coverage), self.line, self.before) if line]
        if not (self.subscriber or self.line or self.coverage) or not set(lines) <= set(LINES):
            raise ValueError(f"{self.username}: a line of business is one of {', '.join(LINES)}")
        relations = ACTS_AS if self.acts else DEPENDS_AS
        if bool(self.subscriber) != bool(self.relation) or (self.relation and self.relation not in relations):
            raise ValueError(f"{self.username}: `of` goes with `relation`, one of {', '.join(relations)}")

    @property
    def acts(self) -> bool:
        """Somebody who is no member, but signs in for one."""
        return self.role == "representative"


def _only(entry: dict[str, Any], file: dict[str, Any]) -> dict[str, Any]:
    return {"only": "only" in entry, "stories": entry.get("stories", entry.get("only", {}))}


@dataclass(frozen=True)
class NamedMembers:
    """members.yaml."""

    members: tuple[Annotated[NamedMember, changed(_only)], ...]

    def __post_init__(self) -> None:
        twice = [name for name, count in Counter(who.username for who in self.members).items() if count > 1]
        if twice:
            raise ValueError(f"a username is there twice: {', '.join(sorted(twice))}")
        for first, *others in households(self.members):
            if first.subscriber:
                raise ValueError(f"{first.username}: must stand behind {first.subscriber} and their family")
            for who in others:
                if who.subscriber != first.username:
                    raise ValueError(f"{who.username}: {who.subscriber} is not the first of the household")


def load_members(path: Path, codes: Codes) -> tuple[NamedMember, ...]:
    """Read members.yaml, whose entries name conditions of `codes`. Raises FileProblem."""
    return read(path, NamedMembers, codes=codes).members


def households(people: tuple[NamedMember, ...]) -> Iterator[tuple[NamedMember, ...]]:
    """Yield each subscriber with those that stand behind, in the order of the file."""
    group: list[NamedMember] = []
    for who in people:
        if who.subscriber is None and group:
            yield tuple(group)
            group = []
        group.append(who)
    if group:
        yield tuple(group)
