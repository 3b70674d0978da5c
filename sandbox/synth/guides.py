"""Which editions of the guides the resources claim: `meta.profile` is written last, here.

Renderers are neutral: they name a profile by its short name (`C4BB-Patient`, `us-core-patient`).
`Guides.stamp` turns that into the versioned canonical of the editions chosen, and is the place for
the few elements in which editions contradict each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from sandbox.core.errors import UsageError
from sandbox.synth.claim_editions import edition_2_2, without_money
from sandbox.synth.clinical_editions import NAMES_3_1_1, team_without_relatives, vital_units

Resource = dict[str, Any]
Carin = Literal["2.0.0", "2.2.0"]
UsCore = Literal["3.1.1", "6.1.0", "7.0.0"]

CARIN = "http://hl7.org/fhir/us/carin-bb/StructureDefinition/"
US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/"
R4 = "http://hl7.org/fhir/StructureDefinition/"

RENAMED: dict[str, dict[str, str | None]] = {"3.1.1": NAMES_3_1_1}
"""US Core edition → short name here → its name there (None: the edition has no such profile)."""


def _versioned_member_id(patient: Resource) -> None:
    """CARIN 2.2.0 knows the member id by a type whose coding names its version."""
    for identifier in patient["identifier"]:
        for coding in identifier["type"]["coding"]:
            if coding["code"] == "MB":
                coding["version"] = "5.0.0"


AMENDED: dict[str, dict[str, Callable[[Resource], None]]] = {
    "carin 2.2.0": {"Patient": _versioned_member_id, "ExplanationOfBenefit": edition_2_2},
    "us-core 3.1.1": {"CareTeam": team_without_relatives, "Observation": vital_units},
}
"""Edition ("carin 2.2.0", "us-core 3.1.1") → resource type → what must differ there."""


@dataclass(frozen=True)
class Guides:
    """The editions a library is rendered for; with `basis`, claims come without any money."""

    carin: Carin = "2.0.0"
    us_core: UsCore = "6.1.0"
    basis: bool = False

    def __post_init__(self) -> None:
        if self.basis and self.carin == "2.0.0":
            raise UsageError("CARIN Blue Button 2.0.0 has no profiles without money: basis needs 2.2.0")

    def stamp(self, resource: Resource) -> Resource:
        """The same resource (changed in place) with versioned canonicals in `meta.profile`."""
        if self.basis and resource["resourceType"] == "ExplanationOfBenefit":
            without_money(resource)
        meta = resource["meta"]
        canonicals = [c for name in meta.pop("profile") if (c := self._canonical(name))]
        if canonicals:  # FHIR has no empty lists
            meta["profile"] = canonicals
        for edition in (f"carin {self.carin}", f"us-core {self.us_core}"):
            amend = AMENDED.get(edition, {}).get(resource["resourceType"])
            if amend:
                amend(resource)
        return resource

    def _canonical(self, name: str) -> str | None:
        if name.startswith("C4BB-"):
            return f"{CARIN}{name}|{self.carin}"
        if name.startswith("R4-"):
            return f"{R4}{name[3:]}|4.0.1"
        there = RENAMED.get(self.us_core, {}).get(name, name)
        if there and there.startswith("R4-"):
            return f"{R4}{there[3:]}|4.0.1"
        return f"{US_CORE}{there}|{self.us_core}" if there else None
