"""All that one app did, in order, with derived facts: which sign-in a token belongs to, and retries."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from sandbox.review.journal import JournalExchange

Key = TypeVar("Key")
ROUNDING = 0.002
"""Instants are kept to the millisecond."""


@dataclass(frozen=True)
class Story:
    """Every exchange of an app and of the browsers it sent. `now` is the payer's time, in seconds."""

    exchanges: tuple[JournalExchange, ...]
    now: float

    @cached_property
    def authorize_requests(self) -> Sequence[JournalExchange]:
        """Requests to authorize."""
        return [e for e in self.exchanges if e.is_request_to_authorize]

    @cached_property
    def redemptions(self) -> Sequence[JournalExchange]:
        return [e for e in self.exchanges if e.is_redemption]

    @cached_property
    def refreshes(self) -> Sequence[JournalExchange]:
        return [e for e in self.exchanges if e.is_refresh]

    @cached_property
    def data(self) -> Sequence[JournalExchange]:
        return [e for e in self.exchanges if e.is_data]

    @cached_property
    def calls(self) -> Sequence[JournalExchange]:
        """Requests that the app itself sent."""
        return [e for e in self.exchanges if e.is_call]

    @cached_property
    def tries(self) -> Mapping[tuple[str, ...], Sequence[JournalExchange]]:
        """The app's calls by key: calls of one key are tries of one request."""
        return group(self.calls, lambda call: call.key)

    def again(self, exchange: JournalExchange) -> list[JournalExchange]:
        """Tries of the same request after this one was answered."""
        return [e for e in self.tries.get(exchange.key, ()) if after(exchange, e)]

    @cached_property
    def by_token(self) -> Mapping[str, Sequence[JournalExchange]]:
        """Requests for data by their access token."""
        return group(self.data, lambda request: request.token)

    @cached_property
    def at_once(self) -> int:
        """The most calls that were under way at one time."""
        edges = [(e.arrived + ROUNDING, 1) for e in self.calls]
        edges += [(max(e.left, e.arrived + ROUNDING), -1) for e in self.calls]
        most = now = 0
        for _, step in sorted(edges):
            now += step
            most = max(most, now)
        return most

    @cached_property
    def issues(self) -> Mapping[str, JournalExchange]:
        """Token → the response that issued it."""
        return {token: e for e in self.exchanges for token in e.issued.values()}

    @cached_property
    def families(self) -> Mapping[str, str]:
        """Token (its mark) → its sign-in: the mark of the code, or of the first refresh token."""
        families: dict[str, str] = {}
        for exchange in self.exchanges:
            if exchange.auth_endpoint == "token" and exchange.status == 200:
                sent = exchange.marks.get("code") or exchange.marks.get("refresh_token", "")
                family = families.get(sent, sent)
                families[sent] = family
                families.update(dict.fromkeys(exchange.issued.values(), family))
        return families

    @cached_property
    def families_of_members(self) -> Mapping[str, set[str]]:
        """Member → the sign-ins whose tokens read their data."""
        families: dict[str, set[str]] = defaultdict(set)
        for exchange in self.data:
            if family := self.families.get(exchange.token):
                families[exchange.member].add(family)
        return families

    def family(self, exchange: JournalExchange) -> str:
        """Return the sign-in behind a request for data.

        Where the journal lacks it, the member's only sign-in; empty where there are several.
        """
        if family := self.families.get(exchange.token):
            return family
        families = self.families_of_members.get(exchange.member, set())
        return next(iter(families)) if len(families) == 1 else ""


def group(
    exchanges: Iterable[JournalExchange], key: Callable[[JournalExchange], Key]
) -> defaultdict[Key, list[JournalExchange]]:
    """Return key → its exchanges, in order; a key without any has none."""
    groups: defaultdict[Key, list[JournalExchange]] = defaultdict(list)
    for exchange in exchanges:
        groups[key(exchange)].append(exchange)
    return groups


def since(
    exchanges: Sequence[JournalExchange], exchange: JournalExchange, until: JournalExchange | None = None
) -> Sequence[JournalExchange]:
    """The exchanges of a sequence after this one and before `until`, by number."""
    end = bisect_left(exchanges, until.number, key=lambda e: e.number) if until else None
    return exchanges[bisect_right(exchanges, exchange.number, key=lambda e: e.number) : end]


def after(first: JournalExchange, second: JournalExchange) -> bool:
    """Whether `second` was sent after the response to `first`."""
    return second.number > first.number and second.arrived >= first.left - ROUNDING
