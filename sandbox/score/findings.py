"""Findings beside the score: what the rubric does not count, and a payer will want to know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Level = Literal["critical", "error", "warning", "note"]
"""A lock that gave way when the grader tried it; then SARIF's words: a broken SHALL or a leak, a broken
SHOULD, something to know."""

LEVELS: tuple[Level, ...] = ("critical", "error", "warning", "note")


@dataclass(frozen=True)
class Finding:
    """One rule that did not hold. `count` times; `where` is one place, without member data."""

    rule: str
    level: Level
    text: str
    count: int = 1
    where: str = ""
    request_id: str = ""
    cite: str = ""
    fix: str = ""


def readable(text: str) -> str:
    """Strangers' words without control characters, which terminals and XML would obey or refuse."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def to_data(findings: Iterable[Finding]) -> tuple[dict[str, Any], ...]:
    """As evidence keeps them."""
    return tuple(asdict(finding) for finding in findings)


def from_data(kept: Iterable[Mapping[str, Any]]) -> tuple[Finding, ...]:
    """The reverse of `to_data`. Raises TypeError when a field is not known."""
    return tuple(Finding(**entry) for entry in kept)
