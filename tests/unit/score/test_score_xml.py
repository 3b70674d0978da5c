"""Metadata in XML is read as JSON would be; hostile XML ends in nothing, at once."""

from __future__ import annotations

import json
from typing import Any
from xml.sax.saxutils import quoteattr

import httpx
import pytest
from conftest import Grade, line_of, lost
from fake_payer import FakePayer

from sandbox.score.fhir.fhir_xml import DEEPEST, read_xml

NS = 'xmlns="http://hl7.org/fhir"'


def to_xml(name: str, value: Any, top: str = "") -> str:
    """JSON of a resource as FHIR XML, written independently of what reads it."""
    if isinstance(value, list):
        return "".join(to_xml(name, each) for each in value)
    if not isinstance(value, dict):
        return f"<{name} value={quoteattr(str(value))}/>"
    url = f" url={quoteattr(value['url'])}" if "url" in value else ""
    inner = "".join(to_xml(key, each) for key, each in value.items() if key not in ("url", "resourceType"))
    return f"<{name}{top}{url}>{inner}</{name}>"


def in_xml(payer: FakePayer, encoding: str = "utf-8") -> FakePayer:
    """The same payer with its metadata in XML."""

    class InXml(FakePayer):
        def _metadata(self, request: httpx.Request, prefix: str, path: str) -> httpx.Response:
            told = json.loads(super()._metadata(request, prefix, path).content)
            told = {"fhirVersion": "4.0.1", **told}
            text = f'<?xml version="1.0" encoding="{encoding}"?>' + to_xml(
                "CapabilityStatement", told, f" {NS}"
            )
            return httpx.Response(
                200, content=text.encode(encoding), headers={"content-type": "application/fhir+xml"}
            )

    return InXml(**{name: getattr(payer, name) for name in payer.__dataclass_fields__})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_types_and_endpoints_are_read_from_xml(grade_fake: Grade, encoding: str) -> None:
    payer = in_xml(FakePayer(smart=False, withheld=("Goal",)), encoding)
    card, _ = grade_fake(payer, probes=False)
    assert lost(card) == {"smart-configuration": 0, "request-success": 8}
    asked = {path.rpartition("/")[2] for path in payer.paths()}
    assert "Goal" in asked
    assert "Device" not in asked  # in the fixed list, and not offered
    assert "metadata is XML although the request accepts JSON" in {found.text for found in card.lint}


def test_a_type_that_the_xml_does_not_offer_is_not_asked_for(grade_fake: Grade) -> None:
    class Small(FakePayer):
        def _metadata(self, request: httpx.Request, prefix: str, path: str) -> httpx.Response:
            kinds = "".join(
                f'<resource><type value="{kind}"/><interaction><code value="search-type"/></interaction>'
                '<searchParam><name value="patient"/></searchParam></resource>'
                for kind in ("Patient", "Coverage", "ExplanationOfBenefit")
            )
            text = (
                f'<CapabilityStatement {NS}><rest><mode value="server"/>{kinds}</rest></CapabilityStatement>'
            )
            return httpx.Response(200, text=text, headers={"content-type": "text/plain"})

    payer = Small(before_fhir=lambda request, n: httpx.Response(404) if "/Goal" in request.url.path else None)
    card, _ = grade_fake(payer)
    assert line_of(card, "request-success").points == 10
    assert not [path for path in payer.paths() if path.endswith(("/Goal", "/Device"))]


@pytest.mark.parametrize("label", ["text/html", "application/octet-stream", ""])
def test_json_is_read_whatever_it_is_labelled_as(grade_fake: Grade, label: str) -> None:
    class Odd(FakePayer):
        def _metadata(self, request: httpx.Request, prefix: str, path: str) -> httpx.Response:
            body = b"\xef\xbb\xbf" + super()._metadata(request, prefix, path).content
            return httpx.Response(200, content=body, headers={"content-type": label})

    assert grade_fake(Odd(), probes=False)[0].score == 100


BOMB = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 20))


@pytest.mark.parametrize(
    "text",
    [f'<!DOCTYPE x [<!ENTITY a0 "x">{BOMB}]><CapabilityStatement {NS}>&a19;</CapabilityStatement>',
     f'<!DOCTYPE x SYSTEM "file:///etc/passwd"><CapabilityStatement {NS}/>',
     f"<CapabilityStatement {NS}><rest>", "<CapabilityStatement/>", "<html><body>hello</body></html>", "{}",
     "", "<" * 1_000_000],
    ids=["entities", "external", "cut off", "no namespace", "a page", "JSON", "nothing", "brackets"],
)  # fmt: skip
def test_what_is_no_fhir_xml_is_nothing(text: str) -> None:
    assert read_xml(text.encode()) in ({}, {"resourceType": "CapabilityStatement"})
    assert read_xml(text.encode("utf-16")) == read_xml(text.encode())


def test_a_document_type_is_refused_in_every_encoding() -> None:
    text = (
        f'<!DOCTYPE x [<!ENTITY a "b">]><CapabilityStatement {NS}><name value="&a;"/></CapabilityStatement>'
    )
    for encoding in ("utf-8", "utf-16", "utf-16-le", "utf-7"):
        declared = f'<?xml version="1.0" encoding="{encoding}"?>{text}'
        assert read_xml(declared.encode(encoding)) == {}


def test_depth_has_an_end() -> None:
    deep = "<a>" * 50_000 + "</a>" * 50_000
    found: Any = read_xml(f'<CapabilityStatement {NS}><name value="x"/>{deep}</CapabilityStatement>'.encode())
    assert found["name"] == "x"
    depth = 0
    while found.get("a"):
        found, depth = found["a"], depth + 1
    assert depth < DEEPEST


def test_narratives_and_values_do_not_mix() -> None:
    text = (
        f'<CapabilityStatement {NS}><text><div xmlns="http://www.w3.org/1999/xhtml"><p>x</p></div></text>'
        '<fhirVersion value="4.0.1"/><format value="json"/><format value="xml"/></CapabilityStatement>'
    )
    assert read_xml(text.encode()) == {
        "resourceType": "CapabilityStatement",
        "fhirVersion": "4.0.1",
        "format": ["json", "xml"],
    }
