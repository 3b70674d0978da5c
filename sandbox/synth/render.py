"""Which renderer makes what: the network's resources, and a member's in their stable order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, timedelta

from sandbox.synth import elements as fhir
from sandbox.synth import (
    render_clinical,
    render_coverage,
    render_institutional,
    render_oral,
    render_people,
    render_pharmacy,
    render_places,
    render_professional,
    render_provenance,
    versions,
)
from sandbox.synth.elements import Json
from sandbox.synth.facts import Member, Network, Settled
from sandbox.synth.guides import Guides
from sandbox.synth.records import Entry
from sandbox.synth.resource import Resource
from sandbox.synth.spec import Spec

CLAIMS: dict[str, Callable[[Spec, Member, Settled], Json]] = {
    "professional": render_professional.render,
    "vision": render_professional.render,
    "pharmacy": render_pharmacy.render,
    "oral": render_oral.render,
    "inpatient": render_institutional.inpatient,
    "outpatient": render_institutional.outpatient,
}
"""Kind of claim → renderer."""


def providers(spec: Spec, network: Network, today: date, guides: Guides) -> Iterator[Resource]:
    """The payer, the organisations and the practitioners; the directory was last written a while ago."""
    return map(guides.finished, _providers(spec, network, today - timedelta(days=40)))


def _providers(spec: Spec, network: Network, written: date) -> Iterator[Json]:
    for order, organisation in enumerate((network.payer, *network.other_payers, *network.organisations)):
        yield render_people.organization(spec, organisation, fhir.instant(written, order))
    for order, practitioner in enumerate(network.practitioners):
        yield render_people.practitioner(practitioner, fhir.instant(written, order))
    yield from render_places.locations(network, written)
    yield from render_places.medications(spec.codes.drugs.values(), written)


def member(
    spec: Spec,
    of: Member,
    claims: Iterable[Settled],
    entries: Sequence[Entry],
    today: date,
    guides: Guides,
) -> Iterator[Resource]:
    """Patient, relatives, coverages, claims in order of processing, then the clinical record by day."""
    yield from map(guides.finished, _administrative(spec, of, today))
    for settled in claims:
        kind = settled.claim.kind
        first = CLAIMS[kind](spec, of, settled)
        for version in versions.versions(spec, settled, first):
            yield guides.finished(version, kind)
    yield from render_clinical.render(spec, of, entries, guides)


def _administrative(spec: Spec, of: Member, today: date) -> Iterator[Json]:
    found = [
        *render_people.patient(spec, of),
        *(render_people.related_person(of, relative) for relative in of.relatives),
        *(c for p in (*of.policies, *of.elsewhere) for c in render_coverage.coverage(spec, of, p, today)),
    ]
    provenance = render_provenance.enrolment(spec, of, found)
    yield from found
    yield provenance
    for duplicate in of.duplicates:
        yield from render_people.duplicate(spec, of, duplicate)
