"""Render the card as SARIF 2.1.0. Its rules are the metrics and the lint rules."""

from __future__ import annotations

import hashlib
from typing import Any

from sandbox.core import files
from sandbox.core.text import escape, quantity
from sandbox.score.card import Card, CardLine
from sandbox.score.findings import Finding, Level
from sandbox.score.guidance.links import link_finding, link_metric, locate
from sandbox.score.http.client import user_agent
from sandbox.score.lint.rules import RULES

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
SEVERITY = "9.8"  # of CVSS: code-scanning dashboards call 9.0 and more critical


def render(card: Card) -> bytes:
    rules = [_metric_rule(line) for line in card.lines] + [_lint_rule(name) for name in RULES]
    place = {rule["id"]: number for number, rule in enumerate(rules)}
    results = [_found(finding, card, place) for finding in card.breaches]
    results += [_lost(line, card, place) for line in card.lines if line.lost]
    results += [_found(finding, card, place) for finding in card.lint if finding.level != "critical"]
    name, _, version = user_agent().partition("/")
    driver = {"name": name, "semanticVersion": version, "rules": rules}
    run = {
        "tool": {"driver": driver},
        "results": results,
        "properties": {
            "score": card.score,
            "max": card.max,
            "range": [*card.range],
            "edition": card.edition,
            "sampleSeed": card.sample_seed,
            "notes": list(card.notes),
        },
    }
    return files.json_pretty({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _metric_rule(line: CardLine) -> dict[str, Any]:
    text = f"{line.fix or line.why or line.title} ({'; '.join(line.cites)})"
    return {
        "id": f"metric/{line.id}",
        "name": line.title,
        "shortDescription": {"text": line.title},
        "fullDescription": {"text": line.why or line.title},
        "helpUri": locate(link_metric(line.id)),
        "help": {"text": text, "markdown": f"{text}\n\n[More about this check]({link_metric(line.id)})"},
        "defaultConfiguration": {"level": "warning"},
    }


def _lint_rule(name: str) -> dict[str, Any]:
    rule = RULES[name]
    secure = {"properties": {"security-severity": SEVERITY, "tags": ["security"]}}
    return {
        "id": f"lint/{name}",
        "name": rule.title,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": f"{rule.title} ({rule.cite})"},
        "helpUri": locate(link_finding(name)),
        "help": {
            "text": rule.fix,
            "markdown": f"{rule.fix}\n\n[More about this finding]({link_finding(name)})",
        },
        "defaultConfiguration": {"level": _level(rule.level)},
        **(secure if rule.level == "critical" else {}),
    }


def _level(level: Level) -> str:
    """Convert a level. A critical one is an error whose rule has a security-severity."""
    return "error" if level == "critical" else level


def _lost(line: CardLine, card: Card, place: dict[str, int]) -> dict[str, Any]:
    level = "note" if line.unseen else "warning" if line.points else "error"
    sentences = [f"{line.id}: {line.points} of {line.max} points. {line.reason}.", line.payer_fix]
    sentences += [f"For you: {line.next}" if line.next else "", f"See {line.help}."]
    ids = [exchange.request_id for exchange in line.evidence if exchange.request_id]
    sentences.append(f"Requests {', '.join(ids)}." if ids else "")
    return _result(f"metric/{line.id}", level, " ".join(part for part in sentences if part), card, place)


def _found(finding: Finding, card: Card, order: dict[str, int]) -> dict[str, Any]:
    place = f" {finding.place}." if finding.place else ""
    text = f"{finding.text} ({quantity(finding.count, 'time')}). {finding.fix}{place}"
    return _result(f"lint/{finding.rule}", _level(finding.level), text, card, order, finding.text)


def _result(
    rule: str, level: str, text: str, card: Card, place: dict[str, int], key: str = ""
) -> dict[str, Any]:
    print_of = hashlib.sha256(f"{card.target} {rule} {key}".encode()).hexdigest()
    where = {"artifactLocation": {"uri": escape(card.target).replace(" ", "%20")}}
    return {
        "ruleId": rule,
        "ruleIndex": place[rule],
        "level": level,
        "message": {"text": escape(text)},
        "locations": [{"physicalLocation": {**where, "region": {"startLine": 1}}}],
        "partialFingerprints": {"targetAndRule/v1": print_of},
    }
