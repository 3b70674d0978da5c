"""Reads: versions, conditional requests, HEAD, formats, gzip; and who may not read a version."""

from __future__ import annotations

import gzip
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest
from support.smart_app import MakeApp, SmartApp

EOB = "ExplanationOfBenefit"


@pytest.fixture
def replaced(make_app: MakeApp) -> SmartApp:
    """The member whose claim was replaced: it has two versions."""
    return make_app().connect("replaced")


def changed(app: SmartApp) -> dict[str, Any]:
    """A claim that was changed after it was first told."""
    claims = app.everything(f"{EOB}?_count=500")
    return next(claim for claim in claims if claim["meta"]["versionId"] != "1")


def test_a_read_tells_version_and_date(maria: SmartApp) -> None:
    answer = maria.get(f"Patient/{maria.patient}")
    meta = answer.json()["meta"]
    assert answer.headers["etag"] == f'W/"{meta["versionId"]}"'
    told = parsedate_to_datetime(answer.headers["last-modified"])
    assert told.strftime("%Y-%m-%dT%H:%M:%S") == meta["lastUpdated"][:19]
    assert answer.headers["content-type"] == "application/fhir+json; charset=utf-8"


def test_who_has_it_already_gets_304_without_a_body(maria: SmartApp) -> None:
    path = f"Patient/{maria.patient}"
    first = maria.get(path)
    same = {"If-None-Match": first.headers["etag"]}
    since = {"If-Modified-Since": first.headers["last-modified"]}
    for headers in (same, since, {"If-None-Match": '"x", ' + first.headers["etag"]}, {"If-None-Match": "*"}):
        answer = maria.get(path, **headers)
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == first.headers["etag"]
    old = {"If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}
    for headers in ({"If-None-Match": 'W/"other"'}, old, {"If-None-Match": 'W/"other"', **since}):
        assert maria.get(path, **headers).json() == first.json()
    assert maria.get(path, **{"If-Modified-Since": "yesterday"}).status_code == 200


def test_304_is_for_who_may_read_it(maria: SmartApp, make_app: MakeApp) -> None:
    walter = make_app().connect("walter")
    etag = maria.get(f"Patient/{maria.patient}").headers["etag"]
    assert walter.get(f"Patient/{maria.patient}", **{"If-None-Match": etag}).status_code == 404
    assert walter.get(f"Patient/{maria.patient}", **{"If-None-Match": "*"}).status_code == 404


def test_every_version_of_a_claim_is_there_and_no_other(replaced: SmartApp) -> None:
    claim = changed(replaced)
    path = f"{EOB}/{claim['id']}/_history"
    bundle = replaced.get(path).json()
    versions = [entry["resource"] for entry in bundle["entry"]]
    assert (bundle["type"], bundle["total"]) == ("history", len(versions))
    assert versions[0] == claim
    assert len(versions) >= 2
    assert [v["meta"]["lastUpdated"] for v in versions] == sorted(
        (v["meta"]["lastUpdated"] for v in versions), reverse=True
    )
    for entry in bundle["entry"]:
        meta = entry["resource"]["meta"]
        assert entry["request"] == {"method": "PUT", "url": f"{EOB}/{claim['id']}"}
        assert entry["response"]["etag"] == f'W/"{meta["versionId"]}"'
        assert entry["response"]["lastModified"] == meta["lastUpdated"]
        assert entry["fullUrl"] == f"{replaced.base}/fhir/{EOB}/{claim['id']}"
        one = replaced.get(f"{path}/{meta['versionId']}")
        assert one.json() == entry["resource"]
        assert one.headers["etag"] == entry["response"]["etag"]
    assert replaced.get(f"{path}/99").status_code == 404
    assert replaced.get(path, **{"If-None-Match": "x"}).json() == bundle


def test_history_since_begins_with_the_version_that_came_then(replaced: SmartApp) -> None:
    claim = changed(replaced)
    path = f"{EOB}/{claim['id']}/_history"
    since = replaced.get(f"{path}?_since={claim['meta']['lastUpdated']}").json()
    assert [entry["resource"] for entry in since["entry"]] == [claim]
    assert "_since=" in since["link"][0]["url"]
    moment = datetime.fromisoformat(claim["meta"]["lastUpdated"]) + timedelta(milliseconds=1)
    later = replaced.get(f"{path}?_since={moment.isoformat().replace('+', '%2B')}").json()
    assert (later["total"], "entry" in later) == (0, False)
    every = replaced.get(f"{path}?_since=2000").json()
    assert every["entry"] == replaced.get(path).json()["entry"]
    assert replaced.get(f"{path}?_since=soon").status_code == 400
    assert replaced.get(f"{path}?_since=soon").json()["issue"][0]["expression"] == ["_since"]
    assert replaced.get(f"{path}?colour=x", Prefer="handling=strict").status_code == 400


def test_versions_are_hidden_as_well_as_the_resource_itself(replaced: SmartApp, make_app: MakeApp) -> None:
    claim = changed(replaced)
    path = f"{EOB}/{claim['id']}/_history"
    other = make_app().connect("maria")
    for each in (path, f"{path}/1", f"{path}/99"):
        assert other.get(each).status_code == 404
    narrow = make_app(scope="launch/patient patient/Coverage.rs").connect("replaced")
    searching = make_app(scope=f"launch/patient patient/{EOB}.s").connect("replaced")
    for app in (narrow, searching):
        for each in (path, f"{path}/1"):
            assert app.get(each).status_code == 403
            assert 'error="insufficient_scope"' in app.get(each).headers["www-authenticate"]
    assert make_app().get(f"{path}/1").status_code == 401


@pytest.mark.parametrize("path", ["_history", f"{EOB}/_history", "Starship/_history"])
def test_history_of_a_type_or_of_everything_is_not_supported(maria: SmartApp, path: str) -> None:
    answer = maria.get(path)
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (404, "not-supported")


@pytest.mark.parametrize(
    "path",
    [
        "metadata",
        ".well-known/smart-configuration",
        "Patient/{patient}",
        "Patient/{patient}/_history",
        "Patient/{patient}/_history/1",
        "Coverage?_count=1",
        "Patient/{patient}/$everything?_count=3",
        "DocumentReference/$docref?patient={patient}",
        "Patient/nobody",
        "",
    ],
)
def test_head_is_get_without_the_body(maria: SmartApp, path: str) -> None:
    url = f"{maria.base}/fhir/{path.replace('{patient}', maria.patient)}"
    got, head = (maria.http.request(method, url, headers=maria.bearer) for method in ("GET", "HEAD"))
    assert head.content == b""
    assert head.status_code == got.status_code
    passing = {"x-request-id", "date", "content-length"}  # the page tokens and ids differ
    assert {k: v for k, v in head.headers.items() if k not in passing} == {
        k: v for k, v in got.headers.items() if k not in passing
    }


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/fhir+json", 200),
        ("application/json+fhir", 200),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", 200),
        ("application/fhir+xml, application/fhir+json;q=0.1", 200),
        ("application/*", 200),
        ("APPLICATION/FHIR+JSON; charset=UTF-8", 200),
        ("application/fhir+json; fhirVersion=4.0", 200),
        ("application/fhir+json; fhirVersion=3.0", 406),
        ("application/fhir+json;q=0", 406),
        (
            "application/fhir+json;q=0, application/json;q=0, application/json+fhir;q=0, text/json;q=0, */*",
            406,
        ),
        ("application/fhir+xml", 406),
        ("text/html", 406),
        ("nonsense", 406),
        ("", 200),
        ("*", 200),
        ("*;q=0", 406),
        # What Java's HttpURLConnection sends by itself.
        ("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", 200),
        ("application/fhir+json;q=.0", 406),
    ],
)
def test_accept_is_weighed(maria: SmartApp, accept: str, status: int) -> None:
    answer = maria.get(f"Patient/{maria.patient}", Accept=accept)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/fhir+json; charset=utf-8"
    if status == 406:
        assert answer.json()["issue"][0]["expression"] == ["http.accept"]


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ("json", 200),
        ("application/fhir%2Bjson", 200),
        ("application/fhir+json", 200),
        ("application/fhir%2Bjson;fhirVersion=4.0", 200),
        ("Application/JSON;charset=utf-8", 200),
        ("application/fhir+json;fhirVersion=3.0", 406),
        ("xml", 406),
    ],
)
def test_format_wins_over_accept(maria: SmartApp, form: str, status: int) -> None:
    path = f"Patient/{maria.patient}?_format={form}"
    for accept in ("application/fhir+xml", "application/fhir+json"):
        assert maria.get(path, Accept=accept).status_code == status


