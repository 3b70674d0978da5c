"""Rows about retries: waiting for Retry-After, and not sending too many requests."""

from __future__ import annotations

from collections.abc import Sequence
from email.utils import parsedate_to_datetime

from sandbox.core.text import quantity
from sandbox.review.finding import ReviewFinding, failed, passed, unseen
from sandbox.review.journal import JournalExchange
from sandbox.review.story import Story, after, since

PATIENCE_SECONDS = 120
"""An app that is asked to wait no longer than this should come back."""

PAUSE_SECONDS = 1.0
"""The least pause before a failed request is sent a third time."""

AT_ONCE_MOST = 10
"""Calls of one app under way at one time."""

A_SECOND_MOST = 100
"""Calls of one app that come within a second."""

POLL_SECONDS, POLL_TIMES = 60, 10

_SLACK = 0.05
_DATE_SLACK = 1.0
_LONGEST_SECONDS = 120
"""No exchange is under way for longer."""


def wait_of(exchange: JournalExchange) -> float | None:
    """Return the seconds to wait by Retry-After; None without one, or where it is malformed."""
    text = exchange.retry_after.strip()
    if exchange.status not in (429, 503) or not text:
        return None
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        return parsedate_to_datetime(text).timestamp() - exchange.left - _DATE_SLACK
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def retry_after(story: Story) -> ReviewFinding:
    """Whether the app waited for Retry-After and then repeated the request."""
    pauses = [(e, wait) for e in story.calls if (wait := wait_of(e)) is not None]
    if not pauses:
        return unseen("The payer never asked the app to wait.")
    for refusal, wait in pauses:
        early = _early(story, refusal, refusal.left + wait - _SLACK)
        same = [e for e in early if e.key == refusal.key]
        if same or (len(early) >= max(story.at_once, 1) and early):
            first = (same or early)[0]
            kept = max(first.arrived - refusal.left, 0)
            reason = (
                f"The payer asked for a pause of {wait:.0f} s, and the next request came after {kept:.2f} s."
            )
            return failed(reason, [refusal, *(same or early)])
    left = [e for e, wait in pauses if wait <= PATIENCE_SECONDS and not story.again(e)]
    if left:
        due = max(e.left + (wait_of(e) or 0) for e in left)
        if story.now <= due + _SLACK:
            return unseen("The payer asked for a pause, and the app has not tried again yet.", left)
        return failed("The app did not repeat the request after the pause that the payer asked for.", left)
    return passed(f"{quantity(len(pauses), 'pause')} requested and kept.", [e for e, _ in pauses])


def _early(story: Story, refusal: JournalExchange, due: float) -> list[JournalExchange]:
    """Requests to the same server that were sent before the pause was over."""
    early = []
    for later in since(story.calls, refusal):
        if later.left > due + _LONGEST_SECONDS:
            break
        if later.arrived < due and after(refusal, later) and later.server == refusal.server:
            early.append(later)
    return early


def pace(story: Story) -> ReviewFinding:
    """Whether the app paused between retries, and did not poll or send bursts of requests."""
    if len(story.calls) < 2:
        return unseen("The app made fewer than two requests.")
    for tries in story.tries.values():
        if rushed := _rushed(tries):
            return failed(f"A failed request was sent {len(rushed)} times without a pause.", rushed)
        if polled := _polled(tries):
            return failed(f"The same request was answered {len(polled)} times within a minute.", polled)
    if story.at_once > AT_ONCE_MOST:
        return failed(f"{story.at_once} requests were in progress at once.", story.calls)
    slowed = [e for e in story.calls if e.status == 429]
    if slowed:
        later = [e for e in story.calls if after(slowed[0], e)]
        again = [e for e in later if e.status == 429]
        if len(again) > 3 and len(again) * 2 > len(later):
            return failed(
                f"After the first 429, {len(again)} of {quantity(len(later), 'request')} were refused.",
                slowed,
            )
    busiest = _busiest(story.calls)
    if busiest > A_SECOND_MOST:
        return failed(f"The app sent {busiest} requests within a second.", story.calls)
    crowd = f"at most {busiest} in a second and {story.at_once} at once"
    return passed(f"{quantity(len(story.calls), 'request')}, {crowd}.")


def _rushed(tries: Sequence[JournalExchange]) -> Sequence[JournalExchange]:
    """The longest run of three failures or more with less than a second between them."""
    run: list[JournalExchange] = []
    longest: list[JournalExchange] = []
    for exchange in tries:
        hurried = bool(run) and run[-1].status >= 400 and exchange.arrived - run[-1].left < PAUSE_SECONDS
        run = [*run, exchange] if hurried and exchange.token == run[-1].token else [exchange]
        if len(run) > len(longest):
            longest = run
    return longest if len(longest) >= 3 else []


def _polled(tries: Sequence[JournalExchange]) -> Sequence[JournalExchange]:
    good = [e for e in tries if e.status == 200 and e.is_data]
    for place in range(len(good) - POLL_TIMES + 1):
        window = good[place : place + POLL_TIMES]
        if window[-1].left - window[0].left <= POLL_SECONDS:
            return window
    return []


def _busiest(calls: Sequence[JournalExchange]) -> int:
    """The most calls that came within one second."""
    arrivals = sorted(e.arrived for e in calls)
    most = first = 0
    for last, at in enumerate(arrivals):
        while at - arrivals[first] >= 1:
            first += 1
        most = max(most, last - first + 1)
    return most
