"""Requests to /auth that nobody would think of, and what every answer to them must look like.

Half of what is sent is right (live codes, tokens, forms and cookies among it), so that the other half is
looked at and not refused at the door.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote_from_bytes, urlencode, urlsplit

from flask import Flask
from hypothesis import strategies as st
from werkzeug.test import Client, TestResponse

from sandbox.web.session import COOKIE, cookie_name
from support.smart_app import SCOPE

BASE = "http://localhost"
CALLBACK = "http://127.0.0.1:9876/callback"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
JSON_ENDPOINTS = ("token", "revoke", "introspect", "register", "par", "jwks", ".well-known")
FORM = "application/x-www-form-urlencoded"

_SPEAKABLE = re.compile(r"[ !#-\[\]-~]*")  # RFC 6749 §5.2 for error and error_description
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


class Shape(AssertionError):
    """An answer that is not as answers have to be."""


def require(condition: object, text: str) -> None:
    if not condition:
        raise Shape(text)


# What is sent.

PARAMETERS = (
    "response_type", "client_id", "redirect_uri", "scope", "state", "aud", "resource", "code_challenge",
    "code_challenge_method", "nonce", "prompt", "max_age", "response_mode", "launch", "request",
    "request_uri", "grant_type", "code", "code_verifier", "refresh_token", "token", "token_type_hint",
    "client_secret", "client_assertion", "client_assertion_type", "csrf", "username", "password", "patient",
    "decision", "data", "offline", "lang", "ui_locales",
)  # fmt: skip

VALUES = (
    "code", "token", "none", "login", "consent", "none login", "sandbox-app", "sandbox-web", "legacy-app",
    "sandbox-backend", "nobody", CALLBACK, "http://localhost:3000/callback", "https://evil.example/", "//x",
    "javascript:alert(1)", SCOPE, "openid", "patient/*.rs", "system/*.rs",
    "patient/Observation.rs?category=a|b", "patient/Observation.rs?" + "a=b&" * 30, "S256", "plain",
    CHALLENGE, VERIFIER, "query", "fragment", "0",
    "-1", "99999999999999999999", "authorization_code", "refresh_token", "client_credentials", "password",
    "access_token", f"{BASE}/fhir", f"{BASE}/fhir/", "urn:ietf:params:oauth:request_uri:x", "maria",
    "maria-pass", "walter", "walter-pass", "family", "family-pass", "ineligible", "allow", "deny", "share",
    "clinical", "claims", "mbr-0001", "mbr-0002", "es", "en-US;q=x", "",
    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "eyJhbGciOiJub25lIn0.e30.", "e30.e30.e30",
    "eyJhbGciOiJFUzM4NCIsInR5cCI6IkpXVCIsImtpZCI6InNhbmRib3gtYmFja2VuZC0xIn0"
    ".eyJzdWIiOiJzYW5kYm94LWJhY2tlbmQifQ.AA", "a.b",
)  # fmt: skip

ODD = (b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"%", b"%zz", b"%00", b"\r\nX: y", b"\xe2\x80\xa8", b"'\"\\<>&",
       b"a" * 8193, b"\xf0\x9f\x98\x80", b"\x7f", b"  ", b"..%2f..", b"{{7*7}}", b"\xc3\xa9")  # fmt: skip

METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH")

PATHS = (
    "authorize", "login", "pick", "consent", "token", "revoke", "introspect", "par", "register", "jwks",
    "register/app-x", ".well-known/openid-configuration", ".well-known/oauth-authorization-server",
    ".well-known/nothing", "", "manage", "nothing", "token/", "token/x", "logout",
)  # fmt: skip

MINE = "register/app-x"
"""Stands for the registration that the member's app looks after."""

METADATA = {
    "redirect_uris": ["https://a.example/cb"],
    "client_name": "Fuzz",
    "grant_types": ["authorization_code", "refresh_token"],
    "token_endpoint_auth_method": "none",
}
MORE = (*METADATA, "response_types", "scope", "contacts", "jwks", "jwks_uri", "client_uri", "scenario",
        "client_id", "software_statement", "logo_uri", "attested", "")  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """One request. `live` says what of it is replaced by things that work at the moment."""

    method: str
    path: str
    query: bytes
    body: bytes
    headers: tuple[tuple[str, str], ...]
    cookie: str


