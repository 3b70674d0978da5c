"""Host names, public URLs and proxies as they are written by people and by strangers."""

from __future__ import annotations

import pytest

from sandbox.core.errors import UsageError
from sandbox.core.hosts import (
    HostPolicy,
    PublicUrl,
    format_host,
    parse_allowed_hosts,
    parse_host,
    parse_proxies,
    parse_public_url,
)
from sandbox.settings import Settings, from_env, host_policy


@pytest.mark.parametrize(
    ("sent", "name", "port"),
    [
        ("localhost", "localhost", None),
        ("LOCALHOST:8080", "localhost", 8080),
        ("Team.Example.COM.", "team.example.com", None),
        ("127.0.0.1:80", "127.0.0.1", 80),
        ("[::1]", "::1", None),
        ("[0:0:0:0:0:0:0:1]:8443", "::1", 8443),
        ("a_b.example:08080", "a_b.example", 8080),
        ("localhost:", "localhost", None),
    ],
)
def test_a_host_has_one_form(sent: str, name: str, port: int | None) -> None:
    assert parse_host(sent) == (name, port)


@pytest.mark.parametrize(
    "sent",
    ["", " ", "a" * 64, "a..b", ".a", "a b", "x/y", "evil@host", "[::1", "[:::1]", "h:123456",
     "h:65536", "a,b", "-a", "bücher.example", "[fe80::1%25eth0]", "a." * 200 + "a"],
)  # fmt: skip
def test_what_is_no_host_is_none(sent: str) -> None:
    assert parse_host(sent) is None


def test_a_default_port_is_not_written() -> None:
    assert format_host("a.example", 443, "https") == "a.example"
    assert format_host("a.example", 443, "http") == "a.example:443"
    assert format_host("::1", 80, "http") == "[::1]"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://payer.example.com", "https://payer.example.com"),
        ("HTTPS://Payer.Example.COM:443/", "https://payer.example.com"),
        ("http://localhost:8080/", "http://localhost:8080"),
        ("https://team.example.com/payer/", "https://team.example.com/payer"),
        ("https://team.example.com:8443/a/b", "https://team.example.com:8443/a/b"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_a_public_url_has_one_form(text: str, shown: str) -> None:
    assert str(parse_public_url(text)) == shown


@pytest.mark.parametrize(
    "text",
    ["payer.example.com", "//payer.example.com", "/payer", "ftp://a.example", "https://", "https:///x",
     "https://me@a.example", "https://me:pw@a.example", "https://a.example?x=1", "https://a.example/?",
     "https://a.example/#", "https://a.example#x", "https://a b.example", "https://a.example/a b",
     "https://a.example/%2e", "https://a.example/../x", "https://a.example//x", "https://a.example:port",
     "https://a.example:99999", "https://a.example/s/x", "https://bücher.example", "https://[::1", "https://a\n.b"],
)  # fmt: skip
def test_a_public_url_that_is_none_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UsageError, match=r"^--public-url [^\n]*$"):
        from_env({}, public_url=text)


@pytest.mark.parametrize("text", ["http://a.example", "a.example:80", "a/b", "a b", "*.", ".", "a.example,:"])
def test_an_allowed_host_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"^--allowed-host [^\n]*$"):
        from_env({"PAYER_SANDBOX_ALLOWED_HOST": text})


def test_allowed_hosts_are_names_suffixes_addresses_or_any() -> None:
    wanted = {"a.example", ".b.example", ".c.example", "::1", "*"}
    assert parse_allowed_hosts("A.example., .b.example,*.c.example , ::1, [::1],, *") == wanted


LOOPBACK = ("localhost", "127.0.0.1", "127.9.9.9", "::1", "payer.localhost", "::ffff:127.0.0.1")
PRIVATE = (
    "payer",
    "10.1.2.3",
    "192.168.1.7",
    "fd00::7",
    "host.docker.internal",
    "payer.ns.svc.cluster.local",
)
STRANGE = ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "93.184.215.14",
           "2606:2800::1", "local", "xlocalhost")  # fmt: skip


@pytest.mark.parametrize("bound", ["127.0.0.1", "localhost", "::1", "LOCALHOST"])
def test_on_loopback_only_loopback_names_pass(bound: str) -> None:
    policy = host_policy(Settings(host=bound))
    assert [name for name in (*LOOPBACK, *PRIVATE, *STRANGE, "0.0.0.0") if policy.allows(name)] == [*LOOPBACK]


@pytest.mark.parametrize("bound", ["0.0.0.0", "::", "", "192.0.2.7", "payer.example"])
def test_off_loopback_names_pass_that_no_stranger_can_own(bound: str) -> None:
    policy = host_policy(Settings(host=bound))
    passed = [name for name in (*LOOPBACK, *PRIVATE, *STRANGE) if policy.allows(name)]
    assert passed == [*LOOPBACK, *PRIVATE, "local", "xlocalhost"]  # names without a dot are private, too
    assert not bound or policy.allows(bound)


@pytest.mark.parametrize("bound", ["127.0.0.1", "0.0.0.0"])
def test_configured_hosts_and_the_public_one_pass_anywhere(bound: str) -> None:
    policy = host_policy(
        Settings(host=bound, allowed_host="a.example,.b.example", public_url="https://c.example/payer")
    )
    for name in ("a.example", "x.b.example", "y.x.b.example", "c.example"):
        assert policy.allows(name)
    for name in ("x.a.example", "b.example", "xb.example", "x.c.example"):
        assert not policy.allows(name)
    assert host_policy(Settings(host=bound, allowed_host="*")).allows("evil.example")


def test_proxies_are_believed_where_it_is_said_and_on_loopback_behind_a_public_url() -> None:
    assert not host_policy(Settings()).is_proxy("127.0.0.1")
    behind = host_policy(Settings(public_url="https://a.example"))
    assert behind.is_proxy("127.0.0.1")
    assert behind.is_proxy("::ffff:127.0.0.1")
    assert not behind.is_proxy("10.0.0.1")
    named = host_policy(Settings(trusted_proxies="10.0.0.0/8, ::1"))
    assert named.is_proxy("10.9.9.9")
    assert not named.is_proxy("127.0.0.1")
    assert not host_policy(Settings(public_url="https://a.example", trusted_proxies="none")).proxies
    assert not named.is_proxy("not an address")
    with pytest.raises(UsageError, match=r"^--trusted-proxies [^\n]*$"):
        parse_proxies("nginx", public=True)


def test_a_payer_is_published_under_a_name_that_is_not_this_machine_s() -> None:
    assert HostPolicy(public=PublicUrl("https", "a.example", "")).is_published
    assert not HostPolicy(public=PublicUrl("http", "localhost:9000", "/payer")).is_published
    assert not HostPolicy().is_published
