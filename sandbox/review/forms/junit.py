"""The card as JUnit XML: a test for each row; what was not exercised is skipped."""

from __future__ import annotations

import re
from xml.etree import ElementTree as Xml

from sandbox.review.card import Card, Line
from sandbox.review.forms.text import cited, evidence

_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(card: Card) -> str:
    top = Xml.Element("testsuites", name="payer-sandbox review")
    counts = {
        "tests": len(card.lines),
        "failures": len(card.failed),
        "errors": 0,
        "skipped": len(card.of("not exercised")),
    }
    attributes = {name: str(count) for name, count in counts.items()}
    suite = Xml.SubElement(top, "testsuite", {"name": _clean(card.client or "no app"), **attributes})
    for line in card.lines:
        _row(suite, line)
    Xml.indent(top)
    body: str = Xml.tostring(top, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def _row(suite: Xml.Element, line: Line) -> None:
    case = Xml.SubElement(suite, "testcase", classname="review", name=_clean(line.row.id))
    finding = line.finding
    if finding.result == "not exercised":
        Xml.SubElement(case, "skipped", message=_clean(finding.reason))
    elif finding.result == "fail":
        failure = Xml.SubElement(case, "failure", message=_clean(finding.reason))
        failure.text = _clean(f"{line.row.fix} ({cited(line)})")
    if finding.evidence:
        Xml.SubElement(case, "system-out").text = _clean("\n".join(map(evidence, finding.evidence)))


def _clean(text: str) -> str:
    """Without the signs that XML 1.0 cannot hold: strangers' words may have them."""
    return _NOT_XML.sub("", text)
