"""The tab "Clock": the payer's time, moving it, and what happens next."""

from __future__ import annotations

from flask import Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.apis.console.layout import render
from sandbox.web import operator
from sandbox.web.request import current

JUMPS = (
    ("PT5M", "5 minutes"),
    ("PT1H", "1 hour"),
    ("P1D", "1 day"),
    ("P30D", "30 days"),
    ("P90D", "90 days"),
    ("P365D", "1 year"),
)


def home() -> Response:
    return render("clock.html", "clock", jumps=JUMPS)


def move() -> AnyResponse:
    """Advance the clock by a duration, or set it to an instant (UTC where it has no zone)."""
    advance, to = request.form.get("advance", "").strip(), request.form.get("set", "").strip()
    if to and not to.endswith("Z") and "+" not in to:
        to = f"{to}+00:00"
    operator.move_clock(advance=advance or None, to=to)
    return redirect(f"{current().address}/clock", 303)


def reset() -> AnyResponse:
    """Forget tokens, opt-ins, counters, journal and clock of this payer."""
    current().ledger.reset()
    return redirect(current().address, 303)
