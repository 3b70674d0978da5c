"""What a record may hold of a member: allergies, implants, answers, goals.

SNOMED CT is licensed: its codes come without its terms, and the names beside them are our own words.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from sandbox.synth.facts import Term


@dataclass(frozen=True)
class Allergen:
    """A substance that some are allergic to. `published`: the name of the term is the published one."""

    what: Term
    published: bool
    category: str
    reaction: Term
    severity: str
    share: float


@dataclass(frozen=True)
class Implant:
    """A device that is carried in the body: ages of those who have one, years until it expires."""

    what: Term
    device: str
    maker: str
    model: str
    ages: tuple[int, int]
    share: float
    years: int


@dataclass(frozen=True)
class Question:
    """A question for members, with its answers and their weights."""

    what: Term
    published: bool
    answers: tuple[Term, ...]
    weights: tuple[float, ...]


@dataclass(frozen=True)
class Aim:
    """What is planned for a lasting condition: a goal, and where it can be measured, the bound."""

    goal: str
    plan: str
    measure: str | None = None
    below: Decimal | None = None
    unit: str | None = None
