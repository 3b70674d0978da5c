"""Rows about tokens: one refresh, the new token kept, no requests after revocation."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import takewhile

from sandbox.core.text import quantity
from sandbox.review.finding import ReviewFinding, failed, passed, unseen
from sandbox.review.journal import JournalExchange
from sandbox.review.story import Story, after, since

_REVOKED = ("revoked", "grant-revoked")
_TOKENS_MOST = 2
"""A request that was refused with two tokens will be refused with a third."""


def refresh_once(story: Story) -> ReviewFinding:
    """Whether the app refreshed an expired access token once and repeated the request."""
    refused = _first_refusals(story)
    if not refused:
        return unseen("No access token was refused because it had expired.")
    shown: list[JournalExchange] = []
    for first in refused:
        stale = [e for e in _used_after(story, first.token, first) if e.status == 401]
        if deaf := [e for e in stale if e.key == first.key]:
            reason = "The app sent the same request again with the refused token."
            return failed(reason, [first, *deaf])
        if len(stale) > story.at_once:
            return failed("The app continued to use the refused token.", [first, *stale])
        tries = since(story.tries[first.key], first)
        vain = [first, *takewhile(lambda e: e.status == 401, tries)]
        if len(vain) > _TOKENS_MOST:
            return failed(f"The app repeated one refused request with {len(vain)} tokens.", vain)
        if _in_vain(story, first):
            continue
        newer = next((e for e in since(story.data, first) if _takes_over(e, first)), None)
        later = since(story.refreshes, first, newer)
        renewals = [e for e in later if _may_renew(story, e, first)]
        back = since(story.authorize_requests, first)
        if not renewals and not back and newer is None:
            return failed("The access token was refused and the app did not refresh.", [first])
        answered = [e for e in renewals if e.status in (200, 400)]
        if len(answered) > 1:
            return failed(f"The app refreshed {len(answered)} times after one refusal.", [first, *answered])
        shown += [first, *(answered or back)[:1], *[e for e in tries[:1] if e.status < 400]]
    return passed(
        f"{quantity(len(refused), 'token')} refused, with one refresh or sign-in after each.", shown
    )


def _first_refusals(story: Story) -> Sequence[JournalExchange]:
    """The first 401 of each access token that was granted and not revoked."""
    refusals: dict[str, JournalExchange] = {}
    for exchange in story.data:
        state = exchange.token_state
        if exchange.status == 401 and exchange.token and state not in (*_REVOKED, "refresh", "unknown"):
            refusals.setdefault(exchange.token, exchange)
    return list(refusals.values())


def _in_vain(story: Story, refused: JournalExchange) -> bool:
    """Whether this was the second try, with another token. Giving up is right then."""
    tries = story.tries[refused.key]
    place = bisect_left(tries, refused.number, key=lambda e: e.number)
    return place > 0 and tries[place - 1].status == 401 and tries[place - 1].token != refused.token


def _may_renew(story: Story, renewal: JournalExchange, refused: JournalExchange) -> bool:
    """Whether a refresh may belong to the sign-in whose token was refused."""
    family, other = story.family(refused), story.families.get(renewal.marks.get("refresh_token", ""))
    return not family or not other or family == other


def _takes_over(later: JournalExchange, refused: JournalExchange) -> bool:
    same = not refused.member or later.member in ("", refused.member)
    return same and later.token not in ("", refused.token)


def _used_after(story: Story, token: str, than: JournalExchange) -> list[JournalExchange]:
    return [e for e in story.by_token[token] if after(than, e)]


def new_token_kept(story: Story) -> ReviewFinding:
    """Whether the tokens of a refresh replaced the old ones."""
    good = [e for e in story.refreshes if e.status == 200 and e.issued.get("access_token")]
    if not good:
        return unseen("No refresh succeeded.")
    for renewal in good:
        old, new = renewal.marks.get("refresh_token", ""), renewal.issued.get("refresh_token", "")
        same = story.tries[renewal.key] if new and new != old else ()
        if repeated := [e for e in same if e.number > renewal.number]:
            reason = "The app sent a refresh token again after it had been replaced."
            return failed(reason, [renewal, *repeated])
    for renewal, stale in _stale(story, good):
        if len(stale) >= story.at_once:
            reason = "The app used an old access token after a refresh."
            return failed(reason, [renewal, *stale])
    return passed(
        f"After {'the' if len(good) == 1 else 'each'} refresh the app used only the new tokens.", good
    )


def _stale(
    story: Story, renewals: Sequence[JournalExchange]
) -> Iterator[tuple[JournalExchange, list[JournalExchange]]]:
    """Yield each refresh with the later requests that carried an older token of the same sign-in."""
    of_family: dict[str, list[JournalExchange]] = defaultdict(list)
    for renewal in renewals:
        of_family[story.families[renewal.issued["access_token"]]].append(renewal)
    stale: dict[int, list[JournalExchange]] = defaultdict(list)
    for exchange in story.data:
        same_family = of_family.get(story.family(exchange), [])
        place = bisect_right(same_family, exchange.arrived, key=lambda e: e.left)
        if exchange.token and place:
            issue = story.issues.get(exchange.token)
            if issue is None or issue.number < same_family[place - 1].number:
                stale[same_family[place - 1].number].append(exchange)
    yield from ((renewal, stale[renewal.number]) for renewal in renewals if renewal.number in stale)


def stops_when_revoked(story: Story) -> ReviewFinding:
    """Whether the app stopped once it could know that the consent was revoked."""
    refusals = [e for e in story.data if e.status == 401 and e.token_state in _REVOKED]
    dead = [e for e in story.refreshes if e.status == 400 and e.error == "invalid_grant"]
    if not refusals and not dead:
        return unseen("No consent was revoked while the app was using it.")
    for first in refusals:
        more = _used_after(story, first.token, first)
        if any(e.key == first.key for e in more):
            return failed("The app repeated a request after the consent was revoked.", [first, *more])
        if len(more) >= max(2, story.at_once):
            reason = f"The app sent {quantity(len(more), 'more request')} after it learned of the revocation."
            return failed(reason, [first, *more])
    for first in dead:
        if repeated := story.again(first):
            return failed("The app sent a refused refresh token again.", [first, *repeated])
    return passed(
        "The app stopped after a response said that the consent was revoked.", [*refusals[:2], *dead[:2]]
    )


def not_in_addresses(story: Story) -> ReviewFinding:
    """Whether tokens and other secrets stayed out of addresses."""
    exposed = [e for e in story.exchanges if e.exposed]
    if exposed:
        names = ", ".join(sorted({name for e in exposed for name in e.exposed}))
        return failed(f"{names} in the URL of {quantity(len(exposed), 'request')}.", exposed)
    carried = [e for e in story.calls if e.token or e.auth_endpoint == "token"]
    if not carried:
        return unseen("The app sent no token, code or secret.")
    return passed(f"{quantity(len(carried), 'request')} with a token or code, none of them in a URL.")
