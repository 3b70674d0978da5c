"""Compares answers under another User-Agent: does the payer serve the scorer like any other app?

A sample of requests is made under an ordinary User-Agent and under the scorer's own. A payer that sometimes
fails must not look like one that favors the scorer: an answer differs only when every try under our name
agrees, and no try under the other name gives the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.core import files
from sandbox.score.collect.sync import TokenHolder
from sandbox.score.evidence import Exchange, Observation, seen
from sandbox.score.fhir import bundles
from sandbox.score.http.answers import HttpAnswer
from sandbox.score.http.client import HttpClient
from sandbox.score.instruments.facts import Member
from sandbox.score.signin.launch import SmartApp
from sandbox.score.trust.locks.records import Way, ways

RULE = "served-by-name"
NAMES = ("okhttp/4.12.0", "python-requests/2.32.3")
"""User-Agents of usual HTTP libraries: the first that is not our own is the other name."""
MEMBERS = 2
TURNS = "OTTOOTTO"
"""Ours and the other's turns; not strictly in turn, so that a fault of every second request hits both."""
VOLATILE = ("id", "timestamp", "meta", "link")
"""Elements of a Bundle that may change from one answer to the next."""


@dataclass(frozen=True)
class Sight:
    """What one answer showed, at three levels: status, resources, content."""

    status: int
    keys: tuple[str, ...]
    content: str

    def at(self, level: int) -> tuple[object, ...]:
        return (self.status, self.keys, self.content)[: level + 1]


def look(
    http: HttpClient, base: str, holders: Sequence[TokenHolder], app: SmartApp | None, member: Member | None
) -> Observation:
    """Compare a sample of requests. `member` signs in through `app` once more (None: nobody does).

    Value: `{"name": str, "compared": n, "differ": [str]}`.
    """
    other = next(name for name in NAMES if name != http.user_agent)
    exchanges: list[Exchange] = []
    differ: list[str] = []
    compared = 0
    for what, ask in _questions(http, base, holders):
        compared += 1
        how, more = _compare(http, ask, other)
        exchanges += more
        if how:
            differ.append(f"{what} {how}")
    if app is not None and member is not None:
        compared += 1
        is_by_name, more = _signs_in_by_name(http, app, member, other)
        exchanges += more
        if is_by_name:
            differ.append("a member can sign in with the scorer's User-Agent but not with another")
    for text in differ:
        http.watch.note(RULE, text, "probe")
    return seen({"name": other, "compared": compared, "differ": differ}, exchanges)


Ask = Callable[[], tuple[HttpAnswer, ...]]


def _questions(http: HttpClient, base: str, holders: Sequence[TokenHolder]) -> list[tuple[str, Ask]]:
    """Return a description of each request of the sample, and the request."""

    def document(path: str) -> Ask:
        accept = {"Accept": "application/json"}
        return lambda: (http.get(f"{base}/{path}", step="second-look", headers=accept),)

    def record(holder: TokenHolder, way: Way) -> Ask:
        return lambda: http.read(way.url, holder.bearer, step="second-look", resource=way.kind)

    questions = [
        ("metadata", document("metadata")),
        ("smart-configuration", document(".well-known/smart-configuration")),
    ]
    for holder in holders[:MEMBERS]:
        questions += [(way.words, record(holder, way)) for way in ways(base, holder.patient)]
    return questions


def _compare(http: HttpClient, ask: Ask, other: str) -> tuple[str, list[Exchange]]:
    """Return how the answers differ by User-Agent, if they certainly do, and all exchanges."""
    exchanges: list[Exchange] = []
    ours: list[Sight] = []
    theirs: list[Sight] = []
    for turn, whose in enumerate(TURNS, 1):
        with http.named(http.user_agent if whose == "O" else other):
            tries = ask()
        exchanges += [answer.exchange for answer in tries]
        (ours if whose == "O" else theirs).append(sight(tries[-1]))
        if turn % 2 == 0 and not _differ(ours, theirs):
            break
    return _differ(ours, theirs), exchanges


def _differ(ours: Sequence[Sight], theirs: Sequence[Sight]) -> str:
    words = (
        f"answers {ours[0].status or 'nothing'} with the scorer's User-Agent"
        f" and {theirs[0].status or 'nothing'} with another",
        "shows other resources with the scorer's User-Agent than with another",
        "shows other content with the scorer's User-Agent than with another",
    )
    for level, text in enumerate(words):
        mine = {sight.at(level) for sight in ours}
        if len(mine) == 1 and not mine & {sight.at(level) for sight in theirs}:
            return text
    return ""


def sight(answer: HttpAnswer) -> Sight:
    """Return what an answer shows."""
    body = dict(answer.json())
    resources: Sequence[dict[str, Any]] = (body,)
    if body.get("resourceType") == "Bundle":
        resources = bundles.page(answer).resources
        body = {name: value for name, value in body.items() if name not in VOLATILE}
    keys = sorted(filter(None, map(bundles.key_of, resources))) if body.get("resourceType") else sorted(body)
    return Sight(answer.status, tuple(keys), hashlib.sha256(_content(body) or answer.body).hexdigest())


def _content(body: dict[str, Any]) -> bytes:
    """Return the body in a canonical form; empty when it is nested too deep."""
    try:
        return files.json_bytes(body) if body else b""
    except TypeError:
        return b""


def _signs_in_by_name(
    http: HttpClient, app: SmartApp, member: Member, other: str
) -> tuple[bool, list[Exchange]]:
    """Return whether a member can sign in under our name each time and never under the other."""
    exchanges: list[Exchange] = []
    for name, wanted in ((other, False), (http.user_agent, True), (other, False)):
        with http.named(name):
            session = app.sign_in_with_retries(member)
        exchanges += session.exchanges
        if session.usable is not wanted:
            return False, exchanges
    return True, exchanges
