"""Requests that cost far more than they should: parameters, values, clauses, batches and pages."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from attacks.breach import Scene, admit_any_size, held, undefended
from flask import Request
from support.smart_app import SmartApp

from sandbox.core import limits
from sandbox.fhir.search import query, value
from sandbox.web import budget

_MANY = 10**9
_FORMLESS = undefended(limits, Request, PARAMETERS_MAX=_MANY, max_form_memory_size=None)
_ENDLESS = undefended(
    limits,
    value,
    budget,
    Request,
    admit=admit_any_size,
    SEARCH_BYTES_MAX=_MANY,
    TEXT_LENGTH_MAX=_MANY,
    max_form_memory_size=None,
)


def _search(app: SmartApp, kind: str, args: list[tuple[str, str]]) -> int:
    headers = app.bearer | {"Content-Type": "application/x-www-form-urlencoded"}
    url = f"{app.base}/fhir/{kind}/_search"
    return app.http.post(url, content=urlencode(args), headers=headers).status_code


@pytest.mark.slow
@_FORMLESS
def test_asking_by_thousands_of_parameters(scene: Scene) -> None:
    app = scene.make().connect("maria")
    status = _search(app, "Patient", [(f"p{number}", "") for number in range(1000)])
    held(status in (400, 413), "a thousand parameters read")


@pytest.mark.slow
@_ENDLESS
def test_asking_by_an_endless_value(scene: Scene) -> None:
    app = scene.make().connect("maria")
    held(_search(app, "Patient", [("name", "x" * 100_000)]) in (400, 413), "a value of 100 kB read")


@pytest.mark.parametrize(
    "args",
    [
        pytest.param(
            [("birthdate", "ge1900")] * 50, id="clauses", marks=undefended(query, CLAUSES_MAX=_MANY)
        ),
        pytest.param(
            [("birthdate", ",".join(str(1000 + n) for n in range(500)))],
            id="values",
            marks=undefended(query, VALUES_MAX=_MANY),
        ),
        pytest.param(
            [("_sort", ",".join(["birthdate", "name", "family"] * 10))],
            id="sorts",
            marks=undefended(query, SORTS_MAX=_MANY),
        ),
        pytest.param(
            [
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
            id="includes",
            marks=undefended(query, INCLUDES_MAX=_MANY),
        ),
    ],
)
def test_asking_for_much_at_once(scene: Scene, args: list[tuple[str, str]]) -> None:
    app = scene.make().connect("maria")
    held(_search(app, "Patient", args) == 400, "a search beyond its budget")  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    "url",
    [
        pytest.param(
            "ExplanationOfBenefit?_include=*&_sort=type,identifier,-service-date&_count=1",
            id="searches",
            marks=undefended(limits, BATCH_COST_MAX=_MANY),
        ),
        pytest.param(
            "Patient/{patient}/$everything", id="everything", marks=undefended(limits, BATCH_BYTES_MAX=_MANY)
        ),
    ],
)
def test_asking_a_hundred_times_in_one(scene: Scene, url: str) -> None:
    app = scene.make().connect("maria")
    answer = app.batch(*[url.format(patient=app.patient)] * 100)
    statuses = {entry["response"]["status"] for entry in answer.json()["entry"]}
    held("400" in statuses, "a hundred of the largest answers at once")  # fmt: skip
