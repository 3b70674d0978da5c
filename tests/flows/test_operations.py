"""`$everything` and `$docref`, by GET and by POST; what `$everything` finds, `test_search_over_http` asks."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from support.smart_app import MakeApp, SmartApp

Resource = dict[str, Any]


def post(app: SmartApp, path: str, *parameters: Resource, **headers: str) -> httpx.Response:
    """An operation with a Parameters resource."""
    return app.http.post(
        f"{app.base}/fhir/{path}",
        json={"resourceType": "Parameters", "parameter": list(parameters)},
        headers=app.bearer | {"Content-Type": "application/fhir+json"} | headers,
    )


def test_everything_by_post_is_the_same_and_pages_by_get(maria: SmartApp) -> None:
    path = f"Patient/{maria.patient}/$everything"
    asked = [
        {"name": "_type", "valueCode": "ExplanationOfBenefit"},
        {"name": "_type", "valueCode": "Coverage"},
        {"name": "start", "valueDate": "2020-01-01"},
        {"name": "_count", "valueInteger": 9},
    ]
    answer = post(maria, path, *asked)
    assert answer.status_code == 200, answer.text
    (following,) = [li["url"] for li in answer.json()["link"] if li["relation"] == "next"]
    posted = [e["resource"] for e in answer.json()["entry"]] + maria.everything(following)
    query = "_type=ExplanationOfBenefit&_type=Coverage&start=2020-01-01&_count=9"
    assert posted == maria.everything(f"{path}?{query}")
    assert all(part in following for part in query.split("&"))


@pytest.mark.parametrize(
    ("body", "media", "status", "expression"),
    [
        ("{", "application/fhir+json", 400, None),
        ("[]", "application/fhir+json", 400, None),
        ('{"resourceType":"Patient"}', "application/fhir+json", 400, None),
        ('{"resourceType":"Parameters","parameter":7}', "application/json", 400, "Parameters.parameter"),
        ('{"resourceType":"Parameters","parameter":[{"name":"start"}]}', "application/json", 400, "start"),
        (
            '{"resourceType":"Parameters","parameter":[{"name":"start","valueQuantity":{"value":1}}]}',
            "application/json",
            400,
            "start",
        ),
        (
            '{"resourceType":"Parameters","parameter":[{"name":"_count","valueInteger":-1}]}',
            "application/json",
            400,
            "_count",
        ),
        ("start=2020", "application/x-www-form-urlencoded", 415, None),
        ("<Parameters/>", "application/fhir+xml", 415, None),
        ("[" * 50_000, "application/json", 400, None),
    ],
)
def test_a_body_that_is_no_parameters_is_refused(
    maria: SmartApp, body: str, media: str, status: int, expression: str | None
) -> None:
    for path in (f"Patient/{maria.patient}/$everything", "DocumentReference/$docref"):
        headers = maria.bearer | {"Content-Type": media}
        answer = maria.http.post(f"{maria.base}/fhir/{path}", content=body, headers=headers)
        assert answer.status_code == status
        issue = answer.json()["issue"][0]
        assert issue["diagnostics"] == answer.headers["x-request-id"]
        if expression and (expression != "_count" or "Patient" in path):
            assert issue["expression"] in ([expression], ["patient"])


def test_everything_by_post_reaches_no_further(maria: SmartApp, make_app: MakeApp) -> None:
    walter = make_app().connect("walter")
    assert post(walter, f"Patient/{maria.patient}/$everything").status_code == 404
    narrow = make_app(scope="launch/patient patient/Coverage.rs").connect("maria")
    assert post(narrow, f"Patient/{maria.patient}/$everything").status_code == 403
    assert post(maria, "Patient/$everything").status_code == 400


def documents(app: SmartApp) -> list[Resource]:
    return app.everything("DocumentReference?_count=500")


def test_docref_without_days_is_the_most_recent_document(app: SmartApp) -> None:
    app.connect("everything")
    every = documents(app)
    assert len(every) >= 2
    (found,) = app.everything(f"DocumentReference/$docref?patient={app.patient}")
    assert found["context"]["period"]["start"] == max(d["context"]["period"]["start"] for d in every)
    bundle = app.get(f"DocumentReference/$docref?patient={app.patient}").json()
    assert (bundle["type"], bundle["total"]) == ("searchset", 1)
    assert {link["relation"] for link in bundle["link"]} == {"self", "first"}


def test_docref_finds_by_days_of_care_type_and_profile(maria: SmartApp) -> None:
    every = sorted(documents(maria), key=lambda d: d["context"]["period"]["start"])
    middle = every[len(every) // 2]["context"]["period"]["start"]
    coding = every[0]["type"]["coding"][0]
    token = f"{coding['system']}|{coding['code']}"
    base = f"DocumentReference/$docref?patient=Patient/{maria.patient}"
    profile = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-documentreference"
    for query, holds in (
        ("start=1900-01-01", lambda d: True),
        (f"start={middle}", lambda d: d["context"]["period"]["end"] >= middle),
        (f"end={middle}", lambda d: d["context"]["period"]["start"] <= middle),
        (f"start=1900&type={token}", lambda d: coding in d["type"]["coding"]),
        ("start=1900&on-demand=false", lambda d: True),
        ("start=1900&on-demand=true", lambda d: False),
        (f"start=1900&profile={profile}", lambda d: True),
        (f"start=1900&profile={profile}|6.1.0", lambda d: True),
        ("start=1900&profile=http://example.org/other", lambda d: False),
    ):
        for count in (2, 100):
            found = maria.everything(f"{base}&{query}&_count={count}")
            assert {d["id"] for d in found} == {d["id"] for d in every if holds(d)}, query
            assert len(found) == len({d["id"] for d in found})


def test_docref_by_post_is_the_same(maria: SmartApp) -> None:
    coding = documents(maria)[0]["type"]["coding"][0]
    asked = [
        {"name": "patient", "valueId": maria.patient},
        {"name": "start", "valueDate": "1900-01-01"},
        {"name": "type", "valueCodeableConcept": {"coding": [coding]}},
        {"name": "on-demand", "valueBoolean": False},
    ]
    posted = post(maria, "DocumentReference/$docref", *asked).json()
    query = f"patient={maria.patient}&start=1900-01-01&type={coding['system']}|{coding['code']}"
    assert posted["total"] == len(maria.everything(f"DocumentReference/$docref?{query}")) > 0


@pytest.mark.parametrize(
    ("query", "status", "expression"),
    [
        ("", 400, "patient"),
        ("patient=", 400, "patient"),
        ("patient={patient}&patient={patient}", 400, "patient"),
        ("patient={patient}&start=soon", 400, "start"),
        ("patient={patient}&start=ge2020", 400, "start"),
        ("patient={patient}&end=1x", 400, "end"),
        ("patient={patient}&on-demand=perhaps", 400, "on-demand"),
        ("patient=mbr-0002&start=1900", 403, "patient"),
    ],
)
def test_docref_names_what_is_wrong(maria: SmartApp, query: str, status: int, expression: str | None) -> None:
    answer = maria.get(f"DocumentReference/$docref?{query.replace('{patient}', maria.patient)}")
    assert answer.status_code == status, answer.text
    assert answer.json()["issue"][0].get("expression") == ([expression] if expression else None)


def test_docref_needs_its_scope_and_keeps_within_its_part(make_app: MakeApp) -> None:
    narrow = make_app(scope="launch/patient patient/Coverage.rs").connect("maria")
    assert narrow.get(f"DocumentReference/$docref?patient={narrow.patient}").status_code == 403
    scope = "launch/patient patient/DocumentReference.rs?type=http://loinc.org|0-0"
    part = make_app(scope=scope).connect("maria")
    assert part.get(f"DocumentReference/$docref?patient={part.patient}&start=1900").json()["total"] == 0


def test_unknown_parameters_of_docref_are_told_or_refused(maria: SmartApp) -> None:
    path = f"DocumentReference/$docref?patient={maria.patient}&colour=blue"
    assert maria.get(path).json()["entry"][-1]["search"]["mode"] == "outcome"
    assert maria.get(path, Prefer="handling=strict").status_code == 400


@pytest.mark.parametrize("kind", ["Integer", "PositiveInt", "UnsignedInt", "String"])
def test_a_whole_number_may_come_as_any_kind_of_one(maria: SmartApp, kind: str) -> None:
    number = {"name": "_count", f"value{kind}": "3" if kind == "String" else 3}
    answer = post(maria, f"Patient/{maria.patient}/$everything", number)
    assert (answer.status_code, len(answer.json()["entry"])) == (200, 3)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("$export", 400),
        ("Patient/$export", 400),
        ("Group/x/$export", 400),
        ("Patient/{patient}/$export", 400),
        ("$meta", 404),
        ("Patient/$match", 404),
        ("Coverage/$everything", 404),
        ("Coverage/x/$validate", 404),
        ("Starship/$fly", 404),
    ],
)
def test_an_operation_that_is_not_there_is_told_what_is(
    maria: SmartApp, method: str, path: str, status: int
) -> None:
    path = path.format(patient=maria.patient)
    answer = maria.http.request(method, f"{maria.base}/fhir/{path}", headers=maria.bearer)
    issue = answer.json()["issue"][0]
    assert (answer.status_code, issue["code"]) == (status, "not-supported")
    assert "Patient/[id]/$everything and DocumentReference/$docref" in issue["details"]["text"]
    assert ("Bulk export" in issue["details"]["text"]) == ("export" in path)
    assert maria.http.request(method, f"{maria.base}/fhir/{path}").status_code == 401
