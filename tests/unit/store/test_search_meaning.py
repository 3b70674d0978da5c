"""Single searches whose answer is plain to see: what is missing, in words, in another version, sorted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.stores import library_of
from unit.fhir.fhir_samples import condition, encounter, patient

from sandbox.core.errors import Gone
from sandbox.fhir.dates import parse as span
from sandbox.fhir.search.query import parse
from sandbox.store.library.read import SqlLibrary

NOW = span("2025-06-01")[0]
QUESTIONS = "http://h/questions"


def visit(version: str, updated: str, status: str) -> dict[str, Any]:
    return encounter(meta={"versionId": version, "lastUpdated": updated}, status=status)


def answers(id: str, questions: str) -> dict[str, Any]:
    me = {"reference": "Patient/p1"}
    return {"resourceType": "QuestionnaireResponse", "id": id, "subject": me, "questionnaire": questions}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> SqlLibrary:
    resources = [
        patient(),
        visit("1", "2025-01-01T00:00:00Z", "planned"),
        visit("2", "2025-02-01T00:00:00Z", "finished"),
        visit("3", "2030-01-01T00:00:00Z", "cancelled"),
        condition("coded", encounter={"reference": "Encounter/v1"}, recordedDate="2024-05"),
        condition("worded", code={"text": "a cold"}, encounter={"display": "that day"}),
        condition(
            "numbered", encounter={"identifier": {"system": "s", "value": "7"}}, recordedDate="2024-01"
        ),
        answers("q1", f"{QUESTIONS}|1"),
        answers("q2", QUESTIONS),
    ]
    bare = condition("bare", recordedDate="2024-05-01")
    del bare["code"]
    return library_of(tmp_path_factory.mktemp("meaning"), [*resources, bare])


@pytest.mark.parametrize(
    ("kind", "asked", "found"),
    [
        ("Condition", "code:missing=true", ["bare"]),
        ("Condition", "code:missing=false", ["coded", "worded", "numbered"]),
        ("Condition", "code:not=E11.9", ["worded", "bare"]),
        ("Condition", "encounter:missing=true", ["bare"]),
        ("Condition", "encounter:identifier=s|7", ["numbered"]),
        ("Condition", "encounter:identifier=7,8", ["numbered"]),
        ("Condition", "encounter:identifier=|7", []),
        ("Condition", "recorded-date:missing=true", ["worded"]),
        ("Condition", "encounter.status=finished", ["coded"]),
        ("Condition", "encounter.status=planned", []),
        ("Condition", "encounter.status=cancelled", []),
        ("Condition", "encounter.status:not=planned", ["coded"]),
        ("Condition", "_id:missing=true", []),
        ("Condition", "_id=http://h/s|coded", []),
        ("Condition", "_sort=recorded-date", ["numbered", "coded", "bare", "worded"]),
        ("Condition", "_sort=-recorded-date", ["coded", "bare", "numbered", "worded"]),
        ("Condition", "_sort=-recorded-date,-_id", ["coded", "bare", "numbered", "worded"]),
        ("Condition", "_sort=code", ["coded", "numbered", "worded", "bare"]),
        ("QuestionnaireResponse", f"questionnaire={QUESTIONS}", ["q1", "q2"]),
        ("QuestionnaireResponse", f"questionnaire={QUESTIONS}|1", ["q1"]),
        ("QuestionnaireResponse", f"questionnaire={QUESTIONS}|2", []),
        ("QuestionnaireResponse", f"questionnaire={QUESTIONS[:-1]}", []),
        ("Patient", "gender=http://hl7.org/fhir/administrative-gender|female", ["p1"]),
        ("Patient", "gender=http://hl7.org/fhir/administrative-gender|", ["p1"]),
        ("Patient", "gender=http://h/other|female", []),
        ("Patient", "name=JOSE", ["p1"]),
    ],
)
@pytest.mark.parametrize("who", ["p1", None])
def test_a_search_finds_what_it_says(
    library: SqlLibrary, kind: str, asked: str, found: list[str], who: str | None
) -> None:
    name, _, text = asked.partition("=")
    page = library.search(parse(kind, [(name, text)], strict=True).within(who), NOW)
    assert [s.id for s in page.matches] == found
    assert page.total == len(found)


def test_a_sorted_page_after_a_row_that_is_gone_is_gone(library: SqlLibrary) -> None:
    query = replace(parse("Condition", [("_sort", "code")]), after=9999)
    with pytest.raises(Gone):
        library.search(query, NOW)
