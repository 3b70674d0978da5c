"""What a sync asks for, and what it makes of answers that are put off."""

from __future__ import annotations

from email.utils import format_datetime
from fractions import Fraction

import httpx
from scored_card import examine
from scored_http import Call, outcome
from scored_payer import Payer

COMPANIONS = {
    "Observation": "category", "Condition": "category", "DiagnosticReport": "category",
    "DocumentReference": "category", "CarePlan": "category", "MedicationRequest": "intent",
    "CareTeam": "status",
}  # fmt: skip


def test_searches_that_need_a_second_parameter() -> None:
    """Seven clinical types answer 400 unless the parameter that the guides pair with patient is there. It
    is, every search has `_count=50`, and every page is asked for: 100."""
    payer = Payer(clinical=COMPANIONS)

    def demand(call: Call) -> httpx.Response | None:
        needed = COMPANIONS.get(call.found[0])
        return outcome(400, "required") if needed and needed not in call.query else None

    payer.before["search"] = [demand]
    examine(payer).earns(score=100)
    synced = [call for name, call in payer.calls if name == "search" and call.found[0] in COMPANIONS]
    assert {call.query["_count"] for call in synced} == {"50"}


def test_no_metadata_and_types_that_are_not_there() -> None:
    """Without metadata the fixed list is asked for, whatever $everything showed. This payer has 11 requests
    a member that answer 200; nine more types of the list are asked for, 5 of them once, CarePlan, CareTeam
    and MedicationRequest with their companion, Condition and Observation with three each: 4 + 3 + 6 = 13
    answers of 404. 11 of 24 are 45.83 %, under half: 0 of 10, beside the 2 of metadata. 88."""
    payer = Payer()
    payer.before["metadata"] = [lambda call: httpx.Response(404)]
    examined = examine(payer)
    examined.earns(score=88, capability_statement=0, request_success=0)
    assert examined.value("request-success") == Fraction(1100, 24)


# -- answers that are put off


def once(payer: Payer, status: int, wait: str) -> None:
    """The first Coverage search of each member is put off."""
    told = set[str]()

    def put_off(call: Call) -> httpx.Response | None:
        if call.found[0] != "Coverage" or call.bearer in told:
            return None
        told.add(call.bearer)
        headers = {"retry-after": wait, "date": format_datetime(payer.timeline.now(), usegmt=True)}
        return httpx.Response(status, headers=headers)

    payer.before["search"] = [put_off]


def test_put_off_by_503_until_a_date() -> None:
    """503 with the date a day from 1970 in Retry-After, long past: tried again at once, and 200. Each try
    counts, 11 of 12, 91.67 %: 6 of 10. Nothing was waited for: 5 of 5. 96."""
    payer = Payer()
    once(payer, 503, "Fri, 02 Jan 1970 00:00:00 GMT")
    examine(payer).earns(score=96, request_success=6)


def test_put_off_for_an_hour() -> None:
    """Retry-After is 3600 seconds: nobody waits so long in front of a screen, the request has failed and is
    not repeated: 10 of 11, 90.91 %, 6 of 10. $everything showed the Coverage: 6 of 6. 96."""
    payer = Payer()
    once(payer, 429, "3600")
    examined = examine(payer)
    examined.earns(score=96, request_success=6)
    assert examined.value("request-success") == Fraction(1000, 11)


def test_a_reference_that_is_put_off() -> None:
    """Every provider is 429 with Retry-After: 0 first and 200 then. The last try of a reference decides: 4
    of 4, 5; references are no requests of request-success: 10. 100."""
    payer = Payer()
    told = set[tuple[str, str]]()

    def put_off(call: Call) -> httpx.Response | None:
        if (call.bearer, call.path) in told:
            return None
        told.add((call.bearer, call.path))
        return httpx.Response(429, headers={"retry-after": "0"})

    payer.before["read"] = [put_off]
    examine(payer).earns(score=100)


# -- what does not count


def test_references_of_everything_alone() -> None:
    """$everything also shows a Provenance that names an agent who is not there. Only references of search
    Bundles count: 4 of 4, 5. 100."""
    payer = Payer()

    def with_provenance(call: Call) -> httpx.Response | None:
        grant = payer.desk.holder(call)
        if grant is None:
            return None
        person = grant.person
        extra = {
            "resourceType": "Provenance",
            "id": f"prov-{person.username}",
            "target": [{"reference": f"Patient/{person.patient}"}],
            "agent": [{"who": {"reference": "Device/nowhere"}}],
        }
        return payer.bundle(call, [*payer.records[person.username], extra])

    payer.before["everything"] = [with_provenance]
    payer.shared = lambda kind, name: {"resourceType": kind, "id": name} if kind != "Device" else None
    examine(payer).earns(score=100)
