"""Rows about manners: waiting as told, and not hammering."""

from __future__ import annotations

from collections.abc import Sequence
from email.utils import parsedate_to_datetime

from sandbox.core.text import quantity
from sandbox.review.finding import ReviewFinding, failed, passed, times, unseen
from sandbox.review.journal import JournalExchange
from sandbox.review.story import Story, after, since

PATIENCE_SECONDS = 120
"""Who is told to come back within this time is expected back."""

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
    """The seconds that a refusal asks to wait, or None: it says nothing, or nothing that can be read."""
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
    """Whether the app waited as long as it was told, and then came back."""
    pauses = [(e, wait) for e in story.calls if (wait := wait_of(e)) is not None]
    if not pauses:
        return unseen("The payer asked the app to wait at no time.")
    for refusal, wait in pauses:
        early = _early(story, refusal, refusal.left + wait - _SLACK)
        same = [e for e in early if e.key == refusal.key]
        if same or (len(early) >= max(story.at_once, 1) and early):
            first = (same or early)[0]
            kept = max(first.arrived - refusal.left, 0)
            reason = f"A pause of {wait:.0f} s was asked for, and the next request came after {kept:.2f} s."
            return failed(reason, [refusal, *(same or early)])
    left = [e for e, wait in pauses if wait <= PATIENCE_SECONDS and not story.again(e)]
    if left:
        due = max(e.left + (wait_of(e) or 0) for e in left)
        if story.now <= due + _SLACK:
            return unseen("The payer asked for a pause, and the app has not come back yet.", left)
        return failed("The payer said when to come back, and the app did not.", left)
    return passed(f"{times(len(pauses), 'pause')} asked for and kept.", [e for e, _ in pauses])


def _early(story: Story, refusal: JournalExchange, due: float) -> list[JournalExchange]:
    """What came to the same part of the payer before the pause was over, and was not under way already."""
    early = []
    for later in since(story.calls, refusal):
        if later.left > due + _LONGEST_SECONDS:
            break
        if later.arrived < due and after(refusal, later) and _door(later) == _door(refusal):
            early.append(later)
    return early


def _door(exchange: JournalExchange) -> str:
    """The first segment of a path: `auth` or `fhir`. A pause at one says nothing about the other."""
    return exchange.path.split("/")[1]


def pace(story: Story) -> ReviewFinding:
    """Whether failures were repeated with pauses, and nothing was asked over and over or in a crowd."""
    if len(story.calls) < 2:
        return unseen("The app made fewer than two requests.")
    for tries in story.tries.values():
        if rushed := _rushed(tries):
            return failed(
                f"A request that failed was sent {len(rushed)} times without a pause between.", rushed
            )
        if polled := _polled(tries):
            return failed(f"The same request was answered {len(polled)} times within a minute.", polled)
    if story.at_once > AT_ONCE_MOST:
        return failed(f"{story.at_once} requests were under way at once.", story.calls)
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
        return failed(f"{busiest} requests came within a second.", story.calls)
    crowd = f"at most {busiest} in a second and {story.at_once} at once"
    return passed(f"{times(len(story.calls), 'request')}, {crowd}.")


def _rushed(tries: Sequence[JournalExchange]) -> Sequence[JournalExchange]:
    """The longest run of three failures or more with hardly a pause between them."""
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
    times_ = sorted(e.arrived for e in calls)
    most = first = 0
    for last, at in enumerate(times_):
        while at - times_[first] >= 1:
            first += 1
        most = max(most, last - first + 1)
    return most
