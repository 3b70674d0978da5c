"""Conformance of a single resource: the R4 structure, and what CARIN BB and US Core insist on most.

The models are slow and are imported on first use. Terminology, slices and
invariants are the business of a real validator; this catches what breaks first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Resource = dict[str, Any]
Rule = tuple[str, Callable[[Resource], bool]]
"""What must hold, in words, and whether it does."""

CARIN = "http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-"
AMOUNT_SYSTEMS = (
    "http://terminology.hl7.org/CodeSystem/adjudication",
    "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudication",
)
PHARMACY_INFO = ("dayssupply", "dawcode", "refillnum", "refillsauthorized")


def validate(resource: Resource) -> list[str]:
    """What is wrong with a resource, one line each; empty when nothing is."""
    kind = resource.get("resourceType", "")
    return [*_structure(kind, resource), *_must_haves(kind, resource)]


def _structure(kind: str, resource: Resource) -> Iterator[str]:
    from fhir.resources.R4B import get_fhir_model_class
    from pydantic import ValidationError

    try:
        model = get_fhir_model_class(kind)
    except (LookupError, ValueError):
        yield f"{kind or 'no resourceType'}: not a resource type of R4"
        return
    try:
        model.model_validate(resource)
    except ValidationError as problem:
        for error in problem.errors():
            yield f"{'.'.join((kind, *map(str, error['loc'])))}: {error['msg']}"


def _must_haves(kind: str, resource: Resource) -> Iterator[str]:
    for text, holds in (*EVERYTHING, *RULES.get(kind, ()), *_claim_rules(kind, resource)):
        if not holds(resource):
            yield f"{kind}: {text}"


def _claim_rules(kind: str, resource: Resource) -> tuple[Rule, ...]:
    """The rules of the kind of claim (`type`), beside those of every ExplanationOfBenefit."""
    if kind != "ExplanationOfBenefit":
        return ()
    return tuple(rule for code in codes(resource.get("type")) for rule in CLAIM_RULES.get(code, ()))


# --- looking into a resource -----------------------------------------------------------------------


def codes(concept: Any) -> list[str]:
    """The codes of a CodeableConcept, whatever their systems."""
    return [c.get("code", "") for c in (concept or {}).get("coding", [])]


def _typed(resource: Resource, *wanted: str) -> bool:
    identifiers = resource.get("identifier", [])
    return any(i.get("value") and code in wanted for i in identifiers for code in codes(i.get("type")))


def _has_amount(entries: list[Any]) -> bool:
    def is_amount(entry: Resource) -> bool:
        systems = (c.get("system") for c in entry.get("category", {}).get("coding", []))
        return "value" in entry.get("amount", {}) and any(s in AMOUNT_SYSTEMS for s in systems)

    return any(is_amount(entry) for entry in entries)


def _has_category(entries: list[Any], code: str) -> bool:
    return any(code in codes(entry.get("category")) for entry in entries)


def _every_item(holds: Callable[[Resource], bool]) -> Callable[[Resource], bool]:
    return lambda r: all(holds(item) for item in r.get("item", []))


def _profiled(resource: Resource) -> bool:
    """CARIN's own types must name the version: `…|2.0.`, `…|2.1.`, …"""
    named = [p for p in resource.get("meta", {}).get("profile", []) if p.startswith(CARIN)]
    return bool(named) and all("|" in p for p in named)


def _is_basis(eob: Resource) -> bool:
    """Is this a claim without its money?"""
    return any("-Basis|" in profile for profile in eob.get("meta", {}).get("profile", []))


_every_item_has_amount = _every_item(lambda item: _has_amount(item.get("adjudication", [])))

# --- the tables ------------------------------------------------------------------------------------

_CARIN_PROFILE: Rule = ("meta.profile names a CARIN profile with its version", _profiled)
_CATEGORY: Rule = ("category is there", lambda r: bool(r.get("category")))
_CODE: Rule = (
    "code has a coding or text",
    lambda r: bool(codes(r.get("code")) or r.get("code", {}).get("text")),
)

