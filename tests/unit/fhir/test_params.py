"""The table: which index rows a resource has, whose it is, when it happened, what it points to."""

from __future__ import annotations

from typing import Any

import pytest
from unit.fhir import fhir_samples as samples

from sandbox.fhir import dates
from sandbox.fhir.schema.paths import care_range, elements, extract, fold, literal, owner
from sandbox.fhir.schema.types import TYPES, find


def rows(resource: dict[str, Any], param: str) -> list[tuple[Any, Any]]:
    return [(row.a, row.b) for row in extract(resource) if row.param == param]


def test_codes_are_indexed_with_their_systems() -> None:
    claim = samples.eob()
    assert rows(claim, "type") == [(samples.CLAIM_TYPE, "professional")]
    assert rows(claim, "identifier") == [("https://payer.example/claims", "CLM-e1")]
    assert rows(claim, "_id") == [("", "e1")]
    assert rows(samples.patient(), "gender") == [("", "female")]


def test_a_claim_is_indexed_by_billable_period_and_by_every_line() -> None:
    claim = samples.eob()
    day, april = dates.parse("2024-03-03"), dates.parse("2024-04-01")
    assert rows(claim, "service-date") == [day, (day[0], april[1])]
    assert rows(claim, "service-start-date") == [day]
    assert rows(claim, "billable-period-start") == [day]


def test_references_are_indexed_once_without_base_or_version() -> None:
    claim = samples.eob()
    assert rows(claim, "provider") == [("Organization", "clinic")]
    assert rows(claim, "care-team") == [("Practitioner", "dr")]
    assert rows(claim, "coverage") == [("Coverage", "c1")]
    assert rows(claim, "patient") == [("Patient", "p1")]


def test_names_are_indexed_folded_and_as_written_without_their_codes() -> None:
    assert rows(samples.patient(), "name") == [("garcia", "García"), ("jose", "José"), ("ana", "Ana")]
    assert rows(samples.patient(), "family") == [("garcia", "García")]
    assert rows(samples.organization(), "address") == [("1 elm", "1 Elm"), ("zurich", "Zürich")]


def test_a_value_that_is_no_code_text_or_reference_has_no_row() -> None:
    odd = samples.eob(
        type={"text": "only words"},
        identifier=[{"system": "x"}],
        provider={"identifier": {"value": "npi"}},
        payee={"party": {"reference": "#contained"}},
    )
    for param in ("type", "identifier", "provider", "payee"):
        assert rows(odd, param) == []


@pytest.mark.parametrize(
    ("resource", "patient"),
    [
        (samples.patient("p7"), "p7"),
        (samples.coverage(of="p7"), "p7"),
        (samples.eob(patient={"reference": "https://h/fhir/Patient/p7/_history/3"}), "p7"),
        (samples.condition(of="p7"), "p7"),
        (samples.organization(), None),
        (samples.practitioner(), None),
        (samples.eob(patient={"reference": "Group/g1"}), None),
        (samples.eob(patient={"display": "someone"}), None),
    ],
)
def test_a_resource_belongs_to_its_patient_or_to_nobody(
    resource: dict[str, Any], patient: str | None
) -> None:
    assert owner(resource) == patient


def test_care_dates_reach_from_the_first_to_the_last() -> None:
    assert care_range(samples.eob(day="2024-03-03")) == dates.parse("2024-03-03")
    both = samples.condition(recordedDate="2024-05-01", onsetDateTime="2023-01")
    assert care_range(both) == (dates.parse("2023-01")[0], dates.parse("2024-05-01")[1])
    assert care_range(samples.coverage()) is None
    assert care_range(samples.immunization(occurrenceString="as a child")) is None


def test_choice_elements_are_found_by_their_stem() -> None:
    assert elements({"onsetDateTime": "2024"}, "onset") == ["2024"]
    assert elements({"onsetPeriod": {"start": "2024"}}, "onset.start") == ["2024"]
    assert elements({"onset": "a", "onsetDateTime": "b"}, "onset") == ["a"]
    assert elements({"onsetting": "no choice of onset"}, "onset") == []


def test_lists_on_the_way_are_flattened() -> None:
    node = {"a": [{"b": [1, 2]}, {"b": 3}, {"c": 4}, "text"]}
    assert elements(node, "a.b") == [1, 2, 3]


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ("Patient/p1", ("Patient", "p1")),
        ("Patient/p1/_history/2", ("Patient", "p1")),
        ("https://h.example:8443/s/x~y/fhir/Patient/p1", ("Patient", "p1")),
        ("https://h.example/fhir/Patient/p1/_history/2", ("Patient", "p1")),
        ({"reference": "Organization/a.b-C9"}, ("Organization", "a.b-C9")),
        ("#Patient/p1", None),
        ("#p1", None),
        ("urn:uuid:1b671a64-40d5-491e-99b0-da01ff1f3341", None),
        ("urn:oid:1.2/Patient/p1", None),
        ({"identifier": {"value": "1"}}, None),
        ("Patient/", None),
        ("p1", None),
        ("patient/p1", None),
        ("Patient/p1?x=1", None),
        ("Patient/p 1", None),
        ("Patient/p1\n", None),
        ("Patient/" + "x" * 65, None),
        (None, None),
        ({"reference": 5}, None),
    ],
)
def test_a_literal_reference_is_a_type_and_an_id(reference: Any, found: tuple[str, str] | None) -> None:
    assert literal(reference) == found


def test_folding_forgets_case_and_accents() -> None:
    assert fold("ÉÀß Zürich") == "eass zurich"


def test_the_table_agrees_with_itself() -> None:
    for kind, row in TYPES.items():
        names = [param.name for param in row.params]
        assert len(names) == len(set(names)), kind
        for param in row.params:
            assert find(kind, param.name) is param
            assert bool(param.targets) is (param.kind == "reference"), (kind, param.name)
            assert param.searchable or param.kind == "reference"
