"""Ways to choose a scenario: path prefix, header, server default; and what goes with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import httpx
from support.running import listening
from support.smart_app import MakeApp, SmartApp

from sandbox.settings import Settings


def test_the_path_prefix_chooses_and_every_url_carries_it(make_app: MakeApp) -> None:
    app = make_app("rate-limited.broken-references")
    smart = app.get(".well-known/smart-configuration").json()
    assert smart["token_endpoint"] == f"{app.base}/auth/token"
    bundle = app.connect("maria").get("ExplanationOfBenefit?_count=1").json()
    assert bundle["entry"][0]["fullUrl"].startswith(f"{app.base}/fhir/")
    assert all(link["url"].startswith(f"{app.base}/fhir/") for link in bundle["link"])


def test_an_unknown_scenario_is_404_with_the_nearest_names(origin: str) -> None:
    for path in ("fhir/metadata", "developer"):
        answer = httpx.get(f"{origin}/s/rate-limitd/{path}")
        assert answer.status_code == 404
        assert "rate-limited" in answer.text


def test_the_header_chooses_for_one_request(origin: str, session_name: str) -> None:
    with SmartApp(origin) as app:
        app.connect("walter")
        bad = app.get("Patient", **{"X-Sandbox-Scenario": "nonsense"})
        assert bad.status_code == 404
        broken = app.get("ExplanationOfBenefit", **{"X-Sandbox-Scenario": "broken-references"})
        assert "broken-references:break_reference" in broken.headers["sandbox-effects"]
        assert "sandbox-effects" not in app.get("ExplanationOfBenefit").headers


def test_the_path_wins_over_the_header(make_app: MakeApp) -> None:
    app = make_app().connect("maria")
    answer = app.get("ExplanationOfBenefit", **{"X-Sandbox-Scenario": "broken-references"})
    assert "sandbox-effects" not in answer.headers


def test_the_server_may_have_another_default(settings: Settings, tmp_path: Path) -> None:
    other = replace(settings, scenario="broken-references", ledger=str(tmp_path / "ledger.db"))
    with listening(other) as origin, SmartApp(origin) as app:
        assert "sandbox-effects" in app.connect("maria").get("ExplanationOfBenefit").headers


def test_sessions_of_one_scenario_do_not_share_state(
    make_app: MakeApp, origin: str, session_name: str
) -> None:
    mine = make_app("rate-limited").connect("maria")
    while mine.get("Patient").status_code == 200:
        pass
    with SmartApp(f"{origin}/s/rate-limited~{session_name[:60]}-b") as other:
        assert other.connect("maria").get("Patient").status_code == 200


def test_two_scenarios_act_together(make_app: MakeApp) -> None:
    app = make_app("portal-opt-in-required.token-expires-early")
    assert app.agree("oscar")["error"] == "access_denied"
    app.connect("maria")
    codes = [app.get("Patient").status_code for _ in range(8)]
    assert codes == [200] * 6 + [401] * 2
