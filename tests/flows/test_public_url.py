"""`--public-url`: one issuer and one base in everything that is told, whatever a request says of itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from flask import Flask
from flask.testing import FlaskClient
from support.smart_app import SmartApp, hidden

from sandbox.apis.control.client import prefix
from sandbox.core.errors import UsageError
from sandbox.server.embedded import listening
from sandbox.server.serve import banner
from sandbox.settings import Settings, from_env, listening_url

PUBLIC = "https://team.example.com/payer"
KEY = {"X-Sandbox-Key": "the-key"}


@pytest.fixture(scope="module")
def public(app_of: Callable[..., Flask]) -> Flask:
    """A payer that a proxy publishes."""
    return app_of(public_url=PUBLIC, control_key="the-key")


class Proxy(httpx.BaseTransport):
    """What stands at the public URL: ends TLS and passes requests on, with the prefix or without."""

    def __init__(self, app: Flask, strips: bool, headers: dict[str, str]):
        self._inner = httpx.WSGITransport(app)
        self._strips, self._headers = strips, headers

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        assert str(request.url).startswith(PUBLIC.partition("/payer")[0]), "nothing leads past the proxy"
        path = request.url.raw_path
        if self._strips:
            assert path.startswith(b"/payer"), path
            path = path.removeprefix(b"/payer") or b"/"
        url = request.url.copy_with(scheme="http", host="127.0.0.1", port=8080, raw_path=path)
        headers = httpx.Headers(request.headers)
        headers.update({"Host": "127.0.0.1:8080", **self._headers})
        passed = httpx.Request(request.method, url, headers=headers, stream=request.stream)
        return self._inner.handle_request(passed)


TOLD = [
    "/fhir/metadata",
    "/fhir/.well-known/smart-configuration",
    "/fhir/.well-known/payer-facts",
    "/auth/.well-known/openid-configuration",
    "/auth/.well-known/oauth-authorization-server",
    "/.well-known/oauth-authorization-server/auth",
    "/.well-known/oauth-authorization-server/payer/auth",
    "/.well-known/openid-configuration/payer/s/baseline~t7/auth",
    "/s/baseline~t7/fhir/.well-known/smart-configuration",
    "/branding.json",
    "/developer",
    "/developer/docs",
    "/developer/openapi.json",
    "/_sandbox/openapi.json",
    "/fhir?_format=html",
    "/portal",
    "/",
]

ANYHOW: list[dict[str, str]] = [
    {"Host": "127.0.0.1:8080"},
    {"Host": "localhost:8080"},
    {"Host": "TEAM.example.com"},
    {"Host": "team.example.com:8443"},
    {"X-Forwarded-Proto": "http", "X-Forwarded-Host": "evil.example", "X-Forwarded-Prefix": "/evil"},
    {"X-Forwarded-Host": "evil.example", "X-Forwarded-Port": "1", "X-Forwarded-For": "192.0.2.1"},
    {"Forwarded": "for=192.0.2.1;host=evil.example;proto=http", "X-Script-Name": "/evil"},
    {"X-Original-URL": "/evil", "X-Rewrite-URL": "/evil", "X-Original-Host": "evil.example"},
]
_CHANGES = re.compile(r'name="csrf" value="[^"]+"|(?:state|code_challenge|code_verifier)=[\w-]+')


def said(client: FlaskClient, path: str, headers: dict[str, str]) -> tuple[int, str, str]:
    answer = client.get(path, headers=KEY | headers)
    return answer.status_code, answer.headers.get("Location", ""), _CHANGES.sub("", answer.text)


@pytest.mark.parametrize("path", TOLD)
def test_what_is_told_does_not_depend_on_the_host_or_on_headers(public: Flask, path: str) -> None:
    client = public.test_client()
    first = said(client, path, {"Host": "team.example.com"})
    assert first[0] in (200, 302)
    assert f"{PUBLIC}/" in first[1] + first[2]
    assert not re.search(r"//(localhost|127\.0\.0\.1):8080|http://team", first[2])
    for headers in ANYHOW:
        assert said(client, path, headers) == first
    prefixed = path if path.startswith("/.well-known") else f"/payer{path}"
    assert said(client, prefixed, {"Host": "team.example.com"}) == first


@pytest.mark.parametrize("headers", ANYHOW[4:])
def test_headers_of_proxies_move_no_address_without_it_either(origin: str, headers: dict[str, str]) -> None:
    url = f"{origin}/fhir/.well-known/smart-configuration"
    assert httpx.get(url, headers=headers).json() == httpx.get(url).json()


@pytest.fixture(params=[True, False], ids=["prefix stripped", "prefix passed"])
def member(request: pytest.FixtureRequest, public: Flask) -> Iterator[SmartApp]:
    """An app that knows the payer by its public URL only."""
    transport = Proxy(public, request.param, {"X-Forwarded-For": "198.51.100.7"})
    with SmartApp(f"{PUBLIC}/s/baseline~team") as app:
        app.browser = httpx.Client(transport=transport)
        app.http = httpx.Client(transport=transport)
        yield app


def test_an_app_lives_behind_a_proxy(member: SmartApp) -> None:
    """Every link and redirect is followed as it is given; the transport refuses to go elsewhere."""
    member.connect("maria")
    assert member.callback(member.authorize(prompt="none"))["iss"] == f"{member.base}/auth"
    pages = member.pages("ExplanationOfBenefit?_count=10")
    assert len(pages) > 1
    for page in pages:
        for entry in page["entry"]:
            kind, id = entry["resource"]["resourceType"], entry["resource"]["id"]
            assert entry["fullUrl"] == f"{member.base}/fhir/{kind}/{id}"
    first = pages[0]["entry"][0]
    asked = [first["fullUrl"], "http://127.0.0.1:8080/fhir/Patient"]
    entries = [{"request": {"method": "GET", "url": url}} for url in asked]
    batch = {"resourceType": "Bundle", "type": "batch", "entry": entries}
    answers = member.http.post(f"{member.base}/fhir", json=batch, headers=member.bearer).json()["entry"]
    assert answers[0]["resource"] == first["resource"]
    assert answers[1]["response"]["status"] == "400"
    assert member.refresh().status_code == 200


def test_cookies_are_of_the_public_prefix_and_for_tls_only(member: SmartApp) -> None:
    member.log_in("maria")
    (cookie,) = {(c.path, c.secure) for c in member.browser.cookies.jar}
    assert cookie == ("/payer/s/baseline~team/", True)


def test_a_registered_app_finds_its_registration(member: SmartApp) -> None:
    metadata = {"redirect_uris": ["https://app.example/cb"], "client_name": "An app"}
    made = member.http.post(f"{member.base}/auth/register", json=metadata).json()
    assert made["registration_client_uri"].startswith(f"{member.base}/auth/register/")
    bearer = {"Authorization": f"Bearer {made['registration_access_token']}"}
    again = member.http.get(made["registration_client_uri"], headers=bearer).json()
    assert again["client_id"] == made["client_id"]


def test_forms_are_one_s_own_from_the_public_origin_only(member: SmartApp) -> None:
    form = hidden(member.follow(member.authorize())) | {"username": "maria", "password": "maria-pass"}
    for origin in ("https://evil.example", "https://team.example.com:8443", "http://127.0.0.1:9999", "null"):
        answer = member.browser.post(f"{member.base}/auth/login", data=form, headers={"Origin": origin})
        assert answer.status_code == 403
    own = {"Origin": "https://team.example.com", "Sec-Fetch-Site": "same-origin"}
    assert member.browser.post(f"{member.base}/auth/login", data=form, headers=own).is_redirect


def test_scripts_of_registered_apps_are_let_in_as_before(member: SmartApp) -> None:
    asked = {"Origin": "http://localhost:5173", "Access-Control-Request-Method": "GET"}
    answer = member.http.options(f"{member.base}/fhir/Patient", headers=asked)
    assert answer.headers["access-control-allow-origin"] == "http://localhost:5173"


@pytest.mark.parametrize(
    "first", ["fhir", "auth", "developer", "_sandbox", "portal", ".well-known", "static"]
)
def test_a_path_that_is_the_payer_s_own_is_refused(app_of: Callable[..., Flask], first: str) -> None:
    with pytest.raises(UsageError, match=f"cannot begin with /{first}"):
        app_of(public_url=f"https://team.example.com/{first}/payer")


def test_commands_ask_where_the_payer_is_known() -> None:
    assert prefix(from_env({"PAYER_SANDBOX_PUBLIC_URL": PUBLIC})) == PUBLIC
    assert (
        prefix(from_env({"PAYER_SANDBOX_HOST": "::"})) == listening_url(Settings()) == "http://127.0.0.1:8080"
    )


def test_the_banner_has_the_public_url_and_where_the_proxy_finds_the_payer(settings: Settings) -> None:
    text = banner(replace(settings, public_url=PUBLIC, port=8123))
    assert f"FHIR base  {PUBLIC}/fhir" in text
    assert text.count("127.0.0.1") == text.count("http://127.0.0.1:8123") == 1
    assert "Listens on" not in banner(settings)


def test_a_payer_in_a_test_is_not_the_hosted_one(settings: Settings, tmp_path: Path) -> None:
    """The plugin starts one where the environment speaks of another."""
    hosted = replace(settings, host="0.0.0.0", public_url=PUBLIC)
    with listening(hosted, tmp_path / "ledger.db") as origin:
        assert (
            httpx.get(f"{origin}/auth/.well-known/openid-configuration").json()["issuer"] == f"{origin}/auth"
        )
        assert httpx.get(f"{origin}/_sandbox/clock").status_code == 200


@pytest.mark.parametrize(
    "path", ["/s/nope/developer", "/s/nope~me/developer", "/nowhere", "/s/slow-responses/nowhere"]
)
def test_a_page_about_something_that_is_not_there_has_its_style(public: Flask, path: str) -> None:
    client = public.test_client()
    answer = client.get(path, base_url="http://127.0.0.1")
    style = re.findall(r'"(/payer[^"]*/style.css)"', answer.text)
    assert answer.status_code == 404
    with client.get(style[0], base_url="http://127.0.0.1") as sheet:
        assert sheet.status_code == 200
