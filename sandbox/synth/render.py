"""Which renderer makes what: the network's resources, and a member's in their stable order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta

from sandbox.synth import elements as fhir
from sandbox.synth import (
    render_clinical,
    render_coverage,
    render_people,
    render_pharmacy,
    render_professional,
)
from sandbox.synth.elements import Json
from sandbox.synth.events import Event
from sandbox.synth.facts import Member, Network, Settled
from sandbox.synth.spec import Spec

CLAIMS: dict[str, Callable[[Spec, Member, Settled], Json]] = {
    "professional": render_professional.render,
    "vision": render_professional.render,
    "pharmacy": render_pharmacy.render,
}
"""Kind of claim → renderer."""


def providers(spec: Spec, network: Network, today: date) -> Iterator[Json]:
    """The payer, the organisations and the practitioners; the directory was last written a while ago."""
    written = today - timedelta(days=40)
    for order, organisation in enumerate((network.payer, *network.organisations)):
        yield render_people.organization(spec, organisation, fhir.instant(written, order))
    for order, practitioner in enumerate(network.practitioners):
        yield render_people.practitioner(practitioner, fhir.instant(written, order))


def member(
    spec: Spec, of: Member, claims: Iterable[Settled], events: Iterable[Event], today: date
) -> Iterator[Json]:
    """Patient, coverages, claims in order of processing, then the clinical record by day."""
    yield render_people.patient(spec, of)
    for policy in of.policies:
        yield render_coverage.coverage(spec, of, policy, today)
    for settled in claims:
        yield CLAIMS[settled.claim.kind](spec, of, settled)
    yield from render_clinical.render(of, events, today)
