"""THE table: resource type → search parameter → kind, paths, targets. Everything follows from it.

Sources: CARIN BB 2.0.0 CapabilityStatement (C4BB), US Core 6.1.0 server CapabilityStatement.
Parsing (`query`), indexing (`extract`), includes and the CapabilityStatement read these rows only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from sandbox.fhir import dates

Resource = dict[str, Any]
Kind = Literal["token", "date", "reference", "string"]


@dataclass(frozen=True)
class Param:
    """One search parameter. `paths` are dotted element paths; `[x]` is left out (`item.serviced`
    finds servicedDate and servicedPeriod). `searchable` is False for those that only `_include`
    knows (CARIN: provider, care-team, coverage, insurer, payee)."""

    name: str
    kind: Kind
    paths: tuple[str, ...]
    targets: tuple[str, ...] = ()
    searchable: bool = True


@dataclass(frozen=True)
class Type:
    """A resource type we hold: its parameters, the path to its patient (None: shared by all), the
    path that `$everything?start&end` asks about, the parameter that a guide wants beside `patient`,
    and the profiles we serve."""

    name: str
    params: tuple[Param, ...]
    owner: str | None = None
    care_date: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()


_PATIENT = ("Patient",)
_AGENTS = ("Practitioner", "Organization", "PractitionerRole", "Patient", "RelatedPerson")
_CARIN = "http://hl7.org/fhir/us/carin-bb/StructureDefinition/"
_US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/"

_COMMON = (
    Param("_id", "token", ("id",)),
    Param("_lastUpdated", "date", ("meta.lastUpdated",)),
)


def _clinical(*params: Param, subject: str = "subject") -> tuple[Param, ...]:
    return (*_COMMON, Param("patient", "reference", (subject,), _PATIENT), *params)


def _carin(*names: str) -> tuple[str, ...]:
    return tuple(_CARIN + name for name in names)


def _us_core(*names: str) -> tuple[str, ...]:
    return tuple(_US_CORE + name for name in names)


TYPES: dict[str, Type] = {
    t.name: t
    for t in (
        Type(
            "Patient",
            (
                *_COMMON,
                Param("identifier", "token", ("identifier",)),
                Param("name", "string", ("name",)),
                Param("family", "string", ("name.family",)),
                Param("given", "string", ("name.given",)),
                Param("birthdate", "date", ("birthDate",)),
                Param("gender", "token", ("gender",)),
            ),
            owner="id",
            profiles=_carin("C4BB-Patient"),
        ),
        Type(
            "Coverage",
            (
                *_COMMON,
                Param("patient", "reference", ("beneficiary",), _PATIENT),
                Param("payor", "reference", ("payor",), ("Organization", "Patient", "RelatedPerson"), False),
            ),
            owner="beneficiary",
            profiles=_carin("C4BB-Coverage"),
        ),
        Type(
            "ExplanationOfBenefit",
            (
                *_COMMON,
                Param("patient", "reference", ("patient",), _PATIENT),
                Param("type", "token", ("type",)),
                Param("identifier", "token", ("identifier",)),
                Param("service-date", "date", ("billablePeriod", "item.serviced")),
                Param(
                    "service-start-date",
                    "date",
                    ("billablePeriod.start", "item.servicedDate", "item.servicedPeriod.start"),
                ),
                Param("billable-period-start", "date", ("billablePeriod.start",)),
                Param("provider", "reference", ("provider",), ("Practitioner", "Organization"), False),
                Param(
                    "care-team", "reference", ("careTeam.provider",), ("Practitioner", "Organization"), False
                ),
                Param("coverage", "reference", ("insurance.coverage",), ("Coverage",), False),
                Param("insurer", "reference", ("insurer",), ("Organization",), False),
                Param(
                    "payee",
                    "reference",
                    ("payee.party",),
                    ("Organization", "Patient", "Practitioner", "RelatedPerson"),
                    False,
                ),
            ),
            owner="patient",
            care_date=("billablePeriod",),
            profiles=_carin(
                "C4BB-ExplanationOfBenefit-Professional-NonClinician",
                "C4BB-ExplanationOfBenefit-Pharmacy",
            ),
        ),
        Type(
            "Condition",
            _clinical(
                Param("category", "token", ("category",)),
                Param("clinical-status", "token", ("clinicalStatus",)),
                Param("code", "token", ("code",)),
                Param("onset-date", "date", ("onset",)),
                Param("recorded-date", "date", ("recordedDate",)),
            ),
            owner="subject",
            care_date=("recordedDate", "onset"),
            profiles=_us_core(
                "us-core-condition-encounter-diagnosis", "us-core-condition-problems-health-concerns"
            ),
        ),
        Type(
            "Observation",
            _clinical(
                Param("category", "token", ("category",)),
                Param("code", "token", ("code",)),
                Param("date", "date", ("effective",)),
                Param("status", "token", ("status",)),
            ),
            owner="subject",
            care_date=("effective",),
            profiles=_us_core(
                "us-core-observation-lab",
                "us-core-blood-pressure",
                "us-core-body-weight",
                "us-core-body-height",
                "us-core-bmi",
            ),
        ),
        Type(
            "Immunization",
            (
                *_COMMON,
                Param("patient", "reference", ("patient",), _PATIENT),
                Param("status", "token", ("status",)),
                Param("date", "date", ("occurrence",)),
            ),
            owner="patient",
            care_date=("occurrence",),
            profiles=_us_core("us-core-immunization"),
        ),
        Type(
            "MedicationRequest",
            _clinical(
                Param("intent", "token", ("intent",)),
                Param("status", "token", ("status",)),
                Param("authoredon", "date", ("authoredOn",)),
                Param("requester", "reference", ("requester",), _AGENTS, False),
            ),
            owner="subject",
            care_date=("authoredOn",),
            profiles=_us_core("us-core-medicationrequest"),
        ),
        Type(
            "Organization",
            (
                *_COMMON,
                Param("identifier", "token", ("identifier",)),
                Param("name", "string", ("name",)),
                Param("address", "string", ("address",)),
            ),
            profiles=_carin("C4BB-Organization"),
        ),
        Type(
            "Practitioner",
            (
                *_COMMON,
                Param("identifier", "token", ("identifier",)),
                Param("name", "string", ("name",)),
            ),
            profiles=_carin("C4BB-Practitioner"),
        ),
    )
}
"""Order matters twice: `$everything` and the CapabilityStatement list the patient first."""

SHARED = frozenset(t.name for t in TYPES.values() if t.owner is None)


def find(kind: str, name: str) -> Param | None:
    """The parameter of a type by name, or None."""
    return next((p for p in TYPES[kind].params if p.name == name), None)


@dataclass(frozen=True)
class Row:
    """One index row: `a` and `b` are (system, code), (low, high), (type, id) or (folded text, text)."""

    param: str
    kind: Kind
    a: str | int
    b: str | int


def extract(resource: Resource) -> Iterator[Row]:
    """Every index row of a resource, in table order, without duplicates."""
    seen: set[Row] = set()
    for param in TYPES[resource["resourceType"]].params:
        for path in param.paths:
            for value in elements(resource, path):
                for row in _rows(param, value):
                    if row not in seen:
                        seen.add(row)
                        yield row


def owner(resource: Resource) -> str | None:
    """The id of the patient whose compartment holds the resource; None when it is shared."""
    path = TYPES[resource["resourceType"]].owner
    if path is None:
        return None
    if path == "id":
        return str(resource["id"])
    found = literal((elements(resource, path) or [{}])[0])
    return found[1] if found and found[0] == "Patient" else None


def care_range(resource: Resource) -> dates.Range | None:
    """From the first to the last care date, for `$everything?start&end`; None: undated."""
    spans = [
        span
        for path in TYPES[resource["resourceType"]].care_date
        for value in elements(resource, path)
        for span in dates.ranges(value)
    ]
    return (min(s[0] for s in spans), max(s[1] for s in spans)) if spans else None


def elements(node: Any, path: str) -> list[Any]:
    """The values at a dotted path, lists flattened; a choice element is found by its stem."""
    nodes = [node]
    for step in path.split("."):
        found: list[Any] = []
        for each in nodes:
            if isinstance(each, dict):
                for name in _choices(each, step):
                    value = each[name]
                    found.extend(value if isinstance(value, list) else [value])
        nodes = found
    return nodes


def _choices(node: dict[str, Any], stem: str) -> list[str]:
    if stem in node:
        return [stem]
    return [name for name in node if name.startswith(stem) and name[len(stem) : len(stem) + 1].isupper()]


_LITERAL = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?\Z")


def literal(reference: Any) -> tuple[str, str] | None:
    """(type, id) of a literal reference (relative or absolute), or None (fragment, urn, identifier)."""
    text = reference.get("reference") if isinstance(reference, dict) else reference
    if not isinstance(text, str) or text.startswith(("#", "urn:")):
        return None
    found = _LITERAL.search(text)
    return (found[1], found[2]) if found else None


def _rows(param: Param, value: Any) -> Iterator[Row]:
    if param.kind == "token":
        for system, code in _codes(value):
            yield Row(param.name, "token", system, code)
    elif param.kind == "date":
        for low, high in dates.ranges(value):
            yield Row(param.name, "date", low, high)
    elif param.kind == "reference":
        if found := literal(value):
            yield Row(param.name, "reference", *found)
    else:
        for text in _texts(value):
            yield Row(param.name, "string", fold(text), text)


def _codes(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield "", value
    elif isinstance(value, bool):
        yield "", "true" if value else "false"
    elif isinstance(value, dict):
        for coding in value.get("coding", ()):
            if "code" in coding:
                yield coding.get("system", ""), coding["code"]
        if "value" in value:
            yield value.get("system", ""), str(value["value"])


_CODED = frozenset({"id", "use", "type"})
"""Parts of a HumanName or Address that are codes, not text: "official" is nobody's name."""


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, part in value.items():
            if name in _CODED:
                continue
            for text in part if isinstance(part, list) else [part]:
                if isinstance(text, str):
                    yield text


def fold(text: str) -> str:
    """String search ignores case and accents (R4 §3.1.1.4.8 "string")."""
    import unicodedata

    plain = unicodedata.normalize("NFKD", text)
    return "".join(c for c in plain if not unicodedata.combining(c)).casefold()
