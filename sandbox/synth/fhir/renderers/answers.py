"""Answers of members: social history, screening, QuestionnaireResponse (US Core)."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.synth.clinical.records import Answer, RecordEntry, Screening
from sandbox.synth.facts import Term
from sandbox.synth.facts.care import Question
from sandbox.synth.fhir import concepts
from sandbox.synth.fhir import elements as fhir
from sandbox.synth.fhir.elements import Json, Piece
from sandbox.synth.fhir.resource_ids import Rendered, ResourceIds

SCREENING = "observation-screening-assessment"

CONCEPTS: dict[str, tuple[str, tuple[Piece, ...]]] = {
    "smoking": ("smokingstatus", (concepts.SOCIAL,)),
    "pregnancy": ("observation-pregnancystatus", (concepts.SOCIAL,)),
    "pregnancy-intent": ("observation-pregnancyintent", (concepts.SOCIAL,)),
    "orientation": ("observation-sexual-orientation", (concepts.SOCIAL,)),
    "occupation": ("observation-occupation", (concepts.SOCIAL,)),
    "hearing": ("simple-observation", (concepts.DISABILITY,)),
    "mood": (SCREENING, (concepts.SURVEY,)),
}
"""Question → profile of its Observation, and categories."""

SCREENED = (concepts.SURVEY, concepts.SDOH)
QUESTIONNAIRE_URI = fhir.US_CORE + "extension-questionnaire-uri"


def answer(ids: ResourceIds, entry: RecordEntry, answer: Answer) -> Iterator[Rendered]:
    """One question, one Observation. A number is a score."""
    profile, categories = CONCEPTS[answer.name]
    body = _observation(ids, entry, answer.question, categories)
    if isinstance(answer.value, Term):
        body["valueCodeableConcept"] = concepts.worded(answer.value)
    else:
        body["valueQuantity"] = fhir.quantity(answer.value, "{score}", "{score}")
    if answer.more:
        question, value = answer.more
        body["component"] = [{"code": _code(question), "valueCodeableConcept": concepts.worded(value)}]
    yield ids.render("Observation", profile, answer, body)


def screening(ids: ResourceIds, entry: RecordEntry, screening: Screening) -> Iterator[Rendered]:
    """Yield a QuestionnaireResponse, an Observation for each answer, and their panel."""
    response = _response(ids, entry, screening)
    yield ids.render("QuestionnaireResponse", "questionnaireresponse", screening, response)
    derived = {"derivedFrom": [ids.refer("QuestionnaireResponse", screening)]}
    members: list[Json] = []
    for part, (question, value) in enumerate((*screening.answers, screening.score), 1):
        body = _observation(ids, entry, question, SCREENED)
        if value is None:
            body["dataAbsentReason"] = concepts.absent("asked-declined")
        else:
            body["valueCodeableConcept"] = concepts.worded(value)
        members.append(ids.refer("Observation", screening, part))
        yield ids.render("Observation", SCREENING, screening, body | derived, part)
    body = _observation(ids, entry, screening.panel, SCREENED) | {"hasMember": members} | derived
    yield ids.render("Observation", SCREENING, screening, body)


def _response(ids: ResourceIds, entry: RecordEntry, screening: Screening) -> Json:
    uri = f"{ids.base}/Questionnaire/food-security"
    items: list[Json] = []
    for question, value in (*screening.answers, screening.score):
        item: Json = {"linkId": question.what.code, "text": question.what.name}
        if value is not None:
            item["answer"] = [
                {"valueCoding": {"system": value.system, "code": value.code, "display": value.name}}
            ]
        items.append(item)
    return {
        "questionnaire": uri,
        "_questionnaire": {"extension": [{"url": QUESTIONNAIRE_URI, "valueUri": uri}]},
        "status": "completed",
        "subject": ids.subject,
        **ids.encounter(entry),
        "authored": f"{fhir.day(screening.day)}T16:05:00Z",
        "author": ids.subject,
        "item": items,
    }


def _observation(
    ids: ResourceIds, entry: RecordEntry, question: Question, categories: tuple[Piece, ...]
) -> Json:
    taken = f"{fhir.day(entry.what.day)}T16:05:00Z"
    return {
        "status": "final",
        "category": list(categories),
        "code": _code(question),
        "subject": ids.subject,
        **ids.encounter(entry),
        "effectiveDateTime": taken,
        "issued": taken,
        "performer": [ids.subject],
    }


def _code(question: Question) -> Piece:
    return concepts.named(question.what) if question.published else concepts.worded(question.what)
