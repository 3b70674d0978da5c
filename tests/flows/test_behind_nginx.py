"""deploy/nginx.conf, filled in, before `payer-sandbox serve --public-url`: as a team would host it."""

from __future__ import annotations

import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.backend import assertion, form
from support.running import PATIENCE, served, started
from support.smart_app import SmartApp

from sandbox.apis.control.client import Remote
from sandbox.core.clock import SystemClock
from sandbox.server import tls

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
CONFIG = Path(__file__).parents[2] / "deploy" / "nginx.conf"
NAME = "team.example.com"
KEY = {"X-Sandbox-Key": "the-key"}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(NGINX is None, reason="no nginx on this machine: apt-get install nginx-light"),
]


@dataclass(frozen=True)
class Site:
    """A published payer. `url` is its public URL, `plain` where nginx takes http, `payer` what is behind."""

    url: str
    plain: str
    payer: str
    trust: ssl.SSLContext
    certificate: Path

    def client(self, **options: Any) -> httpx.Client:
        return httpx.Client(verify=self.trust, timeout=PATIENCE, **options)

    def app(self, session: str) -> SmartApp:
        app = SmartApp(f"{self.url}/s/baseline~{session}")
        app.close()
        app.browser, app.http = self.client(), self.client()
        return app


def free_ports(count: int) -> list[int]:
    doors = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(door.getsockname()[1]) for door in doors]
    for door in doors:
        door.close()
    return ports


def filled(folder: Path, path: str, strips: bool, ports: list[int], files: tuple[Path, Path]) -> str:
    """The configuration that ships, with our ports, files and prefix."""
    text = CONFIG.read_text()
    for here, ours in (
        ("listen 80;", f"listen 127.0.0.1:{ports[0]};"),
        ("listen 443 ssl", f"listen 127.0.0.1:{ports[1]} ssl"),
        ("127.0.0.1:8080", f"127.0.0.1:{ports[2]}"),
        (f"https://{NAME}$request_uri", f"https://{NAME}:{ports[1]}$request_uri"),
        (f"/etc/ssl/certs/{NAME}.pem", str(files[0])),
        (f"/etc/ssl/private/{NAME}.key", str(files[1])),
        ("/var/log/nginx/payer-sandbox.log", str(folder / "access.log")),
    ):
        assert here in text, here
        text = text.replace(here, ours)
    if path:
        text = text.replace("location / {", f"location {path}/ {{")
        text = re.sub(r"^    # (location ~|    proxy_pass|\}$)", r"    \1", text, flags=re.MULTILINE)
    if strips:
        text = text.replace("proxy_pass http://payer_sandbox;", "proxy_pass http://payer_sandbox/;", 1)
    return text


@contextmanager
def proxy(folder: Path, config: str, port: int) -> Iterator[None]:
    """nginx in the foreground and as nobody in particular, with a configuration for its http block."""
    assert NGINX is not None
    scratch = " ".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{ {scratch} access_log off;\n{config}\n}}\n"
    )
    command = [NGINX, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]
    with started(command, stderr=subprocess.PIPE) as process:
        while True:
            if process.poll() is not None:
                raise AssertionError(process.communicate()[1])
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.05)
        yield


