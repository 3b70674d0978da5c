"""Logs of strangers, one a kind: archives in the manner of the tools that write them, and lines. What each
holds was counted by hand."""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import zstandard

Json = dict[str, Any]
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
P = "https://p.example/fhir"
APP = "https://app.example/cb"


@dataclass(frozen=True)
class Log:
    """`entries` of an archive by `tool`, or `lines` of records, or `raw` bytes. `good` of `requests` were
    answered 200; `resolved` of `references`; how sign-ins ended; `left_out` entries or lines."""

    shows: str
    entries: list[Json] | None = None
    lines: list[Any] = field(default_factory=list)
    raw: bytes = b""
    tool: str = "Chrome"
    base: str = P
    given: str = ""
    good: int = 0
    requests: int = 0
    resolved: int = 0
    references: int = 0
    pages: int = 0
    ended: tuple[str, ...] = ()
    left_out: int = 0
    derived: int = 0
    late: int = 0

    def body(self) -> bytes:
        if self.raw:
            return self.raw
        if self.entries is None:
            return b"\n".join(
                each if isinstance(each, bytes) else json.dumps(each).encode() for each in self.lines
            )
        creator = {"name": self.tool, "version": "1"}
        return json.dumps({"log": {"version": "1.2", "creator": creator, "entries": self.entries}}).encode()


def at(seconds: float) -> str:
    return (NOON + timedelta(seconds=seconds)).isoformat()


PAGE: Json = {"resourceType": "Bundle", "type": "searchset", "entry": []}


def page(next: str = "") -> Json:
    return {**PAGE, **({"link": [{"relation": "next", "url": next}]} if next else {})}


def one(seconds: float, what: str, status: int = 200, **more: Any) -> Json:
    """An entry as HAR 1.2 has it. `what` is `METHOD path` below the base, or with a whole address."""
    method, where = what.split(" ", 1)
    url = where if "://" in where else f"{P}{where}"
    headers = [{"name": name, "value": value} for name, value in more.pop("sent", {}).items()]
    got = [{"name": name, "value": value} for name, value in more.pop("got", {}).items()]
    content: Json = {"size": 1, "mimeType": more.pop("mime", "application/fhir+json")}
    if (given := more.pop("json", None)) is not None:
        content["text"] = json.dumps(given)
    content |= more.pop("content", {})
    request: Json = {"method": method, "url": url, "httpVersion": "HTTP/1.1", "headers": headers}
    if form := more.pop("form", None):
        request["postData"] = {"mimeType": "application/x-www-form-urlencoded", **form}
    response = {"status": status, "statusText": "", "headers": got, "redirectURL": more.pop("to", ""),
                "content": content, **more.pop("response", {})}  # fmt: skip
    return {"startedDateTime": at(seconds), "time": 12.5, "request": request, "response": response, **more}


START = one(0, "GET /metadata", json={"resourceType": "CapabilityStatement"})
SENT = {"Authorization": "Bearer secret-token"}


def params(**values: str) -> Json:
    return {"params": [{"name": name, "value": value} for name, value in values.items()]}


def text(**values: str) -> Json:
    return {"text": "&".join(f"{name}={value}" for name, value in values.items()), "params": []}


AUTHORIZE = one(1, "GET https://p.example/auth?response_type=code&client_id=c&state=s1", 302, to="/login")
BACK = one(2, "POST https://p.example/login", 302, to=f"{APP}?code=secret-code&state=s1")
REDEEM = {"grant_type": "authorization_code", "code": "secret-code"}
TOKEN = one(3, "POST https://p.example/token", form=params(**REDEEM), json={"access_token": "secret-token"})
SIGN_IN = [AUTHORIZE, BACK, TOKEN]

ZIPPED = base64.b64encode(gzip.compress(json.dumps(page(f"{P}?_getpages=2")).encode())).decode()
PLAIN64 = base64.b64encode(json.dumps(page(f"{P}?_getpages=2")).encode()).decode()


def event(attempt: str, outcome: str, seconds: float = 0, **more: Any) -> Json:
    return {"ts": at(seconds), "kind": "authz_event", "attempt_id": attempt, "outcome": outcome, **more}


