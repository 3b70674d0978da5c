"""Reports about the use of the payer: the report card of an app, the payers of a session, the yearly report.

Source of the yearly report: 42 CFR 422.119(f), added by CMS-0057-F (spec REG-60): aggregated and
de-identified, by calendar year, due on March 31 of the next. A transfer is a day on which an app read a
member's data.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flask import Response, current_app, request

from sandbox.core.errors import UsageError, bad_request
from sandbox.web.api import Audience, Surface
from sandbox.web.negotiation import json_response
from sandbox.web.operator import Reviewer
from sandbox.web.pages import page
from sandbox.web.request import current, wiring

_YEAR = re.compile(r"20[0-9]{2}", re.ASCII)
ENTRIES_MOST = 10_000
_PAGE = "text/html"


def session(name: str) -> Response:
    """The payers of a session of which something was asked, by their selections."""
    return json_response({"payers": wiring().ledger.payers_of(name)})


def review() -> Response:
    """The card of `client`, or of the only app there is; a page for who prefers one."""
    context, wanted = current(), request.args.get("client") or None
    reviewer: Reviewer = current_app.extensions["reviewer"]
    exchanges = reviewer.exchanges(context.ledger.journal(ENTRIES_MOST))
    names = reviewer.clients(exchanges)
    as_page = request.accept_mimetypes.best_match(("application/json", _PAGE)) == _PAGE
    if as_page and (len(names) > 1 and wanted is None):
        return page("review.html", card=None, clients=names)
    try:
        card = reviewer.review(exchanges, context.clock.now().timestamp(), wanted, context.base)
    except UsageError as problem:
        bad_request(str(problem), "client")
    if as_page:
        return page("review.html", card=card, evidence=reviewer.evidence, most=reviewer.evidence_max)
    return json_response(card.to_json())


def usage_report() -> Response:
    """The yearly report of the calendar year `year`. Raises BadRequest."""
    year = request.args.get("year", "")
    if not _YEAR.fullmatch(year):
        bad_request("year must be a calendar year, such as 2026", "year")
    entries = current().ledger.journal(limit=0, oldest=True)
    return json_response(count_transfers(entries, int(year), wiring().apis.surface))


def count_transfers(
    entries: Iterable[Mapping[str, Any]], year: int, surface: Callable[[str], Surface]
) -> dict[str, Any]:
    """Counts of a calendar year, from the journal. No member is named."""
    days: dict[str, set[tuple[str, str]]] = {}
    apps: set[str] = set()
    for entry in entries:
        member, path = entry.get("member"), entry["path"]
        if (
            entry["at"].startswith(f"{year:04}-")
            and entry["status"] == 200
            and member
            and surface(path).audience is Audience.MEMBER
        ):
            app = entry.get("client") or ""
            days.setdefault(member, set()).add((app, entry["at"][:10]))
            apps.add(app)
    return {
        "year": year,
        "level": "contract",
        "id": "H9999",
        "unique_patients": len(days),
        "unique_patients_multiple": sum(len(transfers) > 1 for transfers in days.values()),
        "apps": len(apps),
        "due": f"{year + 1:04}-03-31",
    }
