"""Selections: which scenarios are in force, at which settings, in whose session. One grammar for the
path, the header, the login name, the flag and the files:

    <scenario>[,<parameter>=<value>…][.<scenario>…][.stealth][~<session>]

A dot before a digit belongs to a value (`share=0.3`); scenario ids begin with a letter. `stealth` is
no scenario: it keeps the Sandbox-Effects header away. `~<session>` alone names a session of the
default payer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from sandbox.core.errors import NotFound
from sandbox.core.gates import OPEN, Gates
from sandbox.core.payer import PayerProfile, changed
from sandbox.faults.effects.base import World
from sandbox.faults.gates import Bound, BoundGates
from sandbox.faults.parameters import NAME, VALUE
from sandbox.faults.scenario import Scenario

STEALTH = "stealth"
LONGEST = 1000
"""Characters of a selection: it names its payer's rows in the ledger."""

_SESSION = re.compile(r"[A-Za-z0-9_-]{1,64}")
_DOT = re.compile(r"\.(?![0-9])")
_SETTING = re.compile(rf"({NAME})=({VALUE})")


@dataclass(frozen=True)
class SelectedScenario:
    """A scenario as somebody wrote it: its id, and parameters as texts."""

    id: str
    given: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Selection:
    """Scenarios that are in force together, and the session that keeps their state apart."""

    scenarios: tuple[Scenario, ...] = ()
    session: str = ""
    stealth: bool = False

    @cached_property
    def name(self) -> str:
        """The scenarios in their one spelling: equal selections have equal names."""
        return ".".join(s.name for s in self.scenarios)

    @property
    def written(self) -> str:
        """The same as it stands in a path, without the session."""
        return ".".join(part for part in (self.name, STEALTH if self.stealth else "") if part)

    @cached_property
    def key(self) -> str:
        """The tenant whose state it has: stealth changes nothing of it."""
        return f"{self.name}~{self.session}" if self.session else self.name

    @cached_property
    def has_rules(self) -> bool:
        """Whether anything but the payer's character is different."""
        return any(scenario.rules for scenario in self.scenarios)

    def payer(self, base: PayerProfile) -> PayerProfile:
        """The character in force: each scenario's changes in turn."""
        for scenario in self.scenarios:
            base = changed(base, scenario.payer)
        return base

    def bind(self, world: World, armed: tuple[Bound, ...] = ()) -> Gates:
        """The gates for one request; `armed` are rules that come before the scenarios' own."""
        rules = [
            Bound(scenario.id, number, rule.when, rule.then)
            for scenario in self.scenarios
            for number, rule in enumerate(scenario.rules)
        ]
        return BoundGates([*armed, *rules], world) if rules or armed else OPEN


def split(text: str) -> tuple[tuple[SelectedScenario, ...], bool, str]:
    """(scenarios as written, stealth, session). Raises NotFound for what is not the grammar."""
    names, tilde, session = text.partition("~")
    if tilde and not _SESSION.fullmatch(session):
        raise NotFound("A session name is 1 to 64 letters, digits, - or _", cause="scenario-unknown")
    if not names and tilde:
        return (), False, session
    parts = _DOT.split(names)
    named = tuple(_named(part) for part in parts if part != STEALTH)
    if len({one.id for one in named}) < len(named):
        raise NotFound("A scenario is named twice", cause="scenario-unknown")
    return named, STEALTH in parts, session


def _named(part: str) -> SelectedScenario:
    id, *settings = part.split(",")
    given: dict[str, str] = {}
    for setting in settings:
        found = _SETTING.fullmatch(setting)
        if found is None:
            text = f"A parameter is written name=value, not {setting[:60]!r}"
            raise NotFound(text, cause="scenario-unknown")
        if found[1] in given:
            text = f"The parameter {found[1]!r} is there twice"
            raise NotFound(text, cause="scenario-unknown")
        given[found[1]] = found[2]
    return SelectedScenario(id, tuple(given.items()))
