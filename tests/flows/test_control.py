"""The control API: for whoever runs the sandbox, on this machine or with the key."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from flask import Flask
from support.smart_app import WEB, MakeApp, SmartApp

from sandbox.apis.control.api import CONTROL
from sandbox.apis.control.client import Remote
from sandbox.apis.control.models import Scenarios
from sandbox.server.app import create_app
from sandbox.settings import Settings


def test_the_clock_moves_for_one_payer_only(app: SmartApp, origin: str) -> None:
    assert app.control("clock", {"advance": "P90D"}).json()["ahead_seconds"] == 90 * 86400
    assert app.control("clock", {"advance": "-PT1H"}).json()["ahead_seconds"] == 90 * 86400 - 3600
    assert httpx.get(f"{origin}/_sandbox/clock").json()["ahead_seconds"] == 0
    assert (
        app.control("clock", {"set": "2031-05-06T07:08:09Z"}).json()["now"].startswith("2031-05-06T07:08:09")
    )
    assert app.get("metadata").json()["date"] == "2031-05-06"


@pytest.mark.parametrize(
    "body",
    [{}, [], "P1D", {"advance": "1 day"}, {"advance": 5}, {"set": "soon"}, {"set": "2030-01-01T00:00:00"},
     {"advance": "P1D", "set": "2030-01-01T00:00:00Z"}, {"advance": "P99999999D"}, {"advance": "P1Y"}],
)  # fmt: skip
def test_a_clock_call_that_cannot_be_understood_is_refused_and_moves_nothing(
    app: SmartApp, body: object
) -> None:
    answer = app.control("clock", body)
    assert answer.status_code == 400
    assert "advance" in answer.json()["message"] or "century" in answer.json()["message"]
    assert app.control("clock").json()["ahead_seconds"] == 0


def test_members_are_listed_and_searched(app: SmartApp) -> None:
    everyone = app.control("members").json()
    assert everyone["total"] == len(everyone["members"]) == 100
    assert everyone["members"][0] == {
        "username": "maria",
        "password": "maria-pass",
        "name": "Maria Delgado",
        "role": "eligible",
        "line": "commercial",
        "purpose": "start here: diabetes, with claims, prescriptions and lab results",
        "refusal": None,
    }
    matching = app.control("members?q=Newborn+covered").json()
    assert [member["username"] for member in matching["members"]] == ["newborn"]
    app.control("members/newborn", {"locked": True})
    assert app.control("members?q=newborn+covered").json()["members"][0]["refusal"]
    assert app.control("members?q=nobody-like-this").json() == {"members": [], "total": 0}


def test_reset_forgets_tokens_and_time(maria: SmartApp) -> None:
    maria.control("clock", {"advance": "P1D"})
    assert maria.control("reset", {}).status_code == 200
    assert maria.get("Patient").status_code == 401
    assert maria.control("clock").json()["ahead_seconds"] == 0


def test_a_server_without_the_path_says_so_in_json(origin: str) -> None:
    answer = httpx.get(f"{origin}/_sandbox/nothing")
    assert answer.status_code == 404
    assert answer.json()["error"] == "not-supported"


def test_a_payer_built_around_another_day_lives_on_it(app_of: Callable[..., Flask]) -> None:
    then, now = (
        int(app_of(ahead_days=days).test_client().get("/_sandbox/clock").get_json()["now"][:4])
        for days in (-365, 0)
    )
    assert now - then == 1


# fail next


def test_the_next_two_token_calls_fail_and_then_it_works(app: SmartApp) -> None:
    code = app.agree("maria")["code"]
    assert app.control("fail-next", {"times": 2}).json()["armed"][0]["left"] == 2
    answers = [app.redeem(code) for _ in range(3)]
    assert [a.status_code for a in answers] == [503, 503, 200]
    assert answers[0].json()["error"] == "temporarily_unavailable"
    assert answers[0].headers["sandbox-effects"] == "fail-next:refuse"
    assert "sandbox-effects" not in answers[2].headers
    assert app.control("fail-next").json()["armed"][0]["left"] == 0


def test_any_verb_may_be_armed_and_the_rest_forgotten(maria: SmartApp) -> None:
    when, then = {"resource": "Coverage"}, {"do": "drop_connection"}
    maria.control("fail-next", {"times": 3, "when": when, "then": then})
    assert maria.get("Patient").status_code == 200
    with pytest.raises(httpx.RemoteProtocolError):
        maria.get("Coverage")
    assert maria.http.delete(f"{maria.base}/_sandbox/fail-next").json() == {"armed": []}
    assert maria.get("Coverage").status_code == 200


@pytest.mark.parametrize("body", [[], {"times": 0}, {"then": {"do": "fial"}}, {"when": {"pth": "/x"}}])
def test_what_cannot_be_armed_is_refused_with_a_reason(app: SmartApp, body: object) -> None:
    answer = app.control("fail-next", body)
    assert answer.status_code == 400
    assert answer.json()["message"]
    assert app.control("fail-next").json() == {"armed": []}
    broken = app.http.post(f"{app.base}/_sandbox/fail-next", content=b"{")
    assert "JSON" in broken.json()["message"]


def test_the_body_of_a_control_call_is_json_whatever_it_is_called(app: SmartApp) -> None:
    """As `curl -d` sends it."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    sent = b'{"when": {"path": "/fhir/metadata"}}'
    armed = app.http.post(f"{app.base}/_sandbox/fail-next", content=sent, headers=form).json()["armed"]
    assert armed[0]["when"] == {"path": "/fhir/metadata"}


