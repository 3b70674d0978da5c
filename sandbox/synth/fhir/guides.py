"""Which editions of the guides the resources claim: `meta.profile` is written last, here.

Renderers are neutral: they name a profile by its short name (`C4BB-Patient`, `us-core-patient`).
`Guides.finished` turns that into the versioned canonical of the editions chosen, and is the place for
the few elements in which editions contradict each other. What it returns are bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from sandbox.core.errors import UsageError
from sandbox.core.files import json_bytes
from sandbox.synth.fhir.editions import (
    BASIS,
    NAMES_3_1_1,
    edition_2_2,
    known_categories,
    observation_3_1_1,
    team_without_relatives,
    without_money,
    without_questionnaire_uri,
)
from sandbox.synth.fhir.elements import Json
from sandbox.synth.fhir.resource import Resource

Carin = Literal["2.0.0", "2.2.0"]
UsCore = Literal["3.1.1", "6.1.0", "7.0.0"]

CARIN = "http://hl7.org/fhir/us/carin-bb/StructureDefinition/"
US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/"
R4 = "http://hl7.org/fhir/StructureDefinition/"

RENAMED: dict[str, dict[str, str | None]] = {"3.1.1": NAMES_3_1_1}
"""US Core edition → short name here → its name there (None: the edition has no such profile)."""


def _versioned_member_id(patient: Json) -> None:
    """CARIN 2.2.0 knows the member id by a type whose coding names its version."""
    for identifier in patient["identifier"]:
        for coding in identifier["type"]["coding"]:
            if coding["code"] == "MB":
                coding["version"] = "5.0.0"


AMENDED: dict[str, dict[str, Callable[[Json], None]]] = {
    "carin 2.2.0": {"Patient": _versioned_member_id, "ExplanationOfBenefit": edition_2_2},
    "us-core 3.1.1": {
        "CareTeam": team_without_relatives,
        "Condition": known_categories,
        "Observation": observation_3_1_1,
        "QuestionnaireResponse": without_questionnaire_uri,
    },
}
"""Edition ("carin 2.2.0", "us-core 3.1.1") → resource type → what must differ there."""


@dataclass(frozen=True)
class Guides:
    """The editions a library is rendered for; with `basis`, claims come without any money. `more_types` are
    shared types that the guides do not name, and APIs need."""

    carin: Carin = "2.0.0"
    us_core: UsCore = "6.1.0"
    basis: bool = False
    more_types: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.basis and self.carin == "2.0.0":
            raise UsageError("CARIN Blue Button 2.0.0 has no profiles without money: basis needs 2.2.0")

    def finished(self, resource: Json, claim: str = "") -> Resource:
        """A resource as bytes. `claim` is the kind of claim of an ExplanationOfBenefit.

        The resource is changed on the way.
        """
        kind, ident, meta = resource.pop("resourceType"), resource.pop("id"), resource.pop("meta")
        profiles = meta["profile"]
        if self.basis and kind == "ExplanationOfBenefit":
            resource = without_money(resource)
            profiles = tuple(name + BASIS for name in profiles)
        return self.written(kind, ident, meta["versionId"], meta["lastUpdated"], profiles, resource, claim)

    def written(
        self,
        kind: str,
        ident: str,
        version: str,
        updated: str,
        profiles: tuple[str, ...],
        body: Json,
        claim: str = "",
    ) -> Resource:
        """Return a resource as bytes. `body` is everything but `resourceType`, `id` and `meta`."""
        before, after, amendments = _head(self.carin, self.us_core, kind, profiles)
        for amend in amendments:
            amend(body)
        head = f'{before}{ident}","meta":{{"versionId":"{version}","lastUpdated":"{updated}"{after}'
        return Resource(kind, ident, updated, claim, head.encode() + json_bytes(body)[1:])


@lru_cache(maxsize=1024)
def _head(
    carin: str, us_core: str, kind: str, names: tuple[str, ...]
) -> tuple[str, str, tuple[Callable[[Json], None], ...]]:
    """Return a resource's head before its id and after `lastUpdated`, and changes to its body.

    Of the profiles with these short names, those are claimed that the editions have; if there is none,
    that of R4 itself.
    """
    canonicals = [canonical for name in names if (canonical := _canonical(carin, us_core, name))]
    profile = f',"profile":{json_bytes(canonicals or [f"{R4}{kind}|4.0.1"]).decode()}'
    editions = (f"carin {carin}", f"us-core {us_core}")
    amendments = tuple(AMENDED[e][kind] for e in editions if kind in AMENDED.get(e, {}))
    return f'{{"resourceType":"{kind}","id":"', f"{profile}}},", amendments


def _canonical(carin: str, us_core: str, name: str) -> str | None:
    if name.startswith("C4BB-"):
        return f"{CARIN}{name}|{carin}"
    if name.startswith("R4-"):
        return f"{R4}{name[3:]}|4.0.1"
    there = RENAMED.get(us_core, {}).get(name, name)
    if there and there.startswith("R4-"):
        return f"{R4}{there[3:]}|4.0.1"
    return f"{US_CORE}{there}|{us_core}" if there else None
