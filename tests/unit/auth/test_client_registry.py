"""Registered apps: redirect URIs as an attacker tries them, and the registry's complaints."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.auth.clients.client import Client, load
from sandbox.core.errors import FileProblem
from sandbox.settings import root
from sandbox.store.secret import digest

WEB = Client(
    "web",
    "Web",
    ("https://app.example/callback", "http://localhost:3000/callback", "http://[::1]:3000/callback?x=1"),
)
NATIVE = Client("native", "Native", ("com.example.app:/callback", "http://127.0.0.1/native"))
ANY = Client("any", "Any", any_loopback=True)


@pytest.mark.parametrize("uri", WEB.redirect_uris + NATIVE.redirect_uris)
def test_a_registered_uri_is_allowed(uri: str) -> None:
    assert (WEB if uri in WEB.redirect_uris else NATIVE).allows_redirect(uri)
    assert not Client("other", "Other").allows_redirect(uri)


@pytest.mark.parametrize(
    ("client", "uri"),
    [
        (WEB, "http://localhost:49152/callback"),
        (WEB, "http://localhost/callback"),
        (WEB, "http://[::1]:8000/callback?x=1"),
        (NATIVE, "http://127.0.0.1:1/native"),
    ],
)
def test_the_port_of_a_registered_loopback_uri_may_vary(client: Client, uri: str) -> None:
    assert client.allows_redirect(uri)


LOOKALIKES = [
    "", "https://app.example/callback/", "https://app.example/callback2", "https://app.example/callback?x=1",
    "https://app.example/callback#x", "https://app.example/callback#", "https://app.example:8443/callback",
    "https://app.example/Callback", "https://APP.example/callback", "http://app.example/callback",
    "https://app.example.evil.example/callback", "https://app.example@evil.example/callback",
    "https://evil.example/https://app.example/callback", "https://app.example/callback/../evil",
    "https://app.example/%63allback", " https://app.example/callback", "https://app.example/callback\n",
    "//app.example/callback", "https:app.example/callback", "javascript:alert(1)", "data:text/html,x",
    "https://localhost:3000/callback", "http://localhost:3000/callback/", "http://localhost:3000/callback?x=1",
    "http://localhost:3000/callback?", "http://localhost:3000/callback#", "http://localhost:3000/other",
    "http://localhost:3000", "http://127.0.0.1:3000/callback", "http://[::1]:3000/callback",
    "http://localhost:3000/callback;x",
]  # fmt: skip
NOT_LOCAL = [
    "http://localhost@evil.example/callback", "http://localhost:3000@evil.example/callback",
    "http://evil.example@localhost:3000/callback", "http://localhost.evil.example/callback",
    "http://127.0.0.1.evil.example/callback", "http://evil.example/localhost/callback",
    "http://evil.example#@localhost/callback", "http://evil.example\\@localhost/callback",
    "http://localhost\\.evil.example/callback", "http://evil.example?@localhost/callback",
    "http://%6cocalhost:3000/callback", "http://localhost%2eevil.example/callback",
    "http://local\nhost/callback", "http://local\thost:3000/callback", " http://localhost:3000/callback",
    "\x00http://localhost:3000/callback", "http://localhost:3000/call back",
    "http://localhost:3000/callback\r\nX: y",
    "http://ⓛocalhost:3000/callback", "http://localhost。evil/callback", "http://127.1/callback",
    "http://2130706433/callback", "http://0x7f.0.0.1/callback", "http://0.0.0.0/callback",
    "http://10.0.0.1/callback",
    "http://localhost:99999/callback", "http://localhost:x/callback", "http://[::1/callback", "http://[::2]/callback",
    "http:///callback", "http:localhost/callback", "//localhost/callback", "ftp://localhost/callback",
    "https://evil.example/callback", "https://localhost/callback", "localhost/callback", "http://localhost/cb#",
    "http://localhost/cb#code", "", "javascript://localhost/%0aalert(1)",
]  # fmt: skip


@pytest.mark.parametrize("uri", LOOKALIKES + NOT_LOCAL)
def test_whatever_only_looks_like_a_registered_uri_is_refused(uri: str) -> None:
    assert not WEB.allows_redirect(uri)
    assert not NATIVE.allows_redirect(uri)


@pytest.mark.parametrize("uri", NOT_LOCAL)
def test_the_client_of_first_tries_goes_nowhere_but_to_this_machine(uri: str) -> None:
    assert not ANY.allows_redirect(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "http://localhost/",
        "http://localhost:5000/a?b=c",
        "http://127.0.0.1:1/x",
        "http://127.8.9.1/x",
        "http://[::1]:9/",
    ],
)
def test_the_client_of_first_tries_may_use_any_loopback_uri(uri: str) -> None:
    assert ANY.allows_redirect(uri)


def test_a_secret_is_checked_against_its_digest() -> None:
    web = Client("web", "Web", secret_sha256=digest("right"))
    assert web.check_client_secret("right")
    assert not web.check_client_secret("wrong")
    assert not web.check_client_secret("")
    assert not web.public
    assert ANY.public
    assert not ANY.check_client_secret("")


def test_a_client_authenticates_in_the_one_way_it_is_registered_for() -> None:
    web = Client("web", "Web", secret_sha256=digest("right"))
    assert (web.auth_method, ANY.auth_method) == ("client_secret_basic", "none")


# the registry


def loaded(tmp_path: Path, text: str) -> dict[str, Client]:
    (tmp_path / "clients.yaml").write_text(text)
    return load(tmp_path / "clients.yaml")


def test_a_registry_is_read(tmp_path: Path) -> None:
    text = """
    - client_id: a
      name: A
      redirect_uris: [https://a.example/cb]
      grant_types: [authorization_code]
    """
    assert loaded(tmp_path, text) == {
        "a": Client("a", "A", ("https://a.example/cb",), grant_types=("authorization_code",))
    }


def test_the_clients_that_come_with_the_sandbox_are_well() -> None:
    found = load(root() / "fixtures" / "clients.yaml")
    assert {client.public for client in found.values()} == {True, False}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("client_id: a", "a list of clients"),
        ("- just a word", "just a word"),
        ("- [a, b]", "the entry: .*object"),
        ("- {client_id: a}", "name"),
        ("- {client_id: a, name: A, colour: red}", "colour"),
        ("- {client_id: a, name: A, any_loopback: no}", "any_loopback.*boolean"),
        ("- {client_id: 7, name: A}", "client_id.*string"),
        ("- {client_id: a, name: A, redirect_uris: https://a.example/cb}", "redirect_uris"),
        ("- {client_id: a, name: A, redirect_uris: [/cb]}", "absolute"),
        ("- {client_id: a, name: A, redirect_uris: ['https://a.example/cb#x']}", "fragment"),
        ("- {client_id: a, name: A, redirect_uris: ['https://a.example/cb#']}", "fragment"),
        ("- {client_id: a, name: A, redirect_uris: [7]}", "redirect_uris"),
        ("- {client_id: a, name: A}\n- {client_id: a, name: B}", "twice"),
        ("- {client_id: a, client_id: b}", "line 1"),
    ],
)
def test_a_bad_entry_is_told_with_its_file(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(FileProblem, match=rf"clients\.yaml.*{says}"):
        loaded(tmp_path, text)