LIVE = b"\x01live"
"""Stands for whatever works at the moment, for a parameter of that name."""

_value = st.one_of(
    st.just(LIVE),
    st.sampled_from(VALUES).map(str.encode),
    st.sampled_from(VALUES).map(str.encode),
    st.sampled_from(ODD),
    st.text(max_size=20).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.binary(max_size=20),
)
_word = st.text(max_size=8)
_pairs = st.lists(st.tuples(st.sampled_from(PARAMETERS) | _word, _value), min_size=1, max_size=3)
_json = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9), st.sampled_from(VALUES)
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)
_metadata = st.dictionaries(st.sampled_from(MORE), _json, max_size=2)
_header = st.one_of(
    st.sampled_from((
        ("Authorization", "Basic c2FuZGJveC13ZWI6c2FuZGJveC13ZWItc2VjcmV0"),
        ("Authorization", "Basic c2FuZGJveC13ZWI6eA=="), ("Authorization", "Basic !"),
        ("Authorization", "Basic /w=="), ("Authorization", "Bearer x"), ("Authorization", "Bearer \xff"),
        ("Authorization", ""), ("Origin", "null"), ("Origin", "https://evil.example"), ("Origin", BASE),
        ("Origin", "http://[::1"), ("Sec-Fetch-Site", "cross-site"), ("Accept-Language", "es"),
        ("Accept-Language", "\xff;q=9"), ("X-Forwarded-For", "1.2.3.4"), ("Accept", "text/x"),
        ("Content-Length", "7"), ("Host", "evil.example"), ("Access-Control-Request-Method", "POST"),
        ("X-Sandbox-Scenario", "baseline"), ("X-Sandbox-Scenario", "\xe9"), ("Cookie", "payer_session=\xff"),
    )),
    st.tuples(st.just("Authorization"), st.text("Basicer =/+\xffé", max_size=20)),
)  # fmt: skip
_types = st.sampled_from((
    FORM, FORM + "; charset=utf-16", "application/json", "text/plain", "multipart/form-data; boundary=x",
    "multipart/form-data", "", "a/b;\xff",
))  # fmt: skip

GOOD: dict[str, tuple[str, ...]] = {
    "authorize": ("response_type", "client_id", "redirect_uri", "scope", "state", "aud", "code_challenge",
                  "code_challenge_method"),
    "login": ("request", "csrf", "username", "password"),
    "pick": ("request", "csrf", "patient"),
    "consent": ("request", "csrf", "decision"),
    "token": ("grant_type", "client_id", "code", "redirect_uri", "code_verifier"),
    "revoke": ("token", "client_id"),
    "introspect": ("token", "client_id"),
    "register": (),
}  # fmt: skip
GOOD["par"] = GOOD["authorize"]


@st.composite
def requests(draw: st.DrawFn) -> Asked:
    """A request to some route below /auth: often nearly right."""
    usual = draw(st.integers(0, 9))  # what share of requests goes where something happens
    path = draw(
        st.sampled_from((*GOOD, MINE)) if usual < 7 else st.sampled_from(PATHS) if usual < 9 else _word
    )
    good = GOOD.get(path, ())
    pages = path in ("authorize", "login", "pick", "consent")
    often = ("POST", "GET") if pages else ("POST",) if path in GOOD else ("GET", "POST")
    often = ("GET", "PUT", "PUT", "PUT") if path == MINE else often
    method = draw(st.sampled_from(often if draw(st.integers(0, 9)) else METHODS))
    pairs = [] if usual == 0 else [(name, LIVE) for name in good]
    match draw(st.integers(0, 5)):
        case 0 | 1 if pairs:  # one value is another
            at = draw(st.integers(0, len(pairs) - 1))
            pairs[at] = (pairs[at][0], draw(_value))
        case 2 if pairs:  # one is missing
            del pairs[draw(st.integers(0, len(pairs) - 1))]
        case 3 | 4:
            pairs += draw(_pairs)
    headers = draw(st.lists(_header, max_size=2)) if draw(st.integers(0, 3)) == 0 else []
    kind = draw(_types) if draw(st.integers(0, 7)) == 0 else FORM
    in_body = method in ("POST", "PUT", "PATCH") and draw(st.integers(0, 19)) > 0
    body, query = (encoded(pairs), b"") if in_body else (b"", encoded(pairs))
    if path.startswith("register") and draw(st.integers(0, 5)):
        own = {"client_id": "app-x"} if path == MINE else {}
        kind, body = "application/json", json.dumps(METADATA | own | draw(_metadata)).encode()
        if draw(st.integers(0, 4)) == 0:
            body = body[: draw(st.integers(0, len(body)))] + draw(st.binary(max_size=5))
    elif in_body and draw(st.integers(0, 19)) == 0:
        body = draw(st.binary(max_size=60))
    typed = (("Content-Type", kind),) if kind else ()
    cookie = draw(st.sampled_from(("live", "live", "live", "live", "none", "made-up")))
    return Asked(method, path, query, body, (*headers, *typed), cookie)


