"""`_elements`: some elements, those R4 requires, a tag; every digit of a decimal kept."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.reach import reader
from unit.fhir.fake_library import ArmedGates, FakeLibrary, stored
from unit.fhir.fhir_samples import condition, eob, organization, patient

from sandbox.core.files import json_bytes
from sandbox.core.gates import OPEN
from sandbox.fhir.search.query import parse
from sandbox.fhir.subset import TAG, subset


def part(resource: dict[str, Any], *asked: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(subset(json_bytes(resource), asked))
    return found


def test_only_what_was_asked_for_is_shown_with_a_tag() -> None:
    shown = part(patient(), "gender", "nothing")
    assert set(shown) == {"resourceType", "id", "meta", "gender"}
    assert shown["meta"]["tag"] == [TAG]
    assert shown["meta"]["lastUpdated"] == patient()["meta"]["lastUpdated"]


def test_tags_that_were_there_stay_and_a_resource_without_meta_gets_one() -> None:
    assert part(patient(meta={"tag": [{"code": "x"}]}), "gender")["meta"]["tag"] == [{"code": "x"}, TAG]
    bare = patient()
    del bare["meta"]
    assert part(bare, "name")["meta"] == {"tag": [TAG]}


def test_what_r4_requires_is_always_there() -> None:
    assert set(part(eob(created="2024"), "item")) == {
        "resourceType", "id", "meta", "item", "type", "patient", "created", "insurer", "provider",
        "insurance",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["onset", "onsetDateTime"])
def test_a_choice_is_found_by_its_stem_or_its_whole_name(name: str) -> None:
    whole = condition(onsetDateTime="2024", _onsetDateTime={"id": "x"}, onsetting="other")
    assert {k for k in part(whole, name) if k.strip("_").startswith("onset")} == {
        "onsetDateTime",
        "_onsetDateTime",
    }
    assert "codeTerm" not in part(condition(codeTerm="no choice of code"), "code")


def test_decimals_keep_their_digits() -> None:
    body = json_bytes(eob()).replace(b"200.5", b"200.50")
    assert b"200.50" in subset(body, ["total"])


def test_matches_are_cut_but_what_they_include_is_whole() -> None:
    library = FakeLibrary([eob()])
    library.points_to = (stored(organization(), 9),)
    asked = [("_elements", "status"), ("_include", "*")]
    for gates in (OPEN, ArmedGates(RESOURCE=lambda r: r)):
        page = reader(library, "p1", gates=gates).search(parse("ExplanationOfBenefit", asked))
        assert "item" not in json.loads(page.matches[0].body)
        assert [json.loads(s.body) for s in page.included] == [organization()]
