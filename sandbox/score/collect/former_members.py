"""Former members: who gets in, is shown something of theirs, and whose coverage ended as the roster says.

An account is believed as far as it can be checked: one that is lent as lapsed and whose coverage goes on, or
ended later than is said, shows nothing about former members.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median_low
from typing import Any
from urllib.parse import urlencode

from sandbox.score.collect.probes import MOST_TRIES, Door
from sandbox.score.evidence import Exchange, Observation, seen, unseen
from sandbox.score.fhir import bundles
from sandbox.score.instruments.facts import Member
from sandbox.score.signin.launch import SignInSession

ROLE = re.compile(r"lapsed-(\d{1,5})")
COUNT = 50
SLACK = timedelta(days=62)
"""How far the day that rosters count from may lie back: data are made for a month, and used in the next."""
ONE_DAY = timedelta(days=1)
FIRST_YEAR, LAST_YEAR = 1900, 9000
"""Years outside are taken for these: 9999 means never, and no calendar reaches further."""
_OVER = ("cancelled", "entered-in-error")

Resource = dict[str, Any]


@dataclass(frozen=True)
class _Former:
    """A lapsed account: days since coverage ended, and on which day that was, where the roster says so."""

    member: Member
    days: int
    ended: date | None


@dataclass(frozen=True)
class _Shown:
    """What one search showed. `why`: that it did not work."""

    resources: tuple[Resource, ...] = ()
    why: str = ""


def lapsed(
    door: Door, members: Sequence[Member], kinds: Sequence[str], progress: Callable[[str], None]
) -> Observation:
    """Who gets in and is shown a resource of one of `kinds`, by days since coverage ended.

    Value: `{"<days>": {"works": bool, "why": str, "contradicts": str, "exchange": n}}`, one for each lapsed
    account; `contradicts` says how their coverage differs from the roster, `exchange` is the place of the
    exchange that decided.
    """
    found: dict[str, Any] = {}
    exchanges: list[Exchange] = []
    unwalked = ""
    former = [one for member in members if (one := _former(member))]
    anchor = _anchor(former, door.http.now().date())
    for one in former:
        progress(f"lapsed member, {one.days} days")
        session = door.sign_in_patiently(one.member)
        exchanges += session.exchanges
        if not session.walked:
            unwalked = unwalked or session.reason
            continue
        why, contradicts = session.reason, ""
        if session.usable:
            shown = {kind: _search(door, session, kind, exchanges) for kind in kinds}
            why = "" if any(each.resources for each in shown.values()) else _nothing(shown)
            contradicts = _contradiction(one, shown.get("Coverage", _Shown()).resources, anchor)
        found[str(one.days)] = {
            "works": not (why or contradicts),
            "why": why or contradicts,
            "contradicts": contradicts,
            "exchange": len(exchanges) - 1,
        }
    if found:
        return seen(found, exchanges)
    if unwalked:
        return unseen(unwalked, exchanges, cause="sign-in-not-walked")
    return unseen("no account of a lapsed member was lent", cause="no-lapsed")


def _former(member: Member) -> _Former | None:
    match = ROLE.fullmatch(member.role)
    return _Former(member, int(match[1]), _day(member.coverage_end)) if match else None


def _anchor(former: Sequence[_Former], today: date) -> date:
    """The day that the roster counts from. A payer may live on another day than we do: where enough accounts
    say when their coverage ended, they tell."""
    told = sorted(one.ended + timedelta(days=one.days) for one in former if one.ended)
    return median_low(told) if len(told) > 2 else today


def _search(door: Door, session: SignInSession, kind: str, exchanges: list[Exchange]) -> _Shown:
    """The first page of what this member is shown of a type, theirs alone. A stumble is tried again."""
    bearer = session.bearer(door.http, door.endpoints, door.app)
    name = "_id" if kind == "Patient" else "patient"
    url = f"{door.base}/{kind}?{urlencode({name: session.patient, '_count': COUNT})}"
    for _ in range(MOST_TRIES):
        tries = door.http.read(url, bearer, step="probe", resource=kind)
        exchanges += [answer.exchange for answer in tries]
        last = tries[-1]
        if last.status == 200:
            page = bundles.page(last)
            return _Shown(tuple(r for r in page.resources if _is_theirs(r, kind, session.patient)))
        if 400 <= last.status < 429:
            break
    return _Shown(why=f"{kind} answered {last.status or last.exchange.note}")


def _is_theirs(resource: Resource, kind: str, patient: str) -> bool:
    if resource.get("resourceType") != kind:
        return False
    return (
        resource.get("id") == patient
        if kind == "Patient"
        else not bundles.is_about_another(resource, patient)
    )


def _nothing(shown: dict[str, _Shown]) -> str:
    told = [each.why or f"{kind} is empty" for kind, each in shown.items()]
    return f"signed in, but {' and '.join(told)}"


def _contradiction(one: _Former, coverages: Sequence[Resource], anchor: date) -> str:
    """How a lapsed member's coverage differs from what the roster says; empty when it does not."""
    periods = [
        c["period"] for c in coverages if c.get("status") not in _OVER and type(c.get("period")) is dict
    ]
    ends = [_day(period.get("end")) for period in periods]
    if any(end is None for end in ends):
        return f"coverage of the member lent as lapsed-{one.days} has not ended"
    ended = max([end for end in ends if end], default=one.ended)
    if ended is None:
        return ""
    if one.ended and ended > one.ended + ONE_DAY:
        return f"coverage of the member lent as lapsed-{one.days} ended on {ended}, not on {one.ended}"
    if ended > anchor - timedelta(days=one.days) + SLACK:
        return f"coverage of the member lent as lapsed-{one.days} ended on {ended}, not {one.days} days ago"
    return ""


def _day(text: Any) -> date | None:
    """The last day that a FHIR date, of whatever precision, can mean; None for none."""
    match = re.match(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?", text) if isinstance(text, str) else None
    if match is None:
        return None
    year, month = min(max(int(match[1]), FIRST_YEAR), LAST_YEAR), int(match[2] or 12)
    try:
        if match[3]:
            return date(year, month, int(match[3]))
        return date(year + month // 12, month % 12 + 1, 1) - ONE_DAY
    except ValueError:
        return None
