"""All locks, one after the other, with the accounts that a payer lends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from sandbox.score.collect.discovery import discover
from sandbox.score.collect.probes import Door
from sandbox.score.evidence import Exchange, Observation, seen, unseen
from sandbox.score.http.client import HttpClient
from sandbox.score.instruments.facts import Instruments, Member
from sandbox.score.trust.locks import codes, records
from sandbox.score.trust.locks.lock import Tried
from sandbox.score.trust.locks.records import Holder


def run(
    http: HttpClient,
    base: str,
    holders: Sequence[Holder],
    door: Door | None,
    member: Member | None,
    lent: Instruments,
    progress: Callable[[str], None],
) -> Observation:
    """Try every lock that can be tried.

    `holders` are members whose tokens are at hand; `member` is one that signs in through `door` for codes
    (None: nobody does). A wrong password is tried in a payer of our own, where one is `lent`.

    Value: `{"<rule>": {"held": bool or null, "why": str}}`.
    """
    if not holders:
        return unseen("no member's token was at hand to try the locks with")
    value: dict[str, dict[str, object]] = {}
    exchanges: list[Exchange] = []
    for tried in _each(http, base, holders, door, member, lent):
        progress(f"lock: {tried.rule.removeprefix('breach-')}")
        tried.noted(http)
        value[tried.rule] = {"held": tried.held, "why": tried.why}
        exchanges += tried.exchanges
    return seen(value, exchanges)


def _each(
    http: HttpClient,
    base: str,
    holders: Sequence[Holder],
    door: Door | None,
    member: Member | None,
    lent: Instruments,
) -> Iterator[Tried]:
    mine = holders[0]
    theirs = next((other for other in holders if other.patient != mine.patient), None)
    yield records.other_member(http, base, mine, theirs)
    yield records.no_token(http, base, mine)
    yield records.forged_token(http, base, mine)
    if door is None or member is None:
        return
    yield codes.wrong_verifier(door, member)
    yield codes.other_redirect_uri(door, member)
    yield codes.unregistered_redirect_uri(door, member)
    yield codes.code_twice(door, member)
    yield codes.any_password(_spare(door, lent) or door, member)


def _spare(door: Door, lent: Instruments) -> Door | None:
    """The way into a payer of our own, where a wrong password locks nobody out; None when none is lent."""
    _, base = lent.open_payer()
    endpoints = discover(door.http, base).endpoints(Instruments()) if base else None
    return replace(door, endpoints=endpoints, base=base, driver=None) if endpoints else None
