"""Patient, RelatedPerson, Organization, Practitioner, Location (CARIN Blue Button and US Core)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from sandbox.synth.config.spec import Spec
from sandbox.synth.facts import CoveredMember, Duplicate, Organization, Person, Practitioner, Relative, Term
from sandbox.synth.fhir import elements as fhir
from sandbox.synth.fhir.concepts import hl7, named
from sandbox.synth.fhir.elements import Json
from sandbox.synth.fhir.renderers.visits import location_of

ORGANIZATION_TYPE = {"payer": "pay", "ambulance": "other"}  # everything else is a provider
ROLE = {"clinic": "PROFF", "lab": "HLAB", "pharmacy": "OUTPHARM", "hospital": "HOSP", "ambulance": "AMB"}
"""Kind of organization → v3-RoleCode of its place; everybody else has an office."""

PATIENT = ("C4BB-Patient", "us-core-patient")
ONE_DAY = timedelta(days=1)
BIRTH_SEX = {"female": "F", "male": "M"}


def patient(spec: Spec, member: CoveredMember) -> Iterator[Json]:
    """A member as Patient, a version for each time something became different.

    A change of name and the merging of a second record are told from the day after. The member's own
    record says only in words what was merged into it: a second record is outside of the compartment.
    """
    days = {n.until + ONE_DAY for n in member.person.former} | {d.merged for d in member.duplicates}
    for version, day in enumerate(
        (member.enrolled, *sorted(day for day in days if day > member.enrolled)), 1
    ):
        head = fhir.resource("Patient", member.patient_id, fhir.instant(day, member.number), *PATIENT)
        head["meta"]["versionId"] = str(version)
        card = fhir.typed(_member_ids(spec), member.policies[-1].member_id, "MB")
        unique = fhir.identifier(
            f"{spec.payer.base}/unique-member-id",
            f"{member.number:09d}",
            fhir.C4BB + "C4BBIdentifierType",
            "um",
        )
        body = head | _demographics(member, day, [card, unique])
        links = [_replaces(spec, d) for d in member.duplicates if d.merged <= day]
        yield body | ({"link": links} if links else {})


def duplicate(spec: Spec, member: CoveredMember, duplicate: Duplicate) -> Iterator[Json]:
    """The second record of a member: made by mistake, and since the merger replaced by theirs."""
    for version, day in enumerate((duplicate.since, duplicate.merged), 1):
        head = fhir.resource("Patient", duplicate.patient_id, fhir.instant(day, member.number), *PATIENT)
        head["meta"]["versionId"] = str(version)
        card = fhir.typed(_member_ids(spec), duplicate.member_id, "MB")
        body = head | _demographics(member, day, [card])
        body["name"] = [_name(member.person.family, duplicate.given_name)]
        del body["telecom"], body["generalPractitioner"]
        if day == duplicate.merged:
            body["active"] = False
            body["link"] = [{"other": fhir.reference("Patient", member.patient_id), "type": "replaced-by"}]
        yield body


def related_person(member: CoveredMember, relative: Relative) -> Json:
    """Who holds a member's policy, or acts for them."""
    person = relative.person
    return fhir.resource(
        "RelatedPerson",
        relative.id,
        fhir.instant(relative.since, member.number),
        "C4BB-RelatedPerson",
        "us-core-relatedperson",
    ) | {
        "active": True,
        "patient": fhir.reference("Patient", member.patient_id),
        "relationship": [named(role) for role in relative.roles],
        "name": [_name(person.family, person.given_name)],
        "telecom": [fhir.phone(person.phone, "mobile")],
        "gender": person.gender,
        "birthDate": fhir.day(person.birth_date),
        "address": [fhir.address(person.address, "home")],
    }


def organization(spec: Spec, organization: Organization, updated: str) -> Json:
    """The payer or a provider organization."""
    identifiers = [fhir.typed(fhir.TAX, organization.tax_id, "TAX")]
    if organization.npi:
        identifiers.insert(0, fhir.typed(fhir.NPI, organization.npi, "NPI"))
    if organization.payer_code:
        system = f"{spec.payer.base}/payer-id"
        identifiers.append(
            fhir.identifier(system, organization.payer_code, fhir.C4BB + "C4BBIdentifierType", "payerid")
        )
    kind = ORGANIZATION_TYPE.get(organization.kind, "prov")
    return fhir.resource(
        "Organization", organization.id, updated, "C4BB-Organization", "us-core-organization"
    ) | {
        "identifier": identifiers,
        "active": True,
        "type": [fhir.concept(fhir.TERMINOLOGY + "organization-type", kind)],
        "name": organization.name,
        "telecom": [fhir.phone(organization.phone, "work")],
        "address": [fhir.address(organization.address, "work")],
    }