def encoded(pairs: list[tuple[str, bytes]]) -> bytes:
    return b"&".join(
        quote_from_bytes(name.encode("utf-8", "surrogatepass")).encode() + b"=" + _quoted(value)
        for name, value in pairs
    )


def _quoted(value: bytes) -> bytes:
    return value if value == LIVE else quote_from_bytes(value, safe="%").encode()


# Who is there.


@dataclass(repr=False)
class Member:
    """A browser half-way through a sign-in, and an app with everything it can hold; renewed now and then."""

    app: Flask
    tenant: str
    browser: Client = field(init=False)
    live: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.browser = Client(self.app)
        self.prefix = f"/s/{self.tenant}"
        asked = {
            "response_type": "code", "client_id": "sandbox-app", "redirect_uri": CALLBACK, "scope": SCOPE,
            "state": "s" * 22, "aud": f"{BASE}{self.prefix}/fhir", "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }  # fmt: skip
        self.live = asked | {
            "grant_type": "authorization_code", "code_verifier": VERIFIER, "username": "maria",
            "password": "maria-pass", "decision": "allow", "patient": "mbr-0001",
        }  # fmt: skip
        page = self._form("login", asked)
        self._post("login", page | {"username": "maria", "password": "maria-pass"})
        consent = self._form("consent", asked)
        back = self._post("consent", consent | {"decision": "allow"})
        form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "client_id": "sandbox-app"}
        code = dict(parse_qsl(urlsplit(back.headers["Location"]).query))["code"]
        told = self._post("token", form | {"code": code, "code_verifier": VERIFIER}).get_json()
        again = self._post("consent", self._form("consent", asked) | {"decision": "allow"})
        self.live |= self._form("consent", asked)
        self.live["code"] = dict(parse_qsl(urlsplit(again.headers["Location"]).query))["code"]
        self.live["token"], self.live["refresh_token"] = told["access_token"], told["refresh_token"]
        self.live["request_uri"] = self._post("par", asked).get_json()["request_uri"]
        mine = self.browser.post(f"{self.prefix}/auth/register", json=METADATA).get_json()
        self.id, self.key = mine["client_id"], mine["registration_access_token"]
        with self.app.app_context():
            name = cookie_name(COOKIE)
        found = self.browser.get_cookie(name, path=f"{self.prefix}/")
        assert found is not None
        self.cookie = f"{name}={found.value}"
        self.made_up = f"{name}=x"

    def _form(self, step: str, asked: dict[str, str]) -> dict[str, str]:
        page = self.browser.get(f"{self.prefix}/auth/authorize?{urlencode(asked)}", follow_redirects=True)
        assert page.status_code == 200, page.text
        assert page.request.path.endswith(step), page.request.path
        return dict(_HIDDEN.findall(page.text))

    def _post(self, path: str, form: dict[str, str]) -> TestResponse:
        return self.browser.post(f"{self.prefix}/auth/{path}", data=form)

    def send(self, asked: Asked) -> TestResponse:
        cookie = {"live": self.cookie, "made-up": self.made_up, "none": ""}[asked.cookie]
        headers = [(n, v) for n, v in asked.headers if n != "Content-Length"]
        if cookie:
            headers.append(("Cookie", cookie))
        path = quote_from_bytes(asked.path.encode("utf-8", "surrogatepass"), safe="/%")
        if asked.path == MINE:
            path = f"register/{self.id}"
            if asked.cookie == "live" and "Authorization" not in dict(headers):
                headers.append(("Authorization", f"Bearer {self.key}"))
        return Client(self.app, use_cookies=False).open(
            f"{self.prefix}/auth/{path}",
            base_url=BASE,
            method=asked.method,
            query_string=self._alive(asked.query).decode("latin-1"),
            data=self._alive(asked.body).replace(b'"app-x"', f'"{self.id}"'.encode()),
            headers=headers,
        )

    def _alive(self, text: bytes) -> bytes:
        def put(found: re.Match[bytes]) -> bytes:
            value = self.live.get(found[1].decode("latin-1"), "x")
            return found[1] + b"=" + quote_from_bytes(value.encode()).encode()

        return re.sub(rb"([A-Za-z_]*)=\x01live", put, text)