def test_exactly_as_many_callers_fail_as_were_armed(maria: SmartApp) -> None:
    maria.control("fail-next", {"times": 5, "when": {"path": "/fhir/Patient"}})
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda _: maria.get("Patient").status_code, range(20)))
    assert sorted(codes) == [200] * 15 + [503] * 5


def test_a_header_arms_once_however_often_it_is_sent(maria: SmartApp) -> None:
    header = {"X-Sandbox-Fail-Next": "Patient=2:429, Coverage=1"}
    codes = [maria.get("Patient", **header).status_code for _ in range(4)]
    assert codes == [429, 429, 200, 200]
    assert [maria.get("Coverage").status_code for _ in range(2)] == [503, 200]
    again = {"X-Sandbox-Fail-Next": "Patient=1 #again"}
    assert [maria.get("Patient", **again).status_code for _ in range(2)] == [503, 200]
    wrong = maria.get("Patient", **{"X-Sandbox-Fail-Next": "Patient"})
    assert (wrong.status_code, "<place>=<times>" in wrong.text) == (400, True)


def test_reset_disarms(app: SmartApp) -> None:
    app.control("fail-next", {"when": {}})
    app.control("reset", {})
    assert app.get("metadata").status_code == 200


# journal


def entries(app: SmartApp, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = app.control(f"journal?{query}").json()["entries"]
    return found


def test_the_journal_is_filtered(maria: SmartApp) -> None:
    maria.get("Patient")
    maria.get("Nonsense")
    missing = maria.get("Patient/nobody")
    assert [e["status"] for e in entries(maria, "path=/fhir/&status=4xx")] == [404, 404]
    assert [e["path"] for e in entries(maria, "status=200&path=/fhir/Patient")] == ["/fhir/Patient"]
    assert entries(maria, "status=200&path=/fhir/")[0]["member"] == "maria"
    assert entries(maria, "member=oscar") == []
    assert {e["path"] for e in entries(maria, "client=sandbox-app&method=post")} >= {"/auth/token"}
    assert [e["path"] for e in entries(maria, f"request={missing.headers['x-request-id']}")] == [
        "/fhir/Patient/nobody"
    ]
    assert entries(maria, "since=2999-01-01T00:00:00Z") == []
    assert entries(maria, f"after={1 << 62}") == []
    assert len(entries(maria, "limit=2")) == 2
    assert [e["status"] for e in entries(maria, "refused=true")] == [404, 404]


@pytest.mark.parametrize("query", ["status=teapot", "status=6xx", "since=today", "limit=0", "limit=x",
                                   "wait=31", "after=-1", "since=2027-01-01T00:00:00"])  # fmt: skip
def test_a_filter_that_cannot_be_understood_is_refused(app: SmartApp, query: str) -> None:
    assert app.control(f"journal?{query}").status_code == 400


def test_the_journal_is_lines_for_whoever_asks(maria: SmartApp) -> None:
    answer = maria.control("journal?format=ndjson&path=/auth/token")
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert [json.loads(line)["path"] for line in answer.text.splitlines()] == ["/auth/token"]


def test_the_journal_is_followed_as_exchanges_come(app: SmartApp) -> None:
    last = app.control("journal").json()["last"]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lambda: app.control(f"journal?after={last}&wait=20&status=401").json())
        app.get("metadata")
        app.get("Patient")
        said = waiting.result()
    assert [(e["path"], e["status"]) for e in said["entries"]] == [("/fhir/Patient", 401)]
    assert app.control(f"journal?after={said['last']}&wait=0").json()["entries"] == []


