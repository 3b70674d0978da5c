"""Keys at a jwks_uri: fetched with care, kept as HTTP says, looked up again for an unknown kid."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from support.running import PATIENCE
from support.web_server import Answer, web_server
from unit.auth.auth_desk import App, changed
from unit.auth.keyring import claims, key, public, signed
from unit.auth.test_assertions import introspect

from sandbox.auth.clients import remote_keys
from sandbox.auth.clients.client import Client
from sandbox.auth.clients.remote_keys import RemoteJwks
from sandbox.auth.context import AuthContext
from sandbox.core.outbound import MAX_BYTES


@dataclass
class Site:
    """Where an app publishes its keys; `asked` holds the Host header of each request."""

    url: str = ""
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    drips: bool = False
    left: threading.Event = field(default_factory=threading.Event)
    asked: list[str | None] = field(default_factory=list)

    def publish(self, *pairs: Any, **headers: str) -> None:
        self.body = json.dumps(public(*pairs)).encode()
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def drip(self) -> Iterator[bytes]:
        """A byte now and then, until the test is over: no read waits long, and the answer has no end."""
        while not self.left.wait(0.02):
            yield b" "


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr(remote_keys, "SECONDS", PATIENCE)
    site = Site()

    def answer(request: BaseHTTPRequestHandler, body: bytes) -> Answer:
        site.asked.append(request.headers["Host"])
        return site.status, site.headers, site.drip() if site.drips else site.body

    with web_server(answer) as origin:
        site.url = f"{origin.replace('127.0.0.1', 'localhost')}/jwks"
        site.publish(key())
        yield site
        site.left.set()


@pytest.fixture
def svc(at: AuthContext, site: Site) -> App:
    client = Client("svc", "Service", token_endpoint_auth_method="private_key_jwt", jwks_uri=site.url)
    local = RemoteJwks(loopback=True, resolve=lambda host, port: ["127.0.0.1"])
    return App(changed(at, clients={"svc": client}, remote=local), "svc")


def attempt(app: App, pair: Any = None, **header: Any) -> tuple[int, str]:
    """Authenticate with a fresh assertion: status, and what was said."""
    attempt.count += 1  # type: ignore[attr-defined]
    now = app.desk.now() // 1000
    said = claims(jti=f"j{attempt.count}", iat=now, exp=now + 60)  # type: ignore[attr-defined]
    status, body = introspect(app, signed(said, pair, **header))
    return status, body.get("error_description", "")


attempt.count = 0  # type: ignore[attr-defined]


def test_keys_are_fetched_once_and_kept(svc: App, site: Site) -> None:
    assert attempt(svc)[0] == attempt(svc)[0] == 200
    assert site.asked == [site.url.split("/")[2]]  # the name, though the connection goes to the address


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ({}, 300),
        ({"Cache_Control": "public, max-age=60"}, 60),
        ({"Cache_Control": "max-age=0"}, 0),
        ({"Cache_Control": "no-store"}, 0),
        ({"Cache_Control": "no-cache"}, 0),
        ({"Cache_Control": "max-age=99999999"}, 86400),
        ({"Cache_Control": "s-maxage=9"}, 300),
    ],
)
def test_cache_control_is_honoured(svc: App, site: Site, header: dict[str, str], seconds: int) -> None:
    site.publish(key(), **header)
    attempt(svc)
    if seconds:
        svc.advance(seconds=seconds - 1)
        attempt(svc)
        assert len(site.asked) == 1
    svc.advance(seconds=1)
    assert attempt(svc)[0] == 200
    assert len(site.asked) == 2


def test_an_unknown_kid_is_looked_up_again(svc: App, site: Site) -> None:
    assert attempt(svc)[0] == 200
    site.publish(key(), key("next"))
    assert attempt(svc, key("next"))[0] == 200
    assert len(site.asked) == 2
    assert attempt(svc)[0] == attempt(svc, key("next"))[0] == 200
    assert len(site.asked) == 2


def test_a_withdrawn_key_dies_with_the_next_look(svc: App, site: Site) -> None:
    attempt(svc)
    site.publish(key("next"))
    assert attempt(svc, key("next"))[0] == 200
    assert attempt(svc)[0] == 401


def test_unknown_kids_do_not_make_the_server_a_hammer(svc: App, site: Site) -> None:
    for _ in range(30):
        assert attempt(svc, kid="nobody-s")[0] == 401
    assert len(site.asked) == remote_keys.FETCHES
    svc.advance(seconds=61)
    assert attempt(svc)[0] == 200


@pytest.mark.parametrize("status", [204, 301, 302, 307, 404, 500])
def test_an_answer_that_is_not_200_is_no_key(svc: App, site: Site, status: int) -> None:
    site.status, site.headers = status, {"Location": site.url}
    found, said = attempt(svc)
    assert found == 401
    assert str(status) in said
    assert len(site.asked) == 1


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"hello", "JSON"),
        (b"", "JSON"),
        (b"[" * 5000, "JSON"),
        (b'{"keys": []}', "JWK Set"),
        (json.dumps({"keys": [key().as_dict(private=True)]}).encode(), "private"),
        (b'{"keys": [' + b" " * MAX_BYTES + b"]}", "bytes"),
    ],
)
def test_a_bad_set_is_refused_whole(svc: App, site: Site, body: bytes, says: str) -> None:
    site.body = body
    status, said = attempt(svc)
    assert status == 401
    assert says in said


def test_a_site_that_drips_is_left(svc: App, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_keys, "SECONDS", 0.2)
    site.drips = True
    assert "slowly" in attempt(svc)[1]


def test_a_site_that_is_gone_is_told(svc: App, site: Site) -> None:
    client = replace(svc.desk.clients["svc"], jwks_uri="http://127.0.0.1:1/jwks")
    gone = replace(svc, desk=changed(svc.desk, clients={"svc": client}))
    assert "cannot be fetched" in attempt(gone)[1]


def test_jku_must_be_the_registered_address(svc: App, site: Site) -> None:
    assert attempt(svc, jku=site.url)[0] == 200
    for jku in (site.url + "/", site.url + "?", "https://evil.example/jwks"):
        assert "jku" in attempt(svc, jku=jku)[1]


@pytest.mark.parametrize(
    "addresses",
    [
        ["10.0.0.1"], ["172.17.0.1"], ["192.168.0.1"], ["169.254.169.254"], ["100.64.0.1"], ["0.0.0.0"],
        ["fd00::1"], ["fe80::1%eth0"], ["::ffff:10.0.0.1"], ["::ffff:127.0.0.1"], ["127.0.0.1"], ["::1"],
        ["8.8.8.8", "10.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["224.0.0.1"], [],
    ],
)  # fmt: skip
@pytest.mark.parametrize("loopback", [True, False])
def test_a_name_may_not_lead_inside(addresses: list[str], loopback: bool) -> None:
    """A public name that resolves to a private address is how a server is made to attack its own network."""
    if loopback and addresses in (["127.0.0.1"], ["::1"], ["::ffff:127.0.0.1"]):
        return  # all loopback, and the server is on loopback itself
    there = RemoteJwks(loopback, resolve=lambda host, port: addresses)
    with pytest.raises(ValueError, match=r"address|public"):
        there.fetch("https://app.example/jwks")


def test_a_loopback_address_is_nothing_to_a_public_server(at: AuthContext, site: Site) -> None:
    client = Client("svc", "Service", token_endpoint_auth_method="private_key_jwt", jwks_uri=site.url)
    app = App(changed(at, clients={"svc": client}, remote=RemoteJwks(loopback=False)), "svc")
    status, said = attempt(app)
    assert status == 401
    assert "loopback" in said
    assert site.asked == []


def test_the_clock_of_the_payer_ends_what_is_kept(svc: App, site: Site) -> None:
    attempt(svc)
    svc.advance(days=90)
    assert attempt(svc)[0] == 200
    svc.advance(days=-91)  # kept from the future: looked up again
    assert attempt(svc)[0] == 200
    assert len(site.asked) == 3
