"""THE table: resource type → search parameters → kind, paths, targets. Everything follows from it.

Sources: CARIN BB 2.0.0 CapabilityStatement (C4BB), US Core 6.1.0 server CapabilityStatement.
Parsing (`query`), indexing (`params`), includes and the CapabilityStatement read these rows only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["token", "date", "reference", "string"]


@dataclass(frozen=True)
class Param:
    """One search parameter. `paths` are dotted element paths; `[x]` is left out (`item.serviced`
    finds servicedDate and servicedPeriod). `searchable` is False for those that only `_include`
    knows (CARIN: provider, care-team, coverage, insurer, payee)."""

    name: str
    kind: Kind
    paths: tuple[str, ...]
    targets: tuple[str, ...] = ()
    searchable: bool = True


@dataclass(frozen=True)
class Type:
    """A resource type we hold: its parameters; the path to its patient (`owner`), or the reference
    parameter whose target's patient is its patient (`owned_through`); neither: shared by all
    members; the paths that `$everything?start&end` asks about; the profiles we serve."""

    name: str
    params: tuple[Param, ...]
    owner: str | None = None
    owned_through: str | None = None
    care_date: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()


PATIENT = ("Patient",)
AGENTS = ("Practitioner", "Organization", "PractitionerRole", "Patient", "RelatedPerson")
_CARIN = "http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-"
_US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"


def _token(name: str, *paths: str) -> Param:
    return Param(name, "token", paths or (name,))


def _date(name: str, *paths: str) -> Param:
    return Param(name, "date", paths or (name,))


def _string(name: str, *paths: str) -> Param:
    return Param(name, "string", paths or (name,))


def _to(name: str, path: str, *targets: str, searchable: bool = True) -> Param:
    return Param(name, "reference", (path,), targets, searchable)


def _type(
    name: str,
    *params: Param,
    of: str | None = None,
    through: str | None = None,
    care: tuple[str, ...] = (),
    carin: tuple[str, ...] = (),
    us_core: tuple[str, ...] = (),
) -> Type:
    """A row of the table. `of` is the path to the patient; every type has `_id` and `_lastUpdated`,
    every type with a patient other than Patient itself has `patient`."""
    common = [_token("_id", "id"), _date("_lastUpdated", "meta.lastUpdated")]
    if of and of != "id":
        common.append(_to("patient", of, "Patient"))
    profiles = (*(_CARIN + p for p in carin), *(_US_CORE + p for p in us_core))
    return Type(name, (*common, *params), of, through, care, profiles)


_ROWS = (
    _type(
        "Patient",
        _token("identifier"),
        _string("name"),
        _string("family", "name.family"),
        _string("given", "name.given"),
        _date("birthdate", "birthDate"),
        _date("death-date", "deceased"),
        _token("gender"),
        _to("general-practitioner", "generalPractitioner", "Practitioner", "Organization", searchable=False),
        of="id",
        carin=("Patient",),
    ),
    _type(
        "Coverage",
        _to("payor", "payor", "Organization", "Patient", "RelatedPerson", searchable=False),
        _to("policy-holder", "policyHolder", "Patient", "RelatedPerson", "Organization", searchable=False),
        _to("subscriber", "subscriber", "Patient", "RelatedPerson", searchable=False),
        of="beneficiary",
        carin=("Coverage",),
    ),
    _type(
        "ExplanationOfBenefit",
        _token("type"),
        _token("identifier"),
        _date("service-date", "billablePeriod", "item.serviced"),
        _date("service-start-date", "billablePeriod.start", "item.servicedDate", "item.servicedPeriod.start"),
        _date("billable-period-start", "billablePeriod.start"),
        _to("provider", "provider", "Practitioner", "Organization", searchable=False),
        _to("care-team", "careTeam.provider", "Practitioner", "Organization", searchable=False),
        _to("coverage", "insurance.coverage", "Coverage", searchable=False),
        _to("insurer", "insurer", "Organization", searchable=False),
        _to(
            "payee",
            "payee.party",
            "Organization",
            "Patient",
            "Practitioner",
            "RelatedPerson",
            searchable=False,
        ),
        of="patient",
        care=("billablePeriod",),
        carin=(
            "ExplanationOfBenefit-Inpatient-Institutional",
            "ExplanationOfBenefit-Outpatient-Institutional",
            "ExplanationOfBenefit-Professional-NonClinician",
            "ExplanationOfBenefit-Pharmacy",
            "ExplanationOfBenefit-Oral",
        ),
    ),
    _type(
        "AllergyIntolerance",
        _token("clinical-status", "clinicalStatus"),
        of="patient",
        us_core=("allergyintolerance",),
    ),
    _type(
        "CarePlan",
        _token("category"),
        _token("status"),
        _date("date", "period"),
        of="subject",
        care=("period",),
        us_core=("careplan",),
    ),
    _type(
        "CareTeam",
        _token("status"),
        _token("role", "participant.role"),
        _to("participant", "participant.member", *AGENTS, "CareTeam", searchable=False),
        of="subject",
        us_core=("careteam",),
    ),
    _type(
        "Condition",
        _token("category"),
        _token("clinical-status", "clinicalStatus"),
        _token("code"),
        _date("onset-date", "onset"),
        _date("abatement-date", "abatement"),
        _date("asserted-date", "extension[condition-assertedDate].valueDateTime"),
        _date("recorded-date", "recordedDate"),
        _to("encounter", "encounter", "Encounter"),
        of="subject",
        care=("recordedDate", "onset"),
        us_core=("condition-encounter-diagnosis", "condition-problems-health-concerns"),
    ),
    _type(
        "Device",
        _token("type"),
        _token("status"),
        of="patient",
        us_core=("implantable-device",),
    ),
    _type(
        "DiagnosticReport",
        _token("category"),
        _token("code"),
        _token("status"),
        _date("date", "effective"),
        _to("result", "result", "Observation", searchable=False),
        _to("performer", "performer", "Practitioner", "Organization", searchable=False),
        of="subject",
        care=("effective",),
        us_core=("diagnosticreport-lab", "diagnosticreport-note"),
    ),
    _type(
        "DocumentReference",
        _token("category"),
        _token("type"),
        _token("status"),
        _date("date"),
        _date("period", "context.period"),
        of="subject",
        care=("date",),
        us_core=("documentreference",),
    ),
    _type(
        "Encounter",
        _token("class"),
        _token("type"),
        _token("status"),
        _token("identifier"),
        _token("discharge-disposition", "hospitalization.dischargeDisposition"),
        _date("date", "period"),
        _to("location", "location.location", "Location"),
        _to(
            "participant",
            "participant.individual",
            "Practitioner",
            "PractitionerRole",
            "RelatedPerson",
            searchable=False,
        ),
        _to("service-provider", "serviceProvider", "Organization", searchable=False),
        of="subject",
        care=("period",),
        us_core=("encounter",),
    ),
    _type(
        "Goal",
        _token("lifecycle-status", "lifecycleStatus"),
        _token("description"),
        _date("target-date", "target.due"),
        of="subject",
        us_core=("goal",),
    ),
    _type(
        "Immunization",
        _token("status"),
        _date("date", "occurrence"),
        _to("performer", "performer.actor", "Practitioner", "Organization", searchable=False),
        of="patient",
        care=("occurrence",),
        us_core=("immunization",),
    ),
    _type(
        "Media",
        _token("status"),
        of="subject",
        care=("created",),
    ),
    _type(
        "MedicationDispense",
        _token("status"),
        _token("type"),
        _to("medication", "medicationReference", "Medication", searchable=False),
        _to("prescription", "authorizingPrescription", "MedicationRequest", searchable=False),
        of="subject",
        care=("whenHandedOver",),
        us_core=("medicationdispense",),
    ),
    _type(
        "MedicationRequest",
        _token("intent"),
        _token("status"),
        _date("authoredon", "authoredOn"),
        _to("encounter", "encounter", "Encounter"),
        _to("medication", "medicationReference", "Medication", searchable=False),
        _to("requester", "requester", *AGENTS, searchable=False),
        of="subject",
        care=("authoredOn",),
        us_core=("medicationrequest",),
    ),
    _type(
        "Observation",
        _token("category"),
        _token("code"),
        _date("date", "effective"),
        _token("status"),
        _to("specimen", "specimen", "Specimen", searchable=False),
        of="subject",
        care=("effective",),
        us_core=(
            "observation-lab",
            "blood-pressure",
            "body-weight",
            "body-height",
            "bmi",
            "smokingstatus",
            "simple-observation",
            "observation-screening-assessment",
            "observation-pregnancystatus",
            "observation-pregnancyintent",
            "observation-occupation",
        ),
    ),
    _type(
        "Procedure",
        _token("status"),
        _token("code"),
        _date("date", "performed"),
        of="subject",
        care=("performed",),
        us_core=("procedure",),
    ),
    _type(
        "QuestionnaireResponse",
        _token("status"),
        _date("authored"),
        _token("questionnaire"),
        of="subject",
        care=("authored",),
        us_core=("questionnaireresponse",),
    ),
    _type(
        "RelatedPerson",
        _string("name"),
        of="patient",
        carin=("RelatedPerson",),
    ),
    _type(
        "ServiceRequest",
        _token("status"),
        _token("category"),
        _token("code"),
        _date("authored", "authoredOn"),
        of="subject",
        care=("authoredOn",),
        us_core=("servicerequest",),
    ),
    _type(
        "Specimen",
        of="subject",
        us_core=("specimen",),
    ),
    _type(
        "Location",
        _string("name", "name", "alias"),
        _string("address"),
        _string("address-city", "address.city"),
        _string("address-state", "address.state"),
        _string("address-postalcode", "address.postalCode"),
        us_core=("location",),
    ),
    _type("Medication", us_core=("medication",)),
    _type("Organization", _token("identifier"), _string("name"), _string("address"), carin=("Organization",)),
    _type("Practitioner", _token("identifier"), _string("name"), carin=("Practitioner",)),
)

_PROVENANCE = _type(
    "Provenance",
    _to("target", "target", *(row.name for row in _ROWS)),
    through="target",
    us_core=("provenance",),
)

TYPES: dict[str, Type] = {row.name: row for row in (*_ROWS, _PROVENANCE)}
"""Order matters: the CapabilityStatement, consent page and `$everything` list claims first."""

SHARED = frozenset(row.name for row in _ROWS if row.owner is None)


def find(kind: str, name: str) -> Param | None:
    """The parameter of a type by name, or None."""
    return next((p for p in TYPES[kind].params if p.name == name), None)
