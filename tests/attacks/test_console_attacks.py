"""The operator's console: secrets in what it keeps, forged forms and cookies, code of clients."""

from __future__ import annotations

import html
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from attacks.breach import Scene, held, undefended
from flask.testing import FlaskClient
from itsdangerous import Signer
from sqlalchemy import create_engine, text
from support import stores
from support.console import ConsoleBrowser
from support.smart_app import SmartApp, hidden

from sandbox.apis.console import layout, members, requests, scenarios, snippets
from sandbox.server.app import create_app
from sandbox.settings import Settings
from sandbox.store import address
from sandbox.web import guard
from sandbox.web.api import ErrorShape
from sandbox.web.journal import record

KEY = "a-control-key-of-this-test"


@pytest.fixture
def console(scene: Scene) -> Iterator[ConsoleBrowser]:
    browser = ConsoleBrowser(scene.make().base)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def keyed_app(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Any:
    ledger = stores.ledger(tmp_path_factory.mktemp("keyed") / "ledger.db")
    return create_app(replace(settings, ledger=ledger, control_key=KEY))


@pytest.fixture
def stranger(keyed_app: Any) -> FlaskClient:
    """Somebody's browser at a payer with a control key."""
    client: FlaskClient = keyed_app.test_client()
    return client


def log_in(client: FlaskClient) -> None:
    csrf = re.findall(r'name="csrf" value="([^"]+)"', client.get("/console/login").text)[0]
    assert client.post("/console/login", data={"csrf": csrf, "key": KEY}).status_code == 303


# secrets


def sign_in_with_everything(app: SmartApp) -> dict[str, str]:
    """Use every endpoint that handles secrets, rightly and wrongly. Returns the secrets."""
    registration = {
        "client_name": "Scanner",
        "redirect_uris": [app.redirect_uri],
        "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["authorization_code", "refresh_token"],
        "scope": app.scope,
    }
    registered = app.http.post(f"{app.base}/auth/register", json=registration).json()
    app.client_id, app.secret = registered["client_id"], registered["client_secret"]
    login = app.follow(app.authorize())
    secrets = {"handle": hidden(login)["request"], "login csrf": hidden(login)["csrf"]}
    consent = app.choose(app.submit(login, "maria"))
    code = app.decide(consent, {"decision": "allow"})["code"]
    app.tokens = app.redeem(code).json()
    secrets |= {f"first {name}": app.tokens[name] for name in ("access_token", "refresh_token")}
    if "id_token" in app.tokens:
        secrets["id_token"] = app.tokens["id_token"]
    assert app.refresh().status_code == 200
    app.get(f"Patient/{app.patient}")
    app.post("introspect", {"token": app.tokens["access_token"]})
    app.redeem(code)  # again
    verifier = app.verifier or ""
    # as JSON, as a form that says it is JSON, as JSON that says it is a form, in addresses and odd headers
    form = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
    token = f"{app.base}/auth/token"
    app.http.post(token, json={**form, "client_secret": app.secret})
    urlencoded = f"code={code}&code_verifier={verifier}&client_secret={app.secret}"
    for content_type in ("application/json", "text/plain", "application/x-www-form-urlencoded"):
        headers = {"Content-Type": content_type}
        app.http.post(token, content=urlencoded, headers=headers)
        app.http.post(
            token, content=f'{{"code": "{code}", "client_secret": "{app.secret}"}}', headers=headers
        )
    app.http.get(f"{app.base}/fhir/Patient?access_token={app.tokens['access_token']}")
    app.http.get(f"{app.base}/fhir/Patient?code={code}", headers={"X-Token": app.tokens["access_token"]})
    app.http.get(f"{app.base}/fhir/Patient", headers={"Referer": f"https://app.example/?code={code}"})
    app.post("revoke", {"token": app.tokens["refresh_token"]})
    app.browser.get(f"{app.base}/portal")
    return secrets | {
        "code": code,
        "verifier": verifier,
        "client secret": app.secret or "",
        "registration token": registered.get("registration_access_token") or "no registration token",
        "access token": app.tokens["access_token"],
        "refresh token": app.tokens["refresh_token"],
        "password": "maria-pass",
        "cookie": app.session_cookie()[1],
    }


def read_records(ledger: str, session: str) -> str:
    """Every record that a ledger has of the payers of a session, as text. The same attack without its defense
    leaves others there."""
    url = ledger if address.is_url(ledger) else f"sqlite:///{ledger}"
    engine = address.reading(ledger) if address.is_url(ledger) else create_engine(url)
    with engine.connect() as db:
        mine = text("SELECT content FROM exchange WHERE tenant LIKE :mine").bindparams(mine=f"%~{session}")
        contents = db.execute(mine).scalars().all()
    engine.dispose()
    return "\n".join(str(record.decode_record(bytes(content))) for content in contents)


@undefended(record, mask=lambda secret: secret)
def test_reading_secrets_in_what_the_console_shows(scene: Scene, console: ConsoleBrowser) -> None:
    console.get()  # it is watched: every exchange has a record
    app = scene.make(verifier="this-verifier-is-known-to-this-test-alone-0123456789")
    secrets = sign_in_with_everything(app)
    numbers = console.numbers()
    assert len(numbers) > 20
    shown = [console.get().text, console.get("/requests/rows", after="0").text]
    shown += [console.get(f"/requests/{number}").text for number in numbers]
    with console.stream(after="0") as events:
        shown.append(next(events)["data"])
    shown.append(str(app.control("journal").json()))
    kept = html.unescape("\n".join(shown)) + read_records(scene.ledger, app.base.rpartition("~")[2])
    assert "/auth/register" in kept
    for name, secret in secrets.items():
        held(secret not in kept, name)


@undefended(record, _mask_value=lambda name, value: value)
def test_guessing_a_password_by_its_digest(scene: Scene, console: ConsoleBrowser) -> None:
    """A password is short: the beginning of its digest would betray it."""
    scene.make().agree("maria")
    pages = [console.get(f"/requests/{n}").text for n in console.numbers(path="/auth/login")]
    assert any("password=" in page for page in pages)
    held(
        all("password=[masked]" in page for page in pages if "password=" in page), "a digest to try words at"
    )


# forged forms


FORMS = (
    ("/clock", {"advance": "P1D"}),
    ("/reset", {}),
    ("/scenarios", {"id": "rate-limited", "action": "on"}),
    ("/fail-next", {"place": "any", "times": "9", "status": "503"}),
    ("/members/maria", {"action": "lock"}),
    ("/members/maria/sign-in", {}),
    ("/apps", {"client_name": "x", "redirect_uris": "http://127.0.0.1/cb", "method": "none"}),
    ("/apps/sandbox-app", {"state": "suspended", "criterion": "x"}),
    ("/sessions", {"name": "x"}),
)


@pytest.mark.parametrize("csrf", ["", "x", "é"])
@pytest.mark.parametrize(("path", "form"), FORMS)
@undefended(guard, hmac=SimpleNamespace(compare_digest=lambda a, b: True))
def test_posting_the_operators_forms_without_their_token(
    console: ConsoleBrowser, path: str, form: dict[str, str], csrf: str
) -> None:
    answer = console.http.post(f"{console.url}{path}", data={"csrf": csrf, **form})
    held(answer.status_code == 403, "what the operator has not done")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Referer": "https://evil.example/"},
    ],
)
@undefended(guard, is_from_another_origin=lambda: False)
def test_posting_the_operators_forms_from_another_site(
    console: ConsoleBrowser, headers: dict[str, str]
) -> None:
    answer = console.post("/clock", {"advance": "P1D"}, **headers)
    held(answer.status_code == 403, "a payer whose clock anybody moves")


