"""The sign-in of a hand-scored payer: a page, codes, and tokens that age by the payer's clock."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
from fake_payer import Time, proves
from scored_http import Call, redirect
from scored_people import Person

CLIENT = "grader-app"
CALLBACK = "http://127.0.0.1/callback"
HOUR = 3600


@dataclass
class Flow:
    """One attempt on its way through the sign-in."""

    query: dict[str, str]
    tenant: str
    person: Person | None = None


@dataclass
class Grant:
    """What a member gave an app, and when it was given and last renewed."""

    person: Person
    scope: str
    tenant: str
    granted: datetime
    used: datetime
    newest: str = ""


LOGIN = (
    '<form method="post" action="{action}"><label>User name <input name="username"></label>'
    '<label>Password <input type="password" name="password"></label><button>Sign in</button></form>'
)


def nothing_else(person: Person, attempt: int) -> dict[str, str] | httpx.Response | None:
    """The ineligible member is told so on the callback, everybody else gets a code."""
    if person.role != "ineligible":
        return None
    said = "The member is not eligible: coverage has not started"
    return {"error": "access_denied", "error_description": said}


@dataclass
class Desk:
    """Where members sign in. Each field is a habit of the payer; the defaults are those of a good one."""

    people: dict[str, Person]
    timeline: Time
    days: dict[str, int]
    ending: Callable[[Person, int], dict[str, str] | httpx.Response | None] = nothing_else
    renews: Callable[[int, int], bool] | None = lambda age, idle: age <= 365
    rotates: bool = True
    secret: str = ""
    secret_by: tuple[str, ...] = ("client_secret_basic", "client_secret_post")
    scopes: tuple[str, ...] | None = None
    granted_scope: str = ""
    returns_state: bool = True
    flows: list[Flow] = field(default_factory=list)
    codes: dict[str, Flow] = field(default_factory=dict)
    access: dict[str, tuple[Grant, datetime]] = field(default_factory=dict)
    renewable: dict[str, Grant] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=dict)
    minted: int = 0

    def now(self, tenant: str) -> datetime:
        return self.timeline.now() + timedelta(days=self.days.get(tenant, 0))

    def holder(self, call: Call) -> Grant | None:
        """Whose living token a call carries."""
        grant, until = self.access.get(call.bearer, (None, None))
        if grant is None or until is None or grant.tenant != call.tenant:
            return None
        return grant if self.now(call.tenant) < until else None

    # -- pages

    def authorize(self, call: Call) -> httpx.Response:
        asked = call.query
        if asked.get("client_id") != CLIENT or asked.get("redirect_uri") != CALLBACK:
            return httpx.Response(400, html="<p>Unknown app or redirect URI</p>")
        flow = Flow(asked, call.tenant)
        if asked.get("response_type") != "code" or asked.get("code_challenge_method") != "S256":
            return self._back(flow, {"error": "invalid_request"})
        if self.scopes is not None and set(asked.get("scope", "").split()) - set(self.scopes):
            return self._back(flow, {"error": "invalid_scope", "error_description": "unknown scope"})
        self.flows.append(flow)
        number = len(self.flows) - 1
        return redirect(f"{call.tenant}/login/{number}", cookie=f"flow={number}; Path=/; HttpOnly")

    def show(self, call: Call) -> httpx.Response:
        return httpx.Response(200, html=LOGIN.replace("{action}", call.path))

    def submit(self, call: Call) -> httpx.Response:
        number = int(call.found[0])
        flow = self.flows[number]
        if f"flow={number}" not in call.request.headers.get("cookie", ""):
            return httpx.Response(400, html="<p>Cookies are needed</p>")
        flow.person = self.people.get(call.form.get("username", ""))
        if flow.person is None or call.form.get("password") != flow.person.password:
            return redirect(call.path)
        name = flow.person.username
        self.attempts[name] = self.attempts.get(name, 0) + 1
        ending = self.ending(flow.person, self.attempts[name])
        if isinstance(ending, httpx.Response):
            return ending
        if ending is not None:
            return self._back(flow, ending)
        code = self._minted("code")
        self.codes[code] = flow
        return self._back(flow, {"code": code})

    def _back(self, flow: Flow, said: Mapping[str, str]) -> httpx.Response:
        state = {"state": flow.query.get("state", "")} if self.returns_state else {}
        return redirect(f"{flow.query['redirect_uri']}?{urlencode({**said, **state})}")

    # -- tokens

    def token(self, call: Call) -> httpx.Response:
        form = call.form
        if not self._is_client(call):
            return _refused(401, "invalid_client")
        if form.get("grant_type") == "authorization_code":
            return self._redeem(form, call.tenant)
        if form.get("grant_type") == "refresh_token":
            return self._renew(form, call.tenant)
        return _refused(400, "unsupported_grant_type")

    def _is_client(self, call: Call) -> bool:
        if not self.secret:
            return call.form.get("client_id") == CLIENT
        pair = base64.b64encode(f"{CLIENT}:{self.secret}".encode()).decode()
        basic = call.request.headers.get("authorization") == f"Basic {pair}"
        posted = (call.form.get("client_id"), call.form.get("client_secret")) == (CLIENT, self.secret)
        return (basic and "client_secret_basic" in self.secret_by) or (
            posted and "client_secret_post" in self.secret_by
        )

    def _redeem(self, form: Mapping[str, str], tenant: str) -> httpx.Response:
        flow = self.codes.get(form.get("code", ""))
        if flow is None or flow.person is None or flow.tenant != tenant:
            return _refused(400, "invalid_grant")
        del self.codes[form["code"]]
        proven = proves(form.get("code_verifier", ""), flow.query["code_challenge"])
        if not proven or form.get("redirect_uri") != flow.query["redirect_uri"]:
            return _refused(400, "invalid_grant")
        now = self.now(tenant)
        scope = self.granted_scope or flow.query.get("scope", "")
        return self._issue(Grant(flow.person, scope, tenant, now, now))

    def _renew(self, form: Mapping[str, str], tenant: str) -> httpx.Response:
        grant = self.renewable.get(form.get("refresh_token", ""))
        if grant is None or grant.tenant != tenant or self.renews is None:
            return _refused(400, "invalid_grant")
        now = self.now(tenant)
        if not self.renews((now - grant.granted).days, (now - grant.used).days):
            return _refused(400, "invalid_grant")
        if self.rotates:
            del self.renewable[form["refresh_token"]]
        grant.used = now
        return self._issue(grant)

    def _issue(self, grant: Grant) -> httpx.Response:
        now = self.now(grant.tenant)
        access = self._minted("access")
        self.access[access] = (grant, now + timedelta(seconds=HOUR))
        body: dict[str, Any] = {"access_token": access, "token_type": "Bearer", "expires_in": HOUR}
        body |= {"scope": grant.scope, "patient": grant.person.patient}
        if self.renews is not None and (self.rotates or not grant.newest):
            grant.newest = self._minted("refresh")
            self.renewable[grant.newest] = grant
            body["refresh_token"] = grant.newest
        return httpx.Response(200, json=body, headers={"cache-control": "no-store"})

    def _minted(self, kind: str) -> str:
        self.minted += 1
        digest = hashlib.sha256(f"{kind} {self.minted}".encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _refused(status: int, error: str) -> httpx.Response:
    return httpx.Response(status, json={"error": error}, headers={"cache-control": "no-store"})
