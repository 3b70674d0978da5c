"""Requests as bytes, over all routes, methods, hosts and encodings; and what each answer must look like.

`support.fuzzing` knows the sign-in and asks for little else; here everything that listens is asked, the way
scanners and broken clients ask, over a socket.
"""

from __future__ import annotations

import gzip
import http.client
import json
import random
import socket
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from flask import Flask

from sandbox.fhir.schema.types import TYPES

APP_ENDPOINTS = (
    "/auth/token",
    "/auth/revoke",
    "/auth/introspect",
    "/auth/register",
    "/auth/par",
    "/auth/jwks",
)
METHODS = (
    "GET",
    "GET",
    "GET",
    "POST",
    "POST",
    "HEAD",
    "OPTIONS",
    "PUT",
    "DELETE",
    "PATCH",
    "TRACE",
    "QUERY",
    "get",
)
HOSTS = (
    "{origin}", "{origin}", "{origin}", "{origin}", "LOCALHOST:{port}", "127.0.0.1", "evil.invalid", "[::1]",
    "[::1", "a b", "", "a..b", "user@127.0.0.1", "127.0.0.1:99999", "127.0.0.1:{port}, evil.invalid", "\xff",
    "xn--nxasmq6b.invalid", "a" * 300, "127.0.0.1.", "0x7f.1",
)  # fmt: skip
SEGMENTS = (
    "", "x", "metadata", "mbr-0001", "$everything", "$export", "_history", "1", "..", ".", "%2e%2e", "%00", "%",
    "%ff", "%zz", "%c0%ae", "a" * 300, ";x=1", "s", "_search", "%0d%0aX: y", "日本", "{}", "'", '"><script>', "\\",
    "%1b]0;x%07", ".well-known", "Patient", "$docref", "~", "&", "//",
)  # fmt: skip
NAMES = (
    "patient", "_id", "_count", "_page", "_format", "_include", "_revinclude", "_sort", "_elements", "_since",
    "name", "name:contains", "birthdate", "identifier", "category", "code", "date", "_lastUpdated", "_has:x:y:z",
    "client_id", "redirect_uri", "state", "scope", "token", "grant_type", "request_uri", "code_challenge", "aud",
    "after", "wait", "limit", "status", "year", "lang", "key", "access_token", "request", "csrf", "", "\xe9", "[]",
)  # fmt: skip
VALUES = (
    "", "x", "mbr-0001", "0", "-1", "1e400", "99999999999999999999", "ge2020", "2024-02-30", "a|b", "|", ",", "\\",
    "$", "%", "%zz", "\x00", "\xff", "json", "xml", "*", "true", "Patient/mbr-0001", "http://evil.invalid/fhir/Patient/1",
    "ExplanationOfBenefit:*", "a" * 2000, ",".join("x" * 150), "é", "\u2028", "sandbox-app", "authorization_code",
    "refresh_token", "client_credentials", "openid fhirUser", "patient/*.rs", "0001-01-01", "9999-12-31T23:59:60Z",
    "٣", "(((((", "a.b.c", "-" * 50,
)  # fmt: skip
HEADERS = (
    ("Authorization", "Bearer x"), ("Authorization", "Bearer {token}"), ("Authorization", "Bearer {token}"),
    ("Authorization", "Basic \xff"), ("Authorization", "Basic /w=="), ("Authorization", "Basic eDp5"),
    ("Authorization", "bearer"), ("Authorization", "\xe9 \xe9"), ("Authorization", "Digest x"),
    ("Accept", "*/*"), ("Accept", "text/html"), ("Accept", "application/xml"), ("Accept", ";;;,q=x"),
    ("Accept", "application/fhir+json;fhirVersion=9.9"), ("Accept-Encoding", "gzip"), ("Accept-Encoding", "br;q=z"),
    ("Accept-Language", "\xff,es;q=x"), ("Content-Encoding", "gzip"), ("Content-Encoding", "zstd"),
    ("Cookie", "payer_session=\xff; a"), ("Cookie", "a=b" * 500), ("Origin", "null"), ("Origin", "http://[::1"),
    ("Origin", "https://evil.invalid"), ("Sec-Fetch-Site", "cross-site"), ("If-None-Match", 'W/"\xff"'),
    ("If-None-Match", "*"), ("If-Modified-Since", "yesterday"), ("Prefer", "handling=strict"), ("Prefer", "\xff=;;"),
    ("Range", "bytes=0-1"), ("X-Request-Id", "abc-123"), ("X-Request-Id", "\xff\x7f"), ("X-Forwarded-For", "1.2.3.4"),
    ("X-Forwarded-Host", "evil.invalid"), ("Forwarded", "for=\xff"), ("X-Sandbox-Scenario", "baseline"),
    ("X-Sandbox-Scenario", "\xe9"), ("X-Sandbox-Scenario", "nope"), ("X-Sandbox-Key", "\xff"),
    ("X-HTTP-Method-Override", "DELETE"), ("Access-Control-Request-Method", "POST"), ("Upgrade", "h2c"),
    ("Connection", "Upgrade"), ("Connection", "close"), ("TE", "trailers"), ("Expect", "100-continue"),
    ("Expect", "x"), ("Max-Forwards", "0"), ("Transfer-Encoding", "x"), ("X_Odd", "y"),
)  # fmt: skip
TYPES_OF_BODY = (
    "application/x-www-form-urlencoded", "application/json", "application/fhir+json", "text/plain",
    "multipart/form-data; boundary=x", "application/x-www-form-urlencoded; charset=utf-16", "a/b;\xff", "",
)  # fmt: skip
BODIES = (
    b"", b"{}", b"[]", b"null", b"\xff\xfe", b"[" * 3000, b'{"resourceType":"Bundle","type":"batch","entry":[{}]}',
    b'{"resourceType":"Parameters","parameter":[{"name":"start","valueDate":5}]}', b'{"client_name":"x"}',
    b'{"redirect_uris":["https://a.invalid/cb"],"jwks_uri":"http://[::1]evil.com/"}', b'{"advance":"P1D"}',
    b"a=b&a=c", b"grant_type=authorization_code&code=x", b"token=x&client_id=sandbox-app", b"&&&&=;=",
    b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n--x--", b'{"a":1e999}', b'{"a":"\\ud800"}',
)  # fmt: skip