# the key and its cookie


PAGES = ("", "/scenarios", "/clock", "/members", "/apps", "/sessions", "/score", "/review",
         "/requests/rows", "/requests/stream", "/requests/1")  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
@undefended(guard, may_control=lambda: True)
def test_opening_the_console_without_the_key(stranger: FlaskClient, path: str) -> None:
    answer = stranger.get(f"/console{path}")
    held(answer.status_code == 403, "the console")
    assert "/console/login" in answer.text


def _sign(app: Any, text: str) -> str:
    with app.test_request_context():
        return guard._cookie_signer().sign(text).decode()


@pytest.mark.parametrize("kind", ["forged", "expired", "of another key", "of another salt", "empty", "odd"])
@undefended(guard, _holds_cookie=lambda: True)
def test_coming_with_a_cookie_that_is_none(keyed_app: Any, stranger: FlaskClient, kind: str) -> None:
    later = str(10**14)
    wiring = keyed_app.extensions["wiring"]
    cookies = {
        "forged": f"{later}.aGVsbG8",
        "expired": _sign(keyed_app, "1000"),
        "of another key": Signer(wiring.page_key, salt="operator another").sign(later).decode(),
        "of another salt": f"{later}.{_sign(keyed_app, 'form ').rpartition('.')[2]}",
        "empty": "",
        "odd": "é" * 9,
    }
    stranger.set_cookie(guard.COOKIE, cookies[kind])
    held(stranger.get("/console").status_code == 403, "the console")


