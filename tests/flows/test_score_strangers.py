"""Servers that are not ours: a static site, a socket that never answers, static FHIR behind an OAuth mock."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
import time
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from support.command import command
from support.running import started
from support.web_server import Answer, web_server

pytestmark = pytest.mark.slow

PACKAGES = Path(__file__).parents[1] / "browser" / "node_modules"
score = partial(command, "score")


def page(status: int, body: str) -> Answer:
    return status, {"Content-Type": "text/html"}, body.encode()


def as_json(body: Any, status: int = 200) -> Answer:
    return status, {"Content-Type": "application/json"}, json.dumps(body).encode()


@pytest.mark.parametrize("status", [200, 404, 403])
def test_a_static_site_is_no_fhir_base(status: int) -> None:
    with web_server(lambda request, body: page(status, "<h1>Welcome</h1>")) as origin:
        done = score(f"{origin}/fhir", "--format", "json")
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert f"{origin}/fhir does not look like a FHIR base (metadata answered {status}" in done.stderr


def test_a_site_that_is_down_has_a_card_with_clear_reasons() -> None:
    with web_server(lambda request, body: page(500, "<h1>Sorry</h1>")) as origin:
        done = score(f"{origin}/fhir", "--format", "json")
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    card = json.loads(done.stdout)
    reasons = {metric["id"]: metric["reason"] for metric in card["metrics"]}
    assert card["score"] == 0
    assert reasons["capability-statement"].startswith("metadata answered 500")
    assert "no test accounts" in reasons["authorization-success"]


def test_a_socket_that_never_answers_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        done = score(f"http://127.0.0.1:{mute.getsockname()[1]}/fhir", "--timeout", "0.5")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.strip().count("\n") == 0
    assert "no complete response in time" in done.stderr


def test_a_socket_that_speaks_no_http_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as odd:

        def babble() -> None:
            try:
                while True:
                    conn, _ = odd.accept()
                    conn.recv(65536)
                    conn.sendall(b"220 mail.example ESMTP\r\n")
                    conn.close()
            except OSError:
                return

        threading.Thread(target=babble, daemon=True).start()
        done = score(f"http://127.0.0.1:{odd.getsockname()[1]}/fhir", "--timeout", "2")
    assert done.returncode == 2
    assert "not HTTP" in done.stderr
    assert "Traceback" not in done.stderr


class Static:
    """Static FHIR files for one patient, behind the smallest OAuth server that there can be."""

    def __init__(self, oauth: str = "") -> None:
        self.oauth = oauth  # somebody else's OAuth server; ours when empty
        self.origin = ""

    def __call__(self, request: BaseHTTPRequestHandler, body: bytes) -> Answer:
        parts = urlsplit(request.path)
        query = {k: v[0] for k, v in parse_qs(parts.query).items()}
        if parts.path == "/fhir/metadata":
            types = [
                {"type": t, "searchParam": [{"name": "patient"}]}
                for t in ("Coverage", "ExplanationOfBenefit")
            ]
            rest = [{"mode": "server", "resource": types}]
            return as_json({"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "rest": rest})
        if parts.path == "/fhir/.well-known/smart-configuration":
            oauth = self.oauth or self.origin
            said = {"authorization_endpoint": f"{oauth}/authorize", "token_endpoint": f"{oauth}/token"}
            return as_json(said)
        if parts.path == "/authorize":
            back = {"code": "c", "state": query["state"]}
            return 302, {"Location": f"{query['redirect_uri']}?{urlencode(back)}"}, b""
        if parts.path == "/token":
            return as_json(
                {"access_token": "t" * 40, "token_type": "Bearer", "patient": "p1", "expires_in": 60}
            )
        if parts.path.startswith("/fhir/Patient/p1/$everything"):
            return as_json({"resourceType": "OperationOutcome"}, 404)
        if parts.path in ("/fhir/Patient", "/fhir/Coverage", "/fhir/ExplanationOfBenefit"):
            kind = parts.path.rpartition("/")[2]
            about = {} if kind == "Patient" else {"patient": {"reference": "Patient/p1"}}
            resource = {"resourceType": kind, "id": "p1" if kind == "Patient" else "1", **about}
            return as_json({"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": resource}]})
        return page(404, "not here")


def facts(tmp_path: Path) -> str:
    path = tmp_path / "facts.json"
    member = {"username": "ann", "password": "pw", "role": "eligible", "line": "qhp"}
    instruments = {"client_id": "app", "redirect_uri": "http://127.0.0.1/cb", "members": [member]}
    path.write_text(json.dumps({"claims": {"status": "live"}, "instruments": instruments}))
    return str(path)


def test_static_fhir_behind_an_oauth_mock(tmp_path: Path) -> None:
    static = Static()
    with web_server(static) as static.origin:
        done = score(f"{static.origin}/fhir", "--facts", facts(tmp_path), "--format", "json")
    assert done.returncode == 0, done.stderr
    card = json.loads(done.stdout)
    points = {metric["id"]: metric["points"] for metric in card["metrics"]}
    assert points["authorization-success"] == 14
    assert (points["carin-resources"], points["everything"], points["refresh-token"]) == (6, 0, 0)
    assert {"pkce-s256", "no-store", "bundle-self"} <= {finding["rule"] for finding in card["lint"]}


def test_npm_oauth2_mock_server(tmp_path: Path) -> None:
    """The same files behind somebody else's OAuth server, where npm has brought it."""
    program = PACKAGES / ".bin" / "oauth2-mock-server"
    if not program.exists() or shutil.which("node") is None:
        pytest.skip("no oauth2-mock-server here: make browser-packages")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [str(program), "-a", "127.0.0.1", "-p", str(port)]
    with started(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            try:
                httpx.get(f"http://127.0.0.1:{port}/.well-known/openid-configuration")
                break
            except httpx.TransportError:
                time.sleep(0.1)
        static = Static(oauth=f"http://127.0.0.1:{port}")
        with web_server(static) as static.origin:
            done = score(f"{static.origin}/fhir", "--facts", facts(tmp_path), "--format", "json")
    assert done.returncode == 0, done.stderr
    card = json.loads(done.stdout)
    points = {m["id"]: m["points"] for m in card["metrics"]}
    assert points["authorization-success"] == 14, "its one Patient says whose the token is"
    assert "token-patient" in {finding["rule"] for finding in card["lint"]}, "the token names no patient"
