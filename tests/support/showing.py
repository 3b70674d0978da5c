"""Playing what a scenario shows: a client's steps over HTTP, and whether it sees what is said."""

from __future__ import annotations

import base64
import html
import json
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from sandbox.core.clock import FrozenClock
from sandbox.faults.scenario import Scenario
from sandbox.faults.shows import Show, Then
from support.backend import backend_token
from support.smart_app import SmartApp, hidden

FIRST_MEMBER = "maria"
TOLERANCE = 0.15


def play(base: str, clock: FrozenClock, scenario: Scenario) -> None:
    """Take every step at the payer's prefix `base`, whose clock stands. Raises AssertionError."""
    with SmartApp(base) as client:
        links: dict[str, str] = {}
        for step in scenario.shows:
            for _ in range(step.times):
                begun = clock.now()
                seen = attempt(client, step, links)
                if isinstance(seen.body, dict) and seen.body.get("resourceType") == "Bundle":
                    links = {link["relation"]: link["url"] for link in seen.body.get("link", [])}
                seen.seconds = (clock.now() - begun).total_seconds()
            check(client, seen, step.then)


@dataclass
class Seen:
    """What came of a step: an answer, the parameters of a callback, or how the connection failed."""

    answer: httpx.Response | None = None
    callback: dict[str, str] = field(default_factory=dict)
    failed: str = ""
    seconds: float = 0.0

    @property
    def body(self) -> Any:
        """The JSON of the answer; nothing when there is none, or it cannot be read."""
        if self.answer is None or "json" not in self.answer.headers.get("content-type", ""):
            return {}
        try:
            return self.answer.json()
        except ValueError:
            self.failed = "json"
            return {}


def attempt(client: SmartApp, step: Show, links: dict[str, str]) -> Seen:
    """Take a step; `links` are those of the last Bundle."""
    try:
        found = act(client, step, links)
    except httpx.DecodingError:
        return Seen(failed="encoding")
    except httpx.TransportError:
        return Seen(failed="connection")
    return Seen(callback=found) if isinstance(found, dict) else Seen(found)


def act(client: SmartApp, step: Show, links: dict[str, str]) -> Any:
    """Take a step. Returns the answer, or the callback's parameters of a sign-in that failed."""
    if step.sign_in:
        client.tokens = {}
        if step.answers:  # a browser in which nobody is signed in
            client.browser.cookies.clear()
        entrance = client.follow(client.authorize())
        if client.returned(entrance):
            return client.callback(entrance)
        if "<form" not in entrance.text:
            return entrance
        landed = client.submit(entrance, step.sign_in, step.password)
        if landed.status_code in (303, 302) and not client.returned(landed):
            page = client.choose(landed)
            for _ in range(step.answers):
                answered = client.browser.post(page.url.join(action(page)), data={"answer": "x"})
                page = client.browser.get(answered.url.join(answered.headers["location"]))
            if page.status_code >= 400 or not hidden(page):
                return page
            form = hidden(page) | {"decision": "allow"}
            landed = client.browser.post(f"{client.base}/auth/consent", data=form)
        if not client.returned(landed):
            return landed
        back = client.back = client.callback(landed)
        if "code" not in back:
            return back
        answer = client.redeem(back["code"])
        client.tokens = answer.json() if answer.status_code == 200 else {}
        return answer
    if step.replay:
        return client.redeem(client.back["code"])
    if step.service is not None:
        return backend_token(client.base, step.service.format(auth=f"{client.base}/auth"))
    if step.opt_in:
        return opt_in(client, step.opt_in)
    if step.advance:
        return client.control("clock", {"advance": step.advance})
    if step.authorize is not None:
        named = {"fhir": f"{client.base}/fhir"}
        asked = {name: value and value.format_map(named) for name, value in step.authorize.items()}
        answer = client.authorize(**asked)
        return client.callback(answer) if client.returned(answer) else answer
    if step.fetch is not None:
        return client.http.request(step.method, f"{client.base}/{step.fetch}", headers=step.send)
    if step.follow is not None:
        return client.get(links[step.follow], **step.send)
    if not client.tokens:
        client.connect(FIRST_MEMBER)
    if step.refresh:
        return [client.refresh() for _ in range(step.refresh)][-1]
    return client.get(str(step.get).format(patient=client.patient, ago=Ago(client)), **step.send)


