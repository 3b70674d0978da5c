"""A row for each scenario that the app met: did it recover, or give up properly?

The journal names the effects of a scenario that fired in an exchange, and earlier effects that caused a
refusal. A scenario that only changes the payer's policies is known by the refusals while it is active.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from sandbox.core.text import quantity
from sandbox.review.finding import ReviewFinding, ReviewRow, failed, passed, unseen
from sandbox.review.journal import JournalExchange
from sandbox.review.rows.reads import references
from sandbox.review.rows.retries import PATIENCE_SECONDS, wait_of
from sandbox.review.story import Story, since

TRIES_MOST = 4
"""Number of refusals after which an app should give up a request."""

ID = "copes-with"
TITLE = "Recovers from each scenario, or gives up properly"
FIX = (
    "Retry what may succeed, at most a few times and after the requested pause. Otherwise give up, and tell"
    " the member."
)
CITES: Mapping[int, tuple[str, ...]] = {
    401: ("RFC 6750 §3.1",),
    403: ("RFC 6750 §3.1", "RFC 9110 §15.5.4"),
    404: ("RFC 9110 §15.5.5",),
    410: ("RFC 9110 §15.5.11",),
    429: ("RFC 6585 §4", "RFC 9110 §10.2.3"),
    503: ("RFC 9110 §15.6.4", "RFC 9110 §10.2.3"),
}
_ANY_CITES = ("RFC 9110 §9.2.2", "RFC 9110 §15.6")
_OAUTH_CITES = ("RFC 6749 §4.1.2.1", "RFC 6749 §5.2")

CIRCLES = frozenset(("loop_next_link", "forget_link_params"))
"""Verbs that lead a client into a loop; the payer sees whether it continues."""
LATE = frozenset(("delay", "stall_body"))
"""Verbs that delay a response; the payer sees whether the app requests it again meanwhile."""
DEAD = frozenset(("break_reference", "restyle_reference", "alias_id"))
"""Verbs that break references; the payer sees how often the app reads them."""
_STATE = frozenset(("drop_state", "alter_state"))


def rows(story: Story) -> Iterator[ReviewRow]:
    """Yield a row for each scenario in the story, in the order in which the app met them."""
    for scenario, met in _met(story).items():
        refused = [e for e in met if _refused(e)]
        status = refused[-1].status if refused else 0
        cites = CITES.get(status, _OAUTH_CITES if refused and status < 500 else _ANY_CITES)
        fix = next((e.repair for e in reversed(refused) if e.repair), FIX)
        yield ReviewRow(
            f"{ID}:{scenario}", f"Copes with {scenario}", fix, cites, partial(_judge, scenario, met)
        )


def _met(story: Story) -> Mapping[str, Sequence[JournalExchange]]:
    """Scenario (or `fail-next`) → the exchanges that it affected."""
    by_scenario: dict[str, list[JournalExchange]] = defaultdict(list)
    plain: dict[str, list[JournalExchange]] = defaultdict(list)
    for exchange in story.exchanges:
        fired = dict.fromkeys(e.partition(":")[0] for e in (*exchange.effects, *exchange.because))
        for name in fired:
            by_scenario[name].append(exchange)
        for name in _names(exchange.scenario):
            by_scenario[name] += ()
            if not fired and _refused(exchange):
                plain[name].append(exchange)
    return {name: felt or plain[name] for name, felt in by_scenario.items()}


def _names(selection: str) -> list[str]:
    """The scenarios of a selection, without parameters, session, `stealth` and baseline."""
    bare = re.split(r"\.(?=[A-Za-z])", selection.partition("~")[0])
    return [name for part in bare if (name := part.partition(",")[0]) not in ("", "baseline", "stealth")]


def _refused(exchange: JournalExchange) -> bool:
    return exchange.status >= 400 or bool(exchange.error)


def _judge(scenario: str, met: Sequence[JournalExchange], story: Story) -> ReviewFinding:
    if not met:
        return unseen("The scenario affected no request of the app.")
    findings = [*_refusals(story, [e for e in met if _refused(e)]), *_quiet(story, met)]
    for result in ("fail", "pass"):
        for finding in findings:
            if finding.result == result:
                return finding
    if findings:
        return findings[0]
    verbs = ", ".join(sorted({v for e in met for v in _verbs(e, scenario)}))
    return unseen(f"The payer cannot see how the app handled it ({verbs}).", met)


def _verbs(exchange: JournalExchange, scenario: str = "") -> set[str]:
    named = [effect.partition(":") for effect in (*exchange.effects, *exchange.because)]
    return {verb for name, _, verb in named if scenario in ("", name)}


def _refusals(story: Story, refused: Sequence[JournalExchange]) -> Iterator[ReviewFinding]:
    """Judge what the app did after each refused request."""
    keys = dict.fromkeys(e.key for e in refused if e.is_call)
    recovered = []
    for key in keys:
        tries = story.tries[key]
        bad = [e for e in tries if _refused(e)]
        better = [e for e in tries if not _refused(e) and e.number > bad[0].number]
        last = bad[-1]
        if len(bad) > TRIES_MOST:
            yield failed(
                f"{last.method} {last.path} was refused {len(bad)} times, and the app did not stop.", bad
            )
        elif better:
            recovered += [bad[0], better[0]]
        elif _moved_on(story, bad):
            recovered.append(last)
        elif (wait := _worth(last)) is None:
            yield passed(
                f"The app gave up {last.method} {last.path} after {quantity(len(bad), 'refusal')}.", bad
            )
        elif story.now <= last.left + wait:
            yield unseen("The app has not tried again yet.", bad)
        else:
            yield failed(
                f"The app gave up {last.method} {last.path}, although a later try would have succeeded.", bad
            )
    if recovered:
        yield passed("Every refused request succeeded later.", recovered)
    if pages := [e for e in refused if not e.is_call]:
        yield _sign_in(story, pages)


def _worth(refusal: JournalExchange) -> float | None:
    """Seconds after which a retry would succeed; None where a retry is of no use."""
    wait = wait_of(refusal)
    if wait is not None:
        return wait if wait <= PATIENCE_SECONDS else None
    over = refusal.status == 401 and refusal.token_state in ("expired", "used-up")
    return 0.0 if over or refusal.status == 429 else None


def _moved_on(story: Story, bad: Sequence[JournalExchange]) -> bool:
    """Whether the app got the resource in another way: other parameters, or a new sign-in."""
    last = bad[-1]
    if last.is_data:
        return any(e.path == last.path and e.status == 200 and e.number > last.number for e in story.data)
    return any(e.status == 200 and e.number > last.number for e in story.redemptions)


def _sign_in(story: Story, pages: Sequence[JournalExchange]) -> ReviewFinding:
    """Judge a sign-in that failed before the app had a code."""
    connected = [e for e in story.redemptions if e.status == 200]
    done = since(connected, pages[0])
    before = max((e.number for e in connected if e.number < pages[0].number), default=0)
    tried = [e for e in story.authorize_requests if e.number > before]
    if done:
        return passed(
            "The app sent the member to sign in again, and the member connected.", [pages[0], done[0]]
        )
    if len(tried) > TRIES_MOST:
        return failed(f"The app sent the member to sign in {len(tried)} times without success.", tried)
    return passed("The app stopped after a sign-in that failed.", pages)


def _quiet(story: Story, met: Sequence[JournalExchange]) -> Iterator[ReviewFinding]:
    """Judge how the app handled responses that were not refusals, where the payer can observe it."""
    circled = [e for e in met if _verbs(e) & CIRCLES and e.status == 200]
    for exchange in circled:
        walked = [e for e in story.tries[exchange.key] if e.status == 200]
        if len(walked) > TRIES_MOST:
            yield failed(f"The app read the same page {len(walked)} times.", walked)
            break
    else:
        if circled:
            yield passed("The app stopped following next links that form a loop.", circled)
    late = [e for e in met if _verbs(e) & LATE and e.status == 200 and e.is_call]
    if late and all(len(story.tries[e.key]) <= TRIES_MOST for e in late):
        yield passed("The app waited for late responses.", late)
    if any(_verbs(e) & DEAD for e in met) and any(e.is_read and e.status in (404, 410) for e in story.data):
        yield references(story)
    strange = [e for e in met if _verbs(e) & _STATE and "code" in e.issued]
    taken = [r for e in strange for r in story.redemptions if r.marks.get("code") == e.issued["code"]]
    if taken:
        yield failed(
            "The app redeemed a code although the callback did not return its state.", [*strange, *taken]
        )
    elif strange:
        yield passed("The app discarded a code because the callback did not return its state.", strange)
