"""`serve --tls`: a certificate that a client can check, https everywhere, Secure cookies."""

from __future__ import annotations

import ssl
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from support.running import served
from support.smart_app import SmartApp

from sandbox.core.clock import FrozenClock, SystemClock
from sandbox.core.errors import UsageError
from sandbox.core.payer import Certificate
from sandbox.server import tls
from sandbox.server.app import load_catalogue
from sandbox.server.serve import with_certificate
from sandbox.settings import Settings

pytestmark = pytest.mark.slow

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def made(tmp_path: Path) -> tuple[Path, Path]:
    return tls.own(tmp_path, ["127.0.0.1"], SystemClock())


def test_an_app_connects_over_tls_and_every_address_is_https(
    env: dict[str, str], made: tuple[Path, Path]
) -> None:
    flags = ("--tls-cert", str(made[0]), "--tls-key", str(made[1]))
    trust = ssl.create_default_context(cafile=made[0])
    with served(*flags, env=env, trust=made[0]) as origin, SmartApp(origin) as app:
        assert origin.startswith("https://127.0.0.1:")
        for host in ("127.0.0.1", "localhost"):
            base = origin.replace("127.0.0.1", host)
            smart = httpx.get(f"{base}/fhir/.well-known/smart-configuration", verify=trust).json()
            addresses = [v for k, v in smart.items() if k.endswith(("_endpoint", "_uri")) or k == "issuer"]
            assert all(address.startswith(f"{base}/") for address in addresses)
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(f"{origin}/fhir/metadata")
        app.close()
        app.browser, app.http = httpx.Client(verify=trust), httpx.Client(verify=trust)
        cookies = app.authorize().headers["set-cookie"]
        assert "; Secure" in cookies
        answer = app.connect("maria").get("Patient")
        assert answer.json()["entry"][0]["fullUrl"].startswith(f"{origin}/fhir/Patient/")
        assert "strict-transport-security" not in answer.headers


def test_the_key_is_for_its_owner_only_and_both_are_kept(tmp_path: Path) -> None:
    clock = FrozenClock(NOW)
    made, key = tls.own(tmp_path, ["127.0.0.1"], clock)
    assert key.stat().st_mode & 0o777 == 0o600
    kept = made.read_bytes(), key.read_bytes()
    assert tls.own(tmp_path, ["0.0.0.0"], clock) == (made, key)
    assert (made.read_bytes(), key.read_bytes()) == kept
    assert [path.name for path in tmp_path.glob("*.part")] == []


@pytest.mark.parametrize("change", ["host", "age", "key", "garbage"])
def test_a_certificate_that_will_not_do_is_made_again(tmp_path: Path, change: str) -> None:
    clock, host = FrozenClock(NOW), "127.0.0.1"
    made, key = tls.own(tmp_path, [host], clock)
    before = made.read_bytes()
    if change == "host":
        host = "payer.test"
    elif change == "age":
        clock.advance(timedelta(days=tls.DAYS - 5))
    elif change == "key":
        other = tls.own(tmp_path / "other", [host], clock)[1]
        key.write_bytes(other.read_bytes())
    else:
        made.write_text("garbage")
    tls.own(tmp_path, [host], clock)
    assert made.read_bytes() != before
    tls.check_pair(made, key)


def test_the_certificate_stands_up_to_the_strictest_check(made: tuple[Path, Path]) -> None:
    """What Python 3.13 checks by default: authority and key identifiers, basic constraints, key usage."""
    trusting = ssl.create_default_context(cafile=made[0])
    trusting.verify_flags |= ssl.VERIFY_X509_STRICT
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(*made)

    for name in ("localhost", "127.0.0.1", "::1"):
        shake_hands(trusting, serving, name)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(trusting, serving, "payer.example")


def shake_hands(trusting: ssl.SSLContext, serving: ssl.SSLContext, name: str) -> None:
    """A client connects to a host of this name. Raises SSLCertVerificationError."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting.wrap_bio(to_client, to_server, server_hostname=name)
    server = serving.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server, client, server):
        with suppress(ssl.SSLWantReadError):
            side.do_handshake()


@pytest.mark.parametrize(
    ("certificate", "says"),
    [
        ("expired", "certificate has expired"),
        ("incomplete-chain", "unable to get local issuer certificate"),
        ("wrong-host", "not valid for '127.0.0.1'|IP address mismatch"),
    ],
)
def test_a_scenario_s_certificate_is_refused_for_one_reason_only(
    tmp_path: Path, certificate: Certificate, says: str
) -> None:
    shown, key = tls.invalid(tmp_path, ["127.0.0.1"], SystemClock(), certificate)
    assert key.stat().st_mode & 0o777 == 0o600
    trusting = ssl.create_default_context(cafile=tls.trust(shown))
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(shown, key)
    with pytest.raises(ssl.SSLCertVerificationError, match=says):
        shake_hands(trusting, serving, "127.0.0.1")
    # Nothing else is wrong with it.
    if certificate == "wrong-host":
        shake_hands(trusting, serving, "wrong-host.invalid")
    trusting.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if certificate == "incomplete-chain":
        trusting.load_verify_locations(cadata=shown.read_text())
        shake_hands(trusting, serving, "127.0.0.1")


def test_the_scenario_of_the_server_decides_the_certificate(tmp_path: Path) -> None:
    settings = Settings(cache=tmp_path, tls=True, scenario="certificate-invalid,problem=wrong-host")
    catalog, lines = load_catalogue(settings), list[str]()
    chosen = with_certificate(settings, catalog, lines.append)
    assert chosen.tls_cert == str(tmp_path / "tls-wrong-host-certificate.pem")
    plain = with_certificate(replace(settings, tls=False), catalog, lines.append)
    assert (plain.tls_cert, len(lines)) == ("", 1)
    assert "acts only with --tls" in lines[0]
    with pytest.raises(UsageError, match="leave --tls-cert out"):
        with_certificate(chosen, catalog, lines.append)


def test_files_that_are_no_certificate_and_its_key_are_named(tmp_path: Path, made: tuple[Path, Path]) -> None:
    other = tls.own(tmp_path / "other", ["127.0.0.1"], SystemClock())
    (tmp_path / "text").write_text("not PEM")
    for pair in ((made[0], other[1]), (tmp_path / "text", made[1]), (made[0], tmp_path / "text"), made[::-1]):
        with pytest.raises(UsageError, match="no certificate and its key"):
            tls.check_pair(*pair)
    for pair in ((tmp_path / "nowhere", made[1]), (made[0], tmp_path)):
        with pytest.raises(UsageError, match="cannot be read"):
            tls.check_pair(*pair)