def fhir(path: str, status: int = 200, seconds: float = 5, **more: Any) -> Json:
    step = {"extract_step": "individual"} if "extract_step" not in more else {}
    base = {"ts": at(seconds), "kind": "fhir", "url": f"/fhir/{path}", "status": status, "sync_id": "s"}
    return {**base, **step, **more}


LOGS = {
    # browsers
    "chrome": Log(
        "a sign-in and a sync, with Chrome's own fields",
        [START, *SIGN_IN,
         one(4, "GET /Patient/1", sent=SENT, json={"resourceType": "Patient"}, _initiator={"type": "script"}),
         one(5, "GET /Coverage?patient=1", sent=SENT, json=page(), _priority="High", _resourceType="fetch"),
         one(6, "GET /Organization/7", 404, sent=SENT)],
        good=2, requests=2, references=1, ended=("EXCHANGED",),
    ),
    "chrome-blocked": Log(
        "what an extension blocked or the page gave up never reached the payer; what broke did",
        [START, one(1, "GET /Coverage", 0, response={"_error": "net::ERR_BLOCKED_BY_CLIENT"}),
         one(2, "GET /Coverage", 0, response={"_error": "net::ERR_ABORTED"}),
         one(3, "GET /Coverage", 0, response={"_error": "net::ERR_CONNECTION_RESET"}), one(4, "GET /Goal")],
        good=1, requests=2, left_out=2,
    ),
    "chrome-cache": Log(
        "answers from the cache are none of the payer's",
        [START, one(1, "GET /Coverage"), one(2, "GET /Coverage", _fromCache="disk"),
         one(3, "GET /Coverage", _fromCache="memory")],
        good=1, requests=1, left_out=2,
    ),
    "chrome-service-worker": Log(
        "the page's request and the service worker's own are one",
        [START, one(1, "GET /Coverage?a=1", response={"_fetchedViaServiceWorker": True,
                                                      "_serviceWorkerResponseSource": "network"}),
         one(1.1, "GET /Coverage?a=1"),
         one(2, "GET /Goal", response={"_fetchedViaServiceWorker": True,
                                       "_serviceWorkerResponseSource": "cache-storage"}),
         one(3, "GET /Device", response={"_fetchedViaServiceWorker": True,
                                         "_serviceWorkerResponseSource": "network"})],
        good=2, requests=2, left_out=2,
    ),
    "chrome-preflights": Log(
        "OPTIONS is the browser's own question",
        [START, one(1, "OPTIONS /Coverage", 204), one(2, "GET /Coverage"), one(3, "OPTIONS /Goal", 403)],
        good=1, requests=1,
    ),
    "firefox": Log(
        "times of -1, and a blocked entry with a status of 0",
        [START, one(1, "GET /Coverage", time=-1), one(2, "GET /Goal", 0, time=0, mime=""),
         one(3, "GET /Device", 500, time=-1)],
        tool="Firefox", good=1, requests=2, left_out=1,
    ),
    "safari": Log(
        "Safari tells where an answer came from",
        [START, one(1, "GET /Coverage", _fetchType="Network Load"),
         one(2, "GET /Coverage", _fetchType="Disk Cache"),
         one(3, "GET /Goal", _fetchType="Memory Cache")],
        tool="WebKit Web Inspector", good=1, requests=1, left_out=2,
    ),
    "http2": Log(
        "pseudo headers, and names in small letters",
        [START, *SIGN_IN[:2], one(3, "POST https://p.example/token", form=params(**REDEEM),
                                  sent={":method": "POST", ":path": "/token"},
                                  json={"access_token": "secret-token"}),
         one(4, "GET /Coverage", sent={":authority": "p.example", "authorization": "bearer secret-token"})],
        good=1, requests=1, ended=("EXCHANGED",),
    ),
    "redirects": Log(
        "a redirect and what it led to are one request, by its last answer",
        [START, one(1, "GET /Patient/1", 302, to="/r4/Patient/1"),
         one(1.2, "GET https://p.example/r4/Patient/1", 301, to="https://q.example/r4/Patient/1"),
         one(1.4, "GET https://q.example/r4/Patient/1"),
         one(2, "GET /Coverage", 307, to="https://p.example/moved"),
         one(2.1, "GET https://p.example/moved", 500)],
        good=1, requests=2,
    ),
    "redirect-to-nowhere": Log(
        "a redirect that nobody followed is no 200",
        [START, one(1, "GET /Coverage", 302, to="https://p.example/login")], good=0, requests=1,
    ),
    "websockets": Log(
        "a web socket is no request to the API",
        [START, one(1, "GET wss://p.example/fhir/Subscription/1", 101, _resourceType="websocket",
                    _webSocketMessages=[{"type": "send", "data": "bind"}]), one(2, "GET /Coverage")],
        good=1, requests=1,
    ),
    # proxies and clients
    "charles": Log(
        "no bodies, no answer where it failed",
        [START, one(1, "GET /Coverage", _charlesStatus="COMPLETE"),
         {"startedDateTime": at(2), "time": 5, "_charlesStatus": "FAILED",
          "request": {"method": "GET", "url": f"{P}/Goal", "headers": []}}],
        tool="Charles Proxy", good=1, requests=2,
    ),
    "charles-without-text": Log(
        "without metadata the media type tells the base",
        [one(1, "GET https://p.example/api/r4/Coverage"), one(2, "GET https://p.example/api/r4/Goal", 500),
         one(3, "GET https://p.example/Patient/login", mime="text/html")],
        tool="Charles Proxy", base="https://p.example/api/r4", good=1, requests=2,
    ),
    "mitmproxy": Log(
        "bodies in base64, an error beside a status of 0, empty params",
        [START, *SIGN_IN[:2],
         one(3, "POST https://p.example/token", form=text(**REDEEM), json={"access_token": "secret-token"}),
         one(4, "GET /Patient/1/$everything", sent=SENT, content={"text": PLAIN64, "encoding": "base64"}),
         one(5, "GET ?_getpages=2", sent=SENT, json=page()),
         one(6, "GET /Coverage", 0, sent=SENT, time=0, response={"_error": "server disconnected"})],
        tool="mitmproxy har_dump", good=2, requests=3, pages=2, ended=("EXCHANGED",),
    ),
    "fiddler": Log(
        "bodies in base64 that are packed still",
        [START, one(4, "GET /Patient/1/$everything", content={"text": ZIPPED, "encoding": "base64"}),
         one(5, "GET ?_getpages=2", json=page()),
         one(6, "GET /Coverage", 504, response={"_error": "timeout"})],
        tool="Fiddler", good=2, requests=3, pages=2,
    ),
    "insomnia": Log(
        "few fields; when it was is told by the Date of the answer, or by the one before",
        [{**one(0, "GET /metadata", got={"Date": "Mon, 05 Jan 2026 12:00:00 GMT"}), "startedDateTime": ""},
         {k: v for k, v in one(1, "GET /Coverage").items() if k != "startedDateTime"},
         {"request": {"method": "GET", "url": f"{P}/Goal"}, "response": {"status": 200},
          "startedDateTime": None},
         {"request": {"method": "GET", "url": f"{P}/Device"}, "startedDateTime": at(3)}],
        tool="Insomnia REST Client", good=2, requests=2, left_out=1,
    ),
    # bases
    "capitals": Log(
        "a base with capitals, found by metadata",
        [one(0, "GET https://p.example/FHIR/R4/metadata"), one(1, "GET https://P.example/FHIR/R4/Coverage")],
        base="https://p.example/FHIR/R4", good=1, requests=1,
    ),
    "smart-configuration-only": Log(
        "the base is what stands before SMART's configuration",
        [one(0, "GET https://p.example/a/.well-known/smart-configuration", mime="application/json"),
         one(1, "GET https://p.example/a/Coverage", mime="application/json")],
        base="https://p.example/a", good=1, requests=1,
    ),
    "a-base-that-is-given": Log(
        "nothing tells the base, so --base does",
        [one(1, "GET https://p.example/x/Coverage", mime="application/json")],
        base="https://p.example/x", given="https://p.example/x/", good=1, requests=1,
    ),
    "nothing-of-fhir": Log(
        "an archive of a shop", [one(1, "GET https://shop.example/Basket", mime="text/html")], base="",
    ),
    "pages-of-the-payer": Log(
        "login, scripts and dashboards of the same host are nobody's requests",
        [START, one(1, "GET https://p.example/Account/Login", mime="text/html"),
         one(2, "GET https://p.example/Scripts/app.js", mime="text/javascript"),
         one(3, "GET https://p.example/Dashboard", 404, mime="text/html"),
         one(4, "POST /Coverage/_search", form=params(patient="1"))],
        good=1, requests=1,
    ),
    "a-search-and-its-pages": Log(
        "further pages by links of the payer's own",
        [START, one(1, "GET /Coverage", json=page("https://p.example/pages?x=1")),
         one(2, "GET https://p.example/pages?x=1", json=page("https://p.example/pages?x=2")),
         one(3, "GET https://p.example/pages?x=2", 500)],
        good=2, requests=3,
    ),
    "ineligible": Log(
        "two who came back with errors",
        [START, AUTHORIZE, one(2, "POST https://p.example/login", 302,
                               to=f"{APP}?error=access_denied&error_description=not+eligible&state=s1"),
         one(3, "GET https://p.example/auth?response_type=code&client_id=c&state=s2", 302),
         one(4, "POST https://p.example/login", 302, to=f"{APP}?error=access_denied&state=s2")],
        ended=("INELIGIBLE_CALLBACK", "CONSENT_DENIED"),
    ),
    "entries-that-are-none": Log(
        "numbers, empty objects and statuses in words are left out, the others read",
        [START, 5, {}, one(1, "GET /Coverage"), one(2, "GET /Goal", "many"), {"request": {}, "response": {}}],  # type: ignore[list-item, arg-type]
        good=1, requests=1, left_out=4,
    ),
    # packing and lines
    "packed": Log(
        "an archive in zstd with a byte order mark",
        raw=zstandard.compress(b"\xef\xbb\xbf" + Log("", [START, one(1, "GET /Coverage")]).body()),
        good=1, requests=1,
    ),
    "lines": Log(
        "records: a sign-in, three requests, a reference",
        lines=[event("a", "CREATED"), event("a", "CODE_ISSUED", 1), {"ts": at(2), "kind": "token",
               "attempt_id": "a", "status": 200}, fhir("Patient/1", attempt_id="a"), fhir("Coverage", 500),
               fhir("Goal"), fhir("Organization/1", extract_step="reference")],
        base="", good=2, requests=3, resolved=1, references=1, ended=("EXCHANGED",),
    ),
    "lines-with-null": Log(
        "null for what is not there, LIVE in capitals, CRLF",
        raw=b"\r\n".join(json.dumps({**each, "mode": "LIVE", "description": None}).encode()
                         for each in (event("a", "CREATED"), event("a", "AUTHORIZED", 1), fhir("Goal"))),
        base="", good=1, requests=1, ended=("AUTHORIZED",),
    ),
    "lines-without-steps": Log(
        "steps are derived from addresses",
        lines=[{**fhir("x"), "extract_step": None, "url": f"{P}/{path}"} for path in (
            "Coverage?patient=1", "Organization/1", "Patient/1/$everything", "?_getpages=1")],
        base="", good=3, requests=3, resolved=1, references=1, pages=2, derived=4,
    ),
    "broken-lines": Log(
        "what is no record is left out, the others read",
        lines=[fhir("Goal"), b"{not json", [1], fhir("Goal", -5), {"kind": "fhir"}, fhir("Goal", 404)],
        base="", good=1, requests=2, left_out=4,
    ),
    "tests-and-wrong-clocks": Log(
        "records of tests do not count, nor one of 2099",
        lines=[*(fhir("Goal", seconds=n) for n in range(30)), fhir("Goal", 500, mode="test"),
               {**fhir("Goal", 500), "ts": "2099-01-01T00:00:00Z"}],
        base="", good=30, requests=30, late=1,
    ),
    "references-of-twenty": Log(
        "the same address of twenty members, of whom one read it",
        lines=[fhir("Organization/1", 404 if n else 200, sync_id="", attempt_id=f"a{n}",
                    extract_step="reference") for n in range(20)],
        base="", resolved=1, references=20,
    ),
    "lines-packed": Log(
        "lines in gzip", raw=gzip.compress(json.dumps(fhir("Goal")).encode() + b"\n" * 3), base="",
        good=1, requests=1,
    ),
}  # fmt: skip