def test_the_cookie_of_whoever_knows_the_key(stranger: FlaskClient, defense: str) -> None:
    log_in(stranger)
    for path in PAGES[:8]:
        assert stranger.get(f"/console{path}").status_code == 200
    cookie = stranger.get_cookie(guard.COOKIE)
    assert cookie is not None
    assert cookie.http_only
    assert cookie.same_site == "Strict"
    csrf = re.findall(r'name="csrf" value="([^"]+)"', stranger.get("/console/clock").text)[0]
    assert stranger.post("/console/logout", data={"csrf": csrf}).status_code == 303
    assert stranger.get("/console").status_code == 403


@undefended(guard, layout, is_key=lambda text: True)
def test_guessing_the_key(keyed_app: Any, stranger: FlaskClient) -> None:
    with keyed_app.test_request_context():
        csrf = guard.form_token()
    for key in ("", "a-control-key", KEY.upper(), "é"):
        answer = stranger.post("/console/login", data={"csrf": csrf, "key": key})
        held(answer.status_code == 403 and "Set-Cookie" not in answer.headers, "the console")


@undefended(guard, ErrorShape=SimpleNamespace(PAGE=ErrorShape.JSON))
def test_calling_the_control_api_with_the_cookie(stranger: FlaskClient) -> None:
    """A page of this origin that runs somebody's script gets no further than pages."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(guard, "ErrorShape", ErrorShape)
        log_in(stranger)
    for path in ("/_sandbox/clock", "/_sandbox/journal"):
        held(stranger.get(path).status_code == 403, "the control API")


# what clients write into what operators see


MARKUP = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


_render, _rows = requests.render, requests._row_renderer


def _render_unescaped(*args: Any, **values: Any) -> Any:
    response = _render(*args, **values)
    response.set_data(html.unescape(response.get_data(as_text=True)))
    return response


def _render_rows_unescaped(context: Any) -> Any:
    render_rows = _rows(context)
    return lambda entries: html.unescape(render_rows(entries))


_UNESCAPED = undefended(
    requests,
    scenarios,
    members,
    render=_render_unescaped,
    _row_renderer=_render_rows_unescaped,
)


@_UNESCAPED
def test_writing_markup_into_the_console(scene: Scene, console: ConsoleBrowser) -> None:
    app = scene.make(client_id=MARKUP)
    app.authorize()
    headers = {"User-Agent": MARKUP, "Accept": MARKUP, "X-Odd": MARKUP, "Content-Type": "text/plain"}
    app.http.post(f"{app.base}/fhir/{MARKUP}", params={MARKUP: MARKUP}, content=MARKUP, headers=headers)
    form = {"client_id": MARKUP, "grant_type": MARKUP, "username": MARKUP}
    app.http.post(f"{app.base}/auth/token", data=form)
    pages = {
        "page": console.get().text,
        "filter": console.get(client=MARKUP, path=MARKUP, status=MARKUP).text,
        "rows": console.get("/requests/rows", after="0").text,
        "search": console.get("/scenarios", q=MARKUP).text,
        "members": console.get("/members", q=MARKUP).text,
    }
    pages |= {f"exchange {n}": console.get(f"/requests/{n}").text for n in console.numbers()}
    with console.stream(after="0") as events:
        pages["stream"] = next(events)["data"]
    assert len(pages) >= 9
    assert any("script" in page for page in pages.values())
    for name, page in pages.items():
        held("<script>" not in page and "<img src=x" not in page, f"a script in the operator's {name}")


SHELL = "'; touch hit; '$(touch hit)`touch hit`\"; touch hit; \""


@undefended(snippets, shlex=SimpleNamespace(quote=lambda text: f"'{text}'"))
def test_writing_commands_into_what_the_operator_copies(
    scene: Scene, console: ConsoleBrowser, tmp_path: Path
) -> None:
    app = scene.make()
    headers = {"X-Odd": SHELL, "Content-Type": "text/plain", "Accept": SHELL}
    for method in ("GET", "PUT", "A'`touch", "A$B"):
        app.http.request(method, f"{app.base}/fhir/{SHELL}?x={SHELL}", content=SHELL, headers=headers)
    numbers = console.numbers()
    assert numbers
    for number in numbers:
        command = f"curl() {{ :; }}\n{console.snippet(number, 'curl')}"
        subprocess.run(["sh", "-c", command], cwd=tmp_path, check=False, capture_output=True)
        held(not list(tmp_path.iterdir()), "a command that the operator runs")


@undefended(scenarios, QUERY_LENGTH_MAX=10**9)
def test_searching_for_a_very_long_word(console: ConsoleBrowser) -> None:
    word = "x" * 5000
    page = console.get("/scenarios", q=word).text
    held(f'type="search" value="{word}"' not in page, "a search that computes for long")
