"""read, search and $everything over a library; Bundles spliced from bytes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from support.reach import ALL, reader
from unit.fhir.fake_library import ArmedGates, FakeLibrary, stored
from unit.fhir.fhir_samples import coverage, eob, member, organization, patient

from sandbox.core.errors import BadRequest, Forbidden, NotFound
from sandbox.core.gates import OPEN, Facts
from sandbox.core.payer import PayerProfile
from sandbox.fhir import bundle as wire
from sandbox.fhir import dates
from sandbox.fhir.library import Everything, Page
from sandbox.fhir.search.query import Query, parse

EOB = "ExplanationOfBenefit"


@pytest.fixture
def library() -> FakeLibrary:
    return FakeLibrary([*member("p1"), *member("p2")])


def read(library: FakeLibrary, kind: str, id: str, who: str | None = "p1", gates: Any = OPEN) -> bytes:
    return reader(library, who, gates=gates).read(kind, id).body


def search(library: FakeLibrary, *args: tuple[str, str], readable: Any = ALL, gates: Any = OPEN) -> Page:
    here = replace(reader(library, "p1", gates=gates, types=readable), facts=Facts(resource=EOB))
    return here.search(parse(EOB, args))


def test_a_member_reads_own_and_shared_resources(library: FakeLibrary) -> None:
    assert json.loads(read(library, "Coverage", "c1"))["id"] == "c1"
    assert json.loads(read(library, "Organization", "payer"))["id"] == "payer"
    assert json.loads(read(library, "Coverage", "c1-p2", None))["id"] == "c1-p2"


@pytest.mark.parametrize(
    ("kind", "id"), [("Coverage", "c1-p2"), ("Patient", "p2"), ("Coverage", "nope"), ("Patient", "c1")]
)
def test_another_members_resource_looks_as_if_it_did_not_exist(
    library: FakeLibrary, kind: str, id: str
) -> None:
    with pytest.raises(NotFound) as caught:
        read(library, kind, id)
    assert (caught.value.text, caught.value.code) == (f"There is no {kind} with this id.", "not-found")


def test_a_resource_that_belongs_to_nobody_is_shown_to_nobody() -> None:
    lost = eob(patient={"reference": "Group/g1"})
    library = FakeLibrary([eob("e9"), lost])
    library.points_to = (stored(lost, 2),)
    with pytest.raises(NotFound):
        read(library, EOB, "e1")
    assert search(library, ("_include", "*")).included == ()


def test_an_unknown_type_is_not_supported(library: FakeLibrary) -> None:
    with pytest.raises(NotFound) as caught:
        read(library, "Banana", "1")
    assert caught.value.code == "not-supported"


def test_a_search_is_asked_within_the_members_compartment(library: FakeLibrary) -> None:
    page = search(library)
    assert library.asked[0] == replace(parse(EOB, []), patient="p1")
    assert {s.patient for s in page.matches} == {"p1"}
    with pytest.raises(Forbidden):
        search(library, ("patient", "p2"))


def test_includes_are_filtered_by_what_the_token_may_read_and_by_compartment(library: FakeLibrary) -> None:
    everything = search(library, ("_include", "*"))
    assert {s.type for s in everything.included} > {"Organization", "Practitioner", "Coverage"}
    assert {s.patient for s in everything.included} == {"p1", None}
    some = search(library, ("_include", "*"), readable=frozenset({EOB, "Coverage"}))
    assert {s.type for s in some.included} == {"Coverage"}
    assert search(library).included == ()


def test_stored_bytes_are_served_untouched_unless_the_gate_is_armed() -> None:
    library = FakeLibrary([patient()])
    library.rows[0] = library.rows[0]._replace(body=b"not even json")
    assert read(library, "Patient", "p1") == b"not even json"
    with pytest.raises(ValueError, match=r"Expecting|JSON"):
        read(library, "Patient", "p1", gates=ArmedGates(RESOURCE=lambda r: r))


def test_the_resource_gate_sees_each_resource_with_its_own_type(library: FakeLibrary) -> None:
    gates = ArmedGates(RESOURCE=lambda r: {**r, "seen": True})
    page = search(library, ("_include", "*"), gates=gates)
    assert all(json.loads(s.body)["seen"] for s in (*page.matches, *page.included))
    assert gates.met[0] == ("QUERY", EOB)
    assert gates.met[-1] == ("BUNDLE", EOB)
    assert {kind for stage, kind in gates.met if stage == "RESOURCE"} >= {EOB, "Coverage", "Organization"}


def test_an_armed_gate_that_changes_nothing_keeps_every_digit() -> None:
    library = FakeLibrary([eob()])
    body = library.rows[0].body.replace(b"200.5", b"200.50")
    library.rows[0] = library.rows[0]._replace(body=body)
    assert read(library, EOB, "e1", gates=ArmedGates(RESOURCE=lambda r: r)) == body


def test_the_query_gate_may_make_the_search_poorer(library: FakeLibrary) -> None:
    gates = ArmedGates(QUERY=lambda q: replace(q, includes=()), BUNDLE=lambda p: replace(p, total=99))
    page = search(library, ("_include", "*"), gates=gates)
    assert (page.included, page.total) == ((), 99)


# a token that reaches a part of a type


class PartLibrary(FakeLibrary):
    """Of what a limit asks for, these ids are inside."""

    inside: frozenset[str] = frozenset()

    def search(self, query: Query, now: int) -> Page:
        page = super().search(query, now)
        if not query.any_of:
            return page
        return replace(page, matches=tuple(s for s in page.matches if s.id in self.inside))


LIMIT = (parse("Coverage", [("_id", "c1")]).clauses,)


def test_a_read_outside_the_part_is_forbidden_and_inside_it_is_shown() -> None:
    library = PartLibrary([*member("p1"), *member("p2")])

    def read_coverage(id: str, who: str | None = "p1") -> bytes:
        return reader(library, who, parts={"Coverage": LIMIT}).read("Coverage", id).body

    with pytest.raises(Forbidden) as caught:
        read_coverage("c1")
    assert 'scope="patient/Coverage.r"' in caught.value.headers["WWW-Authenticate"]
    with pytest.raises(Forbidden) as caught:
        read_coverage("c1", None)
    assert 'scope="system/Coverage.r"' in caught.value.headers["WWW-Authenticate"]
    with pytest.raises(NotFound):
        read_coverage("c1-p2")
    library.inside = frozenset({"c1"})
    assert json.loads(read_coverage("c1"))["id"] == "c1"


def test_an_include_outside_the_part_is_left_out_and_told() -> None:
    library = PartLibrary([*member("p1"), *member("p2")])
    query = parse(EOB, [("_include", "*")])

    def included(**reach: Any) -> Page:
        return reader(library, "p1", **reach).search(query)

    assert included().withheld == ()
    page = included(parts={"Coverage": LIMIT})
    assert "Coverage" not in {s.type for s in page.included}
    assert page.withheld == ("Coverage",)
    library.inside = frozenset(s.id for s in library.rows if s.type == "Coverage")
    assert included(parts={"Coverage": LIMIT}) == included()


def test_what_another_member_owns_is_left_out_in_silence(library: FakeLibrary) -> None:
    page = search(library, ("_include", "*"))
    assert any(s.patient == "p2" for s in library.points_to)
    assert page.withheld == ()


def test_a_payer_may_tell_of_what_another_member_owns(library: FakeLibrary) -> None:
    for id, expected in (("c1-p2", Forbidden), ("nope", NotFound)):
        with pytest.raises(expected):
            reader(library, "p1", payer=PayerProfile(foreign_read="forbidden")).read("Coverage", id)


def test_what_was_left_out_becomes_an_outcome_entry() -> None:
    page = Page((stored(patient()),), total=1, withheld=("Coverage", "Observation"))
    entries = json.loads(wire.searchset(page, "https://h.example/fhir", [], ["colour"]))["entry"]
    assert [e["search"]["mode"] for e in entries] == ["match", "outcome", "outcome"]
    told = [e["resource"]["issue"][0] for e in entries[1:]]
    assert [(i["severity"], i["code"]) for i in told] == [
        ("warning", "not-supported"),
        ("warning", "suppressed"),
    ]
    assert told[1]["details"]["text"].endswith(": Coverage, Observation")


# $everything


def asked(args: dict[str, str], readable: frozenset[str] = ALL) -> Everything:
    return reader(FakeLibrary([]), "p1", types=readable).parse_everything("p1", list(args.items()))


def test_everything_of_a_member_that_does_not_exist_is_not_found(library: FakeLibrary) -> None:
    with pytest.raises(NotFound):
        reader(library, "p1").everything(Everything("nobody"))
    assert reader(library, "p1").everything(asked({})).matches


def test_everything_takes_dates_types_and_a_page_size() -> None:
    args = {"start": "2024", "end": "2024-03", "_since": "2024-01-01T00:00:00 01:00", "_count": "7"}
    assert asked({**args, "_type": "Patient,Coverage"}) == Everything(
        "p1",
        ("Patient", "Coverage"),
        start=dates.parse("2024")[0],
        end=dates.parse("2024-03")[1],
        since=dates.parse("2024-01-01T00:00:00+01:00")[0],
        count=7,
    )


@pytest.mark.parametrize(("count", "most"), [("0", 0), ("9999", 500), ("1", 1)])
def test_everything_pages_as_the_payer_likes_unless_asked(count: str, most: int) -> None:
    assert asked({"_count": count}).count == most


def test_everything_counts_without_showing(library: FakeLibrary) -> None:
    assert asked({}).count == 50
    page = reader(library, "p1").everything(asked({"_count": "0"}))
    assert (page.matches, bool(page.total)) == ((), True)


def test_types_may_be_repeated_but_nothing_else() -> None:
    both = [("_type", "Patient"), ("_type", "Coverage")]
    assert reader(FakeLibrary([]), "p1").parse_everything("p1", both).types == ("Patient", "Coverage")
    with pytest.raises(BadRequest):
        reader(FakeLibrary([]), "p1").parse_everything("p1", [("start", "2024"), ("start", "2025")])


def test_everything_shows_only_types_that_the_token_reaches() -> None:
    assert asked({}, frozenset({"Coverage"})).types == ("Coverage",)
    assert asked({"_type": "Patient,Coverage"}, frozenset({"Coverage"})).types == ("Coverage",)
    nothing = asked({"_type": "Patient"}, frozenset({"Coverage"})).types
    assert nothing
    assert not set(nothing) & ALL


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("start", "soon"),
        ("end", "2024-13"),
        ("_since", "0000"),
        ("_type", "Patient,Banana"),
        ("_count", "x"),
        ("_count", "-1"),
        ("_include", "*"),
    ],
)
def test_everything_refuses_what_it_does_not_understand(name: str, value: str) -> None:
    with pytest.raises(BadRequest) as caught:
        asked({name: value})
    assert caught.value.expression == name


# Bundles


def _as_dicts(page: Page, base: str, links: list[tuple[str, str]]) -> dict[str, Any]:
    def entries(found: Any, mode: str) -> list[dict[str, Any]]:
        return [
            {"fullUrl": f"{base}/{s.type}/{s.id}", "resource": json.loads(s.body), "search": {"mode": mode}}
            for s in found
        ]

    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "total": page.total}
    bundle["link"] = [{"relation": r, "url": u} for r, u in links]
    return {**bundle, "entry": entries(page.matches, "match") + entries(page.included, "include")}


def test_a_spliced_bundle_is_the_bundle_a_dictionary_would_make() -> None:
    page = Page((stored(eob()), stored(eob("e2"))), (stored(coverage()), stored(organization())), total=2)
    base, links = 'https://h/s/x~"y/fhir', [("self", "https://h/fhir/x?a=%22&b=é"), ("next", "n")]
    assert json.loads(wire.searchset(page, base, links)) == _as_dicts(page, base, links)


def test_an_empty_bundle_has_no_entries_and_an_unknown_total_is_not_told() -> None:
    bundle = json.loads(wire.searchset(Page(()), "https://h/fhir", [("self", "u")]))
    assert bundle == {
        "resourceType": "Bundle",
        "type": "searchset",
        "link": [{"relation": "self", "url": "u"}],
    }


def test_parameters_that_were_not_understood_are_told_in_an_outcome() -> None:
    bundle = json.loads(wire.searchset(Page((), total=0), "https://h/fhir", [], ['co"lour', "_sort"]))
    (entry,) = bundle["entry"]
    assert entry["search"] == {"mode": "outcome"}
    assert entry["resource"]["issue"][0]["severity"] == "warning"
    assert 'co"lour, _sort' in entry["resource"]["issue"][0]["details"]["text"]


def test_an_outcome_names_expression_and_diagnostics_when_there_are_any() -> None:
    issue = wire.outcome("invalid", "no", expression="_count", diagnostics="req-1")["issue"][0]
    assert (issue["expression"], issue["diagnostics"]) == (["_count"], "req-1")
    assert set(wire.outcome("invalid", "no")["issue"][0]) == {"severity", "code", "details"}


def test_a_version_is_told_as_a_weak_etag() -> None:
    assert wire.etag(stored(patient())._replace(version="3.a")) == 'W/"3.a"'
