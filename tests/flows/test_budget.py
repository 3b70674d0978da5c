"""What one request may ask for: refused at the door in the shape of its surface, naming the parameter."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from support.smart_app import SmartApp

from sandbox.core import limits

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
EOB = "ExplanationOfBenefit"
MANY = urlencode([(f"p{number}", "1") for number in range(limits.PARAMETERS_MAX + 1)])
CASE = urlencode([(f"p{number}", "") for number in range(45_000)])


def post(app: SmartApp, path: str, body: str | bytes, **headers: str) -> httpx.Response:
    return app.http.post(f"{app.base}/{path}", content=body, headers=FORM | app.bearer | headers)


def issue(answer: httpx.Response) -> tuple[int, str, str]:
    told = answer.json()["issue"][0]
    return answer.status_code, told["code"], told["expression"][0]


def parameters(given: list[tuple[str, str]]) -> Any:
    listed = [{"name": name, "valueString": text} for name, text in given]
    return {"resourceType": "Parameters", "parameter": listed}


def test_forty_five_thousand_parameters_are_refused_unread(maria: SmartApp) -> None:
    answer = post(maria, "fhir/Patient/_search", CASE)
    assert answer.status_code == 413
    answer = post(maria, "fhir/Patient/_search", CASE[:60_000])
    assert issue(answer) == (400, "too-costly", "p100")
    (entry,) = [e for e in maria.control("journal").json()["entries"] if e["status"] == 400]
    assert "params" not in entry


def test_a_long_value_is_refused_by_name(maria: SmartApp) -> None:
    for size in (450_000, 60_000, 9_000):
        answer = post(maria, "fhir/Patient/_search", f"name={'x' * size}")
        assert answer.status_code == 413
    assert issue(answer) == (413, "too-long", "name")


@pytest.mark.parametrize("path", ["Patient/{patient}/$everything", "DocumentReference/$docref"])
def test_operations_have_the_same_budget(maria: SmartApp, path: str) -> None:
    path = f"fhir/{path.format(patient=maria.patient)}"
    typed = {"Content-Type": "application/fhir+json"}
    for given, expected in (
        ([(f"p{number}", "1") for number in range(101)], (400, "too-costly", "Parameters.parameter")),
        ([("patient", maria.patient), ("type", "x" * 9000)], (413, "too-long", "type")),
    ):
        answer = maria.http.post(
            f"{maria.base}/{path}",
            json=parameters(given),
            headers=typed | maria.bearer,
        )
        assert issue(answer) == expected


ENDPOINTS = [
    ("fhir/Patient", "application/fhir+json"),
    ("fhir/Patient/1", "application/fhir+json"),
    ("fhir/metadata", "application/fhir+json"),
    ("fhir/Patient/_search", "application/fhir+json"),
    ("fhir/Patient/1/$everything", "application/fhir+json"),
    ("fhir/DocumentReference/$docref", "application/fhir+json"),
    ("auth/token", "application/json"),
    ("auth/revoke", "application/json"),
    ("auth/introspect", "application/json"),
    ("auth/par", "application/json"),
    ("auth/register", "application/json"),
    ("auth/authorize", "text/html"),
    ("auth/login", "text/html"),
    ("portal/login", "text/html"),
    ("developer/register", "text/html"),
    ("_sandbox/clock", "application/json"),
    ("_sandbox/journal", "application/json"),
]


@pytest.mark.parametrize(("path", "media"), ENDPOINTS)
def test_every_endpoint_bounds_parameters_in_its_own_shape(app: SmartApp, path: str, media: str) -> None:
    url = f"{app.base}/{path}"
    answers = {
        "too many in the address": app.http.get(f"{url}?{MANY}"),
        "too long an address": app.http.get(f"{url}?a={'x' * (limits.QUERY_BYTES_MAX - 1)}"),
        "too many in the form": post(app, path, MANY),
        "too long a form": post(app, path, f"a={'x' * limits.BODY_BYTES_MAX}"),
    }
    expected = dict(zip(answers, (400, 414, 400, 413), strict=True))
    if path.startswith("_sandbox"):
        expected["too many in the form"] = answers["too many in the form"].status_code  # JSON is read there
    assert {name: answer.status_code for name, answer in answers.items()} == expected
    for answer in answers.values():
        assert answer.headers["content-type"].startswith(media)
        if media == "application/fhir+json":
            assert answer.json()["issue"][0]["code"] == (
                "too-costly" if answer.status_code == 400 else "too-long"
            )
        elif path.startswith("auth") and media == "application/json":
            assert answer.json()["error"] == "invalid_request"


@pytest.mark.parametrize(
    ("args", "expression"),
    [
        ([("name", ",".join("a" * (limits.VALUES_MAX + 1)))], "name"),
        ([("name", "a")] * (limits.CLAUSES_MAX + 1), "name"),
        ([("general-practitioner", "a"), ("x" * (limits.NAME_LENGTH_MAX + 1), "a")], "x" * 200),
        ([("_sort", ",".join(["name"] * (limits.SORTS_MAX + 1)))], "_sort"),
        ([("_elements", ",".join("a" + "b" * n for n in range(101)))], "_elements"),
        ([("_revinclude", f"{kind}:patient{mode}") for kind in
          ("Coverage", EOB, "Condition", "Device", "Procedure", "Goal", "CarePlan", "CareTeam", "Media",
           "Immunization", "Observation") for mode in ("", ":Patient")], "_include"),
    ],
)  # fmt: skip
def test_a_search_has_a_budget_of_clauses(
    maria: SmartApp, args: list[tuple[str, str]], expression: str
) -> None:
    answer = post(maria, "fhir/Patient/_search", urlencode(args))
    assert (answer.status_code, answer.json()["issue"][0]["expression"][0]) == (400, expression)


def test_many_ignored_parameters_are_counted_not_repeated(maria: SmartApp) -> None:
    query = urlencode([(f"colour{number}", "1") for number in range(50)])
    outcome = maria.get(f"Coverage?{query}").json()["entry"][-1]
    assert outcome["search"]["mode"] == "outcome"
    assert outcome["resource"]["issue"][0]["details"]["text"].endswith("colour19 and 30 more")


def test_a_header_that_arms_accidents_or_names_scenarios_is_bounded(app: SmartApp) -> None:
    url = f"{app.base}/fhir/metadata"
    armed = app.http.get(url, headers={"X-Sandbox-Fail-Next": ",".join(["token=1"] * 30)})
    assert armed.status_code == 400
    assert app.control("fail-next").json()["armed"] == []
    long = "baseline.x" * 200
    origin = app.base.partition("/s/")[0]
    named = app.http.get(f"{origin}/fhir/metadata", headers={"X-Sandbox-Scenario": long})
    assert (named.status_code, "at most" in named.text) == (404, True)
    assert app.http.get(f"{origin}/s/{long}/fhir/metadata").status_code == 404
    assert app.http.get(url, headers={"Accept": "application/json;a=b," * 300}).status_code == 400


def test_deep_json_is_refused(maria: SmartApp) -> None:
    deep = b'{"a":' * 10_000 + b"1" + b"}" * 10_000
    for path in ("fhir", f"fhir/Patient/{maria.patient}/$everything"):
        assert post(maria, path, deep, **{"Content-Type": "application/fhir+json"}).status_code == 400
    for path in ("auth/register", "_sandbox/clock", "_sandbox/fail-next"):
        assert post(maria, path, deep, **{"Content-Type": "application/json"}).status_code == 400


def test_json_with_half_a_character_is_refused(maria: SmartApp) -> None:
    entry = rb'{"request":{"method":"GET","url":"Patient?name=\ud800"}}'
    half = b'{"resourceType":"Bundle","type":"batch","entry":[' + entry + b"]}"
    assert post(maria, "fhir", half, **{"Content-Type": "application/fhir+json"}).status_code == 400


# --- batches ----------------------------------------------------------------------------------------


def batch(app: SmartApp, urls: list[str]) -> tuple[httpx.Response, list[dict[str, Any]]]:
    answer = app.batch(*urls)
    assert answer.status_code == 200
    return answer, answer.json()["entry"]


def refusals(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [e["response"]["outcome"]["issue"][0] for e in entries if e["response"]["status"] == "400"]


def test_a_batch_of_everything_ends_where_its_bytes_end(
    maria: SmartApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "BATCH_BYTES_MAX", 300_000)
    urls = [f"Patient/{maria.patient}/$everything?_count=20"] * 30
    answer, entries = batch(maria, urls)
    refused = refusals(entries)
    assert 1 < len(entries) - len(refused) < 30
    assert {(each["code"], "Send this one alone" in each["details"]["text"]) for each in refused} == {
        ("too-costly", True)
    }
    one = len(maria.get(urls[0]).content)
    assert len(answer.content) < 300_000 + one + 400 * 30


@pytest.mark.parametrize("dear", [
    f"{EOB}?{urlencode([('type', ','.join(f'c{n}' for n in range(190)))])}",
    f"{EOB}?_include={EOB}:*&_count=500&_sort=type,-service-date,identifier",
])  # fmt: skip
def test_a_batch_of_the_dearest_searches_ends_where_its_cost_ends(maria: SmartApp, dear: str) -> None:
    _, entries = batch(maria, [dear] * limits.ENTRIES_MAX)
    refused = refusals(entries)
    assert 0 < len(refused) < limits.ENTRIES_MAX
    assert {each["code"] for each in refused} == {"too-costly"}
    assert maria.get(dear).status_code == 200  # and alone it is answered


def test_a_batch_of_plain_searches_is_answered_whole(maria: SmartApp) -> None:
    urls = [f"{EOB}?patient={maria.patient}&_count=1", f"Patient/{maria.patient}", "Coverage?status=active"]
    _, entries = batch(maria, (urls * limits.ENTRIES_MAX)[: limits.ENTRIES_MAX])
    assert {entry["response"]["status"] for entry in entries} == {"200"}


def test_entries_have_the_budget_of_any_request(maria: SmartApp) -> None:
    _, entries = batch(maria, [f"Patient?{MANY}", f"Patient?name={'x' * 8000}", f"Patient?name={'x' * 7700}"])
    assert [entry["response"]["status"] for entry in entries] == ["400", "414", "413"]


# --- pages ------------------------------------------------------------------------------------------


def keys(bundle: dict[str, Any]) -> list[str]:
    return [e["fullUrl"] for e in bundle.get("entry", []) if e["search"]["mode"] == "match"]


@pytest.mark.parametrize("path", [f"{EOB}?_count=40", "Patient/{patient}/$everything?_count=40"])
def test_a_page_of_large_resources_is_shorter_and_leads_on(
    maria: SmartApp, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    path = path.format(patient=maria.patient)
    before = maria.pages(path)
    whole = [key for page in before for key in keys(page)]
    monkeypatch.setattr("sandbox.fhir.reader.PAGE_BYTES_MAX", 40_000)
    pages = maria.pages(path)
    assert [key for page in pages for key in keys(page)] == whole
    assert len(pages) > len(before)
    last = next(li["url"] for li in pages[-2]["link"] if li["relation"] == "next")
    back = maria.pages(last, "previous")
    assert {key for page in back for key in keys(page)} == set(whole)


def test_includes_that_are_too_many_are_refused(maria: SmartApp, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("fhir.reader", "store.library.include"):
        monkeypatch.setattr(f"sandbox.{module}.INCLUDED_MAX", 5)
    answer = maria.get(f"Patient?_revinclude={EOB}:patient")
    assert issue(answer) == (400, "too-costly", "_revinclude")
    assert maria.get(f"{EOB}?_count=1&_include={EOB}:provider").status_code == 200