@dataclass(frozen=True)
class WireRequest:
    """One request. `path` is below the payer's prefix, as it was meant."""

    path: str
    method: str
    data: bytes


@dataclass
class Tally:
    """What came back."""

    statuses: Counter[int] = field(default_factory=Counter)
    refused_by_http: int = 0
    slowest: float = 0.0


def routes(app: Flask) -> list[str]:
    """A path for every rule of the app, and for every type of resource."""
    listed = [str(rule).replace("<", "{").replace(">", "}") for rule in app.url_map.iter_rules()]
    return sorted({*listed, *(f"/fhir/{kind}" for kind in TYPES), "/", "/nothing"})


def requests(known: list[str], origin: str, token: str, seed: int) -> Iterator[WireRequest]:
    """Requests without end, the same for the same seed."""
    draw = random.Random(seed)
    netloc = urlsplit(origin).netloc
    port = netloc.rpartition(":")[2]
    while True:
        path = _path(draw, known)
        method = draw.choice(METHODS) if draw.random() < 0.5 else draw.choice(("GET", "POST"))
        prefix = draw.choice(("", "", "", "/s/baseline", "/s/baseline~x", "/s/nope", "/s/", "/s/%ff~\xff"))
        pairs = [(draw.choice(NAMES), draw.choice(VALUES)) for _ in range(draw.choice((0, 0, 1, 1, 2, 5)))]
        query = "&".join(f"{_sent(draw, name)}={_sent(draw, value)}" for name, value in pairs)
        target = prefix + path + (f"?{query}" if query else "")
        headers = [("Host", draw.choice(HOSTS) if draw.random() < 0.3 else netloc)]
        headers += [draw.choice(HEADERS) for _ in range(draw.choice((0, 1, 1, 2, 3)))]
        body = draw.choice(BODIES) if method not in ("GET", "HEAD") or draw.random() < 0.05 else b""
        if body and draw.random() < 0.1:
            body = gzip.compress(body)
        if body:
            headers.append(("Content-Type", draw.choice(TYPES_OF_BODY)))
        framing = f"Content-Length: {len(body)}" if body or method == "POST" else "X-Empty: 1"
        if body and draw.random() < 0.2:
            framing, body = "Transfer-Encoding: chunked", b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        version = "HTTP/1.1" if draw.random() < 0.95 else draw.choice(("HTTP/1.0", "HTTP/2.0", "HTTP/1.1 "))
        told = [f"{name}: {value.format(origin=netloc, port=port, token=token)}" for name, value in headers]
        lines = [f"{method} {target} {version}", *told, framing, "", ""]
        yield WireRequest(path, method, "\r\n".join(lines).encode("utf-8", "surrogatepass") + body)