EVERYTHING: tuple[Rule, ...] = (
    ("id is there", lambda r: bool(r.get("id"))),
    ("meta.profile is there", lambda r: bool(r.get("meta", {}).get("profile"))),
    ("meta.lastUpdated is there", lambda r: bool(r.get("meta", {}).get("lastUpdated"))),
)

RULES: dict[str, tuple[Rule, ...]] = {
    "Patient": (
        _CARIN_PROFILE,
        ("an identifier of type MB is there", lambda r: _typed(r, "MB")),
        ("name and gender are there", lambda r: bool(r.get("name") and r.get("gender"))),
    ),
    "Coverage": (
        _CARIN_PROFILE,
        ("subscriberId is there", lambda r: bool(r.get("subscriberId"))),
        ("relationship is there", lambda r: bool(codes(r.get("relationship")))),
        ("there is exactly one payor", lambda r: len(r.get("payor", [])) == 1),
    ),
    "Organization": (
        _CARIN_PROFILE,
        ("active and name are there", lambda r: "active" in r and bool(r.get("name"))),
    ),
    "Practitioner": (
        _CARIN_PROFILE,
        ("an identifier of type NPI or TAX is there", lambda r: _typed(r, "NPI", "TAX")),
        ("name.family is there", lambda r: all(n.get("family") for n in r.get("name", [{}]))),
    ),
    "ExplanationOfBenefit": (
        _CARIN_PROFILE,
        ("an identifier of type uc is there", lambda r: _typed(r, "uc")),
        ("use is claim", lambda r: r.get("use") == "claim"),
        ("billablePeriod.start is there", lambda r: bool(r.get("billablePeriod", {}).get("start"))),
        (
            "exactly one insurance is focal",
            lambda r: sum(i.get("focal") is True for i in r.get("insurance", [])) == 1,
        ),
        ("there is an item", lambda r: bool(r.get("item"))),
        (
            "amounts are in every item or in the header, never both",
            lambda r: _is_basis(r) or _every_item_has_amount(r) != _has_amount(r.get("adjudication", [])),
        ),
        ("total has an amount", lambda r: _is_basis(r) or _has_amount(r.get("total", []))),
    ),
    "Condition": (_CATEGORY, _CODE),
    "Observation": (
        _CATEGORY,
        _CODE,
        (
            "a value, a component or a reason for its absence is there",
            lambda r: any(k.startswith(("value", "component", "dataAbsentReason", "hasMember")) for k in r),
        ),
    ),
    "MedicationRequest": (
        ("an order has a requester", lambda r: r.get("intent") != "order" or bool(r.get("requester"))),
    ),
}
"""Resource type → rules (CARIN BB 2.0.0, US Core 6.1.0)."""

_PROFESSIONAL: tuple[Rule, ...] = (
    ("there is a diagnosis", lambda r: bool(r.get("diagnosis"))),
    (
        "every item says where it was",
        _every_item(lambda i: bool(codes(i.get("locationCodeableConcept")))),
    ),
    (
        "every item has a day",
        _every_item(lambda i: "servicedDate" in i or "servicedPeriod" in i),
    ),
    (
        "every item has a benefitpaymentstatus",
        _every_item(lambda i: _has_category(i.get("adjudication", []), "benefitpaymentstatus")),
    ),
)

CLAIM_RULES: dict[str, tuple[Rule, ...]] = {
    "professional": _PROFESSIONAL,
    "vision": _PROFESSIONAL,
    "pharmacy": (
        (
            f"supportingInfo has {', '.join(PHARMACY_INFO)}",
            lambda r: all(_has_category(r.get("supportingInfo", []), code) for code in PHARMACY_INFO),
        ),
        (
            "adjudication has a benefitpaymentstatus",
            lambda r: _has_category(r.get("adjudication", []), "benefitpaymentstatus"),
        ),
        ("every item has a day", _every_item(lambda i: "servicedDate" in i)),
    ),
}
"""Code of `type` → rules."""
