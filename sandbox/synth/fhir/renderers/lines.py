"""Items of claims that are paid line by line, and adjustment reasons.

Adjustment reasons are bare X12 values: their descriptions are licensed.
"""

from __future__ import annotations

from functools import cache, lru_cache

from sandbox.synth.facts import Amounts, Claim, ClaimLine
from sandbox.synth.fhir import elements as fhir
from sandbox.synth.fhir.concepts import coded
from sandbox.synth.fhir.elements import Json, Piece
from sandbox.synth.fhir.renderers import eob

CARC = "https://x12.org/codes/claim-adjustment-reason-codes"
CAPITATED, ABOVE_ALLOWED = "24", "45"
PLACE = "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set"
ELSEWHERE = "99"  # CMS place of service


def head(claim: Claim, number: int) -> Json:
    """Return `sequence`, `careTeamSequence` and `diagnosisSequence`: all of them on every line."""
    item: Json = {"sequence": number}
    if claim.team:
        item["careTeamSequence"] = _numbers(len(claim.team))
    if claim.diagnoses:
        item["diagnosisSequence"] = _numbers(len(claim.diagnoses))
    return item


@cache
def _numbers(count: int) -> Piece:
    """From 1 to a number."""
    return fhir.piece(list(range(1, count + 1)))


def place(line: ClaimLine) -> Piece:
    return coded(PLACE, line.place or ELSEWHERE)


def adjudication(claim: Claim, line: ClaimLine, amounts: Amounts, *, status: bool) -> Piece:
    """Return the adjudication of a line; with `status`, including its network status."""
    network = eob.in_network("benefitpaymentstatus", claim) if status else None
    allowed = None if line.denial else eob.allowed_units(line.units)
    return _adjudication(claim.kind, amounts, network, adjustment(claim, line, amounts), allowed)


@lru_cache(maxsize=16384)
def _adjudication(
    kind: str, amounts: Amounts, network: Piece | None, why: str | None, allowed: Piece | None
) -> Piece:
    reason = eob.reason("adjustmentreason", CARC, why) if why else None
    beside = [entry for entry in (network, reason, allowed) if entry]
    return fhir.piece([*eob.entries(kind, amounts), *beside])


def adjustment(claim: Claim, line: ClaimLine, amounts: Amounts) -> str | None:
    """The claim adjustment reason code of a line; None where nothing needs a reason."""
    if line.denial:
        return line.denial.code
    if claim.capitated:
        return CAPITATED
    return ABOVE_ALLOWED if amounts.noncovered else None


def service(line: ClaimLine) -> Piece:
    """A service in our own wording: the published ones of the sets in use are not all free."""
    return coded(line.what.system, line.what.code, None, line.what.name or None)
