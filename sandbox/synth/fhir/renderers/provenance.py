"""Provenance (US Core): one for all resources written at one visit on one day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from sandbox.synth.clinical.records import LabOrder, RecordEntry
from sandbox.synth.clinical.visits import Visit
from sandbox.synth.config.spec import Spec
from sandbox.synth.facts import CoveredMember
from sandbox.synth.fhir import concepts
from sandbox.synth.fhir import elements as fhir
from sandbox.synth.fhir.elements import Json
from sandbox.synth.fhir.resource_ids import Rendered, ResourceIds

AUTHOR = concepts.hl7("provenance-participant-type", "author")
TRANSMITTER = concepts.coded(
    "http://hl7.org/fhir/us/core/CodeSystem/us-core-provenance-participant-type", "transmitter"
)


def enrolment(spec: Spec, member: CoveredMember, administrative: Iterable[Json]) -> Json:
    """The payer says who its member is: for all versions of Patient, Coverage and RelatedPerson."""
    shown: dict[str, str] = {}
    for resource in administrative:
        name = f"{resource['resourceType']}/{resource['id']}"
        shown.setdefault(name, resource["meta"]["lastUpdated"])
    seen = max(shown.values())
    payer = fhir.reference("Organization", spec.payer.id)
    head = fhir.resource("Provenance", f"prov-{member.number:04d}-000", seen, "us-core-provenance")
    return head | {
        "target": [{"reference": name} for name in shown],
        "recorded": seen,
        "agent": [{"type": AUTHOR, "who": payer}, {"type": TRANSMITTER, "who": payer}],
    }


class Sources:
    """Collects what was written, and tells of it group by group.

    The clinician of a visit is the author of what was noted there, a laboratory of its results, and the
    payer of what it made from claims alone. The payer has passed all of it on.
    """

    def __init__(self, ids: ResourceIds) -> None:
        self._ids = ids
        self._groups: dict[tuple[date, Visit | None, bool], tuple[RecordEntry, list[str]]] = {}

    def add(self, seen: date, entry: RecordEntry, kind: str, ident: str) -> None:
        """A resource that can be seen from a day on."""
        key = (seen, entry.visit, type(entry.what) is LabOrder)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = (entry, [])
        group[1].append(f"{kind}/{ident}")

    def provenances(self) -> Iterator[tuple[date, Rendered]]:
        """One Provenance for each group; a refill by itself is not worth one."""
        for (seen, _, _), (entry, targets) in self._groups.items():
            if all(target.startswith("MedicationDispense/") for target in targets):
                continue
            body = {
                "target": [{"reference": target} for target in targets],
                "recorded": fhir.instant(seen),
                "agent": [*self._authors(entry)],
            }
            yield seen, self._ids.render("Provenance", "provenance", targets, body)

    def _authors(self, entry: RecordEntry) -> Iterator[Json]:
        payer = fhir.reference("Organization", self._ids.payer)
        visit = entry.visit
        if isinstance(entry.what, LabOrder):
            yield {"type": AUTHOR, "who": fhir.reference("Organization", entry.what.laboratory.id)}
        elif visit:
            place = fhir.reference("Organization", visit.where.id)
            if visit.by:
                who = fhir.reference("Practitioner", visit.by.id)
                yield {"type": AUTHOR, "who": who, "onBehalfOf": place}
            else:
                yield {"type": AUTHOR, "who": place}
        else:
            yield {"type": AUTHOR, "who": payer}
        yield {"type": TRANSMITTER, "who": payer}
