"""Collect the findings of one examination: each once, with its count and first place."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.score.findings import Finding, readable
from sandbox.score.lint.rules import RULES

MOST_TEXTS = 8
"""Different findings kept of one rule: a payer that breaks it in a hundred ways gets the idea."""


@dataclass
class _Entry:
    count: int
    where: str
    request_id: str


class Notebook:
    """Findings by rule and text. The text never contains member data."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], _Entry] = {}

    def note(self, rule: str, text: str, where: str = "", request_id: str = "") -> None:
        text = readable(text)[:200]
        entry = self._found.get((rule, text))
        if entry is not None:
            entry.count += 1
        elif sum(name == rule for name, _ in self._found) < MOST_TEXTS:
            self._found[rule, text] = _Entry(1, where, request_id)

    def findings(self) -> tuple[Finding, ...]:
        """Return the findings in the order of the rules, most frequent first within one."""
        place = {name: number for number, name in enumerate(RULES)}
        ordered = sorted(self._found.items(), key=lambda item: (place[item[0][0]], -item[1].count))
        return tuple(
            Finding(
                rule,
                RULES[rule].level,
                text,
                entry.count,
                entry.where,
                entry.request_id,
                RULES[rule].cite,
                RULES[rule].fix,
            )
            for (rule, text), entry in ordered
        )
