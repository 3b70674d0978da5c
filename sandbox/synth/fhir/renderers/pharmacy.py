"""ExplanationOfBenefit of pharmacies: a line for a fill, and details for a compound.

NCPDP values are bare codes: their descriptions are licensed.
"""

from __future__ import annotations

from functools import lru_cache

from sandbox.synth.claims.prescriptions import NDC
from sandbox.synth.config.spec import Spec
from sandbox.synth.facts import Amounts, Claim, ClaimLine, CoveredMember, Fill, Ingredient, Settled
from sandbox.synth.fhir import elements as fhir
from sandbox.synth.fhir.concepts import coded
from sandbox.synth.fhir.elements import Json, Piece
from sandbox.synth.fhir.renderers import eob, lines
from sandbox.synth.fhir.templates import BLANK, Template

PROFILE = "ExplanationOfBenefit-Pharmacy"
NCPDP = fhir.TERMINOLOGY + "NCPDP"
SUBSTITUTION_ALLOWED, SENT_ELECTRONICALLY, PLAIN, COMPOUND = "0", "3", "1", "2"
BRAND_GENERIC = {"brand": "1", "specialty": "1", "generic": "2"}
REJECTIONS = NCPDP + "RejectCode"


def render(spec: Spec, member: CoveredMember, settled: Settled) -> Json:
    """A settled pharmacy claim. The claim must have a fill."""
    claim = settled.claim
    fill = claim.fill
    assert fill is not None, "a pharmacy claim is about a fill"
    infos = _infos(fill.drug.tier, fill.days, fill.number, fill.authorized, bool(fill.ingredients))
    return (
        eob.head(spec, member, settled, PROFILE)
        | {
            "supportingInfo": infos.filled(fhir.day(claim.received)),
            "insurance": eob.insurance(settled),
            "item": [
                _item(claim, fill, number, line, amounts)
                for number, (line, amounts) in enumerate(zip(claim.lines, settled.amounts, strict=True), 1)
            ],
            "adjudication": eob.network(claim, "benefitpaymentstatus", "billingnetworkstatus"),
        }
        | eob.tail(settled)
    )


@lru_cache(maxsize=4096)
def _infos(tier: str, days: int, number: int, authorized: int, compound: bool) -> Template:
    """`supportingInfo` of a fill; the blank is the day on which the claim was received."""
    codes = {
        # supportingInfo category → code system, value
        "dawcode": ("DispensedAsWrittenOrProductSelectionCode", SUBSTITUTION_ALLOWED),
        "rxorigincode": ("PrescriptionOriginCode", SENT_ELECTRONICALLY),
        "compoundcode": ("CompoundCode", COMPOUND if compound else PLAIN),
        "brandgenericindicator": ("BrandGenericIndicator", BRAND_GENERIC[tier]),
    }
    infos = [
        eob.info("clmrecvddate", timingDate=BLANK),
        eob.info("dayssupply", valueQuantity=fhir.quantity(days, "days", "d")),
        eob.info("refillnum", valueQuantity=fhir.quantity(number)),
        eob.info("refillsauthorized", valueQuantity=fhir.quantity(authorized)),
        *(eob.info(name, code=coded(NCPDP + system, code)) for name, (system, code) in codes.items()),
    ]
    return Template(eob.numbered(infos))


def _item(claim: Claim, fill: Fill, number: int, line: ClaimLine, amounts: Amounts) -> Json:
    adjudication: Piece | list[Piece] = eob.listed(claim.kind, amounts)
    if line.denial:
        refused = eob.reason("rejectreason", REJECTIONS, line.denial.code)
        adjudication = [*eob.entries(claim.kind, amounts), refused]
    item = lines.head(claim, number) | {
        "productOrService": lines.service(line),
        "servicedDate": fhir.day(claim.served),
        "quantity": fhir.quantity(line.units, fill.unit),
        "adjudication": adjudication,
    }
    if fill.ingredients:
        item["detail"] = [_detail(place, part) for place, part in enumerate(fill.ingredients, 1)]
    return item


def _detail(number: int, part: Ingredient) -> Json:
    return {
        "sequence": number,
        "productOrService": coded(NDC, part.ndc),
        "quantity": fhir.quantity(part.quantity, part.unit),
    }
