"""Ids of the resources of one member's record, so that they can refer to each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import NamedTuple

from sandbox.synth.clinical.records import Order, RecordEntry
from sandbox.synth.clinical.visits import Visit
from sandbox.synth.config.codes import Codes
from sandbox.synth.config.spec import Spec
from sandbox.synth.facts import CoveredMember
from sandbox.synth.facts.events import ClinicalFinding, HealthProblem
from sandbox.synth.fhir.elements import Json

SHORT_NAME = {
    "AllergyIntolerance": "alg",
    "CarePlan": "plan",
    "CareTeam": "team",
    "Condition": "cond",
    "Device": "dev",
    "DiagnosticReport": "rep",
    "DocumentReference": "doc",
    "Encounter": "enc",
    "Goal": "goal",
    "Immunization": "imm",
    "Media": "media",
    "MedicationDispense": "disp",
    "MedicationRequest": "med",
    "Observation": "obs",
    "Procedure": "proc",
    "Provenance": "prov",
    "QuestionnaireResponse": "qr",
    "ServiceRequest": "sr",
    "Specimen": "spec",
}


class Rendered(NamedTuple):
    """A resource without its head. `profile` is a short name of US Core, or "" for none.

    `written` None: the day of the entry; a version after the first has the day of the change.
    """

    kind: str
    profile: str
    ident: str
    body: Json
    written: date | None = None
    version: int = 1


class ResourceIds:
    """Names and references for one member. Ids count within a type, in the order they are asked for."""

    def __init__(self, member: CoveredMember, spec: Spec, entries: Iterable[RecordEntry]) -> None:
        self.member = member
        self._number = f"{member.number:04d}"
        self.codes: Codes = spec.codes
        self.payer = spec.payer.id
        self.base = spec.payer.base
        self.subject: Json = {"reference": f"Patient/{member.patient_id}"}
        self._names: dict[tuple[str, int, int], str] = {}
        self._counts: dict[str, int] = {}
        self._encounters: dict[int, Json] = {}
        self._reasons: dict[int, object] = {}
        self._visits: dict[int, Visit] = {}
        for entry in entries:
            if entry.visit and isinstance(entry.what, Order):
                self._visits[id(entry.what)] = entry.visit
            if entry.visit and isinstance(entry.what, (ClinicalFinding, HealthProblem)):
                self._reasons.setdefault(id(entry.visit), entry.what)

    def ident(self, kind: str, fact: object, part: int = 0) -> str:
        """The id of the resource of this type that tells of an object; `part` where several do."""
        key = (kind, id(fact), part)
        name = self._names.get(key)
        if name is None:
            self._counts[kind] = number = self._counts.get(kind, 0) + 1
            name = self._names[key] = f"{SHORT_NAME[kind]}-{self._number}-{number:03d}"
        return name

    def render(self, kind: str, profile: str, fact: object, body: Json, part: int = 0) -> Rendered:
        """The resource of this type that tells of an object."""
        return Rendered(kind, profile, self.ident(kind, fact, part), body)

    def refer(self, kind: str, fact: object, part: int = 0) -> Json:
        return {"reference": f"{kind}/{self.ident(kind, fact, part)}"}

    def encounter(self, entry: RecordEntry) -> Json:
        """`encounter` of a resource, or nothing where the entry was made at no visit."""
        visit = entry.visit
        if visit is None:
            return {}
        return {"encounter": self.met(visit)}

    def met(self, visit: Visit) -> Json:
        """The reference to a visit's Encounter."""
        reference = self._encounters.get(id(visit))
        if reference is None:
            reference = self._encounters[id(visit)] = self.refer("Encounter", visit)
        return reference

    def noted_at(self, visit: Visit) -> object | None:
        """The first condition that was noted at a visit."""
        return self._reasons.get(id(visit))

    def visit_of(self, order: Order) -> Visit | None:
        """The visit at which something was ordered."""
        return self._visits.get(id(order))

    def versions(
        self, kind: str, profile: str, fact: object, bodies: Iterable[tuple[date, Json]]
    ) -> Iterator[Rendered]:
        """A resource that changes: what it says from each day on."""
        ident = self.ident(kind, fact)
        for number, (written, body) in enumerate(bodies, 1):
            yield Rendered(kind, profile, ident, body, written, number)
