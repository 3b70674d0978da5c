"""What a rule beside the rubric is, and the documents that rules name."""

from __future__ import annotations

from typing import NamedTuple

from sandbox.score.findings import Level

SMART = "SMART App Launch 2.2"
OAUTH = "RFC 6749"
R4 = "FHIR R4"
CARIN = "CARIN Blue Button 2.0.0"


class LintRule(NamedTuple):
    level: Level
    title: str
    cite: str
    fix: str