def test_an_empty_format_leaves_the_choice_to_accept(maria: SmartApp) -> None:
    path = f"Patient/{maria.patient}?_format="
    assert maria.get(path).status_code == 200
    assert maria.get(path, Accept="application/fhir+xml").status_code == 406
    assert maria.get(f"{path}&_format=xml").status_code == 406
    assert maria.get(f"{path}&_format=json", Accept="application/fhir+xml").status_code == 200


def test_elements_of_a_resource_are_read(maria: SmartApp) -> None:
    path = f"Patient/{maria.patient}"
    for where in (path, f"{path}/_history/1"):
        whole, answer = maria.get(where), maria.get(f"{where}?_elements=name,birthDate")
        part = answer.json()
        assert set(part) == {"resourceType", "id", "meta", "name", "birthDate"}
        assert part["meta"]["tag"][0]["code"] == "SUBSETTED"
        assert answer.headers["etag"] == whole.headers["etag"]
        assert "tag" not in whole.json()["meta"]
        assert maria.get(f"{where}?_elements=").json() == whole.json()
    wrong = maria.get(f"{path}?_elements=name.family")
    assert (wrong.status_code, wrong.json()["issue"][0]["expression"]) == (400, ["_elements"])


def test_pretty_has_line_breaks_and_the_same_digits(maria: SmartApp) -> None:
    path = f"{EOB}?_count=2"
    plain, pretty = maria.get(path), maria.get(f"{path}&_pretty=true")
    assert "\n  " in pretty.text
    assert "\n" not in plain.text
    assert [e["resource"] for e in pretty.json()["entry"]] == [e["resource"] for e in plain.json()["entry"]]
    assert ".00" in plain.text
    assert plain.text.count(".00") == pretty.text.count(".00")
    assert "\n" not in maria.get(f"{path}&_pretty=false").text


