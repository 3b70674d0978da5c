"""Reads a FHIR resource in XML into the JSON form (FHIR R4 §2.6.1).

It reads what a CapabilityStatement needs: elements, their values, extensions. The text is a stranger's, so a
document type (and with it entities) is refused, and bytes, elements and depth are limited.
"""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree as Xml

NAMESPACE = "{http://hl7.org/fhir}"
LARGEST = 8 * 1024 * 1024
MOST_ELEMENTS = 200_000
DEEPEST = 12

LISTS = frozenset((
    "rest", "resource", "interaction", "searchParam", "operation", "extension", "supportedProfile",
    "searchInclude", "searchRevInclude", "format", "patchFormat", "implementationGuide", "instantiates",
    "imports", "service", "coding", "compartment", "messaging", "document", "contact", "telecom",
))  # fmt: skip
"""Elements of a CapabilityStatement that may repeat: lists in JSON, also where there is one."""

_DECLARED = re.compile(r'^\s*<\?xml[^>]*?encoding=["\']([\w.-]+)["\'][^>]*\?>')
_ENCODINGS = {"utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin-1", "utf-16", "windows-1252"}


def read_xml(body: bytes) -> dict[str, Any]:
    """Return the JSON form of the resource; empty when it is no FHIR XML, or beyond the limits."""
    if not body.lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n").startswith(b"<") or len(body) > LARGEST:
        return {}
    text = _decode(body)
    if re.search(r"\x00|<!(?!--|\[CDATA\[)", text) or text.count("<") > 2 * MOST_ELEMENTS:
        return {}
    builder = _Builder()
    parser = Xml.XMLParser(target=builder, encoding="utf-8")  # noqa: S314  no document type, so no entity
    try:
        parser.feed(text)
        parser.close()
    except (Xml.ParseError, ValueError):
        return {}
    return builder.resource


def _decode(body: bytes) -> str:
    """Return the text without its declaration; empty when it is not in the encoding that it names."""
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    else:
        declared = _DECLARED.match(body[:200].decode("latin-1").removeprefix("ï»¿"))
        encoding = declared[1].lower() if declared else "utf-8"
    if encoding not in _ENCODINGS:
        return ""
    try:
        text = body.decode(encoding).removeprefix("\ufeff")
    except UnicodeError:
        return ""
    return re.sub(r"^\s*<\?xml[^>]*\?>", "", text)


class _Builder:
    """Builds the JSON form while the XML is parsed. Narratives, contained and deep elements are skipped."""

    def __init__(self) -> None:
        self.resource: dict[str, Any] = {}
        self._open: list[tuple[str, str | None, dict[str, Any]]] = []
        self._skipped = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.removeprefix(NAMESPACE)
        is_foreign = name == tag or name in ("text", "contained")
        if self._skipped or is_foreign or len(self._open) >= DEEPEST:
            self._skipped += 1
            return
        children = {"url": attributes["url"]} if "url" in attributes else {}
        self._open.append((name, attributes.get("value"), children))

    def end(self, tag: str) -> None:
        if self._skipped:
            self._skipped -= 1
            return
        name, value, children = self._open.pop()
        if not self._open:
            self.resource = {"resourceType": name, **children}
            return
        parent = self._open[-1][2]
        element: Any = children if value is None or children else value
        if name in LISTS:
            parent.setdefault(name, []).append(element)
        elif name in parent:
            parent[name] = [*(parent[name] if isinstance(parent[name], list) else [parent[name]]), element]
        else:
            parent[name] = element

    def close(self) -> None:
        """Do nothing: the parser calls it at the end."""
