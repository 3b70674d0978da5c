"""What a sync asks for, and what of its answers is compared: whole examinations of a fake payer."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle
from typing import Any

import httpx
import pytest
from conftest import Grade, line_of, lost
from fake_payer import BASE, HOST, SERVED, FakePayer

Resource = dict[str, Any]


def changed(payer: FakePayer, change: Callable[[Resource], None]) -> FakePayer:
    """The payer with every resource of its members changed in place."""
    own = payer.data

    def data(patient: str) -> list[Resource]:
        found = own(patient)
        for resource in found:
            change(resource)
        return found

    payer.data = data  # type: ignore[method-assign]
    return payer


def test_everything_that_nobody_names_and_that_is_not_there_is_asked_once(grade_fake: Grade) -> None:
    payer = FakePayer(everything="none", names_everything=False)
    card, evidence = grade_fake(payer, probes=False)
    assert sum(path.endswith("$everything") for path in payer.paths()) == 1
    assert [e.status for e in evidence["everything"].exchanges] == [404]
    assert not [e for e in evidence["sync"].exchanges if e.step == "everything"]
    assert line_of(card, "everything").reason == "not listed in the CapabilityStatement, and answered 404"
    assert line_of(card, "request-success").points == 10


def test_everything_that_metadata_names_is_asked_for_every_member_and_charged(grade_fake: Grade) -> None:
    payer = FakePayer(everything="none")
    card, evidence = grade_fake(payer, probes=False)
    assert sum(path.endswith("$everything") for path in payer.paths()) == 5
    assert sum(e.step == "everything" for e in evidence["sync"].exchanges) == 5
    assert line_of(card, "everything").reason == "answered 404"


def test_the_time_of_asking_in_vain_is_no_time_of_a_sync(grade_fake: Grade) -> None:
    payer = FakePayer(everything="none", names_everything=False)

    def slow(request: httpx.Request, number: int) -> httpx.Response | None:
        payer.time.seconds += 29 if request.url.path.endswith("$everything") else 0
        return None

    payer.before_fhir = slow
    assert lost(grade_fake(payer, probes=False)[0]) == {"everything": 0}


@pytest.mark.parametrize(("status", "lost_points"), [(200, {}), (404, {"carin-resources": 5})])
def test_a_patient_that_metadata_does_not_name_is_asked_for_and_not_charged(
    grade_fake: Grade, status: int, lost_points: dict[str, int]
) -> None:
    payer = FakePayer(served=tuple(kind for kind in SERVED if kind != "Patient"), everything="none")

    def answer(request: httpx.Request, number: int) -> httpx.Response | None:
        is_search = request.url.path.endswith("/Patient") and "_id" in request.url.params
        payer.time.seconds += 29 if is_search and status != 200 else 0
        return httpx.Response(status) if is_search and status != 200 else None

    payer.before_fhir = answer
    card, _ = grade_fake(payer, probes=False)
    assert lost(card) == {"everything": 0, **lost_points}


SPELLINGS = (
    *("{base}/{ref}", "{ref}/_history/1", "{ref}/", "{ref}?_format=json", "HTTP://LocalHost:8080/fhir/{ref}"),
    *("http://[::1]:8080/fhir/{ref}", "http://LOCALHOST:8080/fhir/{ref}/_history/9/?_format=json"),
    *("{ref}", "https://api.payer.example/r4/{ref}"),
)


def test_references_to_entries_are_found_among_them_in_any_spelling(grade_fake: Grade) -> None:
    """Twenty claims point at their coverage, an entry of the same sync, and at twenty Organizations."""
    spellings = cycle(SPELLINGS)

    def point(resource: Resource) -> None:
        if resource["resourceType"] != "Patient":
            who = resource["patient"]["reference"]
            mine = f"Coverage/coverage-{who.partition('/')[2]}-0"
            resource["patient"] = {"reference": spelled(who)}
            resource["coverage"] = {"reference": spelled(mine)}

    def spelled(reference: str) -> str:
        return next(spellings).format(base=BASE, ref=reference)

    payer = changed(FakePayer(address="https://api.payer.example/r4"), point)
    card, evidence = grade_fake(payer, probes=False)
    assert evidence["references"].value["read"] == 5 * 20
    assert lost(card) == {}
    assert not [f for f in card.lint if f.rule in ("reference-rot", "other-patient")]


def test_a_reference_outside_is_read_once_in_whatever_spellings_it_comes(grade_fake: Grade) -> None:
    spellings = cycle(["Organization/o-1", f"{BASE}/Organization/o-1/", "Organization/o-1?_format=json"])

    def point(resource: Resource) -> None:
        if "provider" in resource:
            resource["provider"]["reference"] = next(spellings)

    payer = changed(FakePayer(), point)
    _, evidence = grade_fake(payer, probes=False)
    assert evidence["references"].value["read"] == 5
    assert [path for path in payer.paths() if "Organization" in path] == ["/fhir/Organization/o-1"] * 5


def test_an_entry_is_known_by_its_address_as_well(grade_fake: Grade) -> None:
    """Resources bear another id than their addresses; references name the addresses."""

    def point(resource: Resource) -> None:
        if resource["resourceType"] == "Coverage":
            resource["id"] = "renamed-" + resource["id"]
        if resource["resourceType"] == "ExplanationOfBenefit":
            who = resource["patient"]["reference"].partition("/")[2]
            resource["provider"] = {"reference": f"Coverage/coverage-{who}-1"}

    payer = changed(FakePayer(full_url=lambda key: f"{HOST}/fhir/{key.replace('renamed-', '')}"), point)
    card, evidence = grade_fake(payer, probes=False)
    assert "404 Coverage" not in evidence["references"].value["failures"]
    assert lost(card) == {}


def test_everything_owes_nothing_that_searches_include_beside_the_type_asked_for(grade_fake: Grade) -> None:
    payer = FakePayer()
    own = payer.data

    def included(request: httpx.Request, number: int) -> httpx.Response | None:
        if not request.url.path.endswith("/Coverage"):
            return None
        user = payer.access.get(request.headers.get("authorization", "").removeprefix("Bearer "), "")
        mine = [r for r in own(f"p-{user}") if r["resourceType"] == "Coverage"]
        more = {"resourceType": "Organization", "id": "payer"}
        entries = [{"resource": r, "search": {"mode": "match"}} for r in mine]
        entries.append({"resource": more, "search": {"mode": "include"}})
        return httpx.Response(200, json={"resourceType": "Bundle", "entry": entries})

    payer.before_fhir = included
    assert lost(grade_fake(payer, probes=False)[0]) == {}


def test_a_patient_that_can_only_be_read_is_read(grade_fake: Grade) -> None:
    payer = FakePayer(everything="none", names_everything=False, patient_interactions=("read",))

    def read(request: httpx.Request, number: int) -> httpx.Response | None:
        if request.url.path == "/fhir/Patient":
            return httpx.Response(404)
        if request.url.path.startswith("/fhir/Patient/") and not request.url.path.endswith("$everything"):
            return httpx.Response(200, json={"resourceType": "Patient", "id": request.url.path[14:]})
        return None

    payer.before_fhir = read
    assert lost(grade_fake(payer, probes=False)[0]) == {"everything": 0}