def test_the_journal_shows_that_a_secret_is_the_one_of_before_without_telling_it(maria: SmartApp) -> None:
    first = maria.get("ExplanationOfBenefit?_count=2", Accept="application/fhir+json").json()
    maria.get(next(link["url"] for link in first["link"] if link["relation"] == "next"))
    maria.refresh()
    asked, back, token, page, again, refreshed = (
        next(e for e in entries(maria) if e["path"] == path and e["status"] == status and want(e))
        for path, status, want in (
            ("/auth/authorize", 303, bool),
            ("/auth/consent", 303, lambda e: e["issued"]),
            ("/auth/token", 200, lambda e: e["sent"]["grant_type"] == "authorization_code"),
            ("/fhir/ExplanationOfBenefit", 200, lambda e: "_page" not in e["params"]),
            ("/fhir/ExplanationOfBenefit", 200, lambda e: "_page" in e["params"]),
            ("/auth/token", 200, lambda e: e["sent"]["grant_type"] == "refresh_token"),
        )
    )
    assert asked["marks"]["state"] == back["issued"]["state"]
    assert asked["state_length"] == len(maria.state)
    assert back["issued"]["code"] == token["marks"]["code"]
    assert token["issued"]["access_token"] == page["token"]
    assert token["issued"]["refresh_token"] == refreshed["marks"]["refresh_token"]
    assert refreshed["issued"]["refresh_token"] != token["issued"]["refresh_token"]
    assert page["next"] == again["marks"]["_page"]
    assert page["query"] != again["query"]
    assert page["accept"] == "application/fhir+json"


def test_the_journal_keeps_no_secret_in_any_field(make_app: MakeApp) -> None:
    app = make_app(**WEB)
    back = app.agree("maria", nonce="the-nonce")
    app.tokens = app.redeem(back["code"]).json()
    app.get("Patient", Authorization=f"Bearer {app.tokens['access_token']}")
    app.get(f"Patient?access_token={app.tokens['access_token']}")
    app.post("introspect", {"token": app.tokens["refresh_token"]})
    app.http.get(f"{app.base}/fhir/Patient", headers={"Authorization": "Bearer not-a-token-of-ours"})
    text = app.control("journal").text
    assert "/auth/introspect" in text
    held = [app.tokens[name] for name in ("access_token", "refresh_token", "id_token")]
    said = ["maria-pass", app.state, app.verifier, "sandbox-web-secret", "the-nonce", "not-a-token-of-ours"]
    for secret in (*held, back["code"], *said):
        assert str(secret) not in text


def test_what_could_not_be_read_is_in_the_journal_too(app: SmartApp) -> None:
    large = app.http.post(f"{app.base}/auth/token", content=b"x" * (2 << 20))
    armed = app.get("metadata", **{"X-Sandbox-Fail-Next": "nonsense"})
    told = entries(app)
    assert [entry["status"] for entry in told] == [large.status_code, armed.status_code] == [413, 400]
    assert [entry["request"] for entry in told] == [
        answer.headers["x-request-id"] for answer in (large, armed)
    ]
    assert "why" in told[0]


def test_what_a_scenario_did_is_said_to_be_its_doing(make_app: MakeApp) -> None:
    app = make_app("token-expires-early.rate-limited").connect("maria")
    answers = [app.get("Patient") for _ in range(12)]
    lost = entries(app, f"request={answers[6].headers['x-request-id']}")[0]
    assert "used up" in lost["why"]
    assert "The scenario token-expires-early did this on purpose" in lost["why"]
    assert lost["because"] == ["token-expires-early:expire_early"]
    limited = entries(app, f"request={answers[11].headers['x-request-id']}")[0]
    assert limited["why"].startswith("The scenario rate-limited did this on purpose (rate_limit;")
    assert "Retry-After" in limited["repair"]


# reports and documents


