"""THE table: resource type → search parameters → kind, paths, targets. Everything follows from it.

Sources: CARIN BB 2.0.0 CapabilityStatement (C4BB), US Core 6.1.0 server CapabilityStatement, R4 for
required elements and the code systems of plain codes.
Parsing (`query`), indexing (`paths`), includes and the CapabilityStatement read these rows only.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sandbox.core.errors import UsageError
from sandbox.core.files import read_json
from sandbox.fhir.schema.model import (
    ANY_ID,
    LAST_UPDATED,
    PATIENT,
    Param,
    Type,
    canonical,
    code,
    date,
    kind,
    string,
    to,
    token,
)

AGENTS = ("Practitioner", "Organization", "PractitionerRole", "Patient", "RelatedPerson")
HL7 = "http://hl7.org/fhir/"
EVENT, REQUEST = HL7 + "event-status", HL7 + "request-status"
MEDICATION = HL7 + "CodeSystem/medicationrequest-"

_ROWS = (
    kind(
        "Patient",
        token("identifier"),
        string("name"),
        string("family", "name.family"),
        string("given", "name.given"),
        date("birthdate", "birthDate"),
        date("death-date", "deceased"),
        code("gender", HL7 + "administrative-gender"),
        to("general-practitioner", "generalPractitioner", "Practitioner", "Organization", searchable=False),
        owner="id",
        carin="Patient",
        together="birthdate+family family+gender birthdate+name gender+name death-date+family",
    ),
    kind(
        "Coverage",
        to("payor", "payor", "Organization", "Patient", "RelatedPerson", searchable=False),
        to("policy-holder", "policyHolder", "Patient", "RelatedPerson", "Organization", searchable=False),
        to("subscriber", "subscriber", "Patient", "RelatedPerson", searchable=False),
        owner="beneficiary",
        carin="Coverage",
        required="status beneficiary payor",
    ),
    kind(
        "ExplanationOfBenefit",
        token("type"),
        token("identifier"),
        date("service-date", "billablePeriod", "item.serviced"),
        date("service-start-date", "billablePeriod.start", "item.servicedDate", "item.servicedPeriod.start"),
        date("billable-period-start", "billablePeriod.start"),
        to("provider", "provider", "Practitioner", "Organization", searchable=False),
        to("care-team", "careTeam.provider", "Practitioner", "Organization", searchable=False),
        to("coverage", "insurance.coverage", "Coverage", searchable=False),
        to("insurer", "insurer", "Organization", searchable=False),
        to(
            "payee",
            "payee.party",
            "Organization",
            "Patient",
            "Practitioner",
            "RelatedPerson",
            searchable=False,
        ),
        owner="patient",
        care="billablePeriod",
        carin="ExplanationOfBenefit-Inpatient-Institutional "
        "ExplanationOfBenefit-Outpatient-Institutional "
        "ExplanationOfBenefit-Professional-NonClinician ExplanationOfBenefit-Pharmacy "
        "ExplanationOfBenefit-Oral",
        required="status type use patient created insurer provider outcome insurance",
    ),
    kind(
        "AllergyIntolerance",
        token("clinical-status", "clinicalStatus"),
        owner="patient",
        us_core="allergyintolerance",
        required="patient",
        together="patient+clinical-status",
    ),
    kind(
        "CarePlan",
        token("category"),
        code("status", REQUEST),
        date("date", "period"),
        owner="subject",
        care="period",
        us_core="careplan",
        required="status intent subject",
        together="patient+category+status "
        "patient+category+status+date "
        "patient+category "
        "patient+category+date",
    ),
    kind(
        "CareTeam",
        code("status", HL7 + "care-team-status"),
        token("role", "participant.role"),
        to("participant", "participant.member", *AGENTS, "CareTeam", searchable=False),
        owner="subject",
        us_core="careteam",
        together="patient+status patient+role",
    ),
    kind(
        "Condition",
        token("category"),
        token("clinical-status", "clinicalStatus"),
        token("code"),
        date("onset-date", "onset"),
        date("abatement-date", "abatement"),
        date("asserted-date", "extension[condition-assertedDate].valueDateTime"),
        date("recorded-date", "recordedDate"),
        to("encounter", "encounter", "Encounter"),
        owner="subject",
        care="recordedDate onset",
        us_core="condition-encounter-diagnosis condition-problems-health-concerns",
        required="subject",
        together="patient+recorded-date "
        "patient+asserted-date "
        "patient+category+clinical-status "
        "patient+onset-date "
        "patient+abatement-date "
        "patient+clinical-status "
        "patient+category+encounter "
        "patient+code "
        "patient+category",
    ),
    kind(
        "Device",
        token("type"),
        code("status", HL7 + "device-status"),
        owner="patient",
        us_core="implantable-device",
        together="patient+type patient+status",
    ),
    kind(
        "DiagnosticReport",
        token("category"),
        token("code"),
        code("status", HL7 + "diagnostic-report-status"),
        date("date", "effective"),
        to("result", "result", "Observation", searchable=False),
        to("performer", "performer", "Practitioner", "Organization", searchable=False),
        owner="subject",
        care="effective",
        us_core="diagnosticreport-lab diagnosticreport-note",
        required="status code",
        together="patient+code+date patient+status patient+category+date patient+category patient+code",
    ),
    kind(
        "DocumentReference",
        token("category"),
        token("type"),
        code("status", HL7 + "document-reference-status"),
        date("date"),
        date("period", "context.period"),
        owner="subject",
        care="date",
        us_core="documentreference",
        required="status content",
        together="patient+type patient+status patient+type+period patient+category+date patient+category",
    ),
    kind(
        "Encounter",
        token("class"),
        token("type"),
        code("status", HL7 + "encounter-status"),
        token("identifier"),
        token("discharge-disposition", "hospitalization.dischargeDisposition"),
        date("date", "period"),
        to("location", "location.location", "Location"),
        to(
            "participant",
            "participant.individual",
            "Practitioner",
            "PractitionerRole",
            "RelatedPerson",
            searchable=False,
        ),
        to("service-provider", "serviceProvider", "Organization", searchable=False),
        owner="subject",
        care="period",
        us_core="encounter",
        required="status class",
        together="patient+type "
        "class+patient "
        "patient+status "
        "date+patient "
        "patient+location "
        "patient+discharge-disposition",
    ),
    kind(
        "Goal",
        code("lifecycle-status", HL7 + "goal-status", "lifecycleStatus"),
        token("description"),
        date("target-date", "target.due"),
        owner="subject",
        us_core="goal",
        required="lifecycleStatus description subject",
        together="patient+target-date patient+description patient+lifecycle-status",
    ),
    kind(
        "Immunization",
        code("status", EVENT),
        date("date", "occurrence"),
        to("performer", "performer.actor", "Practitioner", "Organization", searchable=False),
        owner="patient",
        care="occurrence",
        us_core="immunization",
        required="status vaccineCode patient occurrence",
        together="patient+date patient+status",
    ),
    kind("Media", code("status", EVENT), owner="subject", care="created", required="status content"),
    kind(
        "MedicationDispense",
        code("status", "http://terminology.hl7.org/CodeSystem/medicationdispense-status"),
        token("type"),
        to("medication", "medicationReference", "Medication", searchable=False),
        to("prescription", "authorizingPrescription", "MedicationRequest", searchable=False),
        owner="subject",
        care="whenHandedOver",
        us_core="medicationdispense",
        required="status medication",
        together="patient+status+type patient+status",
    ),
    kind(
        "MedicationRequest",
        code("intent", MEDICATION + "intent"),
        code("status", MEDICATION + "status"),
        date("authoredon", "authoredOn"),
        to("encounter", "encounter", "Encounter"),
        to("medication", "medicationReference", "Medication", searchable=False),
        to("requester", "requester", *AGENTS, searchable=False),
        owner="subject",
        care="authoredOn",
        us_core="medicationrequest",
        required="status intent medication subject",
        together="patient+intent+encounter patient+intent+status patient+intent+authoredon patient+intent",
    ),
    kind(
        "Observation",
        token("category"),
        token("code"),
        date("date", "effective"),
        code("status", HL7 + "observation-status"),
        to("specimen", "specimen", "Specimen", searchable=False),
        owner="subject",
        care="effective",
        us_core="observation-lab blood-pressure body-weight body-height bmi smokingstatus "
        "simple-observation observation-screening-assessment observation-pregnancystatus "
        "observation-pregnancyintent observation-occupation",
        required="status code",
        together="patient+code+date "
        "patient+category+status "
        "patient+category+date "
        "patient+category "
        "patient+code",
    ),
    kind(
        "Procedure",
        code("status", EVENT),
        token("code"),
        date("date", "performed"),
        owner="subject",
        care="performed",
        us_core="procedure",
        required="status subject",
        together="patient+code+date patient+status patient+date",
    ),
    kind(
        "QuestionnaireResponse",
        code("status", HL7 + "questionnaire-answers-status"),
        date("authored"),
        canonical("questionnaire", "Questionnaire"),
        owner="subject",
        care="authored",
        us_core="questionnaireresponse",
        required="status",
        together="patient+questionnaire patient+authored patient+status",
    ),
    kind(
        "RelatedPerson",
        string("name"),
        owner="patient",
        carin="RelatedPerson",
        required="patient",
        together="patient+name",
    ),
    kind(
        "ServiceRequest",
        code("status", REQUEST),
        token("category"),
        token("code"),
        date("authored", "authoredOn"),
        owner="subject",
        care="authoredOn",
        us_core="servicerequest",
        required="status intent subject",
        together="patient+category+authored "
        "patient+status "
        "patient+category "
        "patient+code+authored "
        "patient+code",
    ),
    kind("Specimen", owner="subject", us_core="specimen"),
    kind(
        "Location",
        string("name", "name", "alias"),
        string("address"),
        string("address-city", "address.city"),
        string("address-state", "address.state"),
        string("address-postalcode", "address.postalCode"),
        us_core="location",
    ),
    kind("Medication", us_core="medication"),
    kind(
        "Organization",
        token("identifier"),
        string("name", "name", "alias"),
        string("address"),
        carin="Organization",
    ),
    kind("Practitioner", token("identifier"), string("name"), carin="Practitioner"),
)

_PROVENANCE = kind(
    "Provenance",
    to("target", "target", *(row.name for row in _ROWS)),
    through="target",
    us_core="provenance",
    required="target recorded agent",
)

TYPES: dict[str, Type] = {row.name: row for row in (*_ROWS, _PROVENANCE)}
"""The types of the guides, which every payer serves. Order matters: the CapabilityStatement, consent page
and `$everything` list claims first."""


def _other_types() -> tuple[dict[str, Type], frozenset[str]]:
    """The rows of the types of R4 that no guide speaks of, and the names of those that are shared.

    `r4_types.json` says of each what follows from R4's own definitions: where its patient is, whether it is
    shared, what it requires. A type is shared where nothing that R4 lets it refer to is about a person, or
    where it is a definition. The others without a patient (a Group, a Slot, a PaymentNotice) are for backend
    services alone: they may be about several members, or about one whom nothing here can tell.
    """
    listed = read_json(Path(__file__).with_name("r4_types.json"))["types"]
    rows = {name: _other_type(name, entry) for name, entry in listed.items()}
    return rows, frozenset(name for name, entry in listed.items() if entry.get("shared"))


def _other_type(name: str, entry: dict[str, Any]) -> Type:
    paths = tuple(entry.get("patient", ()))
    params = [token(ANY_ID, "id"), date(LAST_UPDATED, "meta.lastUpdated")]
    if paths:
        several = entry.get("several", False)
        params.append(Param(PATIENT, "reference", paths, ("Patient",), several=several))
        if entry.get("subject"):
            params.append(
                Param("subject", "reference", paths, ("Patient",), same_as=PATIENT, several=several)
            )
    if entry.get("identifier"):
        params.append(token("identifier"))
    return Type(name, tuple(params), paths, required=tuple(entry.get("required", ())))


OTHERS, _SHARED_OTHERS = _other_types()
"""All other types of R4: served where loaded data has them, with the basic searches."""

KNOWN: dict[str, Type] = {**TYPES, **OTHERS}

SHARED = frozenset(row.name for row in _ROWS if not row.owner) | _SHARED_OTHERS
"""Types of which every member sees every resource."""


def declare(row: Type) -> None:
    """Give a type beyond the guides' its search parameters. Raises UsageError for a type of the guides."""
    if row.name not in OTHERS:
        raise UsageError(f"{row.name} is no type of R4 beyond the guides: an API cannot declare it")
    KNOWN[row.name] = OTHERS[row.name] = row


def find(type: str, name: str) -> Param | None:
    """The parameter of a type by name, or None."""
    return next((p for p in KNOWN[type].params if p.name == name), None)