@dataclass(frozen=True)
class Ago:
    """`{ago[90]}` in a path: the date so many days ago, by the payer's clock."""

    client: SmartApp

    def __getitem__(self, days: int) -> str:
        now = datetime.fromisoformat(self.client.control("clock").json()["now"])
        return (now - timedelta(days=days)).date().isoformat()


def action(page: httpx.Response) -> str:
    """The address to which the form of a page is sent."""
    return html.unescape(re.findall(r'<form[^>]* action="([^"]*)"', page.text)[0])


def opt_in(client: SmartApp, username: str) -> httpx.Response:
    form = {"username": username, "password": f"{username}-pass"}
    form |= hidden(client.browser.get(f"{client.base}/portal"))
    client.browser.post(f"{client.base}/portal/login", data=form)
    page = client.browser.get(f"{client.base}/portal")
    return client.browser.post(f"{client.base}/portal/opt-in", data=hidden(page))


def check(client: SmartApp, seen: Seen, then: Then) -> None:
    answer, body = seen.answer, seen.body
    assert seen.failed == (then.broken or ""), seen.failed
    if then.status is not None:
        assert answer is not None
        assert answer.status_code == then.status, answer.text[:300]
    if then.connected is not None:
        assert bool(client.tokens) is then.connected
    if then.state is not None:
        sent, came = client.state, client.back.get("state")
        assert then.state == ("dropped" if came is None else "kept" if came == sent else "altered")
    if then.issue:
        assert body["issue"][0]["code"] == then.issue
    if then.error:
        assert (seen.callback or body)["error"] == then.error
    if then.says:
        assert then.says in str(seen.callback or (answer and answer.text))
    for name, value in then.header.items():
        assert answer is not None
        assert value in answer.headers.get(name, ""), name
    for name in then.without:
        assert answer is not None
        assert name not in answer.headers
    for path, value in then.holds.items():
        assert value in values(seen.callback or body, path.split(".")), path
    for path, form in then.like.items():
        found = values(seen.callback or body, path.split("."))
        assert found, path
        assert all(re.fullmatch(form, str(value)) for value in found), (path, found[:3])
    for path in then.absent:
        assert not values(seen.callback or body, path.split(".")), path
    if then.claims or then.unclaimed:
        told = claims(body["id_token"])
        assert {name: told.get(name) for name in then.claims} == then.claims
        assert not set(then.unclaimed) & set(told)
    if then.signed is not None:
        assert verifies(client, body["id_token"]) is then.signed
    if then.took is not None:
        assert seen.seconds >= then.took
    if then.entries is not None:
        assert len(body.get("entry", [])) == then.entries
    if then.pages is not None:
        assert pages(client, body) == then.pages
    if then.every:
        check_references(client, body, then.every, then.unresolvable)


def claims(id_token: str) -> dict[str, Any]:
    """What an id_token says, unverified."""
    part = id_token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def verifies(client: SmartApp, id_token: str) -> bool:
    """Whether an id_token verifies with the keys that the payer publishes."""
    keys = KeySet.import_key_set(client.http.get(f"{client.base}/auth/jwks").json())
    try:
        jwt.decode(id_token, keys, algorithms=["RS256"])
    except JoseError:
        return False
    return True


def pages(client: SmartApp, bundle: dict[str, Any]) -> int:
    """How many pages there are, this one included, until there is no next or it was seen before."""
    seen: set[str] = set()
    while following := [li["url"] for li in bundle.get("link", []) if li["relation"] == "next"]:
        if following[0] in seen:
            break
        seen.add(following[0])
        answer = client.get(following[0])
        if answer.status_code != 200:
            break
        bundle = answer.json()
    return len(seen) + 1


def check_references(client: SmartApp, bundle: dict[str, Any], path: str, share: float | None) -> None:
    """The share of the references at a path, over all entries, that cannot be read."""
    found = values(bundle, path.split("."))
    assert found, f"no entry has {path}"
    if share is not None:
        lost = {reference for reference in sorted(set(found)) if client.get(reference).status_code != 200}
        assert abs(sum(reference in lost for reference in found) / len(found) - share) <= TOLERANCE, lost


def values(node: Any, steps: list[str]) -> list[Any]:
    """Everything at a path, lists walked through."""
    if isinstance(node, list):
        return [value for each in node for value in values(each, steps)]
    if not steps:
        return [node]
    return values(node[steps[0]], steps[1:]) if isinstance(node, dict) and steps[0] in node else []
