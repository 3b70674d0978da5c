"""A payer as a table of routes, for payers whose score is worked out by hand.

`Payer()` earns every point; it lends 19 eligible members, and 19 of 20 sign-ins are 95 %. A test makes
another payer of it: it changes the desk (`payer.desk`), the records (`payer.records`), what it says of itself
(`payer.claims`, `payer.instruments`), or answers in front of or behind a route (`payer.before["search"]`,
`payer.after["metadata"]`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
from fake_payer import Time, best_claims, oauth_uris
from scored_desk import CALLBACK, CLIENT, Desk
from scored_http import Call, outcome
from scored_people import CLAIMS, CLINICAL, PROVIDERS, Person, Resource, records, roster

HOST, CLOCK = "http://127.0.0.1:9100", "/_sandbox/clock"
Handler = Callable[[Call], httpx.Response]
Before = Callable[[Call], httpx.Response | None]
After = Callable[[Call, httpx.Response], httpx.Response]
_TENANT = re.compile(r"(/own/[\w.\-]+)(/.*)")
_CONTROLS = {"patient", "_id", "_count", "page"}
_COUNTED = {"category": "category", "status": "status", "intent": "intent"}


class Payer:
    """One payer at `host` + `base`, its tenants below `/own/<session>`; an httpx transport calls it."""

    def __init__(
        self,
        people: Iterable[Person] | None = None,
        *,
        host: str = HOST,
        base: str = "/r4",
        clinical: Iterable[str] = CLINICAL,
        claims: int = CLAIMS,
        providers: int = PROVIDERS,
    ) -> None:
        self.host, self.base = host, base
        self.people = list(roster(19) if people is None else people)
        self.types = ("Patient", "Coverage", "ExplanationOfBenefit", *clinical)
        self.records = {
            person.username: records(person, clinical, claims, providers) for person in self.people
        }
        self.names_everything = True
        self.page_size: Callable[[Call], int] = lambda call: 10
        self.shared: Callable[[str, str], Resource | None] = lambda kind, name: {
            "resourceType": kind,
            "id": name,
        }
        self.latency: Callable[[Call], float] = lambda call: 0.0
        self.full_url: Callable[[Resource], str] = lambda found: f"{self.url}/{key(found)}"
        self.timeline, self.days = Time(), dict[str, int]()
        self.desk = Desk({p.username: p for p in self.people}, self.timeline, self.days)
        self.claims = best_claims(f"{host}/developers")
        self.instruments: dict[str, Any] = {}
        self.smart: dict[str, Any] = {}
        self.before: dict[str, list[Before]] = {}
        self.after: dict[str, list[After]] = {}
        self.calls: list[tuple[str, Call]] = []
        root = re.escape(base)
        self.routes: tuple[tuple[str, str, re.Pattern[str], Handler], ...] = tuple(
            (name, method, re.compile(pattern), handler)
            for name, method, pattern, handler in (
                ("facts", "GET", f"{root}/.well-known/payer-facts", self._facts),
                ("smart", "GET", f"{root}/.well-known/smart-configuration", self._smart),
                ("metadata", "GET", f"{root}/metadata", self._metadata),
                ("authorize", "GET", "/connect/authorize", self.desk.authorize),
                ("page", "GET", r"/login/(\d+)", self.desk.show),
                ("page", "POST", r"/login/(\d+)", self.desk.submit),
                ("token", "POST", "/connect/token", self.desk.token),
                ("clock", "GET", CLOCK, self._time),
                ("clock", "POST", CLOCK, self._move),
                ("portal", "GET", "/developers", self._portal),
                ("everything", "GET", rf"{root}/Patient/([^/]+)/\$everything", self._everything),
                ("read", "GET", rf"{root}/([A-Z]\w+)/([^/$]+)(?:/_history/\w+)?", self._read),
                ("search", "GET", rf"{root}/([A-Z]\w+)", self._search),
            )
        )

    @property
    def url(self) -> str:
        return self.host + self.base

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self)

    def count(self, name: str, kind: str = "") -> int:
        """How often a route was asked, of one type where `kind` is told."""
        return sum(n == name and (not kind or call.found[:1] == (kind,)) for n, call in self.calls)

    def every(self, kind: str) -> list[Resource]:
        """All resources of a type, of all members: to be changed in place."""
        return [found for held in self.records.values() for found in held if found["resourceType"] == kind]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path, tenant = request.url.path, ""
        if match := _TENANT.fullmatch(path):
            tenant, path = match[1], match[2]
        for name, method, pattern, handler in self.routes:
            if request.method == method and (found := pattern.fullmatch(path)):
                return self._answer(name, Call(request, tenant, found.groups()), handler)
        return httpx.Response(404, html="<p>Not found</p>")

    def _answer(self, name: str, call: Call, handler: Handler) -> httpx.Response:
        self.calls.append((name, call))
        self.timeline.seconds += self.latency(call)
        early = next((a for before in self.before.get(name, ()) if (a := before(call)) is not None), None)
        answer = handler(call) if early is None else early
        for after in self.after.get(name, ()):
            answer = after(call, answer)
        return answer

    # -- documents

    def facts(self, tenant: str = "") -> dict[str, Any]:
        """Claims, and instruments as lent to the tenant that asks."""
        here = self.host + tenant
        lent: dict[str, Any] = {
            "client_id": CLIENT,
            "redirect_uri": CALLBACK,
            "authorization_endpoint": f"{here}/connect/authorize",
            "token_endpoint": f"{here}/connect/token",
            "members": [person.lent() for person in self.people],
            "clock": f"{here}{CLOCK}",
            "fresh_payer": f"{self.host}/own/{{session}}{self.base}",
            **({"client_secret": self.desk.secret} if self.desk.secret else {}),
            **self.instruments,
        }
        return {"claims": self.claims, "instruments": {k: v for k, v in lent.items() if v is not None}}

    def _facts(self, call: Call) -> httpx.Response:
        return httpx.Response(200, json=self.facts(call.tenant))

    def _smart(self, call: Call) -> httpx.Response:
        here = self.host + call.tenant
        document = {
            "authorization_endpoint": f"{here}/connect/authorize",
            "token_endpoint": f"{here}/connect/token",
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
            "capabilities": ["launch-standalone", "client-public", "permission-patient", "permission-v2"],
            **self.smart,
        }
        return httpx.Response(200, json={k: v for k, v in document.items() if v is not None})

    def capability_statement(self, tenant: str = "") -> dict[str, Any]:
        rows: list[dict[str, Any]] = []
        for kind in self.types:
            name = "_id" if kind == "Patient" else "patient"
            codes = [{"code": "read"}, {"code": "search-type"}]
            rows.append({"type": kind, "interaction": codes, "searchParam": [{"name": name}]})
            if kind == "Patient" and self.names_everything:
                definition = "http://hl7.org/fhir/OperationDefinition/Patient-everything"
                rows[-1]["operation"] = [{"name": "everything", "definition": definition}]
        security = {"extension": [oauth_uris(f"{self.host}{tenant}/connect")]}
        return {
            "resourceType": "CapabilityStatement",
            "status": "active",
            "kind": "instance",
            "date": "2026-01-01",
            "fhirVersion": "4.0.1",
            "format": ["json"],
            "rest": [{"mode": "server", "security": security, "resource": rows}],
        }

    def _metadata(self, call: Call) -> httpx.Response:
        return httpx.Response(200, json=self.capability_statement(call.tenant))

    def _portal(self, call: Call) -> httpx.Response:
        return httpx.Response(200, html="<html><body><h1>For developers</h1></body></html>")

    def _time(self, call: Call) -> httpx.Response:
        return httpx.Response(200, json={"now": self.desk.now(call.tenant).isoformat()})

    def _move(self, call: Call) -> httpx.Response:
        asked = json.loads(call.request.content)
        if "set" in asked:
            ahead = datetime.fromisoformat(asked["set"]) - self.timeline.now()
            self.days[call.tenant] = round(ahead / timedelta(days=1))
        else:
            self.days[call.tenant] = self.days.get(call.tenant, 0) + int(asked["advance"].strip("PD"))
        return self._time(call)

    # -- records

    def _search(self, call: Call) -> httpx.Response:
        kind, grant = call.found[0], self.desk.holder(call)
        if grant is None:
            return outcome(401, "login")
        if kind not in self.types:
            return outcome(404, "not-supported")
        asked = call.query.get("_id" if kind == "Patient" else "patient", grant.person.patient)
        asked = asked.removeprefix("Patient/")
        if asked != grant.person.patient:
            return outcome(403, "forbidden")
        wanted = {name: value for name, value in call.query.items() if name not in _CONTROLS}
        held = [r for r in self._held(asked) if r["resourceType"] == kind]
        return self.bundle(call, [r for r in held if all(_has(r, *w) for w in wanted.items())])

    def _everything(self, call: Call) -> httpx.Response:
        grant = self.desk.holder(call)
        if grant is None:
            return outcome(401, "login")
        if call.found[0] != grant.person.patient:
            return outcome(403, "forbidden")
        return self.bundle(call, self._held(call.found[0]))

    def _read(self, call: Call) -> httpx.Response:
        kind, name, grant = call.found[0], call.found[1], self.desk.holder(call)
        if grant is None:
            return outcome(401, "login")
        for found in self.records[grant.person.username]:
            if key(found) == f"{kind}/{name}":
                return httpx.Response(200, json=found)
        shared = self.shared(kind, name) if kind not in self.types else None
        return httpx.Response(200, json=shared) if shared else outcome(404, "not-found")

    def _held(self, patient: str) -> list[Resource]:
        return next((self.records[p.username] for p in self.people if p.patient == patient), [])

    def bundle(self, call: Call, found: list[Resource]) -> httpx.Response:
        """One page of a searchset, as long as `page_size` says."""
        size, page = self.page_size(call), int(call.query.get("page", 1))
        links = [{"relation": "self", "url": str(call.request.url)}]
        if page * size < len(found):
            query = urlencode({**call.query, "page": page + 1})
            links.append({"relation": "next", "url": f"{self.host}{call.path}?{query}"})
        entries = [
            {"fullUrl": self.full_url(r), "resource": r, "search": {"mode": "match"}}
            for r in found[(page - 1) * size : page * size]
        ]
        body = {"resourceType": "Bundle", "type": "searchset", "total": len(found), "link": links}
        return httpx.Response(200, json={**body, "entry": entries} if entries else body)


def key(found: Resource) -> str:
    return f"{found['resourceType']}/{found['id']}"


def _has(found: Resource, name: str, value: str) -> bool:
    """Whether a resource has a code in an element; one that lacks the element is of every kind."""
    held = found.get(_COUNTED.get(name, name), value)
    return value.rpartition("|")[2] in (held if isinstance(held, list) else [held])