# What comes back.


@dataclass
class Seen:
    statuses: Counter[str] = field(default_factory=Counter)
    routes: Counter[str] = field(default_factory=Counter)


def check(asked: Asked, answer: TestResponse, seen: Seen) -> None:
    """Raises Shape unless the answer is one that a client can live with."""
    status = answer.status_code
    route = asked.path if asked.path in PATHS else "something else"
    seen.statuses[str(status)] += 1
    seen.routes[f"{route} {status // 100}xx"] += 1
    require(status < 500, f"{status}: {answer.text[:300]}")
    require("\n" not in str(answer.headers.get("Location", "")), "a header that is split")
    require("Traceback" not in answer.text, "a traceback")
    location = answer.headers.get("Location")
    if location is not None:
        require(status in (302, 303, 308), f"{status} with a Location")
        there = location.startswith((BASE, CALLBACK, "/")) and not location.startswith("//")
        known = location.startswith(("http://localhost:3000/", "http://localhost:8000/", "http://127.0.0.1"))
        require(there or known, f"a redirect to {location}")
        told = dict(parse_qsl(urlsplit(location).query))
        if "error" in told and not location.startswith(BASE + "/"):
            require(_SPEAKABLE.fullmatch(told["error"]), "an error with letters it may not have")
            require(_SPEAKABLE.fullmatch(told.get("error_description", "")), "a description likewise")
            require("iss" in told, "an error without iss")
            require("code" not in told, "an error with a code")
    if status < 400 or asked.method == "HEAD":
        return
    if answer.mimetype == "text/plain" and "Host header" in answer.text:
        return  # nothing of ours can be addressed with such a host
    (is_oauth_error if asked.path.startswith(JSON_ENDPOINTS) else is_safe_page)(answer)
    if status == 405:
        require(answer.headers.get("Allow"), "405 without Allow")
    if status == 429:
        require(answer.headers.get("Retry-After", "").isdigit(), "429 without Retry-After")


def is_oauth_error(answer: TestResponse) -> None:
    """RFC 6749 §5.2."""
    require(answer.mimetype == "application/json", f"an error as {answer.mimetype}")
    body: Any = json.loads(answer.data)
    require(isinstance(body, dict), "an error that is no object")
    require(set(body) <= {"error", "error_description", "error_uri"}, f"an error with {sorted(body)}")
    for name in ("error", "error_description"):
        text = body.get(name, "" if name == "error_description" else None)
        require(isinstance(text, str) and _SPEAKABLE.fullmatch(text), f"{name} is {text!r}")
    require(body["error"], "an empty error")
    require(answer.headers.get("Cache-Control") == "no-store", "an error that may be stored")
    require(answer.headers.get("Pragma") == "no-cache", "an error without Pragma")
    if answer.status_code == 401:
        require(answer.headers.get("WWW-Authenticate"), "401 without a challenge")


def is_safe_page(answer: TestResponse) -> None:
    require(answer.mimetype == "text/html", f"a page as {answer.mimetype}")
    policy = answer.headers.get("Content-Security-Policy", "")
    require("frame-ancestors 'none'" in policy and "default-src 'none'" in policy, "a page without a policy")
    require(answer.headers.get("X-Frame-Options") == "DENY", "a page that may be framed")
    require(answer.headers.get("X-Content-Type-Options") == "nosniff", "a page that may be sniffed")
    require(answer.headers.get("Cache-Control") == "no-store", "a page that may be stored")
    require("Location" not in answer.headers, "an error that leads somewhere")
