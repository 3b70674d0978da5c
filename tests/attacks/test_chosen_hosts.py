"""Names and headers that a caller chooses: rebound hosts, forwarded addresses, pages of other sites."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlsplit

import pytest
from attacks.breach import Scene, held, refused, undefended
from attacks.services import RSA, service
from support.smart_app import hidden
from unit.auth.keyring import signed

from sandbox.core.hosts import HostPolicy
from sandbox.web import guard, quota
from sandbox.web.http import origin

_ANY_HOST = undefended(HostPolicy, allows=lambda policy, name: True)


def evil_host() -> str:
    """A host nobody has asked for before: what is answered to one is remembered."""
    return f"{secrets.token_hex(4)}.evil.example"


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("fhir/.well-known/payer-facts", id="test accounts"),
        pytest.param("portal/login", id="a form"),
        pytest.param("auth/register", id="a token"),
    ],
)
@_ANY_HOST
def test_reading_by_a_rebound_name(scene: Scene, path: str) -> None:
    """A web page's own name leads to this machine: to the browser, the payer is part of that site."""
    app, host = scene.make(), evil_host()
    answer = app.http.get(f"{app.base}/{path}", headers={"Host": f"{host}:8080"})
    held(answer.status_code == 421, "an answer that a page of another site can read")


@_ANY_HOST
def test_planting_links_by_host(scene: Scene) -> None:
    app, host = scene.make(), evil_host()
    answer = app.http.get(f"{app.base}/fhir/.well-known/smart-configuration", headers={"Host": host})
    held(host not in answer.text or answer.status_code >= 400, "a token endpoint of the attacker's")


@_ANY_HOST
def test_carrying_an_assertion_from_another_server(scene: Scene) -> None:
    """What a client signed for the attacker's server is shown here, with the Host that fits it."""
    victim, host = service(scene), evil_host()
    path = urlsplit(victim.app.base).path
    proof = signed(victim.claims(aud=f"http://{host}{path}/auth/token"), RSA, "RS384")
    victim.app.http.headers["Host"] = host
    answer = victim.token(proof)
    del victim.app.http.headers["Host"]
    held(refused(answer), "a token for an assertion that was made for somebody else")


_BLIND = undefended(origin, is_forwarded=lambda environ: False)


@pytest.mark.parametrize(
    ("path", "method"),
    [
        pytest.param("reset", "POST", id="reset"),
        pytest.param("journal", "GET", id="journal"),
        pytest.param("clock", "GET", id="clock"),
    ],
)
@_BLIND
def test_controlling_through_a_proxy(scene: Scene, path: str, method: str) -> None:
    """A stranger asks a proxy on this machine, which passes a Host of this machine on."""
    app = scene.make()
    for headers in ({"X-Forwarded-For": "127.0.0.1"}, {"Forwarded": "for=_hidden"}, {"Via": "1.1 nginx"}):
        answer = app.http.request(method, f"{app.base}/_sandbox/{path}", headers=headers)
        held(answer.status_code == 403, "the control API")


_ANY_PAGE = undefended(guard, is_from_another_origin=lambda: False)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Sec-Fetch-Site": "cross-site"}, id="image"),
        pytest.param({"Sec-Fetch-Site": "same-site"}, id="page on another port"),
        pytest.param({"Origin": "https://evil.example"}, id="form"),
        pytest.param({"Referer": "https://evil.example/"}, id="old browser"),
    ],
)
@_ANY_PAGE
def test_controlling_by_a_page(scene: Scene, headers: dict[str, str]) -> None:
    """Eighteen images of a journal that waits hold a server; a form resets it."""
    app = scene.make()
    for method, path in (("GET", "journal?after=0&wait=0"), ("POST", "reset")):
        answer = app.http.request(method, f"{app.base}/_sandbox/{path}", headers=headers)
        held(answer.status_code == 403, "the control API")


def _trusting(environ: Any) -> str:
    """Whoever says who is calling is believed."""
    return str(environ.get("HTTP_X_FORWARDED_FOR") or environ["REMOTE_ADDR"])


@undefended(quota, caller_address=_trusting)
def test_guessing_from_many_addresses(scene: Scene) -> None:
    """Each guess comes from an address of its own, as a header has it."""
    app = scene.make()
    page = hidden(app.follow(app.authorize()))
    for number in range(51):
        guess = page | {"username": f"nobody-{number}", "password": "guess"}
        elsewhere = {"X-Forwarded-For": f"192.0.2.{number}"}
        app.browser.post(f"{app.base}/auth/login", data=guess, headers=elsewhere)
    right = app.browser.post(
        f"{app.base}/auth/login", data=page | {"username": "maria", "password": "maria-pass"}
    )
    held(right.status_code == 429, "as many guesses as one likes")


_EVERY_PROXY = undefended(HostPolicy, is_proxy=lambda policy, address: True)


@_EVERY_PROXY
def test_guessing_through_a_proxy_of_one_s_own(scene: Scene) -> None:
    """The same, where the server would have to believe a proxy that nobody named."""
    test_guessing_from_many_addresses(scene)
