"""Ways to choose a scenario: path prefix, header, server default; and what goes with it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from support import stores
from support.running import listening
from support.smart_app import MakeApp, SmartApp, hidden

from sandbox.core.clock import FrozenClock
from sandbox.core.payer import MANNERS, POLICIES, PayerProfile, with_terms
from sandbox.faults.catalog import load
from sandbox.server.app import create_app
from sandbox.server.embedded import serving
from sandbox.settings import Settings, root


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
    other = replace(settings, scenario="broken-references", ledger=stores.ledger(tmp_path / "ledger.db"))
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


# dials


def test_a_dial_is_turned_in_the_path_and_in_the_header(make_app: MakeApp, origin: str) -> None:
    app = make_app("slow-responses,seconds=0.01.rate-limited").connect("maria")
    answer = app.get("Patient")
    assert "slow-responses:delay" in answer.headers["sandbox-effects"]
    assert f"/s/slow-responses,seconds=0.01.rate-limited~{app.base.partition('~')[2]}/fhir/" in answer.text
    chosen = {"X-Sandbox-Scenario": "slow-responses,seconds=0.01"}
    assert "slow-responses:delay" in app.http.get(f"{origin}/fhir/metadata", headers=chosen).headers[
        "sandbox-effects"
    ]  # fmt: skip


def test_a_wrong_dial_is_404_in_the_shape_of_the_surface(origin: str) -> None:
    base = f"{origin}/s/slow-responses,seconds=121"
    fhir = httpx.get(f"{base}/fhir/metadata")
    assert fhir.status_code == 404
    assert "a number from 0.01 to 120, not 121" in fhir.json()["issue"][0]["details"]["text"]
    assert "0.01 to 120" in httpx.post(f"{base}/auth/token").json()["error_description"]
    assert "0.01 to 120" in httpx.get(f"{base}/_sandbox/clock").json()["message"]
    page = httpx.get(f"{base}/developer")
    assert (page.status_code, "0.01 to 120" in page.text) == (404, True)


def test_equal_selections_share_their_state(origin: str, session_name: str) -> None:
    one = f"{origin}/s/rate-limited.slow-responses,seconds=0.5~{session_name}"
    other = f"{origin}/s/rate-limited.slow-responses,seconds=0.50~{session_name}"
    httpx.post(f"{one}/_sandbox/clock", json={"advance": "P2D"})
    assert httpx.get(f"{other}/_sandbox/clock").json()["ahead_seconds"] == 2 * 86400


def test_a_path_may_name_only_a_session(origin: str, session_name: str) -> None:
    with SmartApp(f"{origin}/s/~{session_name}") as app:
        app.connect("maria")
        chosen = app.get("ExplanationOfBenefit", **{"X-Sandbox-Scenario": "broken-references"})
        assert "broken-references:break_reference" in chosen.headers["sandbox-effects"]
        assert "sandbox-effects" not in app.get("ExplanationOfBenefit").headers
        assert app.control("scenarios").json()["in_force"] == ["baseline"]


def test_stealth_keeps_the_header_away_and_nothing_else(origin: str, session_name: str) -> None:
    with SmartApp(f"{origin}/s/broken-references.stealth~{session_name}") as quiet:
        quiet.connect("maria")
        assert "missing-" in quiet.get("ExplanationOfBenefit?_count=1").text
        assert "sandbox-effects" not in quiet.get("ExplanationOfBenefit?_count=1").headers
    # The state is the same without the word, so a test can look at what was done.
    with SmartApp(f"{origin}/s/broken-references~{session_name}", tokens=quiet.tokens) as loud:
        assert "sandbox-effects" in loud.get("ExplanationOfBenefit?_count=1").headers
        assert loud.control("journal").json()["entries"][-1]["effects"]


# pins


def pinned(origin: str, session_name: str) -> SmartApp:
    return SmartApp(f"{origin}/s/~{session_name}")


def test_a_member_who_logs_in_with_a_scenario_brings_it_to_the_data(origin: str, session_name: str) -> None:
    with pinned(origin, session_name) as app, pinned(origin, session_name) as other:
        answer = app.redeem(app.agree_as("maria@broken-references", "maria-pass")["code"])
        app.tokens = answer.json()
        assert (
            "broken-references:break_reference" in app.get("ExplanationOfBenefit").headers["sandbox-effects"]
        )
        assert app.refresh().status_code == 200
        assert "missing-" in app.get("ExplanationOfBenefit").text
        other.connect("maria")
        assert "missing-" not in other.get("ExplanationOfBenefit").text
        shown = app.get("ExplanationOfBenefit", **{"X-Sandbox-Scenario": "baseline"})
        assert "missing-" not in shown.text  # a header wins over a pin


def test_a_pin_decides_the_sign_in_itself(origin: str, session_name: str) -> None:
    with pinned(origin, session_name) as app:
        refused = app.agree_as("oscar@portal-opt-in-required", "oscar-pass")
        assert refused["error"] == "access_denied"
        entry = app.control("journal?refused=true").json()["entries"][-1]
        assert entry["refusal"] == "not-opted-in"
        assert "code" in app.agree("oscar")


def test_a_pin_decides_the_token(origin: str, session_name: str) -> None:
    with pinned(origin, session_name) as app:
        code = app.agree_as("maria@token-expires-early", "maria-pass")["code"]
        app.tokens = app.redeem(code).json()
        assert [app.get("Patient").status_code for _ in range(7)] == [200] * 6 + [401]
        told = app.get("Patient").headers["sandbox-effects"]
        assert told == "token-expires-early:expire_early"


def test_a_login_with_an_unknown_scenario_names_the_nearest(origin: str, session_name: str) -> None:
    with pinned(origin, session_name) as app:
        page = app.log_in("maria@rate-limitd", "maria-pass")
        assert (page.status_code, "rate-limited" in page.text) == (404, True)
        wrong = app.log_in("maria@rate-limitd", "not-the-password")
        assert (wrong.status_code, "rate-limited" in wrong.text) == (400, False)


def test_the_path_wins_over_a_pin(make_app: MakeApp) -> None:
    app = make_app()
    app.tokens = app.redeem(app.agree_as("maria@broken-references", "maria-pass")["code"]).json()
    assert "missing-" not in app.get("ExplanationOfBenefit").text


def test_a_client_may_be_registered_with_a_scenario(settings: Settings, tmp_path: Path) -> None:
    app = create_app(replace(settings, ledger=stores.ledger(tmp_path / "ledger.db")))
    wired = app.extensions["wiring"]

    plain = wired.clients["sandbox-app"]
    registered = replace(plain, client_id="pinned-app", scenario="broken-references")
    app.extensions["wiring"] = replace(wired, clients={**wired.clients, "pinned-app": registered})
    with serving(app) as origin, SmartApp(origin, client_id="pinned-app") as theirs, SmartApp(origin) as ours:
        assert "missing-" in theirs.connect("maria").get("ExplanationOfBenefit").text
        assert "missing-" not in ours.connect("maria").get("ExplanationOfBenefit").text


# a header loosens nothing that was granted without it

HEADER = "X-Sandbox-Scenario"


def under(app: SmartApp, scenario: str | None) -> None:
    """From here on the app and its browser send the header (None: no more)."""
    for http in (app.http, app.browser):
        http.headers.pop(HEADER, None)
        if scenario is not None:
            http.headers[HEADER] = scenario


SCENARIOS = load(root() / "scenarios").by_id


@pytest.mark.parametrize("name", SCENARIOS)
def test_no_scenario_loosens_by_header(still: tuple[str, FrozenClock], name: str) -> None:
    """A code, a refresh token and a sign-in under way, granted without it, tried under each scenario."""
    origin, _ = still
    with SmartApp(f"{origin}/s/~loosens-{name[:50]}") as app:
        code = app.agree("maria")["code"]
        app.tokens = app.redeem(code).json()
        first = app.tokens["refresh_token"]
        under(app, name)
        with suppress(httpx.HTTPError):
            assert "access_token" not in app.redeem(code).text
        under(app, None)
        app.connect("maria")
        first = app.tokens["refresh_token"]
        assert app.refresh().status_code == 200
        under(app, name)
        with suppress(httpx.HTTPError):
            assert "access_token" not in app.refresh(refresh_token=first).text
        under(app, None)
        page = app.choose(app.log_in("maria"))
        under(app, name)
        with suppress(httpx.HTTPError):
            answer = app.browser.post(f"{app.base}/auth/consent", data=hidden(page) | {"decision": "allow"})
            under(app, None)
            if app.returned(answer) and "code" in app.callback(answer):
                tokens = app.redeem(app.callback(answer)["code"])
                if tokens.status_code == 200:
                    app.tokens = tokens.json()
                    assert app.tokens["patient"] == "mbr-0001"
                    assert app.get("Patient/mbr-0003").status_code in (403, 404)


def test_a_header_on_the_whole_way_chooses_the_terms(origin: str, session_name: str) -> None:
    with pinned(origin, session_name) as app:
        under(app, "code-works-twice")
        code = app.agree("maria")["code"]
        assert [app.redeem(code).status_code for _ in range(2)] == [200, 200]


def test_a_header_that_the_browser_drops_at_a_redirect_goes_on(origin: str, session_name: str) -> None:
    with pinned(origin, session_name) as app:
        app.browser.headers[HEADER] = "code-works-twice"
        first = app.authorize()
        del app.browser.headers[HEADER]
        page = app.choose(app.submit(app.follow(first), "maria"))
        code = app.decide(page, {"decision": "allow"})["code"]
        assert [app.redeem(code).status_code for _ in range(2)] == [200, 200]


def test_a_header_takes_away_from_what_was_granted_without_it(origin: str, session_name: str) -> None:
    with pinned(origin, session_name) as app:
        code = app.agree("maria")["code"]
        under(app, "token-expires-early")
        app.tokens = app.redeem(code).json()
        under(app, None)
        assert [app.get("Patient").status_code for _ in range(7)] == [200] * 6 + [401]


def test_a_header_does_not_lift_the_terms_of_a_pin(origin: str, session_name: str) -> None:
    with pinned(origin, session_name) as app:
        code = app.agree_as("maria@token-expires-early.type-not-served,type=Coverage", "maria-pass")["code"]
        under(app, "baseline")
        app.tokens = app.redeem(code).json()
        assert app.get("Coverage").status_code == 404
        assert [app.get("Patient").status_code for _ in range(7)] == [200] * 5 + [401] * 2


def test_a_consent_counts_under_the_scenarios_it_was_given_under(origin: str, session_name: str) -> None:
    with pinned(origin, session_name) as app:
        app.agree("maria")
        assert "code" in app.callback(app.authorize(prompt="none"))
        under(app, "refresh-never-rotated")
        assert app.callback(app.authorize(prompt="none"))["error"] == "consent_required"


def test_every_policy_is_a_term_of_the_grant_or_a_manner() -> None:
    assert MANNERS < POLICIES
    loose = replace(
        PayerProfile(), code_once=False, refresh_rotation="none", page_size=7, withheld_types=("Goal",)
    )
    kept = with_terms(loose, replace(PayerProfile(), withheld_types=("Media",)))
    assert (kept.code_once, kept.refresh_rotation, kept.page_size) == (True, "reuse-revokes-family", 7)
    assert set(kept.withheld_types) == {"Media", "Goal"}
