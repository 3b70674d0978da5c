"""The versions of a claim's explanation: what is seen of it as time goes on.

A version becomes visible one business day after what made it. The first tells the claim as it was paid;
later ones say that it was replaced or voided, or that an appeal was received or decided. Pointers go to
the neighbours in a chain and no further.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from sandbox.synth.config.spec import Spec
from sandbox.synth.facts import Pointer, Settled
from sandbox.synth.fhir import elements as fhir
from sandbox.synth.fhir.concepts import coded
from sandbox.synth.fhir.elements import Json, Piece
from sandbox.synth.fhir.renderers import eob

PRIOR = coded(fhir.TERMINOLOGY + "ex-relatedclaimrelationship", "prior")
REPLACED_BY = coded(fhir.C4BB + "C4BBRelatedClaimRelationshipCodes", "replacedby")


def versions(spec: Spec, settled: Settled, first: Json) -> list[Json]:
    """The explanation as first rendered, and what it became, oldest first. Versions share their parts."""
    order = int(settled.number[-5:])
    if settled.prior:
        first["related"] = [_related(spec, settled.prior, PRIOR)]
    bodies = [first]
    for number, (day, changes) in enumerate(_changes(spec, settled, first), 2):
        meta = first["meta"] | {
            "versionId": str(number),
            "lastUpdated": fhir.instant(eob.visible(day), order),
        }
        bodies.append(bodies[-1] | {"meta": meta} | changes)
    return bodies


def _changes(spec: Spec, settled: Settled, first: Json) -> Iterator[tuple[date, Json]]:
    """The day of each change in order, and the elements that it sets."""
    claim = settled.claim
    notes: list[str] = []
    if claim.appeal:
        notes.append(f"An appeal was received on {claim.appeal.filed.isoformat()}. It is being reviewed.")
        yield claim.appeal.filed, {"processNote": _notes(notes)}
        if claim.appeal.upheld:
            notes.append(
                f"The appeal was decided on {claim.appeal.decided.isoformat()}: the decision stands."
            )
            yield claim.appeal.decided, {"processNote": _notes(notes)}
    if claim.voided:
        notes.append("The provider has withdrawn this claim.")
        yield claim.voided, {"status": "cancelled", "processNote": _notes(notes)}
    if settled.replaced_by:
        related = [*first.get("related", []), _related(spec, settled.replaced_by, REPLACED_BY)]
        yield settled.replaced_by.processed, {"status": "cancelled", "related": related}


def _related(spec: Spec, to: Pointer, relationship: Piece) -> Json:
    """A neighbour, by its claim number. There is no Claim to refer to, and its explanation is none."""
    return {
        "relationship": relationship,
        "reference": {"type": eob.CLAIM_NUMBER, "system": eob.claim_numbers(spec), "value": to.number},
    }


def _notes(texts: list[str]) -> list[Json]:
    return [{"number": number, "type": "display", "text": text} for number, text in enumerate(texts, 1)]
