"""Concepts that many resources share: each is made once."""

from __future__ import annotations

from functools import lru_cache

from sandbox.synth.facts import Term
from sandbox.synth.fhir import elements as fhir
from sandbox.synth.fhir.elements import Piece

US_CORE_CATEGORY = "http://hl7.org/fhir/us/core/CodeSystem/us-core-category"
ACT = fhir.TERMINOLOGY + "v3-ActCode"


@lru_cache(maxsize=4096)
def named(term: Term) -> Piece:
    """A term whose name is the published one."""
    return fhir.piece(fhir.concept(term.system, term.code, term.name, term.name))


@lru_cache(maxsize=4096)
def worded(term: Term) -> Piece:
    """A term whose name is our own wording: in the text only."""
    return fhir.piece(fhir.concept(term.system, term.code, text=term.name))


@lru_cache(maxsize=16384)
def coded(system: str, code: str, display: str | None = None, text: str | None = None) -> Piece:
    """Return a concept with one coding; a bare code has neither display nor text."""
    return fhir.piece(fhir.concept(system, code, display, text))


@lru_cache(maxsize=512)
def hl7(system: str, code: str) -> Piece:
    """A bare code of a system of HL7 Terminology, by its short name."""
    return coded(fhir.TERMINOLOGY + system, code)


def absent(reason: str) -> Piece:
    """Why there is no value (data-absent-reason)."""
    return hl7("data-absent-reason", reason)


SURVEY = hl7("observation-category", "survey")
SOCIAL = hl7("observation-category", "social-history")
VITAL = hl7("observation-category", "vital-signs")
LABORATORY = hl7("observation-category", "laboratory")
PROCEDURE = hl7("observation-category", "procedure")
SDOH = coded(US_CORE_CATEGORY, "sdoh")
DISABILITY = coded(US_CORE_CATEGORY, "disability-status")
OXYGEN_FLOW = named(Term("http://loinc.org", "3151-8", "Inhaled oxygen flow rate"))
