"""What the payer says of itself, walked: everything that is advertised works, in both documents."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from support.smart_app import SmartApp

from sandbox.score.instruments import facts

Json = dict[str, Any]
METHODS = {"get", "post", "put", "delete", "patch", "head"}


@pytest.fixture
def capability(maria: SmartApp) -> Json:
    return dict(maria.get("metadata").json())


@pytest.fixture
def openapi(maria: SmartApp) -> Json:
    answer = httpx.get(f"{maria.base}/developer/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    return dict(answer.json())


def operations(openapi: Json) -> Iterator[tuple[str, str, Json]]:
    for path, item in openapi["paths"].items():
        for method in METHODS & item.keys():
            yield path, method, item[method]


def test_the_facts_have_no_mistake_by_the_published_keys_and_values(maria: SmartApp) -> None:
    assert facts.parse(maria.get(".well-known/payer-facts").json(), "the facts").problems == ()


def test_every_advertised_interaction_and_operation_answers(maria: SmartApp, capability: Json) -> None:
    rest = capability["rest"][0]
    for row in rest["resource"]:
        kind = row["type"]
        codes = [each["code"] for each in row["interaction"]]
        assert codes == ["read", "vread", "history-instance", "search-type"]
        assert (row["versioning"], row["conditionalRead"]) == ("versioned", "full-support")
        found = maria.get(f"{kind}?_count=1").json().get("entry", [])
        if not found:
            continue
        resource = found[0]["resource"]
        path, version = f"{kind}/{resource['id']}", resource["meta"]["versionId"]
        read, vread = maria.get(path), maria.get(f"{path}/_history/{version}")
        assert read.json() == vread.json() == resource
        assert maria.get(path, **{"If-None-Match": read.headers["etag"]}).status_code == 304
        assert maria.get(path, **{"If-Modified-Since": read.headers["last-modified"]}).status_code == 304
        assert maria.get(f"{path}/_history").json()["entry"][0]["resource"] == resource
    assert [each["code"] for each in rest["interaction"]] == ["batch"]
    asked = {
        "everything": f"Patient/{maria.patient}/$everything?_count=1",
        "docref": f"DocumentReference/$docref?patient={maria.patient}",
    }
    told = [o["name"] for row in rest["resource"] for o in row.get("operation", [])]
    assert sorted(told) == sorted(asked)
    for name in told:
        assert maria.get(asked[name]).json()["type"] == "searchset"


def test_the_guides_and_their_editions_are_named(capability: Json) -> None:
    assert "http://hl7.org/fhir/us/carin-bb/CapabilityStatement/c4bb" in capability["instantiates"]
    assert "http://hl7.org/fhir/us/core/CapabilityStatement/us-core-server" in capability["instantiates"]
    assert [each.partition("|")[2] for each in capability["implementationGuide"]] == ["2.0.0", "6.1.0"]


def test_openapi_is_whole(openapi: Json) -> None:
    assert openapi["openapi"].startswith("3.1.")
    assert {"title", "version"} <= openapi["info"].keys()
    ids = []
    for path, _, operation in operations(openapi):
        ids.append(operation["operationId"])
        assert path.startswith("/")
        names = [(each["in"], each["name"]) for each in operation.get("parameters", [])]
        assert len(names) == len(set(names)), path
        assert {name for where, name in names if where == "path"} == set(re.findall(r"{(\w+)}", path))
        assert all(each["required"] for each in operation.get("parameters", []) if each["in"] == "path")
        assert all("schema" in each for each in operation.get("parameters", []))
        assert {"200", "400", "401", "404"} <= operation["responses"].keys()
        assert all("description" in r or "$ref" in r for r in operation["responses"].values())
    assert len(ids) == len(set(ids))
    for reference in re.findall(r"'\$ref': '#/([^']+)'", str(openapi)):
        node: Any = openapi
        for step in reference.split("/"):
            node = node[step]
    for scheme in openapi["security"]:
        assert scheme.keys() <= openapi["components"]["securitySchemes"].keys()


def test_openapi_and_the_capability_statement_say_the_same(openapi: Json, capability: Json) -> None:
    for row in capability["rest"][0]["resource"]:
        search = openapi["paths"][f"/{row['type']}"]["get"]
        told = {each["name"] for each in search["parameters"] if each["in"] == "query"}
        assert {each["name"] for each in row["searchParam"]} <= told
        posted = openapi["paths"][f"/{row['type']}/_search"]["post"]["requestBody"]["content"]
        assert told <= set(posted["application/x-www-form-urlencoded"]["schema"]["properties"])
    types = {path.split("/")[1] for path in openapi["paths"]} - {"", "metadata", ".well-known"}
    assert types == {row["type"] for row in capability["rest"][0]["resource"]}


def test_every_path_of_openapi_leads_somewhere(maria: SmartApp, openapi: Json) -> None:
    (server,) = [each["url"] for each in openapi["servers"]]
    assert server == f"{maria.base}/fhir"
    for path, method, _ in operations(openapi):
        url = server + path.replace("{id}", maria.patient).replace("{version}", "1")
        answer = maria.http.request(method, url, headers=maria.bearer)
        assert answer.status_code != 405, path
        if answer.status_code == 404:
            assert answer.json()["issue"][0]["code"] == "not-found", path


def test_openapi_is_linked_and_follows_the_payer(at: Any) -> None:
    payer = at("all-types")
    assert "/developer/openapi.json" in httpx.get(f"{payer.base}/developer/docs").text
    paths = httpx.get(f"{payer.base}/developer/openapi.json").json()["paths"]
    assert "/Observation" not in paths
    assert "/Patient/{id}/$everything" in paths


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize("path", ["/fhir", "/fhir/"])
def test_the_base_is_a_page_for_browsers_and_a_hint_for_programs(app: SmartApp, path: str) -> None:
    page = httpx.get(app.base + path, headers={"Accept": BROWSER})
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "frame-ancestors" in page.headers["content-security-policy"]
    for needed in (f"{app.base}/fhir/metadata", "smart-configuration", "payer-sandbox token", "/developer"):
        assert needed in page.text
    links = re.findall(r'href="([^"#]+)"', page.text)
    assert all(httpx.get(httpx.URL(app.base).join(link)).status_code == 200 for link in links)
    for accept in ("*/*", "application/fhir+json", "text/html;q=0.5, application/json"):
        hint = httpx.get(app.base + path, headers={"Accept": accept})
        assert hint.status_code == 200
        assert "Accept" in hint.headers["vary"]
        issue = hint.json()["issue"][0]
        assert (issue["severity"], issue["code"]) == ("information", "informational")
        assert f"{app.base}/fhir/metadata" in issue["details"]["text"]
    assert httpx.get(f"{app.base}{path}?_format=html").headers["content-type"].startswith("text/html")
    assert httpx.get(f"{app.base}{path}?_format=xml").status_code == 406
