"""Which renderer makes what: the network's resources, and a member's in their stable order.

An API may name a shared type beyond the guides: a module of `renderers` maps it in `SHARED` to a function of
the spec, the network and the day when it was last written, or another package brings that function.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, timedelta
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points

from sandbox.core.errors import UsageError
from sandbox.synth.clinical.records import RecordEntry
from sandbox.synth.config.spec import Spec
from sandbox.synth.facts import CoveredMember, Network, Settled
from sandbox.synth.fhir import elements as fhir
from sandbox.synth.fhir import eob_versions, renderers
from sandbox.synth.fhir.elements import Json
from sandbox.synth.fhir.guides import Guides
from sandbox.synth.fhir.renderers import (
    clinical,
    coverage,
    institutional,
    medicines,
    oral,
    people,
    pharmacy,
    professional,
)
from sandbox.synth.fhir.renderers import provenance as render_provenance
from sandbox.synth.fhir.resource import Resource

CLAIMS: dict[str, Callable[[Spec, CoveredMember, Settled], Json]] = {
    "professional": professional.render,
    "vision": professional.render,
    "pharmacy": pharmacy.render,
    "oral": oral.render,
    "inpatient": institutional.inpatient,
    "outpatient": institutional.outpatient,
}
"""Kind of claim → renderer."""


def providers(spec: Spec, network: Network, today: date, guides: Guides) -> Iterator[Resource]:
    """Yield the payer, organizations, practitioners, locations, medications, and types of other APIs."""
    written = today - timedelta(days=40)
    yield from map(guides.finished, _providers(spec, network, written))
    for kind in guides.more_types:
        yield from map(guides.finished, find_renderer(kind)(spec, network, written))


def _providers(spec: Spec, network: Network, written: date) -> Iterator[Json]:
    for order, organization in enumerate((network.payer, *network.other_payers, *network.organizations)):
        yield people.organization(spec, organization, fhir.instant(written, order))
    for order, practitioner in enumerate(network.practitioners):
        yield people.practitioner(practitioner, fhir.instant(written, order))
    for order, organization in enumerate(network.organizations):
        yield people.location(organization, fhir.instant(written, order))
    yield from medicines.medications(spec.codes.drugs.values(), written)


def member(
    spec: Spec,
    member: CoveredMember,
    claims: Iterable[Settled],
    entries: Sequence[RecordEntry],
    today: date,
    guides: Guides,
) -> Iterator[Resource]:
    """Yield Patient, relatives, coverages, claims by processing, and the clinical record by day."""
    yield from map(guides.finished, _administrative(spec, member, today))
    for settled in claims:
        kind = settled.claim.kind
        first = CLAIMS[kind](spec, member, settled)
        for version in eob_versions.versions(spec, settled, first):
            yield guides.finished(version, kind)
    yield from clinical.render(spec, member, entries, guides)


def _administrative(spec: Spec, member: CoveredMember, today: date) -> Iterator[Json]:
    resources = [
        *people.patient(spec, member),
        *(people.related_person(member, relative) for relative in member.relatives),
        *(
            c
            for p in (*member.policies, *member.elsewhere)
            for c in coverage.coverage(spec, member, p, today)
        ),
    ]
    provenance = render_provenance.enrolment(spec, member, resources)
    yield from resources
    yield provenance
    for duplicate in member.duplicates:
        yield from people.duplicate(spec, member, duplicate)


Renderer = Callable[[Spec, Network, date], Iterator[Json]]
GROUP = "payer_sandbox.renderers"
"""The entry points of other packages' renderers, each named after its type."""


def find_renderer(kind: str) -> Renderer:
    """Return the renderer of a type. Raises UsageError where there is none, or several."""
    makers = _renderers().get(kind, [])
    if len(makers) != 1:
        raise UsageError(f"{len(makers)} renderers make {kind}: an API that names a type needs one")
    return makers[0]


@cache
def _renderers() -> dict[str, list[Renderer]]:
    """The renderers of each type."""
    makers: dict[str, list[Renderer]] = {}
    for module in pkgutil.iter_modules(renderers.__path__):
        for kind, render in getattr(
            import_module(f"{renderers.__name__}.{module.name}"), "SHARED", {}
        ).items():
            makers.setdefault(kind, []).append(render)
    for entry_point in entry_points(group=GROUP):
        makers.setdefault(entry_point.name, []).append(entry_point.load())
    return makers