@pytest.fixture(scope="module", params=["", "/payer", "/payer stripped"])
def site(
    request: pytest.FixtureRequest, env: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    path, _, strips = request.param.partition(" ")
    folder = tmp_path_factory.mktemp("nginx")
    files = tls.own(folder, [NAME], SystemClock())
    ports = free_ports(3)
    url = f"https://{NAME}:{ports[1]}{path}"
    resolve = socket.getaddrinfo

    def resolved(host: Any, *args: Any, **options: Any) -> Any:
        return resolve("127.0.0.1" if host in (NAME, NAME.encode()) else host, *args, **options)

    flags = ("--port", str(ports[2]), "--public-url", url)
    environ = env | {"PAYER_SANDBOX_CONTROL_KEY": KEY["X-Sandbox-Key"]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", resolved)
        config = filled(folder, path, bool(strips), ports, files)
        with (
            proxy(folder, config, ports[1]),
            served(*flags, env=environ, trust=files[0]) as told,
        ):
            assert told == url  # the banner says it
            trust = ssl.create_default_context(cafile=files[0])
            yield Site(url, f"http://{NAME}:{ports[0]}", f"http://127.0.0.1:{ports[2]}", trust, files[0])


def test_one_issuer_and_one_base_however_it_is_asked(site: Site) -> None:
    evil = "evil.example"
    spoofed = {"X-Forwarded-Host": evil, "X-Forwarded-Proto": "http", "Forwarded": f"host={evil}"}
    with site.client() as http:
        smart = http.get(f"{site.url}/fhir/.well-known/smart-configuration").json()
        addresses = [v for k, v in smart.items() if k.endswith(("_endpoint", "_uri")) or k == "issuer"]
        assert all(address.startswith(f"{site.url}/") for address in addresses)
        assert http.get(f"{site.url}/fhir/.well-known/smart-configuration", headers=spoofed).json() == smart
        assert http.get(f"{site.payer}/fhir/.well-known/smart-configuration").json() == smart
        issuer = httpx.URL(smart["issuer"])
        beside = issuer.copy_with(path=f"/.well-known/oauth-authorization-server{issuer.path}")
        for metadata in (f"{issuer}/.well-known/openid-configuration", beside):
            assert http.get(metadata).json()["issuer"] == smart["issuer"]
        elsewhere = http.get(f"{site.plain}/fhir/metadata")
        assert (elsewhere.status_code, elsewhere.headers["location"][:5]) == (301, "https")


def test_a_member_signs_in_and_an_app_reads_page_by_page(site: Site) -> None:
    with site.app("reads") as app:
        back = app.agree("maria")
        assert back["iss"] == f"{app.base}/auth"
        app.tokens = app.redeem(back["code"]).json()
        assert {cookie.secure for cookie in app.browser.cookies.jar} == {True}
        pages = app.pages("ExplanationOfBenefit?_count=10")
        assert len(pages) > 1
        links = [link["url"] for page in pages for link in page["link"]]
        links += [entry["fullUrl"] for page in pages for entry in page["entry"]]
        assert all(link.startswith(f"{app.base}/fhir/") for link in links)
        read = app.get(links[-1])
        assert app.get(links[-1], **{"If-None-Match": read.headers["etag"]}).status_code == 304
        packed = app.get("ExplanationOfBenefit?_count=10", **{"Accept-Encoding": "gzip"})
        assert packed.headers["content-encoding"] == "gzip"
        assert len(app.everything(f"Patient/{app.patient}/$everything")) > 100
        assert app.refresh().status_code == 200


def test_an_assertion_is_for_the_public_token_endpoint_only(site: Site) -> None:
    for base, status in ((site.url, 200), (site.payer, 401), ("http://evil.example", 401)):
        request = form(assertion(f"{base}/auth/token"), "system/Patient.rs")
        for asked in (site.url, site.payer):
            with site.client() as http:
                answer = http.post(f"{asked}/auth/token", data=request)
            if asked == site.url or status != 200:  # a good one is spent by then
                assert answer.status_code == status, answer.text


def test_the_control_api_is_closed_without_its_key_and_open_with_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = "/s/baseline~controlled/_sandbox/clock"
    with site.client() as http:
        for headers in ({}, {"Host": "localhost"}, {"X-Forwarded-For": "127.0.0.1"}, {"X-Sandbox-Key": "x"}):
            assert http.get(site.url + clock, headers=headers).status_code == 403
        assert http.get(site.payer + clock).status_code == 403  # also beside the proxy
        armed = http.get(f"{site.url}/fhir/metadata", headers={"X-Sandbox-Fail-Next": "any=1"})
        assert armed.status_code == 403
        assert http.get(site.url + clock, headers=KEY).status_code == 200
        assert http.get(f"{site.url}/_sandbox/health").status_code == 200
    monkeypatch.setenv("SSL_CERT_FILE", str(site.certificate))
    remote = Remote(f"{site.url}/s/baseline~controlled", KEY["X-Sandbox-Key"])
    before = remote.clock()
    assert remote.clock(advance="P1D") > before
    assert remote.fail_next(when={"path": "/fhir/metadata"})[0]["left"] == 1
    with site.client() as http:
        statuses = [http.get(f"{remote.base}/fhir/metadata").status_code for _ in range(2)]
    assert statuses == [503, 200]


def test_a_host_that_is_not_ours_and_bodies_without_bounds_are_refused(site: Site) -> None:
    with site.client() as http:
        rebound = http.get(f"{site.url}/fhir/metadata", headers={"Host": "rebound.example"})
        assert rebound.status_code == 421
        large = http.post(f"{site.url}/auth/token", content=b"x" * (1 << 20) + b"x")
        assert large.status_code == 413
        long = http.get(f"{site.url}/fhir/Patient?name={'x' * 20_000}")
        assert long.status_code == 414


SILENT = "proxy_pass http://PAYER;"
_HEADERS = "proxy_set_header Host $host; proxy_set_header X-Real-IP $remote_addr;"
USUAL = f"proxy_http_version 1.1; {_HEADERS} {SILENT}"


@pytest.mark.parametrize("directives", [SILENT, USUAL], ids=["as short as can be", "as in most guides"])
def test_strangers_cannot_control_a_payer_that_somebody_put_a_proxy_before(
    origin: str, tmp_path: Path, directives: str
) -> None:
    """Without --public-url, without a key, by a configuration that is not ours."""
    (port,) = free_ports(1)
    directives = directives.replace("PAYER", origin.removeprefix("http://"))
    config = f"server {{ listen 127.0.0.1:{port}; location / {{ {directives} }} }}"
    with proxy(tmp_path, config, port):
        for path in ("clock", "journal?after=0&wait=0", "clients"):
            for headers in ({}, {"Host": "localhost"}, {"Sec-Fetch-Site": "none"}):
                answer = httpx.get(f"http://127.0.0.1:{port}/_sandbox/{path}", headers=headers)
                assert answer.status_code == 403
        assert httpx.get(f"http://127.0.0.1:{port}/_sandbox/health").status_code == 200
    assert httpx.get(f"{origin}/_sandbox/clock").status_code == 200
