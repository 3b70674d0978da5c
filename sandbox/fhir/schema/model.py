"""What a row of the table of types is made of: `Param`, `Type`, and the short words that `types` is
written with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["token", "date", "reference", "string"]

ANY_ID = "_id"
LAST_UPDATED = "_lastUpdated"
PATIENT = "patient"


@dataclass(frozen=True)
class Param:
    """One search parameter. `paths` are dotted element paths; `[x]` is left out (`item.serviced`
    finds servicedDate and servicedPeriod). `searchable` is False for those that only `_include`
    knows (CARIN: provider, care-team, coverage, insurer, payee). `system` is the code system that
    the binding of a plain `code` implies. `same_as` is another parameter of the type with the same
    values. `canonical`: the reference is the URL of a definition, with or without its version. `several`:
    the parameter `patient` of a type that may name several patients, and is in nobody's compartment then."""

    name: str
    kind: Kind
    paths: tuple[str, ...]
    targets: tuple[str, ...] = ()
    searchable: bool = True
    system: str | None = None
    same_as: str | None = None
    canonical: bool = False
    several: bool = False

    @property
    def stored(self) -> str:
        """The name under which the index keeps its values."""
        return self.same_as or self.name

    @property
    def rows(self) -> Kind:
        """The kind of index rows that hold its values."""
        return "string" if self.canonical else self.kind

    @property
    def chained(self) -> bool:
        """Whether `name.parameter` looks into what it points to: one type, one that can be searched."""
        return self.kind == "reference" and self.searchable and not self.canonical and len(self.targets) == 1


@dataclass(frozen=True)
class Type:
    """A resource type we hold: its parameters; the paths to its patient (`owner`), or the reference
    parameter whose target's patient is its patient (`owned_through`); neither: shared by all
    members; the paths that `$everything?start&end` asks about; the profiles we serve; the elements
    that R4 requires (`_elements` keeps them); the combinations of parameters that US Core names."""

    name: str
    params: tuple[Param, ...]
    owner: tuple[str, ...] = ()
    owned_through: str | None = None
    care_date: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    together: tuple[tuple[str, ...], ...] = ()


_CARIN = "http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-"
_US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"


def token(name: str, *paths: str) -> Param:
    return Param(name, "token", paths or (name,))


def code(name: str, system: str, *paths: str) -> Param:
    """An element of the data type `code`, whose system its binding implies."""
    return Param(name, "token", paths or (name,), system=system)


def date(name: str, *paths: str) -> Param:
    return Param(name, "date", paths or (name,))


def string(name: str, *paths: str) -> Param:
    return Param(name, "string", paths or (name,))


def to(name: str, path: str, *targets: str, searchable: bool = True) -> Param:
    return Param(name, "reference", (path,), targets, searchable)


def canonical(name: str, *targets: str) -> Param:
    return Param(name, "reference", (name,), targets, canonical=True)


def kind(
    name: str,
    *params: Param,
    owner: str | None = None,
    through: str | None = None,
    care: str = "",
    carin: str = "",
    us_core: str = "",
    required: str = "",
    together: str = "",
) -> Type:
    """A row of the table. `owner` is the path to the patient; every type has `_id` and `_lastUpdated`,
    every type with a patient other than Patient itself has `patient`, and `subject` or `beneficiary`
    where R4 calls the element so. `care` and `required` are lists of elements, `carin` and `us_core`
    of profiles, `together` of combinations (`patient+date`), separated by spaces."""
    common = [token(ANY_ID, "id"), date(LAST_UPDATED, "meta.lastUpdated")]
    if owner and owner != "id":
        common.append(to(PATIENT, owner, "Patient"))
        if owner != PATIENT:
            common.append(Param(owner, "reference", (owner,), ("Patient",), same_as=PATIENT))
    return Type(
        name,
        (*common, *params),
        (owner,) if owner else (),
        through,
        tuple(care.split()),
        profiles=(*(_CARIN + p for p in carin.split()), *(_US_CORE + p for p in us_core.split())),
        required=tuple(required.split()),
        together=tuple(tuple(names.split("+")) for names in together.split()),
    )
