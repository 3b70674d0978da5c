"""/_sandbox/review: the report card of an app, as JSON and as a page; /_sandbox/sessions: where it was."""

from __future__ import annotations

from flask import Blueprint, Response, request

from sandbox.apis.control.routes import guard
from sandbox.core.errors import UsageError, bad_request
from sandbox.core.files import json_bytes
from sandbox.review import card, journal
from sandbox.review.forms.text import EVIDENCE_MOST, evidence
from sandbox.web.pages import page
from sandbox.web.request import here, rooms

report_card = Blueprint("report_card", __name__, url_prefix="/_sandbox")
report_card.before_request(guard)

ENTRIES_MOST = 10_000
_PAGE = "text/html"


@report_card.get("/sessions/<name>")
def session(name: str) -> Response:
    """The payers of a session of which something was asked, by their selections."""
    return Response(json_bytes({"payers": rooms().ledger.payers_of(name)}), content_type="application/json")


@report_card.get("/review")
def review() -> Response:
    """The card of `client`, or of the only app there is; a page for who prefers one."""
    visit, wanted = here(), request.args.get("client") or None
    found = journal.exchanges(visit.ledger.journal(ENTRIES_MOST))
    names = card.clients(found)
    as_page = request.accept_mimetypes.best_match(("application/json", _PAGE)) == _PAGE
    if as_page and (len(names) > 1 and wanted is None):
        return page("review.html", card=None, clients=names)
    try:
        record = card.ReviewRecord(found, visit.clock.now().timestamp())
        told = card.review([record], wanted, visit.base)
    except UsageError as problem:
        bad_request(str(problem), "client")
    if as_page:
        return page("review.html", card=told, evidence=evidence, most=EVIDENCE_MOST)
    return Response(json_bytes(told.to_json()), content_type="application/json")
