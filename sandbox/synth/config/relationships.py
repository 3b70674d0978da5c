"""Relationships within a household, in codes of HL7 v3.

Sources: http://terminology.hl7.org/CodeSystem/subscriber-relationship and v3-RoleCode.
"""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.synth.facts import Gender, Term

ROLE_CODE = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"


def _role(code: str, name: str) -> Term:
    return Term(ROLE_CODE, code, name)


DEPENDS_AS: Mapping[str, Mapping[Gender, Term]] = {
    "spouse": {"female": _role("WIFE", "wife"), "male": _role("HUSB", "husband")},
    "child": {"female": _role("MTH", "mother"), "male": _role("FTH", "father")},
}
"""What a dependant is to the subscriber → the subscriber's gender → what the subscriber is to them."""

ACTS_AS: Mapping[str, Mapping[Gender, Term]] = {
    "child": {"female": _role("DAUC", "Daughter"), "male": _role("SONC", "Son")},
    "spouse": DEPENDS_AS["spouse"],
}
"""What a personal representative is to the member → their gender → the code."""

POWER_OF_ATTORNEY = _role("HPOWATT", "healthcare power of attorney")
