"""Requests that cost far more than they should: parameters, values, clauses, batches and pages."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from attacks.breach import Scene, attack, held
from support.smart_app import SmartApp

_MANY = 10**9
_FORMLESS = {
    "sandbox.core.limits.PARAMETERS_MAX": _MANY,
    "sandbox.core.limits.BODY_BYTES_MAX": _MANY,
    "flask.Request.max_form_memory_size": None,
}
_ENDLESS = {
    "sandbox.core.limits.BODY_BYTES_MAX": _MANY,
    "sandbox.core.limits.SEARCH_BYTES_MAX": _MANY,
    "sandbox.fhir.search.value.TEXT_LENGTH_MAX": _MANY,
    "flask.Request.max_form_memory_size": None,
}


def _search(app: SmartApp, kind: str, args: list[tuple[str, str]]) -> int:
    headers = {
        "Authorization": f"Bearer {app.tokens['access_token']}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    url = f"{app.base}/fhir/{kind}/_search"
    return app.http.post(url, content=urlencode(args), headers=headers).status_code


@attack("searches that cost too much", _FORMLESS)
def asking_by_thousands_of_parameters(scene: Scene) -> None:
    app = scene.make().connect("maria")
    status = _search(app, "Patient", [(f"p{number}", "") for number in range(1000)])
    held(status in (400, 413), "a thousand parameters read")


@attack("searches that cost too much", _ENDLESS)
def asking_by_an_endless_value(scene: Scene) -> None:
    app = scene.make().connect("maria")
    held(_search(app, "Patient", [("name", "x" * 100_000)]) in (400, 413), "a value of 100 kB read")


@attack(
    "searches that cost too much",
    {"sandbox.fhir.search.query.CLAUSES_MAX": _MANY},
    "clauses",
    args=[("birthdate", "ge1900")] * 50,
)
@attack(
    "searches that cost too much",
    {"sandbox.fhir.search.query.VALUES_MAX": _MANY},
    "values",
    args=[("birthdate", ",".join(str(1000 + n) for n in range(500)))],
)
@attack(
    "searches that cost too much",
    {"sandbox.fhir.search.query.SORTS_MAX": _MANY},
    "sorts",
    args=[("_sort", ",".join(["birthdate", "name", "family"] * 10))],
)
@attack(
    "searches that cost too much",
    {"sandbox.fhir.search.query.INCLUDES_MAX": _MANY},
    "includes",
    args=[
        ("_revinclude", f"{kind}:patient{to}")
        for to in ("", ":Patient")
        for kind in (
            "Coverage",
            "Condition",
            "Device",
            "Procedure",
            "Goal",
            "CarePlan",
            "CareTeam",
            "Media",
            "Immunization",
            "Observation",
            "Encounter",
        )
    ],
)
def asking_for_much_at_once(scene: Scene, args: list[tuple[str, str]]) -> None:
    app = scene.make().connect("maria")
    held(_search(app, "Patient", args) == 400, "a search beyond its budget")  # fmt: skip


@attack(
    "batches that cost too much",
    {"sandbox.core.limits.BATCH_COST_MAX": _MANY},
    "searches",
    url="ExplanationOfBenefit?_include=*&_sort=type,identifier,-service-date&_count=1",
)
@attack(
    "batches that cost too much",
    {"sandbox.core.limits.BATCH_BYTES_MAX": _MANY},
    "everything",
    url="Patient/{patient}/$everything",
)
def asking_a_hundred_times_in_one(scene: Scene, url: str) -> None:
    app = scene.make().connect("maria")
    asked: Any = {"request": {"method": "GET", "url": url.format(patient=app.patient)}}
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": [asked] * 100}
    headers = {"Authorization": f"Bearer {app.tokens['access_token']}"}
    typed = {"Content-Type": "application/fhir+json"}
    answer = app.http.post(f"{app.base}/fhir", json=bundle, headers=headers | typed)
    statuses = {entry["response"]["status"] for entry in answer.json()["entry"]}
    held("400" in statuses, "a hundred of the largest answers at once")  # fmt: skip
