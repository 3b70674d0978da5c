"""ExplanationOfBenefit of pharmacies: one fill, one line; a compound has its ingredients beneath it.

NCPDP values are bare codes: their descriptions are licensed.
"""

from __future__ import annotations

from sandbox.synth import elements as fhir
from sandbox.synth import render_eob as eob
from sandbox.synth import render_lines as lines
from sandbox.synth.elements import Json
from sandbox.synth.facts import Amounts, Claim, Fill, Ingredient, Line, Member, Settled
from sandbox.synth.prescriptions import NDC
from sandbox.synth.spec import Spec

PROFILE = "ExplanationOfBenefit-Pharmacy"
NCPDP = fhir.TERMINOLOGY + "NCPDP"
SUBSTITUTION_ALLOWED, SENT_ELECTRONICALLY, PLAIN, COMPOUND = "0", "3", "1", "2"
BRAND_GENERIC = {"brand": "1", "specialty": "1", "generic": "2"}
REJECTIONS = NCPDP + "RejectCode"


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
                _item(claim, claim.fill, settled, number, line, amounts)
                for number, (line, amounts) in enumerate(zip(claim.lines, settled.amounts, strict=True), 1)
            ],
            "adjudication": [
                eob.in_network("benefitpaymentstatus", claim),
                eob.in_network("billingnetworkstatus", claim),
            ],
        }
        | eob.tail(settled)
    )


def _infos(claim: Claim, fill: Fill) -> list[Json]:
    codes = {
        # supportingInfo category → code system, value
        "dawcode": ("DispensedAsWrittenOrProductSelectionCode", SUBSTITUTION_ALLOWED),
        "rxorigincode": ("PrescriptionOriginCode", SENT_ELECTRONICALLY),
        "compoundcode": ("CompoundCode", COMPOUND if fill.ingredients else PLAIN),
        "brandgenericindicator": ("BrandGenericIndicator", BRAND_GENERIC[fill.drug.tier]),
    }
    return [
        eob.info("clmrecvddate", timingDate=claim.received.isoformat()),
        eob.info("dayssupply", valueQuantity=fhir.quantity(fill.days, "days", "d")),
        eob.info("refillnum", valueQuantity=fhir.quantity(fill.number)),
        eob.info("refillsauthorized", valueQuantity=fhir.quantity(fill.authorized)),
        *(eob.info(name, code=eob.coded(NCPDP + system, code)) for name, (system, code) in codes.items()),
    ]


def _item(claim: Claim, fill: Fill, settled: Settled, number: int, line: Line, amounts: Amounts) -> Json:
    item = lines.head(claim, number) | {
        "productOrService": lines.service(line),
        "servicedDate": lines.serviced(claim),
        "quantity": lines.quantity(line, fill.unit),
        "adjudication": eob.amounts(claim, amounts),
    }
    if line.denial:
        item["adjudication"].append(eob.reason("rejectreason", REJECTIONS, line.denial.code))
    if fill.ingredients:
        item["detail"] = [_detail(place, part) for place, part in enumerate(fill.ingredients, 1)]
    return item


def _detail(number: int, part: Ingredient) -> Json:
    return {
        "sequence": number,
        "productOrService": eob.coded(NDC, part.ndc),
        "quantity": fhir.quantity(part.quantity, part.unit),
    }
