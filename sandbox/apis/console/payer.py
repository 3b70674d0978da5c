"""The tabs "Clock" and "Sessions": the payer's time and what happens next; payers of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from flask import Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.apis.console.layout import render
from sandbox.core.errors import SandboxProblem
from sandbox.store.secret import new_secret
from sandbox.web import operator
from sandbox.web.request import current

SHOWN = 15
"""Things to come on the page."""
ACCOUNTS_MAX = 1000
"""Accounts whose coverage is looked at."""

JUMPS = (
    ("PT5M", "5 minutes"),
    ("PT1H", "1 hour"),
    ("P1D", "1 day"),
    ("P30D", "30 days"),
    ("P90D", "90 days"),
    ("P365D", "1 year"),
)


@dataclass(frozen=True)
class Coming:
    """Something that happens when the payer's clock gets there. `kind` is a text of the page."""

    at: datetime
    kind: str
    what: str


def home(problem: str = "", status: int = 200) -> Response:
    """The payer's time, and what happens next."""
    return render("clock.html", "clock", status, jumps=JUMPS, coming=_list_coming(), problem=problem)


def _list_coming() -> list[Coming]:
    """What happens next: tokens that expire, coverage that starts or ends, data that appears."""
    context = current()
    now, today = context.now(), context.today()
    coming = []
    for token, grant in context.ledger.list_expiring(now, SHOWN):
        kind = "Access token expires" if token.kind == "access" else "Refresh token expires"
        coming.append(Coming(_instant(token.expires), kind, f"{grant.client}, {grant.username}"))
    for account in list(context.wiring.accounts.values())[:ACCOUNTS_MAX]:
        for span in account.spans:
            if span.start > today:
                coming.append(Coming(_midnight(span.start), "Coverage starts", account.username))
            if span.end is not None and span.end >= today:
                after = _midnight(span.end + timedelta(days=1))
                coming.append(Coming(after, "Coverage has ended", account.username))
    coming += [
        Coming(_instant(when), "Data appears", f"{kind}/{id}")
        for when, kind, id in context.wiring.library.list_coming(now, SHOWN)
    ]
    return sorted(coming, key=lambda event: event.at)[:SHOWN]


def _instant(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def move() -> AnyResponse:
    """Advance the clock by a duration, or set it to an instant (UTC where it has no zone)."""
    advance, to = request.form.get("advance", "").strip(), request.form.get("set", "").strip()
    try:
        if to and datetime.fromisoformat(to).tzinfo is None:
            to = f"{to}+00:00"
    except ValueError:
        pass  # `move_clock` says it
    try:
        operator.move_clock(advance=advance or None, to=to)
    except SandboxProblem as refused:
        return home(refused.text, refused.status)
    return redirect(f"{current().address}/clock", 303)


def reset() -> AnyResponse:
    """Forget tokens, opt-ins, counters, journal and clock of this payer."""
    current().ledger.reset()
    return redirect(current().address, 303)


def sessions(problem: str = "", status: int = 200) -> Response:
    """This session and its payers, and the form that opens another one."""
    context = current()
    session = context.selection.session
    return render(
        "sessions.html",
        "sessions",
        status,
        payers=context.wiring.ledger.payers_of(session) if session else (),
        problem=problem,
    )


def open_session() -> AnyResponse:
    """Go to the console of a session: of this name, or of a new one."""
    context = current()
    name = request.form.get("name", "").strip() or new_secret(6).strip("-_")
    try:
        selection = context.wiring.catalog.parse(f"~{name}")
    except SandboxProblem as refused:
        return sessions(refused.text, 400)
    console = context.address.removeprefix(context.base)
    return redirect(f"{context.origin}/s/~{selection.session}{console}/sessions", 303)
