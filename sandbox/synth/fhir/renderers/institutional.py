"""ExplanationOfBenefit of hospitals: inpatient stays are paid as one, outpatient visits by line.

So the amounts of an inpatient are in the header and those of an outpatient in the items, never both.
NUBC values and MS-DRG numbers are bare codes.
"""

from __future__ import annotations

from sandbox.synth.config.spec import Spec
from sandbox.synth.facts import Claim, ClaimLine, CoveredMember, Settled, Stay
from sandbox.synth.fhir import elements as fhir
from sandbox.synth.fhir.concepts import coded, named
from sandbox.synth.fhir.elements import Json
from sandbox.synth.fhir.renderers import eob, lines
from sandbox.synth.fhir.renderers.professional import account_number

INPATIENT = "ExplanationOfBenefit-Inpatient-Institutional"
OUTPATIENT = "ExplanationOfBenefit-Outpatient-Institutional"
NUBC = "https://www.nubc.org/CodeSystem/"
DRG = "https://www.cms.gov/Medicare/Medicare-Fee-for-Service-Payment/AcuteInpatientPPS/MS-DRG-Classifications-and-Software"
PROCEDURE = fhir.C4BB + "C4BBClaimProcedureType"

PRESENT_ON_ADMISSION: Json = {
    # editions name different systems for the same value: both are given
    "coding": [
        {"system": NUBC + "PresentOnAdmissionIndicator", "code": "Y"},
        {
            "system": "https://www.cms.gov/Medicare/Medicare-Fee-for-Service-Payment/HospitalAcqCond/Coding",
            "code": "Y",
        },
    ]
}


def inpatient(spec: Spec, member: CoveredMember, settled: Settled) -> Json:
    """A settled stay: one set of amounts, in the header."""
    claim, stay = settled.claim, _stay(settled)
    (total,) = settled.amounts
    header = [eob.in_network("benefitpaymentstatus", claim), eob.in_network("billingnetworkstatus", claim)]
    why = lines.adjustment(claim, claim.lines[0], total)
    if why:
        header.append(eob.reason("adjustmentreason", lines.CARC, why))
    period = {"start": fhir.day(claim.served), "end": fhir.day(claim.last_day)}
    first = [eob.info("admissionperiod", timingPeriod=period)]
    diagnoses = [("principal", claim.diagnoses[0]), ("admitting", stay.reason)]
    diagnoses += [("other", other) for other in claim.diagnoses[1:]]
    body = {
        "supportingInfo": eob.numbered([*first, *_infos(member, settled, stay)]),
        "diagnosis": [
            eob.diagnosis(number, kind, term)
            | ({} if kind == "admitting" else {"onAdmission": PRESENT_ON_ADMISSION})
            for number, (kind, term) in enumerate(diagnoses, 1)
        ],
    }
    if stay.operations:
        body["procedure"] = [
            {
                "sequence": number,
                "type": [coded(PROCEDURE, "principal" if number == 1 else "other")],
                "date": f"{fhir.day(done.day)}T00:00:00Z",
                "procedureCodeableConcept": named(done.what),
            }
            for number, done in enumerate(stay.operations, 1)
        ]
    return (
        _head(spec, member, settled, INPATIENT)
        | body
        | {
            "insurance": eob.insurance(settled),
            "item": [
                _item(claim, number, line) | {"net": fhir.money(line.charge)}
                for number, line in enumerate(claim.lines, 1)
            ],
            "adjudication": [*eob.entries(claim.kind, total), *header],
        }
        | eob.tail(settled)
    )


def outpatient(spec: Spec, member: CoveredMember, settled: Settled) -> Json:
    """A settled visit: amounts in every line."""
    claim, stay = settled.claim, _stay(settled)
    diagnoses = [("principal", claim.diagnoses[0]), ("patientreasonforvisit", stay.reason)]
    diagnoses += [("other", other) for other in claim.diagnoses[1:]]
    return (
        _head(spec, member, settled, OUTPATIENT)
        | {
            "supportingInfo": eob.numbered(_infos(member, settled, stay)),
            "diagnosis": [eob.diagnosis(number, *diagnosis) for number, diagnosis in enumerate(diagnoses, 1)],
            "insurance": eob.insurance(settled),
            "item": [
                _item(claim, number, line)
                | {"adjudication": lines.adjudication(claim, line, amounts, status=False)}
                for number, (line, amounts) in enumerate(zip(claim.lines, settled.amounts, strict=True), 1)
            ],
            "adjudication": eob.network(claim, "benefitpaymentstatus", "billingnetworkstatus"),
        }
        | eob.tail(settled)
    )


def _stay(settled: Settled) -> Stay:
    assert settled.claim.stay is not None, "a hospital's claim is about a stay"
    return settled.claim.stay


def _head(spec: Spec, member: CoveredMember, settled: Settled, profile: str) -> Json:
    subtype = coded(fhir.C4BB + "C4BBInstitutionalClaimSubType", settled.claim.kind)
    return eob.head(spec, member, settled, profile) | {"subType": subtype}


def _infos(member: CoveredMember, settled: Settled, stay: Stay) -> list[Json]:
    nubc = {
        # supportingInfo category → code system, value
        "typeofbill": ("TypeOfBill", stay.bill),
        "pointoforigin": ("PointOfOrigin", stay.origin),
        "admtype": ("PriorityTypeOfAdmitOrVisit", stay.admission),
        "discharge-status": ("PatDischargeStatus", stay.discharge),
    }
    infos = [
        eob.info("clmrecvddate", timingDate=fhir.day(settled.claim.received)),
        *(eob.info(name, code=coded(NUBC + system, code)) for name, (system, code) in nubc.items()),
        eob.info("medicalrecordnumber", valueString=f"MRN-{member.number:06d}"),
        eob.info("patientaccountnumber", valueString=account_number(member, settled)),
    ]
    if stay.drg:
        infos.append(eob.info("drg", code=coded(DRG, stay.drg)))
    return infos


def _item(claim: Claim, number: int, line: ClaimLine) -> Json:
    return lines.head(claim, number) | {
        "revenue": coded(NUBC + "RevenueCodes", line.revenue or ""),
        "productOrService": lines.service(line),
        "servicedDate": fhir.day(claim.served),
        "quantity": fhir.quantity(line.units),
    }
