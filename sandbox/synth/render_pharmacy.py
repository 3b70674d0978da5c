"""ExplanationOfBenefit of pharmacies (CARIN 2.0.0): one fill, one line.

NCPDP values are bare codes: their descriptions are licensed.
"""

from __future__ import annotations

from sandbox.synth import elements as fhir
from sandbox.synth import render_eob as eob
from sandbox.synth.elements import Json
from sandbox.synth.facts import Amounts, Claim, Fill, Line, Member, Settled
from sandbox.synth.spec import Spec

PROFILE = "ExplanationOfBenefit-Pharmacy"
NCPDP = fhir.TERMINOLOGY + "NCPDP"
NCPDP_CODES = {
    # supportingInfo category → code system, value: substitution is fine, sent electronically, no compound
    "dawcode": ("DispensedAsWrittenOrProductSelectionCode", "0"),
    "rxorigincode": ("PrescriptionOriginCode", "3"),
    "compoundcode": ("CompoundCode", "1"),
}
BRAND_GENERIC = {"brand": "1", "generic": "2"}


def render(spec: Spec, member: Member, settled: Settled) -> Json:
    """A settled pharmacy claim. The claim must have a fill."""
    claim = settled.claim
    assert claim.fill is not None, "a pharmacy claim is about a fill"
    return (
        eob.head(spec, member, settled, PROFILE)
        | {
            "supportingInfo": eob.numbered(_infos(claim, claim.fill)),
            "insurance": eob.insurance(settled),
            "item": [
                _item(claim, number, line, amounts)
                for number, (line, amounts) in enumerate(zip(claim.lines, settled.amounts, strict=True), 1)
            ],
            "adjudication": [eob.in_network("benefitpaymentstatus"), eob.in_network("billingnetworkstatus")],
        }
        | eob.tail(settled)
    )


def _infos(claim: Claim, fill: Fill) -> list[Json]:
    codes = NCPDP_CODES | {"brandgenericindicator": ("BrandGenericIndicator", BRAND_GENERIC[fill.drug.tier])}
    return [
        eob.info("clmrecvddate", timingDate=claim.received.isoformat()),
        eob.info("dayssupply", valueQuantity=fhir.quantity(fill.days, "days", "d")),
        eob.info("refillnum", valueQuantity=fhir.quantity(fill.number)),
        eob.info("refillsauthorized", valueQuantity=fhir.quantity(fill.authorized)),
        *(eob.info(name, code=fhir.concept(NCPDP + system, code)) for name, (system, code) in codes.items()),
    ]


def _item(claim: Claim, number: int, line: Line, amounts: Amounts) -> Json:
    assert claim.fill is not None
    return {
        "sequence": number,
        "careTeamSequence": list(range(1, len(claim.team) + 1)),
        "productOrService": fhir.worded(line.what),
        "servicedDate": claim.served.isoformat(),
        "quantity": fhir.quantity(line.units, claim.fill.drug.unit),
        "adjudication": eob.amounts(claim, amounts),
    }
