"""The items of claims that are paid line by line, and why a line is not paid as it was asked.

Adjustment reasons are bare X12 values: their descriptions are licensed.
"""

from __future__ import annotations

from sandbox.synth import elements as fhir
from sandbox.synth import render_eob as eob
from sandbox.synth.elements import Json
from sandbox.synth.facts import Amounts, Claim, Line

CARC = "https://x12.org/codes/claim-adjustment-reason-codes"
CAPITATED, ABOVE_ALLOWED = "24", "45"
PLACE = "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set"
ELSEWHERE = "99"  # CMS place of service


def head(claim: Claim, number: int) -> Json:
    """From `sequence` to `diagnosisSequence`: every line is everybody's, and for every diagnosis."""
    item: Json = {"sequence": number}
    if claim.team:
        item["careTeamSequence"] = list(range(1, len(claim.team) + 1))
    if claim.diagnoses:
        item["diagnosisSequence"] = list(range(1, len(claim.diagnoses) + 1))
    return item


def place(line: Line) -> Json:
    return eob.coded(PLACE, line.place or ELSEWHERE)


def adjudication(claim: Claim, line: Line, amounts: Amounts, *, status: bool) -> list[Json]:
    """The amounts of a line and what is said beside them; with `status`, whether it is in the network."""
    found = eob.amounts(claim, amounts)
    if status:
        found.append(eob.in_network("benefitpaymentstatus", claim))
    why = adjustment(claim, line, amounts)
    if why:
        found.append(eob.reason("adjustmentreason", CARC, why))
    if not line.denial:
        found.append(eob.allowed_units(line.units))
    return found


def adjustment(claim: Claim, line: Line, amounts: Amounts) -> str | None:
    """The claim adjustment reason code of a line; None where nothing needs a reason."""
    if line.denial:
        return line.denial.code
    if claim.capitated:
        return CAPITATED
    return ABOVE_ALLOWED if amounts.noncovered else None


def service(line: Line) -> Json:
    """A service in our own wording: the published ones of the sets in use are not all free."""
    return eob.coded(line.what.system, line.what.code, None, line.what.name or None)


def serviced(claim: Claim) -> str:
    return claim.served.isoformat()


def quantity(line: Line, unit: str | None = None) -> Json:
    return fhir.quantity(line.units, unit)
