"""Findings that the rubric does not count and that a payer will want to know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["critical", "error", "warning", "note"]
"""`critical`: an attempt of the grader to break in succeeded. Then SARIF's levels: `error` for a broken SHALL
or a leak, `warning` for a broken SHOULD, `note` for something to know."""

LEVELS: tuple[Level, ...] = ("critical", "error", "warning", "note")


@dataclass(frozen=True)
class Finding:
    """A lint rule that was broken `count` times. `where` is one place, without member data."""

    rule: str
    level: Level
    text: str
    count: int = 1
    where: str = ""
    request_id: str = ""
    cite: str = ""
    fix: str = ""

    @property
    def place(self) -> str:
        """Where it was seen and the id of the request, as far as they are known."""
        return ", ".join(filter(None, (self.where, self.request_id)))


def readable(text: str) -> str:
    """Return a stranger's text without control characters, which terminals would obey and XML refuse."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
