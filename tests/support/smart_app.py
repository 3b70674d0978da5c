"""A small SMART app with a member in front of it: everything over HTTP, nothing from the server's code."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import ssl
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

_TLS = ssl.create_default_context()
# Reading the trust store is slow, and nothing here speaks TLS: once is enough.

PATIENCE = 600
SCOPE = "openid fhirUser launch/patient offline_access patient/*.rs"


WEB = {
    "client_id": "sandbox-web",
    "redirect_uri": "http://localhost:3000/callback",
    "secret": "sandbox-web-secret",
}
"""The confidential app of the fixtures: `make_app(**WEB)`."""


def _close(*clients: httpx.Client) -> None:
    for client in clients:
        client.close()


@dataclass(eq=False)
class SmartApp:
    """One app at one payer (`base` without /fhir), with a browser of its own."""

    base: str
    client_id: str = "sandbox-app"
    redirect_uri: str = "http://127.0.0.1:9876/callback"
    secret: str | None = None
    scope: str = SCOPE
    verifier: str | None = field(default_factory=lambda: secrets.token_urlsafe(48))
    state: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    back: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.browser = httpx.Client(timeout=PATIENCE, verify=_TLS)
        self.http = httpx.Client(timeout=PATIENCE, verify=_TLS)
        # Servers keep connections open: an app that a test lets go of closes its own.
        weakref.finalize(self, _close, self.browser, self.http)

    def close(self) -> None:
        self.browser.close()
        self.http.close()

    def __enter__(self) -> SmartApp:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # authorize

    def request(self, **changes: str | None) -> dict[str, str]:
        """The authorization request's parameters; None leaves one out."""
        params: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": self.scope,
            "state": self.state,
            "aud": f"{self.base}/fhir",
        }
        if self.verifier is not None:
            digest = hashlib.sha256(self.verifier.encode()).digest()
            params["code_challenge"] = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            params["code_challenge_method"] = "S256"
        return {k: v for k, v in (params | changes).items() if v is not None}

    def authorize(self, **changes: str | None) -> httpx.Response:
        return self.browser.get(f"{self.base}/auth/authorize?{urlencode(self.request(**changes))}")

    def log_in(self, username: str, password: str | None = None, **changes: str | None) -> httpx.Response:
        """Authorize, then fill the login form. Returns the answer to the form, redirects unfollowed."""
        return self.submit(self.follow(self.authorize(**changes)), username, password)

    def submit(self, page: httpx.Response, username: str, password: str | None = None) -> httpx.Response:
        """Fill the login form of a page. Returns the answer, redirects unfollowed."""
        form = hidden(page) | {"username": username, "password": password or f"{username}-pass"}
        return self.browser.post(f"{self.base}/auth/login", data=form)

    def agree(self, username: str, decision: str = "allow", **changes: str | None) -> dict[str, str]:
        """The whole visit of a member who shares their own data. Returns the callback's parameters."""
        return self.decide(self.choose(self.log_in(username, **changes)), {"decision": decision})

    def share(self, url: str, username: str) -> str:
        """The same for an authorization request that another client made: where the browser ends up."""
        form = hidden(self.follow(self.browser.get(url)))
        form |= {"username": username, "password": f"{username}-pass"}
        page = self.follow(self.browser.post(f"{self.base}/auth/login", data=form))
        form = hidden(page) | {"decision": "allow"}
        back = self.browser.post(f"{self.base}/auth/consent", data=form).headers["location"]
        assert back.startswith(self.redirect_uri)
        return str(back)

    def choose(self, answer: httpx.Response, patient: str = "") -> httpx.Response:
        """Past the picker, where there is one: a patient's id, or the one that is chosen already."""
        page = self.follow(answer)
        if not page.url.path.endswith("/auth/pick"):
            return page
        chosen = patient or re.findall(r'name="patient"[^>]* value="([^"]+)" checked', page.text)[0]
        form = hidden(page) | {"patient": chosen}
        return self.follow(self.browser.post(f"{self.base}/auth/pick", data=form))

    def decide(self, page: httpx.Response, form: dict[str, Any]) -> dict[str, str]:
        """Answer the consent page, unless the payer has sent the member back already."""
        if not self.returned(page):
            page = self.browser.post(f"{self.base}/auth/consent", data=hidden(page) | form)
        return self.callback(page)

    def agree_as(self, username: str, password: str) -> dict[str, str]:
        """The same for a user name with a scenario behind it, whose password is the member's."""
        answer = self.log_in(username, password)
        if not self.returned(answer):
            form = hidden(self.follow(answer)) | {"decision": "allow"}
            answer = self.browser.post(f"{self.base}/auth/consent", data=form)
        return self.callback(answer)

    def follow(self, answer: httpx.Response) -> httpx.Response:
        while answer.is_redirect and not self.returned(answer):
            answer = self.browser.get(answer.headers["location"])
        return answer

    def returned(self, answer: httpx.Response) -> bool:
        return answer.is_redirect and answer.headers["location"].startswith(self.redirect_uri)

    def callback(self, answer: httpx.Response) -> dict[str, str]:
        assert self.returned(answer), (answer.status_code, answer.headers.get("location"), answer.text[:500])
        query = parse_qs(urlsplit(answer.headers["location"]).query, keep_blank_values=True)
        return {name: values[0] for name, values in query.items()}

    def session_cookie(self) -> tuple[str, str]:
        """Name and value of the browser's session at the payer's pages."""
        cookies = [cookie for cookie in self.browser.cookies.jar if cookie.name.startswith("payer_session")]
        assert len(cookies) == 1, cookies
        return cookies[0].name, cookies[0].value or ""

    # tokens

    def token(self, form: dict[str, str]) -> httpx.Response:
        return self.post("token", form)

    def post(self, endpoint: str, form: dict[str, str]) -> httpx.Response:
        """A form to /auth/<endpoint>, authenticated as this client."""
        auth = (self.client_id, self.secret) if self.secret else None
        if auth is None:
            form = {"client_id": self.client_id, **form}
        return self.http.post(f"{self.base}/auth/{endpoint}", data=form, auth=auth)

    def redeem(self, code: str, **changes: str) -> httpx.Response:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.redirect_uri}
        if self.verifier is not None:
            form["code_verifier"] = self.verifier
        return self.token(form | changes)

    def connect(self, username: str) -> SmartApp:
        """Sign in and hold the tokens."""
        answer = self.redeem(self.agree(username)["code"])
        assert answer.status_code == 200, answer.text
        self.tokens = answer.json()
        return self

    def refresh(self, **changes: str) -> httpx.Response:
        """Refresh; on success the new tokens are held."""
        form = {"grant_type": "refresh_token", "refresh_token": self.tokens["refresh_token"]}
        answer = self.token(form | changes)
        if answer.status_code == 200:
            self.tokens = self.tokens | answer.json()
        return answer

    # data

    @property
    def patient(self) -> str:
        return str(self.tokens["patient"])

    @property
    def bearer(self) -> dict[str, str]:
        """The header with the token; nothing without one."""
        return {"Authorization": f"Bearer {self.tokens['access_token']}"} if self.tokens else {}

    def get(self, path: str, **headers: str) -> httpx.Response:
        """GET below the FHIR base (or an absolute URL), with the token."""
        url = path if path.startswith("http") else f"{self.base}/fhir/{path}"
        return self.http.get(url, headers=self.bearer | self.headers | headers)

    def batch(self, *urls: str) -> httpx.Response:
        """A batch of reads and searches."""
        entries = [{"request": {"method": "GET", "url": url}} for url in urls]
        bundle = {"resourceType": "Bundle", "type": "batch", "entry": entries}
        headers = self.bearer | {"Content-Type": "application/fhir+json"}
        return self.http.post(f"{self.base}/fhir", json=bundle, headers=headers)

    def pages(self, path: str, relation: str = "next") -> list[dict[str, Any]]:
        """Every page of a search, following `next` or another relation."""
        found = []
        while path:
            answer = self.get(path)
            assert answer.status_code == 200, answer.text
            found.append(answer.json())
            path = next((li["url"] for li in found[-1]["link"] if li["relation"] == relation), "")
        return found

    def everything(self, path: str) -> list[dict[str, Any]]:
        """The resources of every page."""
        return [entry["resource"] for page in self.pages(path) for entry in page.get("entry", [])]

    def control(self, path: str, body: object = None) -> httpx.Response:
        url = f"{self.base}/_sandbox/{path}"
        return self.http.get(url) if body is None else self.http.post(url, json=body)


MakeApp = Callable[..., SmartApp]
"""`make_app(scenario, client_id=…)`: an app at the test's own payer."""


def hidden(page: httpx.Response) -> dict[str, str]:
    """The hidden fields of a page's form."""
    assert page.status_code in (200, 400), (page.status_code, page.text[:300])
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
