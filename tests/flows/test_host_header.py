"""The Host header: who is answered, under which address, and in which shape the others are refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from flask import Flask
from flask.testing import FlaskClient
from support.running import exchange_bytes, served
from werkzeug.test import Client

from sandbox.settings import Settings, host_policy
from sandbox.web.http.origin import OriginMiddleware, caller_address

MakeClient = Callable[..., FlaskClient]


@pytest.fixture
def client_of(app_of: Callable[..., Flask]) -> MakeClient:
    """Makes a client of a payer with other settings: `client_of(host="0.0.0.0")`."""
    return lambda **changes: app_of(**changes).test_client()


SHAPES = {
    "/fhir/metadata": "application/fhir+json",
    "/fhir/Patient?_count=1": "application/fhir+json",
    "/s/baseline~t7/fhir/Patient/x": "application/fhir+json",
    "/auth/token": "application/json",
    "/s/baseline/auth/register": "application/json",
    "/.well-known/oauth-authorization-server/auth": "application/json",
    "/_sandbox/clock": "application/json",
    "/_sandbox/health": "application/json",
    "/developer": "text/html",
    "/auth/authorize": "text/html",
    "/s/baseline/portal": "text/html",
}


@pytest.mark.parametrize(("path", "kind"), SHAPES.items())
@pytest.mark.parametrize(
    ("headers", "status", "words"),
    [
        ({"Host": "evil.example"}, 421, "--allowed-host evil.example"),
        ({"Host": "127.0.0.1.evil.example:8080"}, 421, "PAYER_SANDBOX_ALLOWED_HOST"),
        ({"Host": "a b"}, 400, "Host header"),
        ({"Host": "localhost,evil.example"}, 400, "Host header"),
        ({"Host": ""}, 400, "Host header"),
        ({"Host": "a." * 5000}, 400, "Host header"),
    ],
)
def test_a_host_that_is_not_ours_is_refused_in_the_shape_of_the_path(
    client_of: MakeClient, path: str, kind: str, headers: dict[str, str], status: int, words: str
) -> None:
    answer = client_of().get(path, headers={"Authorization": "Bearer x", **headers})
    assert (answer.status_code, answer.mimetype) == (status, kind)
    assert words in answer.text


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("localhost", "localhost"),
        ("LocalHost:8080", "localhost:8080"),
        ("localhost.:8080", "localhost:8080"),
        ("127.0.0.1:8080", "127.0.0.1:8080"),
        ("127.0.0.9", "127.0.0.9"),
        ("[0::1]:8080", "[::1]:8080"),
        ("payer.localhost:8080", "payer.localhost:8080"),
        ("localhost:80", "localhost"),
        ("localhost:", "localhost"),
    ],
)
def test_links_are_built_from_the_host_in_its_one_form(client_of: MakeClient, host: str, shown: str) -> None:
    said = client_of().get("/fhir/.well-known/smart-configuration", headers={"Host": host}).get_json()
    assert said["issuer"] == f"http://{shown}/auth"
    assert said["token_endpoint"] == f"http://{shown}/auth/token"


def test_configured_hosts_are_answered_and_named(client_of: MakeClient) -> None:
    client = client_of(allowed_host="team.example, .dev.example")
    for host in ("team.example:8080", "TEAM.example.", "anna.dev.example"):
        answer = client.get("/fhir/metadata", headers={"Host": host})
        assert answer.status_code == 200
    assert client.get("/fhir/metadata", headers={"Host": "other.example"}).status_code == 421


def test_a_server_for_others_answers_to_what_no_stranger_can_own(client_of: MakeClient) -> None:
    client = client_of(host="0.0.0.0")
    for host, status in (("payer:8080", 200), ("192.168.1.7:8080", 200), ("localhost", 200),
                         ("rebound.example", 421), ("93.184.215.14", 421)):  # fmt: skip
        assert client.get("/fhir/metadata", headers={"Host": host}).status_code == status
    anybody = client_of(host="0.0.0.0", allowed_host="*")
    assert anybody.get("/fhir/metadata", headers={"Host": "rebound.example"}).status_code == 200


def test_hosts_are_remembered_and_not_read_again(client_of: MakeClient) -> None:
    client = client_of(seed=7)
    middleware: Any = client.application.wsgi_app
    while not isinstance(middleware, OriginMiddleware):
        middleware = middleware._app
    for _ in range(5):
        client.get("/fhir/metadata", headers={"Host": "127.0.0.1:8080"})
        client.get("/fhir/metadata", headers={"Host": "a." * 400})
    # those that are too long share one place
    assert sorted(sent for _, sent in middleware._settle.cache._held) == ["", "127.0.0.1:8080"]


def status_of(origin: str, request: bytes) -> bytes:
    return exchange_bytes(origin, request).split(b" ", 2)[1]


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"HTTP/1.1\r\n", b"400"),
        (b"HTTP/1.1\r\nHost:\r\n", b"400"),
        (b"HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n", b"400"),
        (b"HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n", b"400"),
        (b"HTTP/1.0\r\n", b"200"),
        (b"HTTP/1.1\r\nHost: localhost\r\n", b"200"),
    ],
)
def test_one_host_is_needed_except_in_http_1_0(origin: str, head: bytes, status: bytes) -> None:
    """RFC 9112 §3.2."""
    path = b"/fhir/.well-known/smart-configuration"
    answer = exchange_bytes(origin, b"GET " + path + b" " + head + b"Connection: close\r\n\r\n")
    assert answer.split(b" ", 2)[1] == status
    if b"1.0" in head:
        assert f'"issuer":"{origin}/auth"'.encode() in answer


def test_the_real_server_holds_to_it(env: dict[str, str]) -> None:
    path = b"GET /fhir/.well-known/smart-configuration "
    with served(env=env) as origin:
        for head in (b"HTTP/1.1\r\n", b"HTTP/1.1\r\nHost: a\r\nHost: b\r\n", b"HTTP/1.1\r\nHost: a b\r\n"):
            assert (
                exchange_bytes(origin, path + head + b"Connection: close\r\n\r\n").split(b" ", 2)[1] == b"400"
            )
        rebound = b"HTTP/1.1\r\nHost: rebound.example\r\nConnection: close\r\n\r\n"
        assert status_of(origin, path + rebound) == b"421"
        old = exchange_bytes(origin, path + b"HTTP/1.0\r\n\r\n")
        assert f'"issuer":"{origin}/auth"'.encode() in old
        spoofed = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example", "X-Forwarded-Port": "1"}
        said = httpx.get(f"{origin}/fhir/.well-known/smart-configuration", headers=spoofed).json()
        assert said["issuer"] == f"{origin}/auth"
        for headers, status in (({}, 200), ({"X-Forwarded-For": "127.0.0.1"}, 403), ({"Via": "1.1 x"}, 403)):
            assert httpx.get(f"{origin}/_sandbox/clock", headers=headers).status_code == status


@pytest.mark.parametrize(
    ("server", "shown"),
    [
        (("127.0.0.1", "9000"), "http://127.0.0.1:9000"),
        (("::1", "9000"), "http://[::1]:9000"),
        (("0.0.0.0", "9000"), "http://127.0.0.1:8123"),
        (("", ""), "http://127.0.0.1:8123"),
    ],
)
def test_without_host_links_lead_to_where_the_server_listens(
    client_of: MakeClient, server: tuple[str, str], shown: str
) -> None:
    client = client_of(host="0.0.0.0", port=8123)
    inner: Any = client.application.wsgi_app
    environ = {"SERVER_PROTOCOL": "HTTP/1.0", "SERVER_NAME": server[0], "SERVER_PORT": server[1]}

    def without_host(environ: Any, start: Any) -> Any:
        del environ["HTTP_HOST"]
        return inner(environ, start)

    path = "/fhir/.well-known/smart-configuration"
    said = Client(without_host).get(path, environ_overrides=environ).get_json()
    assert said["issuer"] == f"{shown}/auth"


# who is calling


@pytest.mark.parametrize(
    ("remote", "forwarded", "proxies", "caller"),
    [
        ("203.0.113.9", None, "", "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "", "203.0.113.9"),
        ("127.0.0.1", "198.51.100.1", "none", "127.0.0.1"),
        ("127.0.0.1", "198.51.100.1", "127.0.0.0/8", "198.51.100.1"),
        ("127.0.0.1", "192.0.2.66, 198.51.100.1", "127.0.0.0/8", "198.51.100.1"),
        ("127.0.0.1", "192.0.2.66, 198.51.100.1, 10.0.0.2", "127.0.0.0/8,10.0.0.0/8", "198.51.100.1"),
        ("127.0.0.1", "10.0.0.7", "127.0.0.0/8,10.0.0.0/8", "10.0.0.7"),
        ("127.0.0.1", "192.0.2.66, rubbish", "127.0.0.0/8", "127.0.0.1"),
        ("127.0.0.1", "198.51.100.1:4711", "127.0.0.0/8", "198.51.100.1"),
        ("::ffff:127.0.0.1", "[2001:db8::9]:4711", "127.0.0.0/8", "2001:db8::9"),
        ("127.0.0.1", "", "127.0.0.0/8", "127.0.0.1"),
        ("", "198.51.100.1", "127.0.0.0/8", ""),
    ],
)
def test_the_caller_is_who_the_last_trusted_proxy_says(
    remote: str, forwarded: str | None, proxies: str, caller: str
) -> None:
    seen: list[str] = []
    environ: dict[str, Any] = {"wsgi.url_scheme": "http", "HTTP_HOST": "localhost", "REMOTE_ADDR": remote}
    if forwarded is not None:
        environ["HTTP_X_FORWARDED_FOR"] = forwarded

    def app(environ: dict[str, Any], start: Any) -> list[bytes]:
        seen.append(caller_address(environ))
        return []

    list(OriginMiddleware(app, host_policy(Settings(trusted_proxies=proxies)))(environ, None))
    assert seen == [caller]
