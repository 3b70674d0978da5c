"""Location and Medication (US Core): shared by all members."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from sandbox.synth.facts import Drug, Network, Organization
from sandbox.synth.fhir import concepts
from sandbox.synth.fhir import elements as fhir
from sandbox.synth.fhir.elements import Json
from sandbox.synth.fhir.renderers.medicines import medication, medication_of
from sandbox.synth.fhir.renderers.visits import location_of

ROLE = {"clinic": "PROFF", "lab": "HLAB", "pharmacy": "OUTPHARM", "hospital": "HOSP", "ambulance": "AMB"}
"""Kind of organization → v3-RoleCode of its place; everybody else has an office."""


def locations(network: Network, written: date) -> Iterator[Json]:
    """One place for each organization that provides care, where the organization itself is."""
    for order, organization in enumerate(network.organizations):
        yield _location(organization, fhir.instant(written, order))


def medications(drugs: Iterable[Drug], written: date) -> Iterator[Json]:
    """One Medication for each drug."""
    for order, drug in enumerate(drugs):
        head = fhir.resource(
            "Medication", medication_of(drug), fhir.instant(written, order), fhir.us_core("medication")
        )
        yield head | medication(drug)


def _location(organization: Organization, updated: str) -> Json:
    role = ROLE.get(organization.kind.removeprefix("outside-"), "PROFF")
    body: Json = {
        "status": "active",
        "name": organization.name,
        "type": [concepts.hl7("v3-RoleCode", role)],
        "telecom": [fhir.phone(organization.phone, "work")],
        "address": fhir.address(organization.address, "work"),
        "managingOrganization": fhir.reference("Organization", organization.id),
    }
    if organization.npi:
        body["identifier"] = [fhir.typed(fhir.NPI, organization.npi, "NPI")]
    return fhir.resource("Location", location_of(organization.id), updated, fhir.us_core("location")) | body
