"""Render the card as JUnit XML: a suite for each area and the findings, a test for each metric.

A metric below its maximum is a failure, an unseen one is skipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as Xml

from sandbox.core.text import escape, quantity, render_xml
from sandbox.score.card import Card, CardLine
from sandbox.score.findings import Finding
from sandbox.score.guidance.links import link_finding


def render(card: Card) -> str:
    top = Xml.Element("testsuites", name=escape(f"{card.target} {card.score}/{card.max}"))
    if card.breaches:
        _found(top, "Critical: members' records are not protected", card.breaches)
    for area, lines in card.areas.items():
        suite = _suite(top, area, len(lines))
        suite.set("failures", str(sum(bool(line.lost) and not line.unseen for line in lines)))
        suite.set("skipped", str(sum(line.unseen for line in lines)))
        for line in lines:
            _metric(suite, line, card.edition)
    uncritical = [finding for finding in card.lint if finding.level != "critical"]
    _found(top, "Findings that do not affect the score", uncritical)
    return render_xml(top)


def _found(top: Xml.Element, name: str, findings: Sequence[Finding]) -> None:
    suite = _suite(top, name, len(findings))
    suite.set("failures", str(len(findings)))
    for finding in findings:
        case = Xml.SubElement(
            suite, "testcase", classname="lint", name=escape(f"{finding.rule}: {finding.text}")
        )
        failure = Xml.SubElement(case, "failure", message=escape(finding.text), type=finding.level)
        lines = [
            f"{quantity(finding.count, 'time')}. {finding.fix} ({finding.cite})",
            finding.place and f"where: {finding.place}",
            f"help: {link_finding(finding.rule)}",
        ]
        failure.text = "\n".join(escape(part) for part in lines if part)


def _advice(line: CardLine) -> str:
    """Return the advice to payer and grader and the page, one line each."""
    parts = [
        line.payer_fix and f"payer: {line.payer_fix} ({'; '.join(line.cites)})",
        line.next and f"for you: {line.next}",
        f"help: {line.help}",
    ]
    return "\n".join(escape(part) for part in parts if part)


def _suite(top: Xml.Element, name: str, tests: int) -> Xml.Element:
    return Xml.SubElement(
        top, "testsuite", name=name, tests=str(tests), errors="0", failures="0", skipped="0"
    )


def _metric(suite: Xml.Element, line: CardLine, edition: str) -> None:
    seconds = sum(exchange.ms for exchange in line.evidence) / 1000
    case = Xml.SubElement(
        suite, "testcase", classname=f"score.{edition}", name=line.id, time=f"{seconds:.3f}"
    )
    if line.unseen:
        skipped = Xml.SubElement(case, "skipped", message=escape(line.reason))
        skipped.text = _advice(line)
    elif line.lost:
        message = f"{line.points} of {line.max}: {line.reason}"
        failure = Xml.SubElement(case, "failure", message=escape(message), type=line.source)
        failure.text = _advice(line)
    out = [f"{e.method} {e.url} {e.status} {e.note or e.flaw} {e.request_id}".rstrip() for e in line.evidence]
    if out:
        Xml.SubElement(case, "system-out").text = "\n".join(map(escape, out))
