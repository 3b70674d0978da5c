"""Collect the findings of one examination: each once, with its count and first place."""

from __future__ import annotations

from dataclasses import replace

from sandbox.score.findings import Finding, readable
from sandbox.score.lint.rules import RULES

MOST_TEXTS = 8
"""Different findings kept of one rule: a payer that breaks it in a hundred ways gets the idea."""


class Notebook:
    """Findings by rule and text. The text never contains member data."""

    def __init__(self) -> None:
        self._findings: dict[tuple[str, str], Finding] = {}

    def note(self, rule: str, text: str, where: str = "", request_id: str = "") -> None:
        text = readable(text)[:200]
        finding = self._findings.get((rule, text))
        if finding is not None:
            self._findings[rule, text] = replace(finding, count=finding.count + 1)
        elif sum(name == rule for name, _ in self._findings) < MOST_TEXTS:
            level, _, cite, fix = RULES[rule]
            self._findings[rule, text] = Finding(rule, level, text, 1, where, request_id, cite, fix)

    def findings(self) -> tuple[Finding, ...]:
        """Return the findings in the order of the rules, most frequent first within one."""
        place = {name: number for number, name in enumerate(RULES)}
        return tuple(sorted(self._findings.values(), key=lambda f: (place[f.rule], -f.count)))