def _path(draw: random.Random, known: list[str]) -> str:
    path = draw.choice(known)
    while "{" in path:
        head, _, rest = path.partition("{")
        path = head + quote(draw.choice(SEGMENTS), safe="%$;~&/") + rest.partition("}")[2]
    if draw.random() < 0.15:
        path += "/" + draw.choice(SEGMENTS).replace(" ", "%20")
    return path


def _sent(draw: random.Random, text: str) -> str:
    return quote(text, safe="%,|:*") if draw.random() < 0.9 else text.replace(" ", "+").replace("\x00", "%00")


class WrongAnswer(AssertionError):
    """An answer that nobody should get; it says which request got it."""


def exchange(origin: str, request: WireRequest, tally: Tally) -> None:
    """Send a request and look at the answer. Raises WrongAnswer."""
    parts = urlsplit(origin)
    begun = time.monotonic()
    try:
        with socket.create_connection((parts.hostname, parts.port), timeout=600) as link:
            link.sendall(request.data)
            answer = http.client.HTTPResponse(link, method=request.method.upper())
            answer.begin()
            body = answer.read()
    except (OSError, http.client.HTTPException) as problem:
        raise WrongAnswer(f"{problem!r} to {request.data!r}") from None
    took = time.monotonic() - begun
    tally.statuses[answer.status] += 1
    tally.slowest = max(tally.slowest, took)
    try:
        _check(request, answer, body)
    except (WrongAnswer, ValueError) as problem:
        sent = f"{answer.status} {answer.getheader('Content-Type')}: {body[:300]!r}"
        raise WrongAnswer(f"{problem}: {sent} to {request.data!r}") from None


def _check(request: WireRequest, answer: http.client.HTTPResponse, body: bytes) -> None:
    status, kind = answer.status, answer.getheader("Content-Type", "")
    if status >= 500 and not answer.getheader("Sandbox-Effects"):  # a failure that was armed
        raise WrongAnswer("a server error")
    if b"Traceback" in body:
        raise WrongAnswer("a traceback")
    if status < 400 or request.method.upper() == "HEAD":
        return
    if answer.getheader("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    if "fhir+json" in kind:
        if json.loads(body).get("resourceType") != "OperationOutcome":
            raise WrongAnswer("no OperationOutcome")
    elif "json" in kind:
        if not isinstance(json.loads(body).get("error"), str):
            raise WrongAnswer("no error in JSON")
    elif "html" not in kind:
        raise WrongAnswer("an error of no shape")
    path, refused_by_http = request.path, answer.getheader("Connection") == "close"
    if refused_by_http or "/../" in f"{path}/" or "%2e" in path:
        return  # no path is known for certain
    if path.startswith("/fhir/") and "fhir+json" not in kind:
        raise WrongAnswer("no OperationOutcome under /fhir")
    if path.startswith(APP_ENDPOINTS) and ("json" not in kind or "fhir" in kind):
        raise WrongAnswer("no JSON where apps call")