def location(organization: Organization, updated: str) -> Json:
    """The place of an organization that provides care."""
    role = ROLE.get(organization.kind.removeprefix("outside-"), "PROFF")
    body: Json = {
        "status": "active",
        "name": organization.name,
        "type": [hl7("v3-RoleCode", role)],
        "telecom": [fhir.phone(organization.phone, "work")],
        "address": fhir.address(organization.address, "work"),
        "managingOrganization": fhir.reference("Organization", organization.id),
    }
    if organization.npi:
        body["identifier"] = [fhir.typed(fhir.NPI, organization.npi, "NPI")]
    return fhir.resource("Location", location_of(organization.id), updated, "us-core-location") | body


def practitioner(practitioner: Practitioner, updated: str) -> Json:
    """A clinician, with the NUCC specialty as a bare code."""
    return fhir.resource(
        "Practitioner", practitioner.id, updated, "C4BB-Practitioner", "us-core-practitioner"
    ) | {
        "identifier": [fhir.typed(fhir.NPI, practitioner.npi, "NPI")],
        "active": True,
        "name": [_name(practitioner.family, practitioner.given_name)],
        "telecom": [fhir.phone(practitioner.phone, "work")],
        "address": [fhir.address(practitioner.address, "work")],
        "qualification": [
            {"code": fhir.concept("http://nucc.org/provider-taxonomy", practitioner.specialty)}
        ],
    }


def _demographics(member: CoveredMember, day: date, identifiers: list[Json]) -> Json:
    """Who a member is, as told on a day."""
    person = member.person
    return {
        "extension": [
            _category("race", person.race),
            _category("ethnicity", person.ethnicity),
            {"url": fhir.US_CORE + "birthsex", "valueCode": BIRTH_SEX[person.gender]},
        ],
        "identifier": identifiers,
        "active": True,
        "name": _names(person, day),
        "telecom": [
            fhir.phone(person.phone, "mobile"),
            {"system": "email", "value": f"{member.patient_id}@member.example", "use": "home"},
        ],
        "gender": person.gender,
        "birthDate": fhir.day(person.birth_date),
        "address": [fhir.address(person.address, "home")],
        "communication": [
            {"language": fhir.concept("urn:ietf:bcp:47", "en-US", text="English"), "preferred": True}
        ],
        "generalPractitioner": [fhir.reference("Practitioner", member.doctor.id)],
    }


def _names(person: Person, day: date) -> list[Json]:
    """The name in use on a day, then those before it with the day they ended."""
    for former in person.former:
        if day <= former.until:
            return [_name(former.family, former.given_name)]
    current = _name(person.family, person.given_name)
    if not person.former:
        return [current]
    since = max(former.until for former in person.former) + ONE_DAY
    return [
        current | {"period": {"start": fhir.day(since)}},
        *(
            _name(former.family, former.given_name)
            | {"use": "old", "period": {"end": fhir.day(former.until)}}
            for former in person.former
        ),
    ]


def _name(family: str, given_name: str) -> Json:
    return {"use": "official", "family": family, "given": [given_name]}


def _replaces(spec: Spec, duplicate: Duplicate) -> Json:
    # by its identifier: a literal reference would lead out of the member's compartment
    identifier = fhir.typed(_member_ids(spec), duplicate.member_id, "MB")
    return {"other": {"type": "Patient", "identifier": identifier}, "type": "replaces"}


def _member_ids(spec: Spec) -> str:
    return f"{spec.payer.base}/member-id"


def _category(name: str, term: Term) -> Json:
    """The US Core race or ethnicity extension with its OMB category."""
    return {
        "url": fhir.US_CORE + name,
        "extension": [
            {
                "url": "ombCategory",
                "valueCoding": {"system": term.system, "code": term.code, "display": term.name},
            },
            {"url": "text", "valueString": term.name},
        ],
    }
