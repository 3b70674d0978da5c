"""Observes former members who sign in and see records, and whether their coverage ended as stated.

Accounts are checked: one that is lent as lapsed and whose coverage goes on, or ended later than the facts
say, shows nothing about former members.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median_low
from typing import Any
from urllib.parse import urlencode

from sandbox.score.evidence import Exchange, Observation, seen, unseen
from sandbox.score.fhir import bundles
from sandbox.score.instruments.facts import Member
from sandbox.score.signin.launch import MOST_TRIES, SignInSession, SmartApp

ROLE = re.compile(r"lapsed-(\d{1,5})")
COUNT = 50
SLACK = timedelta(days=62)
"""How old the accounts' data may be: they are made for one month, and used in the next."""
ONE_DAY = timedelta(days=1)
FIRST_YEAR, LAST_YEAR = 1900, 9000
"""Years outside are taken for these: 9999 means never, and no calendar reaches further."""
_OVER = ("cancelled", "entered-in-error")

Resource = dict[str, Any]


@dataclass(frozen=True)
class _Former:
    """A lapsed account: days since coverage ended, and the day on which it did, if the facts say so."""

    member: Member
    days: int
    ended: date | None


@dataclass(frozen=True)
class _Shown:
    """The resources that one search returned; `why` says that it did not work."""

    resources: tuple[Resource, ...] = ()
    why: str = ""
    exchanges: tuple[Exchange, ...] = ()


def observe_former_members(
    app: SmartApp, members: Sequence[Member], kinds: Sequence[str], progress: Callable[[str], None]
) -> Observation:
    """Observe who can sign in and see a resource of one of `kinds`, by days since coverage ended.

    Value: `{"<days>": {"works": bool, "why": str, "contradicts": str, "exchange": n}}`, one for each lapsed
    account; `contradicts` says how their coverage differs from the facts, `exchange` is the place of the
    exchange that decided.
    """
    value: dict[str, Any] = {}
    exchanges: list[Exchange] = []
    unwalked = ""
    matches = [(member, ROLE.fullmatch(member.role)) for member in members]
    all_former = [_Former(m, int(role[1]), _day(m.coverage_end)) for m, role in matches if role]
    anchor = _anchor(all_former, app.http.now().date())
    for former in all_former:
        progress(f"lapsed member, {former.days} days")
        session = app.sign_in_with_retries(former.member)
        exchanges += session.exchanges
        if not session.walked:
            unwalked = unwalked or session.reason
            continue
        why, contradicts = session.reason, ""
        if session.usable:
            shown = {kind: _search(app, session, kind) for kind in kinds}
            exchanges += [exchange for search in shown.values() for exchange in search.exchanges]
            reasons = [search.why or f"{kind} is empty" for kind, search in shown.items()]
            has_records = any(search.resources for search in shown.values())
            why = "" if has_records else f"signed in, but {' and '.join(reasons)}"
            contradicts = _contradiction(former, shown.get("Coverage", _Shown()).resources, anchor)
        value[str(former.days)] = {
            "works": not (why or contradicts),
            "why": why or contradicts,
            "contradicts": contradicts,
            "exchange": len(exchanges) - 1,
        }
    if value:
        return seen(value, exchanges)
    if unwalked:
        return unseen(unwalked, exchanges, cause="sign-in-not-walked")
    return unseen("there is no account of a lapsed member", cause="no-lapsed")


def _anchor(former: Sequence[_Former], today: date) -> date:
    """Return the day that the accounts' days count from.

    The payer's clock may show another day than ours: where at least three accounts say when their coverage
    ended, the median decides.
    """
    days = sorted(f.ended + timedelta(days=f.days) for f in former if f.ended)
    return median_low(days) if len(days) > 2 else today


def _search(app: SmartApp, session: SignInSession, kind: str) -> _Shown:
    """Return the first page of this member's records of a type. A failure is tried again."""
    bearer = app.bearer(session)
    name = "_id" if kind == "Patient" else "patient"
    url = f"{app.base}/{kind}?{urlencode({name: session.patient, '_count': COUNT})}"
    exchanges: list[Exchange] = []
    for _ in range(MOST_TRIES):
        tries = app.http.read(url, bearer, step="probe", resource=kind)
        exchanges += [answer.exchange for answer in tries]
        last = tries[-1]
        if last.status == 200:
            resources = bundles.page(last).resources
            own = tuple(r for r in resources if _is_theirs(r, kind, session.patient))
            return _Shown(own, exchanges=tuple(exchanges))
        if 400 <= last.status < 429:
            break
    return _Shown((), f"{kind} answered {last.status or last.exchange.note}", tuple(exchanges))


def _is_theirs(resource: Resource, kind: str, patient: str) -> bool:
    if kind == "Patient":
        return bundles.key_of(resource) == f"Patient/{patient}"
    return resource.get("resourceType") == kind and not bundles.is_about_another(resource, patient)


def _contradiction(former: _Former, coverages: Sequence[Resource], anchor: date) -> str:
    """Return how a lapsed member's coverage differs from the facts; empty when it does not."""
    periods = [
        c["period"] for c in coverages if c.get("status") not in _OVER and type(c.get("period")) is dict
    ]
    ends = [_day(period.get("end")) for period in periods]
    if any(end is None for end in ends):
        return f"the coverage of the account with the role lapsed-{former.days} has not ended"
    ended = max([end for end in ends if end], default=former.ended)
    if ended is None:
        return ""
    why = f"the coverage of the account with the role lapsed-{former.days} ended on {ended}, not"
    if former.ended and ended > former.ended + ONE_DAY:
        return f"{why} on {former.ended}"
    if ended > anchor - timedelta(days=former.days) + SLACK:
        return f"{why} {former.days} days ago"
    return ""


def _day(text: Any) -> date | None:
    """Return the last day that a FHIR date, of any precision, can mean; None for anything else."""
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
