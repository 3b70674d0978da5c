"""The clinical record as FHIR (US Core): the table of renderers, times of writing, and authors.

A resource can be seen from the business day after something was written down, and so can whatever it
refers to: that is of the same day or older.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

from sandbox.synth.claims import business_days
from sandbox.synth.clinical import records
from sandbox.synth.clinical.records import RecordEntry
from sandbox.synth.clinical.visits import Visit
from sandbox.synth.config.spec import Spec
from sandbox.synth.facts import CoveredMember
from sandbox.synth.facts.events import ClinicalFinding, HealthProblem, Vaccination
from sandbox.synth.fhir import elements as fhir
from sandbox.synth.fhir.guides import Guides
from sandbox.synth.fhir.renderers import answers, background, care, labs, medicines, notes, visits, vitals
from sandbox.synth.fhir.renderers.provenance import Sources
from sandbox.synth.fhir.resource import Resource
from sandbox.synth.fhir.resource_ids import Rendered, ResourceIds

RENDERERS: dict[type, Callable[[ResourceIds, RecordEntry, Any], Iterator[Rendered]]] = {
    Visit: visits.encounter,
    HealthProblem: visits.problem,
    ClinicalFinding: visits.finding,
    records.Need: visits.need,
    records.Done: visits.procedure,
    records.LabOrder: labs.panel,
    records.Measured: vitals.vitals,
    records.Signs: vitals.signs,
    records.Growth: vitals.growth,
    records.Answer: answers.answer,
    records.Screening: answers.screening,
    records.Order: medicines.order,
    records.Dispensing: medicines.dispensing,
    records.Note: notes.note,
    records.Tracing: notes.tracing,
    records.Allergy: background.allergy,
    records.Carried: background.carried,
    Vaccination: background.vaccination,
    records.ImmunizationRefusal: background.refusal,
    records.Care: care.care,
}
"""Kind of record → renderer. The table may hold Any: each renderer names the record it takes."""


def render(
    spec: Spec, member: CoveredMember, entries: Sequence[RecordEntry], guides: Guides
) -> Iterator[Resource]:
    """Every entry as one or more resources, by the day it was written; at the end, who says so."""
    ids = ResourceIds(member, spec, entries)
    sources = Sources(ids)
    order = 0
    for entry in entries:
        for rendered in RENDERERS[type(entry.what)](ids, entry, entry.what):
            order += 1
            seen = business_days.after(rendered.written or entry.written)
            yield _finish(rendered, fhir.instant(seen, order), guides)
            if rendered.version == 1:
                sources.add(seen, entry, rendered.kind, rendered.ident)
    for seen, rendered in sources.provenances():
        order += 1
        yield _finish(rendered, fhir.instant(seen, order), guides)


def _finish(rendered: Rendered, updated: str, guides: Guides) -> Resource:
    names = _names(rendered.kind, rendered.profile)
    return guides.written(rendered.kind, rendered.ident, str(rendered.version), updated, names, rendered.body)


@cache
def _names(kind: str, profile: str) -> tuple[str, ...]:
    """As `guides` knows them: a few profiles of US Core have names of their own, and Media has none."""
    return (profile[1:] if profile[:1] == "/" else f"us-core-{profile}" if profile else f"R4-{kind}",)
