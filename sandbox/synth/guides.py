"""Which editions of the guides the resources claim: `meta.profile` is written last, here.

Renderers are neutral: they name a profile by its short name (`C4BB-Patient`, `us-core-patient`).
`Guides.stamp` turns that into the versioned canonical of the editions chosen, and is the place for
the few elements in which editions contradict each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Resource = dict[str, Any]
Carin = Literal["2.0.0", "2.2.0"]
UsCore = Literal["3.1.1", "6.1.0", "7.0.0"]

CARIN = "http://hl7.org/fhir/us/carin-bb/StructureDefinition/"
US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/"

RENAMED: dict[str, dict[str, str | None]] = {
    "3.1.1": {
        "us-core-condition-encounter-diagnosis": "us-core-condition",
        "us-core-condition-problems-health-concerns": "us-core-condition",
    }
}
"""US Core edition → short name here → its name there (None: the edition has no such profile)."""

AMENDED: dict[str, dict[str, Callable[[Resource], None]]] = {}
"""Edition ("carin 2.2.0", "us-core 3.1.1") → resource type → what must differ there."""


@dataclass(frozen=True)
class Guides:
    """The editions a library is rendered for."""

    carin: Carin = "2.0.0"
    us_core: UsCore = "6.1.0"

    def stamp(self, resource: Resource) -> Resource:
        """The same resource (changed in place) with versioned canonicals in `meta.profile`."""
        names = resource["meta"]["profile"]
        resource["meta"]["profile"] = [c for name in names if (c := self._canonical(name))]
        for edition in (f"carin {self.carin}", f"us-core {self.us_core}"):
            amend = AMENDED.get(edition, {}).get(resource["resourceType"])
            if amend:
                amend(resource)
        return resource

    def _canonical(self, name: str) -> str | None:
        if name.startswith("C4BB-"):
            return f"{CARIN}{name}|{self.carin}"
        there = RENAMED.get(self.us_core, {}).get(name, name)
        return f"{US_CORE}{there}|{self.us_core}" if there else None
