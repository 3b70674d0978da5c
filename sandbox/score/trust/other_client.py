"""A second look under another name: is the grader served as any other app would be?

A sample of requests is made again under an ordinary User-Agent and compared with the same requests under the
grader's own name. A payer that fails now and then must not look like one that picks: an answer differs only
when every try under our name agrees, and no try under the other name gives the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.core import files
from sandbox.score.collect.probes import Door
from sandbox.score.evidence import Exchange, Observation, seen
from sandbox.score.fhir import bundles
from sandbox.score.http.answers import HttpAnswer
from sandbox.score.http.client import HttpClient
from sandbox.score.instruments.facts import Member
from sandbox.score.trust.locks.records import Holder, Way, ways

RULE = "served-by-name"
NAMES = ("okhttp/4.12.0", "python-requests/2.32.3")
"""Names of apps' usual HTTP libraries: the first that is not our own is the other name."""
MEMBERS = 2
TURNS = "OTTOOTTO"
"""Ours and the other's turns; not strictly in turn, so that a fault of every second request hits both."""
VOLATILE = ("id", "timestamp", "meta", "link")
"""What of a Bundle may change from one answer to the next."""


@dataclass(frozen=True)
class Sight:
    """What one answer showed, from the roughest to the finest: status, resources, content."""

    status: int
    keys: tuple[str, ...]
    content: str

    def at(self, level: int) -> tuple[object, ...]:
        return (self.status, self.keys, self.content)[: level + 1]


def look(
    http: HttpClient, base: str, holders: Sequence[Holder], door: Door | None, member: Member | None
) -> Observation:
    """Compare. `member` signs in through `door` once more (None: nobody does).

    Value: `{"name": str, "compared": n, "differ": [str]}`.
    """
    other = next(name for name in NAMES if name != http.user_agent)
    exchanges: list[Exchange] = []
    differ: list[str] = []
    compared = 0
    for what, ask in _questions(http, base, holders):
        compared += 1
        if told := _compare(http, ask, other, exchanges):
            differ.append(f"{what} {told}")
    if door is not None and member is not None:
        compared += 1
        if _signs_in_by_name(http, door, member, other, exchanges):
            differ.append("a member signs in under the grader's name and not under another")
    for text in differ:
        http.watch.note(RULE, text, "probe")
    return seen({"name": other, "compared": compared, "differ": differ}, exchanges)


Ask = Callable[[], tuple[HttpAnswer, ...]]


def _questions(http: HttpClient, base: str, holders: Sequence[Holder]) -> list[tuple[str, Ask]]:
    """Words for each request of the sample, and the request."""

    def document(path: str) -> Ask:
        accept = {"Accept": "application/json"}
        return lambda: (http.get(f"{base}/{path}", step="second-look", headers=accept),)

    def record(holder: Holder, way: Way) -> Ask:
        return lambda: http.read(way.url, holder.bearer, step="second-look", resource=way.kind)

    found = [
        ("metadata", document("metadata")),
        ("smart-configuration", document(".well-known/smart-configuration")),
    ]
    for holder in holders[:MEMBERS]:
        found += [(way.words, record(holder, way)) for way in ways(base, holder.patient)]
    return found


def _compare(http: HttpClient, ask: Ask, other: str, exchanges: list[Exchange]) -> str:
    """How the answers differ by name; empty when they do not, or not for certain."""
    ours: list[Sight] = []
    theirs: list[Sight] = []
    for turn, whose in enumerate(TURNS, 1):
        with http.named(http.user_agent if whose == "O" else other):
            tries = ask()
        exchanges += [answer.exchange for answer in tries]
        (ours if whose == "O" else theirs).append(sight(tries[-1]))
        if turn % 2 == 0 and not _differ(ours, theirs):
            return ""
    return _differ(ours, theirs)


def _differ(ours: Sequence[Sight], theirs: Sequence[Sight]) -> str:
    words = (
        f"answers {_status(ours[0])} under the grader's name and {_status(theirs[0])} under another",
        "shows other resources under the grader's name than under another",
        "shows other content under the grader's name than under another",
    )
    for level, told in enumerate(words):
        mine = {one.at(level) for one in ours}
        if len(mine) == 1 and not mine & {one.at(level) for one in theirs}:
            return told
    return ""


def _status(one: Sight) -> str:
    return str(one.status or "nothing")


def sight(answer: HttpAnswer) -> Sight:
    """What an answer shows."""
    body = dict(answer.json())
    resources: Sequence[dict[str, Any]] = (body,)
    if body.get("resourceType") == "Bundle":
        resources = bundles.page(answer).resources
        body = {name: value for name, value in body.items() if name not in VOLATILE}
    keys = sorted(filter(None, map(bundles.key_of, resources))) if body.get("resourceType") else sorted(body)
    return Sight(answer.status, tuple(keys), hashlib.sha256(_content(body) or answer.body).hexdigest())


def _content(body: dict[str, Any]) -> bytes:
    """The body in one spelling; empty when it is deeper than anybody writes."""
    try:
        return files.json_bytes(body) if body else b""
    except TypeError:
        return b""


def _signs_in_by_name(
    http: HttpClient, door: Door, member: Member, other: str, exchanges: list[Exchange]
) -> bool:
    """Whether a member gets in under our name each time and never under the other."""
    for name, wanted in ((other, False), (http.user_agent, True), (other, False)):
        with http.named(name):
            session = door.sign_in_patiently(member)
        exchanges += session.exchanges
        if session.usable is not wanted:
            return False
    return True
