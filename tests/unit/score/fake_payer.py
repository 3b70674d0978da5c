"""A payer in one file, for the examiner's tests: answers httpx requests in memory, with switches for faults.

It knows nothing of the server under `sandbox/` and shares no code with the examiner. Time is its own:
`Time` is the stopwatch, the sleeper and the wall clock of a test.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

HOST = "http://127.0.0.1:8080"
BASE = f"{HOST}/fhir"
REDIRECT = "http://127.0.0.1/callback"
LINES = ("medicare-advantage", "medicaid", "qhp", "commercial")
LAPSES = (30, 200, 500, 1000, 2000, 4000)
SERVED = (
    *("Patient", "Coverage", "ExplanationOfBenefit", "AllergyIntolerance", "CarePlan", "CareTeam"),
    *("Condition", "DiagnosticReport", "Encounter", "Goal", "Immunization", "MedicationRequest"),
    *("Observation", "Procedure"),
)


Before = Callable[[httpx.Request, int], httpx.Response | None]


@dataclass
class Time:
    """A test's time: waiting costs nothing and is remembered."""

    seconds: float = 0.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds

    def stopwatch(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)


@dataclass
class FakePayer:
    """Switches default to a payer that earns every point."""

    time: Time = field(default_factory=Time)
    facts: bool = True
    metadata: bool = True
    smart: bool = True
    oauth_uris: bool = True
    portal_page: str = "<html><body><h1>Developers</h1></body></html>"
    portal_status: int = 200
    claims: dict[str, Any] = field(default_factory=dict)
    instruments: dict[str, Any] = field(default_factory=dict)
    refuse_sign_in: Callable[[str, int], str] = lambda username, attempt: ""
    ineligible_answer: str = "callback"
    opt_in: bool = False
    inactive_days: int | None = None
    lines: tuple[str, ...] = LINES
    refresh_days: int | None = 365
    living_token: bool = False
    patient_in_token: bool = True
    drop_state: bool = False
    everything: str = "paged"
    everything_status: int = 404
    names_everything: bool = True
    served: tuple[str, ...] = SERVED
    patient_interactions: tuple[str, ...] = ("search-type",)
    address: str = ""
    full_url: Callable[[str], str] | None = None
    broken_references: float = 0.0
    contained_only: bool = False
    withheld: tuple[str, ...] = ()
    before_fhir: Before = lambda request, number: None
    latency: float = 0.0
    patient_names: str = "p"
    clock: str = "moves"
    """moves, stands (and answers 200 all the same), silent (moves and tells no time)."""
    loose: frozenset[str] = frozenset()
    """Locks that do not hold: other-member, no-token, forged-token, expired-token, any-password, verifier,
    code-twice, redirect-uri, unregistered."""
    made: Callable[[str, int], str] = lambda kind, number: f"{kind}{number}"
    requests: list[httpx.Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.days: dict[str, int] = {}
        self.codes: dict[str, tuple[str, str, str]] = {}
        self.access: dict[str, str] = {}
        self.born: dict[str, int] = {}
        self.refreshing: dict[str, tuple[str, int]] = {}
        self.alive: dict[str, str] = {}
        self.counter = 0
        self.fhir_number = 0
        self.attempts: dict[str, int] = {}

    # -- what a test uses

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self)

    def paths(self) -> list[str]:
        return [request.url.path for request in self.requests]

    # -- HTTP

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.time.seconds += self.latency
        path = request.url.path
        prefix = ""
        if path.startswith("/s/"):
            prefix = "/" + "/".join(path.split("/")[1:3])
            path = path.removeprefix(prefix)
        for start, handler in (
            ("/fhir/.well-known/payer-facts", self._facts),
            ("/fhir/.well-known/smart-configuration", self._smart),
            ("/fhir/metadata", self._metadata),
            ("/auth/", self._auth),
            ("/_sandbox/clock", self._clock),
            ("/developer", self._developer),
            ("/fhir/", self._fhir),
        ):
            if path.startswith(start):
                return handler(request, prefix, path)
        return httpx.Response(404)

    def _facts(self, request: httpx.Request, prefix: str, path: str) -> httpx.Response:
        if not self.facts:
            return httpx.Response(404)
        return httpx.Response(200, json=self.facts_document())

    def facts_document(self) -> dict[str, Any]:
        claims = {**best_claims(f"{HOST}/developer"), **self.claims}
        members = [
            {"username": f"m{i}", "password": "pw", "role": "eligible", "line": LINES[i % 4]}
            for i in range(40)
        ]
        members += [{"username": "soon", "password": "pw", "role": "ineligible", "line": "qhp"}]
        members += [{"username": "unopened", "password": "pw", "role": "not-opted-in", "line": "qhp"}]
        members += [{"username": f"l{n}", "password": "pw", "role": f"lapsed-{n}"} for n in LAPSES]
        instruments = {
            "client_id": "grader",
            "redirect_uri": REDIRECT,
            "authorization_endpoint": f"{HOST}/auth/authorize",
            "token_endpoint": f"{HOST}/auth/token",
            "members": members,
            "clock": f"{HOST}/_sandbox/clock",
            "fresh_payer": f"{HOST}/s/baseline~{{session}}/fhir",
            **self.instruments,
        }
        return {"claims": claims, "instruments": instruments}

    def _smart(self, request: httpx.Request, prefix: str, path: str) -> httpx.Response:
        if not self.smart:
            return httpx.Response(404)
        return httpx.Response(
            200,
            json={
                "authorization_endpoint": f"{HOST}{prefix}/auth/authorize",
                "token_endpoint": f"{HOST}{prefix}/auth/token",
                "scopes_supported": ["openid", "patient/*.rs"],
            },
        )

    def _metadata(self, request: httpx.Request, prefix: str, path: str) -> httpx.Response:
        if not self.metadata:
            return httpx.Response(404)
        extension = oauth_uris(f"{HOST}{prefix}/auth")
        resource: list[dict[str, Any]] = [
            {"type": t, "interaction": [{"code": "search-type"}], "searchParam": [{"name": "patient"}]}
            for t in self.served
        ]
        if resource[0]["type"] == "Patient":
            resource[0]["interaction"] = [{"code": code} for code in self.patient_interactions]
        if self.names_everything and resource[0]["type"] == "Patient":
            resource[0]["operation"] = [{"name": "everything", "definition": "http://p/Patient-everything"}]
        security = {"extension": [extension] if self.oauth_uris else []}
        rest = [{"mode": "server", "security": security, "resource": resource}]
        body: dict[str, Any] = {"resourceType": "CapabilityStatement", "rest": rest}
        if self.address:
            body["implementation"] = {"description": "this one", "url": self.address}
        return httpx.Response(200, json=body)

    def _clock(self, request: httpx.Request, prefix: str, path: str) -> httpx.Response:
        if request.method == "POST" and self.clock != "stands":
            days = json.loads(request.content)["advance"]
            self.days[prefix] = self.days.get(prefix, 0) + int(days.strip("PD"))
        if request.method == "GET" and self.clock == "silent":
            return httpx.Response(405)
        now = self.time.now() + timedelta(days=self.days.get(prefix, 0))
        return httpx.Response(200, json={"now": now.isoformat() if self.clock != "silent" else "later"})

    def _developer(self, request: httpx.Request, prefix: str, path: str) -> httpx.Response:
        return httpx.Response(self.portal_status, html=self.portal_page)

    # -- sign-in

    def _auth(self, request: httpx.Request, prefix: str, path: str) -> httpx.Response:
        form = {k: v[0] for k, v in parse_qs(request.content.decode()).items()}
        query = dict(request.url.params)
        if path == "/auth/authorize":
            assert query["code_challenge_method"] == "S256"
            registered = urlsplit(query["redirect_uri"]).hostname == urlsplit(REDIRECT).hostname
            if not registered and "unregistered" not in self.loose:
                return httpx.Response(400, html="<p>This address is not registered</p>")
            return _see(f"{prefix}/auth/login?{urlencode(query)}", cookie="flow=1; Path=/")
        if path == "/auth/login" and request.method == "GET":
            hidden = "".join(f'<input type="hidden" name="{k}" value="{v}">' for k, v in query.items())
            return httpx.Response(
                200,
                html=f'<form method="post">{hidden}<input name="username">'
                '<input type="password" name="password">'
                "<button>Log in</button></form>",
            )
        if path == "/auth/login":
            assert "flow=1" in request.headers.get("cookie", ""), "the flow's cookie came along"
            return self._entered(prefix, form)
        if path == "/auth/consent":
            return self._decided(prefix, form)
        return self._token(request, prefix, form)

    def _entered(self, prefix: str, form: dict[str, str]) -> httpx.Response:
        username = form["username"]
        self.attempts[username] = self.attempts.get(username, 0) + 1
        how = self.refuse_sign_in(username, self.attempts[username])
        known = {m["username"]: m["password"] for m in self.facts_document()["instruments"]["members"]}
        if form["password"] != known.get(username) and "any-password" not in self.loose:
            how = "login"
        if how == "login":
            return httpx.Response(200, html='<form method="post"><input type="password" name="p"></form>')
        if how == "page":
            return httpx.Response(200, html="<p>Something went wrong</p>")
        if how:
            return self._back(form, {"error": how, "error_description": "an accident"})
        if username == "soon" and self.ineligible_answer == "callback":
            said = "The member is not eligible yet"
            return self._back(form, {"error": "access_denied", "error_description": said})
        if username == "soon" and self.ineligible_answer == "page":
            return httpx.Response(403, html="<p>You are not eligible</p>")
        if not self._may(username):
            return self._back(form, {"error": "access_denied", "error_description": "no coverage"})
        kept = {k: form[k] for k in ("state", "redirect_uri", "code_challenge")}
        hidden = "".join(
            f'<input type="hidden" name="{k}" value="{v}">' for k, v in {**kept, "user": username}.items()
        )
        return httpx.Response(
            200,
            html=f'<form method="post" action="{prefix}/auth/consent">{hidden}'
            '<button name="decision" value="deny">Deny</button>'
            '<button name="decision" value="allow">Allow</button></form>',
        )

    def _may(self, username: str) -> bool:
        if username == "unopened":
            return not self.opt_in
        if username.startswith("l"):
            return self.inactive_days is None or int(username[1:]) <= self.inactive_days
        if username.startswith("m"):
            return LINES[int(username[1:]) % 4] in self.lines
        return True

    def _decided(self, prefix: str, form: dict[str, str]) -> httpx.Response:
        if form["decision"] != "allow":
            return self._back(form, {"error": "access_denied", "error_description": "declined"})
        self.counter += 1
        code = self.made("code", self.counter)
        self.codes[code] = (form["user"], form["code_challenge"], form["redirect_uri"])
        return self._back(form, {"code": code})

    def _back(self, form: dict[str, str], said: dict[str, str]) -> httpx.Response:
        state = {} if self.drop_state else {"state": form["state"]}
        return _see(f"{form['redirect_uri']}?{urlencode({**said, **state})}")

    def _token(self, request: httpx.Request, prefix: str, form: dict[str, str]) -> httpx.Response:
        day = self.days.get(prefix, 0)
        if form["grant_type"] == "authorization_code":
            if form["code"] not in self.codes:
                return httpx.Response(400, json={"error": "invalid_grant"})
            user, challenge, redirect = self.codes[form["code"]]
            if "code-twice" not in self.loose:
                del self.codes[form["code"]]
            if not proves(form["code_verifier"], challenge) and "verifier" not in self.loose:
                return httpx.Response(400, json={"error": "invalid_grant"})
            if form["redirect_uri"] != redirect and "redirect-uri" not in self.loose:
                return httpx.Response(400, json={"error": "invalid_grant"})
            granted = day
        else:
            if form["refresh_token"] not in self.refreshing:
                return httpx.Response(400, json={"error": "invalid_grant"})
            user, granted = self.refreshing[form["refresh_token"]]
            if self.refresh_days is None or day - granted > self.refresh_days:
                return httpx.Response(400, json={"error": "invalid_grant"})
            del self.refreshing[form["refresh_token"]]
        self.counter += 1
        access = self.made("at", self.counter)
        if self.living_token and form["grant_type"] == "refresh_token":
            access = self.alive[form["refresh_token"]]
        self.access[access], self.born[access] = user, day
        body = {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": 3600,
            "scope": "openid patient/*.rs",
        }
        if self.patient_in_token:
            body["patient"] = f"{self.patient_names}-{user}"
        if self.refresh_days is not None:
            refresh = self.made("rt", self.counter)
            self.refreshing[refresh] = (user, granted)
            self.alive[refresh] = access
            body["refresh_token"] = refresh
        return httpx.Response(200, json=body)

    # -- FHIR

    def _fhir(self, request: httpx.Request, prefix: str, path: str) -> httpx.Response:
        self.fhir_number += 1
        if (early := self.before_fhir(request, self.fhir_number)) is not None:
            return early
        user = self._user(request, prefix)
        if user is None:
            return httpx.Response(401)
        rest, patient = path.removeprefix("/fhir/"), f"{self.patient_names}-{user}"
        asked = (
            rest.split("/")[1] if rest.startswith("Patient/") else request.url.params.get("patient", patient)
        )
        if user == "*" or "other-member" in self.loose:
            patient = asked
        elif asked != patient and rest != "Patient":
            return httpx.Response(403)
        if rest == f"Patient/{patient}/$everything":
            return self._everything(request, patient)
        if "/" in rest:
            return self._read(rest, patient)
        if rest in self.withheld:
            return httpx.Response(404)
        resources = [r for r in self.data(patient) if r["resourceType"] == rest]
        return self._bundle(request, resources, 8)

    def _user(self, request: httpx.Request, prefix: str) -> str | None:
        """Whose token it is; `*` where a lock does not hold and anybody may ask."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not token:
            return "*" if "no-token" in self.loose else None
        if token not in self.access:
            return "*" if "forged-token" in self.loose else None
        expired = self.days.get(prefix, 0) > self.born.get(token, 0)
        return None if expired and "expired-token" not in self.loose else self.access[token]

    def _everything(self, request: httpx.Request, patient: str) -> httpx.Response:
        if self.everything == "none":
            return httpx.Response(self.everything_status)
        resources = [r for r in self.data(patient) if r["resourceType"] not in self.withheld]
        if self.everything == "truncated":
            return self._bundle(request, resources[:20], 20)
        return self._bundle(request, resources, 20)

    def _bundle(self, request: httpx.Request, resources: list[dict[str, Any]], size: int) -> httpx.Response:
        at = int(request.url.params.get("_at", "0"))
        link = []
        if at + size < len(resources):
            params = {**dict(request.url.params), "_at": str(at + size)}
            link = [{"relation": "next", "url": f"{str(request.url).partition('?')[0]}?{urlencode(params)}"}]
        entry: list[dict[str, Any]] = []
        for found in resources[at : at + size]:
            entry.append({"resource": found, "search": {"mode": "match"}})
            if self.full_url:
                entry[-1]["fullUrl"] = self.full_url(f"{found['resourceType']}/{found['id']}")
        body = {"resourceType": "Bundle", "type": "searchset", "link": link, "entry": entry}
        return httpx.Response(200, json=body)

    def _read(self, rest: str, patient: str) -> httpx.Response:
        kind, _, name = rest.partition("/")
        if kind in SERVED:
            owner = name if kind == "Patient" else name.partition("-")[2].rpartition("-")[0]
            theirs = owner == patient or "other-member" in self.loose
            found = [r for r in self.data(owner) if r["id"] == name and theirs]
            return httpx.Response(200, json=found[0]) if found else httpx.Response(404)
        number = int(name.rpartition("-")[2])
        if number < self.broken_references * 20:
            return httpx.Response(404)
        return httpx.Response(200, json={"resourceType": kind, "id": name})

    def data(self, patient: str) -> list[dict[str, Any]]:
        subject = {"reference": f"Patient/{patient}"}
        found: list[dict[str, Any]] = [{"resourceType": "Patient", "id": patient}]
        for kind in (k for k in self.served if k != "Patient"):
            for number in range(20 if kind == "ExplanationOfBenefit" else 2):
                provider = "#p" if self.contained_only else f"Organization/o-{number}"
                found.append(
                    {
                        "resourceType": kind,
                        "id": f"{kind.lower()}-{patient}-{number}",
                        "patient": subject,
                        "provider": {"reference": provider},
                    }
                )
        return found


def best_claims(portal: str) -> dict[str, Any]:
    """What a payer says of itself that earns every point."""
    return {
        "status": "live",
        "sandbox": True,
        "offered_lines": list(LINES),
        "mandated_lines": list(LINES[:3]),
        "supported_lines": list(LINES),
        "refresh_max_days": 365,
        "inactive_access_days": None,
        "portal_opt_in": False,
        "developer_portal": portal,
    }


def oauth_uris(endpoints: str) -> dict[str, Any]:
    """The extension of a CapabilityStatement that shows the way in, below an address."""
    names = ("authorize", "token")
    url = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
    return {"url": url, "extension": [{"url": name, "valueUri": f"{endpoints}/{name}"} for name in names]}


def proves(verifier: str, challenge: str) -> bool:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == challenge


def answer(status: int, kind: str = "", path: str = "", has_id: bool = False, **content: Any) -> Before:
    """Answer so to requests of a type (last part of the path), or whose path has `path`."""

    def before(request: httpx.Request, number: int) -> httpx.Response | None:
        is_meant = request.url.path.endswith(f"/{kind}") if kind else path in request.url.path
        headers = {"x-request-id": f"req-{number}"} if has_id else None
        return httpx.Response(status, headers=headers, **content) if is_meant else None

    return before


def _see(location: str, cookie: str = "") -> httpx.Response:
    return httpx.Response(302, headers={"location": location, **({"set-cookie": cookie} if cookie else {})})
