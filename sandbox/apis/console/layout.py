"""What every page of the console has around it."""

from __future__ import annotations

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