def test_the_yearly_report_counts_members_and_names_none(make_app: MakeApp) -> None:
    app = make_app()
    app.control("clock", {"set": "2031-03-01T10:00:00Z"})
    app.connect("maria").get("Patient")
    app.connect("walter").get("Patient")
    assert app.get("Patient/nobody").status_code == 404
    app.control("clock", {"advance": "P1D"})
    app.connect("maria").get("Patient")
    app.control("clock", {"set": "2032-01-01T10:00:00Z"})
    app.connect("dana").get("Patient")
    report = app.control("reports/patient-access-metrics?year=2031").json()
    assert report == {"year": 2031, "level": "contract", "id": "H9999", "unique_patients": 2,
                      "unique_patients_multiple": 1, "apps": 1, "due": "2032-03-31"}  # fmt: skip
    assert app.control("reports/patient-access-metrics?year=2032").json()["unique_patients"] == 1
    for year in ("", "31", "x", "1999"):
        assert app.control(f"reports/patient-access-metrics?year={year}").status_code == 400


def test_the_openapi_document_names_every_call_and_nothing_else(app: SmartApp, settings: Settings) -> None:
    document = app.control("openapi.json").json()
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": f"{app.base}/_sandbox"}]
    told = {(path, verb) for path, verbs in document["paths"].items() for verb in verbs}
    rules = create_app(settings).url_map.iter_rules()
    served = {
        (re.sub("<(.*?)>", r"{\1}", str(rule).removeprefix("/_sandbox")), verb.lower())
        for rule in rules
        if str(rule).startswith("/_sandbox/")
        for verb in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert told == served
    ids = [call["operationId"] for verbs in document["paths"].values() for call in verbs.values()]
    assert len(ids) == len(set(ids))
    text = json.dumps(document)
    for name in re.findall(r'"#/components/schemas/([^"]+)"', text):
        assert name in document["components"]["schemas"], name
    for verbs in document["paths"].values():
        for call in verbs.values():
            assert call["summary"]
            assert set(call["responses"]) - {"404"} == {"200", "400", "403"}


BODIES: dict[str, dict[str, Any]] = {
    "moveClock": {"advance": "PT1S"},
    "decideMember": {"locked": False},
    "decideClient": {"state": "approved"},
    "switchScenarios": {"selection": ""},
}


def test_every_answer_has_the_shape_that_the_document_promises(maria: SmartApp) -> None:
    maria.get("Nonsense")
    for operation in CONTROL.operations:
        if operation.answer is None:
            continue
        path = operation.path.lstrip("/") + ("?year=2030" if "reports" in operation.path else "")
        path = path.replace("<username>", "maria").replace("<id>", "sandbox-web").replace("<name>", "t7")
        body = BODIES.get(operation.name, {})
        answer = maria.http.request(operation.methods, f"{maria.base}/_sandbox/{path}",
                                    json=body if operation.methods == "POST" else None)  # fmt: skip
        assert answer.status_code == 200, (operation.path, answer.text)
        shape = operation.answer.model_validate_json(answer.text, strict=True)
        assert set(answer.json()) <= set(shape.model_dump()), operation.path


def test_the_scenarios_are_searched(make_app: MakeApp) -> None:
    app = make_app("rate-limited")
    everything = app.control("scenarios").json()
    assert everything["in_force"] == ["rate-limited"]
    assert "suggestions" not in everything
    answer = app.control("scenarios?q=clock+skew").json()
    assert answer["in_force"] == ["rate-limited"]
    assert answer["suggestions"] == []
    names = [entry["id"] for entry in answer["scenarios"]]
    assert "id-token-from-the-future" in names
    assert len(names) < len(everything["scenarios"])
    first = answer["scenarios"][0]
    assert [reason["word"] for reason in first["why"]] == ["clock", "skew"]
    assert {"left", "text"} == set(first["cost"])
    Scenarios.model_validate_json(json.dumps(answer), strict=True)

    missing = app.control("scenarios?q=pagnation").json()
    assert (missing["scenarios"], missing["suggestions"][0]) == ([], "pagination")
    partial = app.control("scenarios?q=rate-limited+xyzzy").json()["scenarios"]
    assert (partial[0]["id"], partial[0]["unmatched"]) == ("rate-limited", ["xyzzy"])
    assert app.control("scenarios?q=+").json() == everything

    remote = Remote(app.base)
    assert remote.scenarios() == everything["scenarios"]
    assert remote.scenarios("clock skew") == answer["scenarios"]
