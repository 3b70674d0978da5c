"""Rows about the sign-in: discovery, state, PKCE, scopes, the code."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from sandbox.core.text import quantity
from sandbox.fhir.schema.types import TYPES, find
from sandbox.review.finding import ReviewFinding, failed, passed, unseen
from sandbox.review.journal import JournalExchange
from sandbox.review.story import Story

STATE_LEAST = 21
"""Characters: of 64 different ones each holds 6 bits, and SMART wants 122 of them."""

WILDCARD_TYPES = 10
"""An app that reads so many types may ask for a wildcard scope."""

_NOBODY = "The app sent no member to sign in."
_SCOPE = re.compile(r"(?:patient|user|system)/([A-Z][A-Za-z]*|\*)\.([a-z]+|\*)(?:\?.*)?")


def discovery(story: Story) -> ReviewFinding:
    """Whether the addresses were read before they were used."""
    if not story.authorize_requests:
        return unseen(_NOBODY)
    first = story.authorize_requests[0]
    read = [e for e in story.exchanges if e.is_discovery and e.number < first.number]
    if not read:
        return failed("The app used /auth/authorize without reading a discovery document first.", [first])
    return passed("The app read a discovery document before it used the endpoints.", [*read[:2], first])


def state(story: Story) -> ReviewFinding:
    """Whether each authorization request had a state of its own that is long enough."""
    if not story.authorize_requests:
        return unseen(_NOBODY)
    without = [e for e in story.authorize_requests if "state" not in e.params]
    if without:
        return failed("An authorization request had no state.", without)
    short = [e for e in story.authorize_requests if 0 < e.state_length < STATE_LEAST]
    if short:
        least = min(e.state_length for e in short)
        return failed(f"The state had {least} characters, too few for 122 bits.", short)
    if reused := list(_reused(story, "state")):
        return failed("The app reused a state that a callback had already returned.", reused)
    return passed(
        f"{quantity(len(story.authorize_requests), 'authorization request')}, each with its own state.",
        story.authorize_requests,
    )


def state_checked(story: Story) -> ReviewFinding:
    """Whether the app dropped a code that came with another state, or with none."""
    if not story.authorize_requests:
        return unseen(_NOBODY)
    sent_states: set[str] = set()
    doubtful = []
    for exchange in story.exchanges:
        if exchange.is_request_to_authorize:
            sent_states.add(exchange.marks.get("state", ""))
        elif "code" in exchange.issued and exchange.issued.get("state", "") not in sent_states:
            doubtful.append(exchange)
    if not doubtful:
        return unseen("Every callback returned the state of its request.")
    codes = {e.issued["code"] for e in doubtful}
    taken = [e for e in story.redemptions if e.marks.get("code") in codes]
    if taken:
        return failed("The app redeemed a code although the callback did not return its state.",
                      [*doubtful, *taken])  # fmt: skip
    return passed("The callback did not return the state, and the app did not redeem its code.", doubtful)


def pkce(story: Story) -> ReviewFinding:
    """Whether each authorization request had its own S256 challenge, and each code its verifier."""
    if not story.authorize_requests:
        return unseen(_NOBODY)
    without = [e for e in story.authorize_requests if "code_challenge" not in e.params]
    if without:
        return failed("An authorization request had no code_challenge.", without)
    plain = [e for e in story.authorize_requests if e.sent.get("code_challenge_method") != "S256"]
    if plain:
        return failed("code_challenge_method was not S256.", plain)
    if reused := list(_reused(story, "code_challenge")):
        return failed("The app reused a code_challenge of an earlier request.", reused)
    bare = [e for e in story.redemptions if "code_verifier" not in e.params]
    if bare:
        return failed("The app sent a code without its code_verifier.", bare)
    count = quantity(len(story.authorize_requests), "authorization request")
    return passed(f"{count}, each with its own S256 challenge.", story.authorize_requests)


def _reused(story: Story, name: str) -> Iterator[JournalExchange]:
    """Yield authorization requests with a value that was answered before.

    A page that a member loads again is not reuse.
    """
    answered: set[str] = set()
    of_state: dict[str, str] = {}
    for exchange in story.exchanges:
        if exchange.is_request_to_authorize and (value := exchange.marks.get(name)):
            if value in answered:
                yield exchange
            of_state[exchange.marks.get("state", "")] = value
        if back := of_state.get(exchange.issued.get("state", "-")):
            answered.add(back)


def scopes(story: Story) -> ReviewFinding:
    """Whether the app read what its scopes ask for, and no scope is idle."""
    requests = [e for e in story.authorize_requests if e.sent.get("scope")]
    if not requests:
        return unseen("The app requested no scopes.")
    wanted = [part for e in requests for part in e.sent["scope"].split()]
    parsed = [(part, match[1], match[2]) for part in wanted if (match := _SCOPE.fullmatch(part))]
    writing = [part for part, _, letters in parsed if _writes(letters)]
    if writing:
        return failed(
            f"The app requested {_some(writing)}, which allows writing, but this API is read-only.", requests
        )
    touched = set(_touched(story.data))
    if not touched:
        return unseen("The app read no data, so it is not known which scopes it needs.", requests)
    reads_everything = "*" in touched or len(touched) >= WILDCARD_TYPES
    wild = [part for part, kind, _ in parsed if kind == "*"]
    if wild and not reads_everything:
        return failed(
            f"The app requested {_some(wild)} for all types, but read only {_some(sorted(touched))}.",
            requests,
        )
    idle = [part for part, kind, _ in parsed if kind != "*" and not {kind, "*"} & touched]
    if idle:
        return failed(f"The app requested {_some(idle)}, but did not use it.", requests)
    return passed("The app used every scope that it requested.", requests)


def _writes(letters: str) -> bool:
    return letters in ("write", "*") or bool(letters != "read" and set(letters) & set("cud"))


def _touched(data: Iterable[JournalExchange]) -> Iterator[str]:
    """Yield the types that were requested, by path or `_include`; `*` for $everything."""
    for exchange in data:
        if exchange.is_everything:
            yield "*"
        if exchange.kind:
            yield exchange.kind
        if "_include" in exchange.params:
            yield from _included(exchange.sent.get("_include", ""))
        if "_revinclude" in exchange.params:
            yield "Provenance"


def _included(values: str) -> Iterator[str]:
    for value in values.split(","):
        kind, _, name = value.partition(":")
        name, _, target = name.partition(":")
        if kind not in TYPES:
            continue
        params = [find(kind, name)] if name and name != "*" else list(TYPES[kind].params)
        for param in params:
            yield from [target] if target else param.targets if param else ()


def _some(names: list[str], most: int = 4) -> str:
    distinct = list(dict.fromkeys(names))
    more = len(distinct) - most
    return ", ".join(distinct[:most]) + (f" and {more} more" if more > 0 else "")


def code_once(story: Story) -> ReviewFinding:
    """Whether each code was redeemed once. A response of 5xx, 429 or 401 does not use it up."""
    if not story.redemptions:
        return unseen("The app redeemed no code.")
    spent: dict[str, JournalExchange] = {}
    for exchange in story.redemptions:
        code = exchange.marks.get("code", str(exchange.number))
        if code in spent:
            return failed(
                "The app sent a code again after the payer had answered it.", [spent[code], exchange]
            )
        if exchange.status in (200, 400):
            spent[code] = exchange
    good = [e for e in story.redemptions if e.status == 200]
    if not good:
        return unseen("The token endpoint returned no token for any code.", story.redemptions)
    return passed(f"{quantity(len(good), 'code')}, each redeemed once.", story.redemptions)
