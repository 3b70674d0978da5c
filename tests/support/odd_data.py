"""A member whose data are odd though valid: what a generator never writes and other payers do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Resource = dict[str, Any]

MOMENTS = (
    "2023", "2023-06", "2023-06-15", "2023-06-15T08:30:00Z", "2023-06-15T08:30:00.250Z",
    "2023-06-15T23:30:00-05:00", "2023-06-16T00:10:00+05:30", "2024-02-29", "2024-12-31T23:59:59Z",
)  # fmt: skip
PERIODS = (
    {"start": "2023-06-10", "end": "2023-06-20"},
    {"start": "2023-06-15"},
    {"end": "2023-06-15T12:00:00Z"},
    {"start": "2023", "end": "2024-02"},
)
CODES = (
    {"coding": [{"system": "http://h/s", "code": "a"}, {"system": "http://h/t", "code": "b"}]},
    {"coding": [{"code": "a"}]},
    {"coding": [{"system": "http://h/s", "code": "A"}]},
    {"coding": [{"system": "http://h/s|1", "code": "x,y|z$w\\v"}]},
    {"coding": [{"system": "http://h/s", "display": "no code"}]},
    {"text": "in words only"},
)


def odd_member(id: str, other: str, base: str) -> Iterator[Resource]:
    """The member's resources. `other` is a member they point to though they should not; `base` our
    own address, in one absolute reference."""
    number = 0

    def made(kind: str, **content: Any) -> Resource:
        nonlocal number
        number += 1
        updated = ("2024-05-01T10:00:00Z", "2024-05-01T10:00:00.500Z", "2024-05-01T12:00:00+02:00")
        meta = {"versionId": "1", "lastUpdated": updated[number % 3]}
        return {"resourceType": kind, "id": f"{id}-{number}", "meta": meta, **content}

    me = {"reference": f"Patient/{id}"}
    yield {
        **made("Patient", gender="unknown", birthDate="1950-06", deceasedBoolean=True),
        "id": id,
        "identifier": [{"system": "http://h/s|1", "value": "M,1|2"}, {"value": "bare"}],
        "name": [
            {"use": "official", "family": "Øster\u030a-Weiß", "given": ["ÉLODIE", "Ana María"]},
            {"use": "old", "text": "Élodie, geb. Núñez", "period": {"end": "2001"}},
        ],
    }
    encounter = made("Encounter", status="finished", subject=me, period=PERIODS[0])
    encounter["class"] = {"system": "http://h/s", "code": "AMB"}
    yield encounter
    yield made("Encounter", status="planned", subject={**me, "identifier": {"system": "u", "value": "1"}})
    for moment in MOMENTS:
        yield made("Observation", status="final", subject=me, effectiveDateTime=moment, code=CODES[0])
        yield made("Condition", subject=me, onsetDateTime=moment, recordedDate="2023-06-15", code=CODES[1])
        yield made("Procedure", status="completed", subject=me, performedDateTime=moment)
    for period in PERIODS:
        yield made("Observation", status="final", subject=me, effectivePeriod=period)
        yield made("ExplanationOfBenefit", status="active", patient=me, billablePeriod=period)
        yield made("Procedure", status="completed", subject=me, performedPeriod=period, code=CODES[2])
        yield made("CarePlan", status="active", subject=me, period=period)
    yield made("Observation", status="final", subject=me, effectiveInstant="2023-06-15T08:30:00.250Z")
    for timing in (
        {"event": ["2023-06-10", "2023-06-20T10:00:00Z"]},
        {"repeat": {"boundsPeriod": {"start": "2023-06-01", "end": "2023-07"}, "frequency": 1}},
        {"event": ["2024"], "repeat": {"boundsPeriod": {"start": "2023-06-01"}}},
        {"code": {"text": "daily"}},
    ):
        yield made("Observation", status="final", subject=me, effectiveTiming=timing)
    for code in CODES:
        yield made("Observation", status="amended", subject=me, code=code, category=[CODES[0], code])
        yield made("Goal", lifecycleStatus="active", subject=me, description=code)
    for onset in ({"onsetString": "as a child"}, {"onsetAge": {"value": 3}}, {}):
        yield made("Condition", subject=me, **onset)
    for place in (
        {"reference": encounter["resourceType"] + "/" + encounter["id"]},
        {"reference": f"{base}/Encounter/{encounter['id']}"},
        {"reference": f"Encounter/{encounter['id']}/_history/1"},
        {"reference": "Encounter/nowhere"},
        {"reference": "#inside"},
        {"identifier": {"system": "http://h/visits", "value": "V,1"}},
        {"identifier": {"value": "V2"}, "reference": f"Encounter/{encounter['id']}"},
        {"display": "that visit"},
    ):
        yield made("Condition", subject=me, encounter=place)
    for url in ("http://h/q/1", "http://h/q/1|1.0", "http://h/q/1|2", "http://h/q/10"):
        yield made("QuestionnaireResponse", status="completed", subject=me, questionnaire=url)
    yield made("RelatedPerson", patient=me, name=[{"family": "%_x", "given": ["a\\b", "100%"]}])
    yield made("RelatedPerson", patient=me)
    # It leads to somebody else's data: nothing may follow it there.
    yield made("Condition", subject=me, encounter={"reference": f"Encounter/{other}"})
    late = made("Observation", status="final", subject=me, effectiveDateTime="2023-06-15")
    yield late
    yield late | {"meta": {"versionId": "2", "lastUpdated": "2024-06-01T00:00:00Z"}, "status": "cancelled"}
    yield late | {"meta": {"versionId": "3", "lastUpdated": "2199-01-01T00:00:00Z"}, "status": "unknown"}
