"""Who may control a payer: whoever holds its key; without one, this machine, and nobody it speaks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Flask
from flask.testing import FlaskClient
from support import stores
from support.command import command

from sandbox.apis.control.api import CONTROL
from sandbox.apis.discovery import published
from sandbox.pytest_plugin import Payer
from sandbox.server.app import create_app
from sandbox.server.embedded import serving
from sandbox.settings import Settings, from_env
from sandbox.web.api import Api, Apis, Audience, Operation

AWAY = {"REMOTE_ADDR": "203.0.113.9"}
KEY = {"X-Sandbox-Key": "the-key"}
GUARDED = [(o.methods, f"/_sandbox{o.path}") for o in CONTROL.operations if o.name != "health"]


@pytest.fixture
def keyed(app_of: Callable[..., Flask]) -> FlaskClient:
    return app_of(control_key="the-key").test_client()


@pytest.fixture
def keyless(app_of: Callable[..., Flask]) -> FlaskClient:
    return app_of().test_client()


def send(client: FlaskClient, method: str, path: str, **options: Any) -> int:
    filled = path.replace("{name}", "health").replace("{username}", "health").replace("{id}", "health")
    return client.open(filled, method=method, **options).status_code


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_every_operation_needs_the_key_that_is_set_also_here(
    keyed: FlaskClient, method: str, path: str
) -> None:
    for options in ({}, {"environ_overrides": AWAY}, {"headers": {"X-Sandbox-Key": "the-kez"}},
                    {"headers": {"X-Sandbox-Key": ""}}, {"headers": {"Authorization": "Bearer x"}},
                    {"headers": {"X-Sandbox-Key": "ké"}}):  # fmt: skip
        assert send(keyed, method, path, **options) == 403
    for headers in (KEY, {"Authorization": "Bearer the-key"}):
        assert send(keyed, method, path, headers=headers, environ_overrides=AWAY) != 403


def test_health_is_open_to_everybody(keyed: FlaskClient, keyless: FlaskClient) -> None:
    for client in (keyed, keyless):
        foreign = {"Sec-Fetch-Site": "cross-site", "X-Forwarded-For": "203.0.113.9"}
        answer = client.get("/_sandbox/health", environ_overrides=AWAY, headers=foreign)
        assert answer.status_code == 200


FORWARDED = [
    {"Forwarded": "for=203.0.113.9"},
    {"X-Forwarded-For": "127.0.0.1"},
    {"X-Forwarded-For": ""},
    {"X-Forwarded-Host": "localhost"},
    {"X-Forwarded-Proto": "https"},
    {"X-Forwarded-Server": "x"},
    {"X-Forwarded": "for=127.0.0.1"},
    {"Forwarded-For": "127.0.0.1"},
    {"X-Real-IP": "127.0.0.1"},
    {"X-Client-IP": "127.0.0.1"},
    {"X-Cluster-Client-IP": "127.0.0.1"},
    {"Client-IP": "127.0.0.1"},
    {"True-Client-IP": "127.0.0.1"},
    {"Fastly-Client-IP": "127.0.0.1"},
    {"CF-Connecting-IP": "127.0.0.1"},
    {"CF-Ray": "x"},
    {"X-Envoy-External-Address": "127.0.0.1"},
    {"X-Original-Host": "localhost"},
    {"X-Amzn-Trace-Id": "Root=1-2-3"},
    {"CDN-Loop": "cdn"},
    {"Via": "1.1 proxy"},
    {"X-BlueCoat-Via": "x"},
    {"X-Azure-ClientIP": "127.0.0.1"},
    {"X-Amz-Cf-Id": "x"},
    {"X-ARR-LOG-ID": "x"},
    {"X-Varnish": "1"},
    {"X-Rewrite-URL": "/"},
    {"X-Host": "localhost"},
    {"X-Scheme": "https"},
    {"Front-End-Https": "on"},
    {"Surrogate-Capability": "x"},
    {"Tailscale-User-Login": "x"},
]
PAGES = [
    {"Origin": "https://evil.example"},
    {"Origin": "http://localhost:3000"},
    {"Origin": "https://localhost.evil.example"},
    {"Origin": "null"},
    {"Origin": "http://[::1"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"},
    {"Referer": "https://evil.example/page"},
    {"Referer": "http://localhost:3000/"},
]
HERE: list[dict[str, str]] = [
    {},
    {"Host": "127.0.0.1:8080"},
    {"Host": "[::1]:8080"},
    {"Host": "payer.localhost:8080"},
    {"Origin": "http://localhost"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"},
    {"Sec-Fetch-Site": "same-origin", "Referer": "http://localhost/developer"},
    {"Sec-Fetch-Site": "none"},
    {"Referer": "http://localhost/developer"},
    {"Host": "127.0.0.1:8080", "Origin": "http://127.0.0.1:8080"},
    {"X-Request-Id": "abc", "User-Agent": "curl/8"},
]


@pytest.mark.parametrize("headers", [*FORWARDED, *PAGES])
def test_without_a_key_nobody_is_let_in_for_whom_this_machine_speaks(
    keyless: FlaskClient, headers: dict[str, str]
) -> None:
    assert keyless.post("/_sandbox/reset", headers=headers).status_code == 403
    assert keyless.get("/_sandbox/journal?after=0&wait=30", headers=headers).status_code == 403
    assert keyless.get("/_sandbox/review", headers=headers).status_code == 403
    armed = keyless.get("/fhir/metadata", headers={"X-Sandbox-Fail-Next": "any=9", **headers})
    assert armed.status_code == 403
    assert keyless.get("/_sandbox/fail-next").get_json() == {"armed": []}
    assert "_sandbox/review" not in keyless.get("/developer", headers=headers).text


@pytest.mark.parametrize("headers", HERE)
def test_without_a_key_this_machine_and_its_own_pages_are_let_in(
    keyless: FlaskClient, headers: dict[str, str]
) -> None:
    assert keyless.get("/_sandbox/clock", headers=headers).status_code == 200
    assert "_sandbox/review" in keyless.get("/developer", headers=headers).text


def test_the_header_arms_nothing_for_strangers(keyless: FlaskClient) -> None:
    headers = {"X-Sandbox-Fail-Next": "any=100"}
    assert keyless.get("/fhir/metadata", headers=headers, environ_overrides=AWAY).status_code == 403
    assert keyless.get("/fhir/metadata").status_code == 200


def test_what_speaks_http_1_0_is_taken_for_a_proxy(keyless: FlaskClient) -> None:
    """nginx does, with a Host of this machine and not a word of whom it asks for."""
    old = {"SERVER_PROTOCOL": "HTTP/1.0"}
    assert keyless.get("/_sandbox/clock", environ_overrides=old).status_code == 403


def test_a_published_payer_trusts_nobody_for_being_near(app_of: Callable[..., Flask]) -> None:
    published = app_of(public_url="https://team.example.com").test_client()
    answer = published.get("/_sandbox/clock")
    assert answer.status_code == 403
    assert "PAYER_SANDBOX_CONTROL_KEY" in answer.get_json()["message"]
    assert app_of(public_url="http://localhost:9000").test_client().get("/_sandbox/clock").status_code == 200


def test_a_caller_whose_address_is_forwarded_is_not_this_machine(app_of: Callable[..., Flask]) -> None:
    """Not even where a trusted proxy says that they are."""
    trusting = app_of(trusted_proxies="203.0.113.0/24").test_client()
    for environ in (AWAY, {}):
        answer = trusting.get(
            "/_sandbox/clock", headers={"X-Forwarded-For": "127.0.0.1"}, environ_overrides=environ
        )
        assert answer.status_code == 403


def test_commands_and_the_plugin_send_the_key_of_the_environment(
    app_of: Callable[..., Flask], env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(app_of(control_key="the-key")) as origin:
        httpx.get(f"{origin}/fhir/metadata")
        for name in ("clock", "journal", "review", "reset"):
            refused = command(name, "--url", origin, env=env)
            assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
            assert "PAYER_SANDBOX_CONTROL_KEY" in refused.stderr
            ours = env | {"PAYER_SANDBOX_CONTROL_KEY": "the-key"}
            let_in = command(name, "--url", origin, env=ours)
            assert let_in.returncode in (0, 1), let_in.stderr  # the app that asked was not well-behaved
            assert let_in.stdout
        monkeypatch.setenv("PAYER_SANDBOX_CONTROL_KEY", "the-key")
        assert Payer(origin, "keyed", key=from_env().control_key).clock.advance("PT1H")


@pytest.mark.browser
def test_pages_of_other_origins_cannot_call_and_the_payer_s_own_can(
    chromium: Any, origin: str, session_name: str
) -> None:
    """A frame needs nobody's leave to be asked for, as an image: the browser says whose page it is on."""
    prefix = f"{origin}/s/~{session_name}"
    foreign = Flask("foreign")
    foreign.add_url_rule("/", "page", lambda: f"<iframe src='{prefix}/_sandbox/journal?after=0'></iframe>")
    page = chromium.new_page()
    with serving(foreign) as elsewhere:
        for site in (elsewhere, elsewhere.replace("127.0.0.1", "localhost")):  # another port; another site
            with page.expect_response(lambda answer: "journal" in answer.url) as refused:
                page.goto(f"{site}/")
            assert refused.value.status == 403
    page.goto(f"{prefix}/developer")
    page.click("text=how it behaved")
    page.wait_for_url(f"{prefix}/_sandbox/review")
    assert "closed to pages" not in page.content()
    page.close()


