"""Selections: the scenarios in effect, their parameters, and the session. The syntax is the same in the
path, the header, the login name, the command-line option and the files:

    <scenario>[,<parameter>=<value>…][.<scenario>…][.stealth][~<session>]

A dot before a digit belongs to a value (`share=0.3`); scenario ids begin with a letter. `stealth` is not
a scenario: it hides the header Sandbox-Effects. `~<session>` alone is a session of the default payer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from sandbox.core.errors import NotFound
from sandbox.core.gates import OPEN, Gates
from sandbox.core.payer import PayerProfile, changed
from sandbox.faults.effects.base import World
from sandbox.faults.gates import BoundGates, BoundRule
from sandbox.faults.parameters import NAME, VALUE
from sandbox.faults.scenario import Scenario

STEALTH = "stealth"
LONGEST = 1000
"""Characters of a selection, which is the key of the payer's rows in the ledger."""

_SESSION = re.compile(r"[A-Za-z0-9_-]{1,64}")
_DOT = re.compile(r"\.(?![0-9])")
_SETTING = re.compile(rf"({NAME})=({VALUE})")


@dataclass(frozen=True)
class SelectedScenario:
    """A scenario as it was written: its id, and parameters as texts."""

    id: str
    settings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Selection:
    """Scenarios that are in effect together, and the session that has their state."""

    scenarios: tuple[Scenario, ...] = ()
    session: str = ""
    stealth: bool = False

    @cached_property
    def name(self) -> str:
        """The scenarios in their normal form: equal selections have equal names."""
        return ".".join(s.name for s in self.scenarios)

    @property
    def written(self) -> str:
        """The selection as written in a path, without the session."""
        return ".".join(part for part in (self.name, STEALTH if self.stealth else "") if part)

    @cached_property
    def key(self) -> str:
        """The payer whose state applies: `stealth` makes no difference."""
        return f"{self.name}~{self.session}" if self.session else self.name

    @cached_property
    def has_rules(self) -> bool:
        """Whether the scenarios change more than the payer's profile."""
        return any(scenario.rules for scenario in self.scenarios)

    def payer(self, base: PayerProfile) -> PayerProfile:
        """Return the payer's profile with the changes of each scenario in turn."""
        for scenario in self.scenarios:
            base = changed(base, scenario.payer)
        return base

    def bind(self, world: World, armed: tuple[BoundRule, ...] = ()) -> Gates:
        """Return the gates for one request; `armed` faults apply before the scenarios' rules."""
        rules = [
            BoundRule(scenario.id, number, rule.when, rule.then)
            for scenario in self.scenarios
            for number, rule in enumerate(scenario.rules)
        ]
        return BoundGates([*armed, *rules], world) if rules or armed else OPEN


def parse_selection(text: str) -> tuple[tuple[SelectedScenario, ...], bool, str]:
    """Return (scenarios as written, stealth, session). Raises NotFound for invalid syntax."""
    names, tilde, session = text.partition("~")
    if tilde and not _SESSION.fullmatch(session):
        raise NotFound("A session name is 1 to 64 letters, digits, - or _", cause="scenario-unknown")
    if not names and tilde:
        return (), False, session
    parts = _DOT.split(names)
    selected = tuple(_parse_scenario(part) for part in parts if part != STEALTH)
    if len({scenario.id for scenario in selected}) < len(selected):
        raise NotFound("A scenario is named twice", cause="scenario-unknown")
    return selected, STEALTH in parts, session


def _parse_scenario(part: str) -> SelectedScenario:
    id, *texts = part.split(",")
    settings: dict[str, str] = {}
    for text in texts:
        match = _SETTING.fullmatch(text)
        if match is None:
            problem = f"A parameter is written name=value, not {text[:60]!r}"
            raise NotFound(problem, cause="scenario-unknown")
        if match[1] in settings:
            problem = f"The parameter {match[1]!r} is there twice"
            raise NotFound(problem, cause="scenario-unknown")
        settings[match[1]] = match[2]
    return SelectedScenario(id, tuple(settings.items()))
