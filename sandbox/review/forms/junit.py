"""Render the report card as JUnit XML: a test for each row, skipped when it was not exercised."""

from __future__ import annotations

from xml.etree import ElementTree as Xml

from sandbox.core.text import escape, render_xml
from sandbox.review.card import ReviewCard, ReviewLine
from sandbox.review.forms.text import cited, evidence


def render(card: ReviewCard) -> str:
    top = Xml.Element("testsuites", name="payer-sandbox review")
    counts = {
        "tests": len(card.lines),
        "failures": len(card.failed),
        "errors": 0,
        "skipped": len(card.select("not exercised")),
    }
    attributes = {name: str(count) for name, count in counts.items()}
    suite = Xml.SubElement(top, "testsuite", {"name": escape(card.client or "no app"), **attributes})
    for line in card.lines:
        _row(suite, line)
    return render_xml(top)


def _row(suite: Xml.Element, line: ReviewLine) -> None:
    case = Xml.SubElement(suite, "testcase", classname="review", name=escape(line.row.id))
    finding = line.finding
    if finding.result == "not exercised":
        Xml.SubElement(case, "skipped", message=escape(finding.reason))
    elif finding.result == "fail":
        failure = Xml.SubElement(case, "failure", message=escape(finding.reason))
        failure.text = escape(f"{line.row.fix} ({cited(line)})")
    if finding.evidence:
        Xml.SubElement(case, "system-out").text = "\n".join(map(evidence, finding.evidence))
