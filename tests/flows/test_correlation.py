"""The client's request id comes back as `X-Correlation-Id`, on every answer (R4 http, custom headers)."""

from __future__ import annotations

import pytest
from support.smart_app import MakeApp, SmartApp

MINE = {"X-Request-Id": "abc-123"}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("fhir/metadata", 200),
        ("fhir/Patient", 200),
        ("fhir/Patient?_format=xml", 406),
        ("fhir/Patient/nobody", 404),
        ("fhir/Patient?_count=x", 400),
        (f"fhir/Patient?name={'x' * 8000}", 414),
        ("auth/token", 405),
        ("auth/authorize", 400),
        ("developer", 200),
        ("_sandbox/clock", 200),
        ("nowhere", 404),
        ("../no-such-scenario/fhir/Patient", 404),
    ],
)
def test_it_is_echoed_by_every_answer(maria: SmartApp, path: str, status: int) -> None:
    base = maria.base
    if path.startswith(".."):
        base, path = base.partition("/s/")[0] + "/s", path[3:]
    answer = maria.http.get(f"{base}/{path}", headers=MINE | maria.bearer)
    assert (answer.status_code, answer.headers["x-correlation-id"]) == (status, "abc-123")
    assert answer.headers.get("x-request-id") != "abc-123"
    assert "x-correlation-id" not in maria.http.get(f"{base}/{path}", headers=maria.bearer).headers


@pytest.mark.parametrize("scenario", ["rate-limited", "maintenance", "wrong-content-type"])
def test_an_accident_does_not_lose_it(make_app: MakeApp, scenario: str) -> None:
    app = make_app(scenario)
    answers = [app.get("Patient", **MINE) for _ in range(15)]
    assert {answer.headers["x-correlation-id"] for answer in answers} == {"abc-123"}


def test_what_carries_a_correlation_on_is_echoed_too_and_the_journal_keeps_it(maria: SmartApp) -> None:
    answer = maria.get("Coverage", **{"X-Correlation-Id": "visit-7"})
    assert answer.headers["x-correlation-id"] == "visit-7"
    maria.get("Coverage", **MINE)
    kept = [e.get("correlation") for e in maria.control("journal").json()["entries"]]
    assert {"visit-7", "abc-123"} <= set(kept)


@pytest.mark.parametrize(
    ("sent", "echoed"),
    [
        ("a" * 1000, "a" * 200),
        ("a b\tc", "abc"),
        ("caf\u00e9\u0085\u00a0", "caf"),
        ("<b>&\"'", "<b>&\"'"),
        ("\u00e9", None),
        ("", None),
    ],
)
def test_only_visible_ascii_comes_back(maria: SmartApp, sent: str, echoed: str | None) -> None:
    for path in ("Coverage", "nothing/at/all"):
        bearer = f"Bearer {maria.tokens['access_token']}"
        headers = {"Authorization": bearer.encode(), "X-Request-Id": sent.encode("latin-1")}
        answer = maria.http.get(f"{maria.base}/fhir/{path}", headers=headers)
        assert answer.headers.get("x-correlation-id") == echoed
