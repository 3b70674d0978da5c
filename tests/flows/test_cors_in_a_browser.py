"""What a script of another origin can read, in Chromium: answers, refusals and their headers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support.smart_app import SmartApp
from support.web_server import web_server

pytestmark = pytest.mark.browser

ASK = """async ([url, options]) => {
    try {
        const answer = await fetch(url, options);
        const headers = Object.fromEntries(answer.headers);
        return {status: answer.status, headers, text: await answer.text()};
    } catch (problem) { return {error: String(problem)}; }
}"""


@pytest.fixture
def script(chromium: Any) -> Iterator[Any]:
    """Fetches from a page of an app on another port: a registered origin, as it is on loopback."""
    context = chromium.new_context()
    page = context.new_page()
    with web_server(lambda request, body: (200, {"Content-Type": "text/html"}, b"")) as origin:
        page.goto(f"{origin}/")
        yield lambda url, **options: page.evaluate(ASK, [url, options])
        context.close()


def test_a_script_reads_why_it_was_refused(script: Any, app: SmartApp) -> None:
    bearer = {"Authorization": "Bearer nothing", "X-Request-Id": "abc-123"}
    refused = script(f"{app.base}/fhir/Patient", headers=bearer)
    assert refused["status"] == 401
    assert refused["headers"]["www-authenticate"].startswith("Bearer")
    assert refused["headers"]["x-correlation-id"] == "abc-123"
    assert refused["headers"]["x-request-id"]


def test_a_script_arms_an_accident_and_reads_what_it_did(script: Any, app: SmartApp) -> None:
    """`fail-next` itself is for this machine, and a page of another origin is none of it."""
    answer = script(f"{app.base}/fhir/metadata", headers={"X-Sandbox-Fail-Next": "metadata=1"})
    assert (answer["status"], "pages of other sites" in answer["text"]) == (403, True)
    app.control("fail-next", {"when": {"path": "/fhir/metadata"}, "then": {"do": "refuse", "status": 503,
                                                                           "retry_after": 7}})  # fmt: skip
    failed = script(f"{app.base}/fhir/metadata")
    assert failed["status"] == 503
    assert failed["headers"]["retry-after"] == "7"
    assert failed["headers"]["sandbox-effects"] == "fail-next:refuse"


@pytest.mark.parametrize(
    ("path", "options", "status"),
    [
        (f"Patient?name={'x' * 8000}", {}, 414),
        ("Patient?_format=xml", {}, 406),
        ("Patient/_search", {"method": "POST", "body": "a=" + "x" * (1 << 17)}, 413),
    ],
)
def test_a_script_reads_every_refusal(
    script: Any, app: SmartApp, path: str, options: dict[str, Any], status: int
) -> None:
    answer = script(f"{app.base}/fhir/{path}", **options)
    assert answer.get("status") == status, answer
    assert "OperationOutcome" in answer["text"]


def test_a_script_reads_that_there_is_no_such_scenario(script: Any, app: SmartApp) -> None:
    nowhere = f"{app.base.partition('/s/')[0]}/s/no-such-scenario/fhir/Patient"
    answer = script(nowhere, headers={"Authorization": "Bearer x"})
    assert (answer.get("status"), "Nearest" in answer.get("text", "")) == (404, True)
