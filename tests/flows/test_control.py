"""The control API: for whoever runs the sandbox, on this machine or with the key."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from support import stores
from support.running import listening
from support.smart_app import SmartApp

from sandbox.app import create_app
from sandbox.settings import Settings

AWAY = {"REMOTE_ADDR": "203.0.113.9"}


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


def test_reset_forgets_tokens_and_time(maria: SmartApp) -> None:
    maria.control("clock", {"advance": "P1D"})
    assert maria.control("reset", {}).status_code == 200
    assert maria.get("Patient").status_code == 401
    assert maria.control("clock").json()["ahead_seconds"] == 0


def test_the_journal_names_exchanges_but_no_secrets(maria: SmartApp) -> None:
    maria.get(f"Patient/{maria.patient}")
    body = maria.control("journal").text
    assert f"/fhir/Patient/{maria.patient}" in body
    for secret in (maria.tokens["access_token"], maria.tokens["refresh_token"], "maria-pass", maria.state):
        assert secret not in body


def test_secrets_are_not_in_the_ledger_files(settings: Settings, maria: SmartApp) -> None:
    kept = stores.kept(settings.ledger)
    assert b"grant" in kept
    for secret in (maria.tokens["access_token"], maria.tokens["refresh_token"]):
        assert secret.encode() not in kept


def test_callers_from_elsewhere_need_the_key(settings: Settings, tmp_path: Path) -> None:
    ours = replace(settings, control_key="the-key", ledger=str(tmp_path / "ledger.db"))
    client = create_app(ours).test_client()
    refused = client.post("/_sandbox/reset", environ_overrides=AWAY)
    assert refused.status_code == 403
    assert "key" in refused.get_json()["message"]
    for headers in ({"X-Sandbox-Key": "the-key"}, {"Authorization": "Bearer the-key"}):
        assert client.post("/_sandbox/reset", environ_overrides=AWAY, headers=headers).status_code == 200
    wrong = client.post("/_sandbox/reset", environ_overrides=AWAY, headers={"X-Sandbox-Key": "the-kez"})
    assert wrong.status_code == 403
    assert client.get("/_sandbox/health", environ_overrides=AWAY).status_code == 200


def test_without_a_key_nobody_from_elsewhere_gets_in(settings: Settings, tmp_path: Path) -> None:
    client = create_app(replace(settings, ledger=str(tmp_path / "ledger.db"))).test_client()
    for headers in ({}, {"X-Sandbox-Key": ""}, {"X-Forwarded-For": "127.0.0.1"}):
        assert client.get("/_sandbox/journal", environ_overrides=AWAY, headers=headers).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [{"Host": "rebound.example"}, {"Origin": "https://evil.example"}, {"Host": "127.0.0.1.evil.example"},
     {"Origin": "null"}],
)  # fmt: skip
def test_a_web_page_cannot_reach_it_through_the_browser(origin: str, headers: dict[str, str]) -> None:
    assert httpx.post(f"{origin}/_sandbox/reset", headers=headers).status_code == 403


def test_a_server_without_the_path_says_so_in_json(origin: str) -> None:
    answer = httpx.get(f"{origin}/_sandbox/nothing")
    assert answer.status_code == 404
    assert answer.json()["error"] == "not-supported"


def test_a_payer_built_around_another_day_lives_on_it(settings: Settings, tmp_path: Path) -> None:
    with listening(replace(settings, ahead_days=-365, ledger=str(tmp_path / "ledger.db"))) as origin:
        then = httpx.get(f"{origin}/_sandbox/clock").json()["now"]
    with listening(replace(settings, ledger=str(tmp_path / "ledger2.db"))) as origin:
        now = httpx.get(f"{origin}/_sandbox/clock").json()["now"]
    assert int(now[:4]) - int(then[:4]) == 1