def test_clients_of_a_published_payer_cannot_send_it_to_loopback(app_of: Callable[..., Flask]) -> None:
    """A stranger's jwks_uri must not reach the services beside a payer that a proxy publishes."""
    metadata = {
        "redirect_uris": ["https://app.example/cb"],
        "client_name": "An app",
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks_uri": "http://127.0.0.1:5432/keys",
    }
    published = app_of(public_url="https://team.example.com").test_client()
    refused = published.post("/auth/register", json=metadata)
    assert (refused.status_code, "loopback" in refused.text) == (400, True)
    assert app_of().test_client().post("/auth/register", json=metadata).status_code == 201


def test_the_operations_of_any_operators_api_are_guarded(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It declares its audience, and adds no guard of its own."""
    reports = Api(
        name="reports",
        prefix="/reports",
        title="Reports",
        cites=(),
        audience=Audience.OPERATOR,
        operations=(
            Operation("GET", "/all", "all", lambda: "all"),
            Operation("GET", "/open", "open", lambda: "open", audience=Audience.PUBLIC),
        ),
    )
    apis = Apis((*published(), reports))
    monkeypatch.setattr("sandbox.server.app.published", lambda: apis)
    client = create_app(replace(settings, ledger=stores.ledger(tmp_path / "ledger.db"))).test_client()
    assert client.get("/reports/all").status_code == 200
    assert client.get("/reports/all", environ_overrides=AWAY).status_code == 403
    assert client.get("/reports/open", environ_overrides=AWAY).status_code == 200