def test_gzip_is_for_who_asks_and_for_what_is_large(maria: SmartApp) -> None:
    url = f"{maria.base}/fhir/{EOB}?_count=5"

    def asked(encoding: str, where: str = url) -> tuple[httpx.Headers, bytes]:
        headers = {"Authorization": f"Bearer {maria.tokens['access_token']}", "Accept-Encoding": encoding}
        with maria.http.stream("GET", where, headers=headers) as answer:
            return answer.headers, b"".join(answer.iter_raw())

    plain_headers, plain = asked("identity")
    headers, packed = asked("gzip, deflate")
    assert "content-encoding" not in plain_headers
    assert headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed)[:40] == plain[:40]
    assert len(packed) == int(headers["content-length"])
    assert len(packed) * 5 < len(plain)
    for each in (headers, plain_headers):
        assert "Accept-Encoding" in each["vary"]
    for refused in ("gzip;q=0", "br", "identity;q=1, gzip;q=0.5", ""):
        assert "content-encoding" not in asked(refused)[0]
    assert "content-encoding" not in asked("gzip", f"{maria.base}/fhir/Coverage?_summary=count")[0]


def test_a_preference_about_writes_changes_nothing(maria: SmartApp) -> None:
    path = f"Patient/{maria.patient}"
    plain = maria.get(path).content
    for wish in (
        "return=minimal",
        "return=OperationOutcome",
        "respond-async",
        "wait=10; x",
        "handling=lenient",
    ):
        answer = maria.get(path, Prefer=wish)
        assert (answer.status_code, answer.content) == (200, plain)
    for wish in ('handling="strict"', "return=minimal, handling=strict", "wait=1;handling = strict"):
        assert maria.get("Coverage?colour=x", Prefer=wish).status_code == 400
    for wish in ("handling=lenient, handling=strict", 'x="handling=strict"', "xhandling=strict"):
        assert maria.get("Coverage?colour=x", Prefer=wish).status_code == 200
