"""A member's data: requests that answer 200, references, types, time, `$everything`.

A member of a payer that does everything well is synced in 11 requests: 3 pages of `$everything`, and 8 for
the searches (Patient, Coverage, 2 pages of claims, four clinical types). Five members are synced.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from fractions import Fraction

import httpx
import pytest
from scored_card import examine
from scored_http import Call, outcome
from scored_payer import Payer, key
from scored_people import CLINICAL

Before = Callable[[Call], httpx.Response | None]


def searches_of(kind: str, answer: Callable[[], httpx.Response]) -> Before:
    return lambda call: answer() if call.found[0] == kind else None


# -- request-success

BAD: dict[str, Callable[[], httpx.Response]] = {
    "403": lambda: outcome(403, "forbidden"),
    "500": lambda: httpx.Response(500),
    "206": lambda: httpx.Response(206, json={"resourceType": "Bundle", "type": "searchset"}),
    "429 without a time": lambda: httpx.Response(429),
}


@pytest.mark.parametrize("how", BAD)
def test_one_of_twelve_requests_fails(how: str) -> None:
    """A fifth clinical type, Goal, is offered and never answers 200: with the twelfth request of each
    member 55 of 60 succeed, 91.67 %, in the band of 90 to 95: 6 of 10. Four clinical types are left: 4.
    96."""
    payer = Payer(clinical=(*CLINICAL, "Goal"))
    for name, held in payer.records.items():
        payer.records[name] = [r for r in held if r["resourceType"] != "Goal"]
    payer.before["search"] = [searches_of("Goal", BAD[how])]
    examined = examine(payer)
    examined.earns(score=96, request_success=6)
    assert examined.value("request-success") == Fraction(5500, 60)


def test_every_search_is_throttled_first() -> None:
    """Each of 11 requests but the one for Patient is answered 429 with Retry-After: 1 before it is answered
    200: 11 of 21 are 52.38 %, 1 of 10; 10 seconds of waiting, under 30: 2 of 5. 88."""
    payer = Payer()
    told = set[tuple[str, str]]()

    def wait(call: Call) -> httpx.Response | None:
        grant = payer.desk.holder(call)
        former = grant is not None and grant.person.role.startswith("lapsed")
        if former or (call.bearer, str(call.request.url)) in told or call.path.endswith("/Patient"):
            return None
        told.add((call.bearer, str(call.request.url)))
        return httpx.Response(429, headers={"retry-after": "1"})

    payer.before["search"] = payer.before["everything"] = [wait]
    examined = examine(payer)
    examined.earns(score=88, request_success=1, sync_speed=2)
    assert examined.value("request-success") == Fraction(1100, 21)
    assert examined.value("sync-speed") == 10


def test_errors_that_come_with_200() -> None:
    """Goal answers 200 with an OperationOutcome of an error. The rubric counts statuses: 60 of 60, 10, and
    five clinical types, 4. That the body is an error is a finding beside the score. 100."""
    payer = Payer(clinical=(*CLINICAL, "Goal"))
    for name, held in payer.records.items():
        payer.records[name] = [r for r in held if r["resourceType"] != "Goal"]
    payer.before["search"] = [searches_of("Goal", lambda: outcome(200, "exception"))]
    examine(payer).earns(score=100).finds("OperationOutcome")


def test_a_token_that_dies_within_the_sync() -> None:
    """Access tokens die after the eighth FHIR request: 401, the app renews and tries again. The ninth
    request of each member is one failure more: 11 of 12 tries, 91.67 %, 6 of 10. 96."""
    payer = Payer()
    used = dict[str, int]()

    def tired(call: Call) -> httpx.Response | None:
        used[call.bearer] = used.get(call.bearer, 0) + 1
        return outcome(401, "login") if used[call.bearer] > 8 else None

    payer.before["search"] = payer.before["everything"] = [tired]
    examine(payer).earns(score=96, request_success=6)


# -- references


SPELLED: dict[str, Callable[[str], str]] = {
    "with a version": lambda ref: f"{ref}/_history/1",
    "absolute, by another name of the host": lambda ref: f"http://LOCALHOST:9100/r4/{ref}",
    "absolute, with a version": lambda ref: f"HTTP://127.0.0.1:9100/r4/{ref}/_history/3",
}


@pytest.mark.parametrize("how", SPELLED)
def test_references_spelled_in_another_way(how: str) -> None:
    """Patients, coverages and providers are named with a version, or by an absolute URL in another spelling
    of the same origin. What is an entry of the sync is none to read, whatever its spelling; 4 providers of
    each member are read once each and resolve: 5, 20 reads. $everything is complete: 3. 100."""
    payer, spell = Payer(), SPELLED[how]
    for held in payer.records.values():
        for found in held:
            for name in ("patient", "subject", "beneficiary", "provider"):
                if name in found:
                    found[name] = {"reference": spell(found[name]["reference"])}
            for row in found.get("insurance", ()):
                row["coverage"] = {"reference": spell(row["coverage"]["reference"])}
    examined = examine(payer)
    examined.earns(score=100)
    assert examined.n("reference-resolution") == 20
    assert not [text for text in examined.findings if "another patient" in text or "elsewhere" in text]


def test_entries_known_by_their_full_url_alone() -> None:
    """Claims name their coverage by the urn:uuid of its entry, and their provider by an absolute URL with
    the default port spelled out, at https: the first is no reference, the second is one to this server. 20
    of 20 resolve: 5. 100."""
    payer = Payer(host="https://payer.example", base="/fhir")
    payer.full_url = lambda found: f"HTTPS://Payer.Example:443/fhir/{key(found)}"
    for claim in payer.every("ExplanationOfBenefit"):
        claim["insurance"] = [{"coverage": {"reference": "urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7"}}]
        claim["provider"]["reference"] = "https://PAYER.example:443/fhir/" + claim["provider"]["reference"]
        claim["patient"]["reference"] = "https://payer.example:443/fhir/" + claim["patient"]["reference"]
    examined = examine(payer, intrusive=True)
    examined.earns(score=100)
    assert examined.n("reference-resolution") == 20


# -- types


def test_no_coverage() -> None:
    """Coverage is neither offered nor shown: 3 + 1 of 6 for claims and Patient. What is not offered is not
    asked for. Claims name no coverage. 98."""
    payer = Payer()
    payer.types = tuple(kind for kind in payer.types if kind != "Coverage")
    for name, held in payer.records.items():
        payer.records[name] = [r for r in held if r["resourceType"] != "Coverage"]
    for claim in payer.every("ExplanationOfBenefit"):
        del claim["insurance"]
    examine(payer).earns(score=98, carin_resources=4)


def test_claims_are_never_shown() -> None:
    """Claims are offered, and forbidden to everybody: 2 + 1 of 6. A member is synced in 8 requests, with
    one page of $everything; 7 answer 200: 87.5 %, 5 of 10. An Encounter's provider is the one reference of
    each member, and resolves. 100 - 3 - 5 = 92."""
    payer = Payer(claims=0)
    payer.before["search"] = [searches_of("ExplanationOfBenefit", BAD["403"])]
    for encounter in payer.every("Encounter"):
        encounter["serviceProvider"] = {"reference": "Organization/org-07"}
    examined = examine(payer)
    examined.earns(score=92, carin_resources=3, request_success=5)
    assert examined.value("request-success") == 87.5


# -- time


def test_the_median_of_five_members() -> None:
    """Two of the five syncs take 58 seconds, three take half a second. The median is 0.5 s: 5 of 5, where
    the mean would be 23.5 s. 100."""
    payer = Payer()
    order = list[str]()

    def slow(call: Call) -> float:
        grant = payer.desk.holder(call)
        if call.found[:1] != ("ExplanationOfBenefit",) or grant is None:
            return 0.0
        if grant.person.username not in order:
            order.append(grant.person.username)
        return 29.0 if order.index(grant.person.username) in (1, 3) else 0.25

    payer.latency = slow
    examined = examine(payer)
    examined.earns(score=100)
    assert examined.value("sync-speed") == 0.5


def test_slow_paging() -> None:
    """Pages of 5, a second each: 6 pages of $everything, 4 of claims, 6 more searches are 16 requests and
    16 seconds, under 30: 2 of 5. All answer 200. 97."""
    payer = Payer()
    payer.page_size = lambda call: 5
    payer.latency = lambda call: 1.0 if call.path.startswith("/r4/") and call.bearer else 0.0
    examined = examine(payer)
    examined.earns(score=97, sync_speed=2)
    assert examined.value("sync-speed") == 16


# -- bodies


def test_packed_bodies() -> None:
    """Every FHIR answer is packed by gzip although nobody asked for it: a client unpacks it. 100."""
    payer = Payer()

    def pack(call: Call, answer: httpx.Response) -> httpx.Response:
        headers = {"content-encoding": "gzip", "content-type": "application/fhir+json"}
        return httpx.Response(answer.status_code, content=gzip.compress(answer.content), headers=headers)

    for route in ("metadata", "search", "everything", "read"):
        payer.after[route] = [pack]
    examine(payer).earns(score=100)


def test_bodies_in_pieces_behind_a_byte_order_mark() -> None:
    """Bundles come in pieces of 7 bytes, with a byte order mark in front: readable all the same. 100."""

    def pieces(call: Call, answer: httpx.Response) -> httpx.Response:
        body = b"\xef\xbb\xbf" + answer.content

        def stream() -> Iterator[bytes]:
            yield from (body[at : at + 7] for at in range(0, len(body), 7))

        return httpx.Response(answer.status_code, content=stream())

    payer = Payer()
    payer.after["search"] = payer.after["everything"] = [pieces]
    examine(payer).earns(score=100)
