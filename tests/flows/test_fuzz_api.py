"""Requests made up from the OpenAPI: never a 5xx, every failure an OperationOutcome.

A few hundred here; `benchmarks/schemathesis.sh` sends tens of thousands.
"""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.smart_app import SmartApp

from sandbox.fhir.schema.types import TYPES

pytestmark = pytest.mark.slow

Json = dict[str, Any]

VALUES = st.one_of(
    st.sampled_from(
        ["", "a|b", "|", "ge2020", "2024-02-30", "eb9999-12-31T23:59:60Z", "\\,", "Patient/x", "-1", "0",
         "1e9", "*", "a:b:c", "Coverage:payor", "true", "{patient}", "http://h/fhir/Patient/1", "%", "\0",
         "json", "_id", "-_lastUpdated,_id", "Patient?x=y", "2024-01-01T00:00:00+99:00", "٣", "a" * 300]
    ),
    st.text(st.characters(codec="utf-8"), max_size=12),
)  # fmt: skip
MODIFIERS = ["", "", "", ":missing", ":not", ":exact", ":identifier", ":Patient", ":text", ".name", ":", "."]


@pytest.fixture
def surface(maria: SmartApp) -> tuple[SmartApp, list[tuple[str, str, Json]]]:
    told = httpx.get(f"{maria.base}/developer/openapi.json").json()["paths"]
    return maria, [(path, method, item[method]) for path, item in told.items() for method in item]


@settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_nothing_that_is_asked_breaks_the_payer(
    surface: tuple[SmartApp, list[tuple[str, str, Json]]], data: st.DataObject
) -> None:
    app, operations = surface
    path, method, operation = data.draw(st.sampled_from(operations))
    ids = st.one_of(st.just(app.patient), st.from_regex(r"[A-Za-z0-9\-.]{1,64}", fullmatch=True), VALUES)

    def segment(_: re.Match[str]) -> str:
        return httpx.QueryParams({"x": data.draw(ids)})["x"].replace("/", "%2F").replace("?", "%3F")

    names = [each["name"] for each in operation.get("parameters", []) if each["in"] == "query"]
    names = [*names, "_page", "unknown", "_has:Observation:patient:code"]
    asked = data.draw(
        st.lists(st.tuples(st.sampled_from(names), st.sampled_from(MODIFIERS), VALUES), max_size=4)
    )
    pairs = [(name + modifier, value.replace("{patient}", app.patient)) for name, modifier, value in asked]
    headers = app.bearer
    if data.draw(st.booleans()):
        headers["Prefer"] = "handling=strict"
    options: Json = {"params": pairs}
    if method == "post":
        body = data.draw(st.sampled_from(["form", "parameters", "bundle", "junk"]))
        if body == "form":
            options = {"data": dict(pairs)}
        elif body == "junk":
            options |= {"content": data.draw(st.binary(max_size=20))}
            headers["Content-Type"] = "application/fhir+json"
        elif body == "parameters":
            listed = [{"name": name, "valueString": value} for name, value in pairs]
            options = {"json": {"resourceType": "Parameters", "parameter": listed}}
        else:
            kind = data.draw(st.sampled_from([*TYPES, "", "Starship"]))
            entries = [{"request": {"method": "GET", "url": f"{kind}?{n}={v}"}} for n, v in pairs]
            options = {"json": {"resourceType": "Bundle", "type": "batch", "entry": entries}}
    url = f"{app.base}/fhir" + re.sub(r"{\w+}", segment, path)
    try:
        request = app.http.build_request(method, url, headers=headers, **options)
    except httpx.InvalidURL:
        return
    answer = app.http.send(request)
    assert answer.status_code < 500, (request.url, answer.text)
    if answer.status_code >= 400:
        told = answer.json()
        assert told["resourceType"] == "OperationOutcome", request.url
        assert told["issue"][0]["diagnostics"] == answer.headers["x-request-id"]
    elif "batch" in answer.text[:60]:
        for entry in answer.json().get("entry", []):
            assert int(entry["response"]["status"]) < 500
