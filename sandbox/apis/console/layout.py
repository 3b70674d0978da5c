"""What every page of the console has around it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from flask import Response

from sandbox.web.guard import form_token
from sandbox.web.pages import page
from sandbox.web.request import current

FOLDER = Path(__file__).parent

TABS = (
    ("", "Requests"),
    ("scenarios", "Scenarios"),
    ("clock", "Clock"),
    ("members", "Members"),
    ("apps", "Apps"),
    ("sessions", "Sessions"),
    ("score", "Score"),
    ("review", "Review"),
)
"""Path below the console → its title."""


def render(template: str, tab: str, status: int = 200, **values: Any) -> Response:
    """Return a page of the console. `tab` is the path of its tab."""
    context = current()
    switched = context.ledger.tenant_state().switched or ""
    return page(
        f"console/{template}",
        status,
        scripted=True,
        tabs=TABS,
        tab=tab,
        console=context.address,
        csrf=form_token(),
        selection=context.selection,
        switched=switched,
        origin=context.base.partition("/s/")[0],
        session=context.selection.session,
        payer_now=context.clock.now(),
        ahead=context.ledger.offset(),
        has_key=bool(context.wiring.control_key),
        **values,
    )


def print_json(text: str) -> str:
    """Return JSON with indentation, and other text as it is."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text
