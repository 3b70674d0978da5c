"""What every page of the console has around it, and the page on which an operator enters the control key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Response, current_app, redirect, request, send_from_directory
from werkzeug.wrappers import Response as AnyResponse

from sandbox.core.files import json_exact, json_pretty
from sandbox.web.guard import forget_operator, form_token, is_key, may_control, remember_operator
from sandbox.web.pages import page
from sandbox.web.request import current, wiring

FOLDER = Path(__file__).parent

SHARED = ("copy.js", "icon.svg")
"""Files of the payer's pages that the console has too."""

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


def render(template: str, tab: str | None, status: int = 200, **values: Any) -> Response:
    """Return a page of the console. `tab` is the path of its tab; None: for strangers, without tabs."""
    context = current()
    return page(
        f"console/{template}",
        status,
        scripted=True,
        tabs=TABS,
        tab=tab,
        console=context.address,
        csrf=form_token(),
        selection=context.selection,
        origin=context.origin,
        session=context.selection.session,
        payer_now=context.clock.now(),
        ahead=context.ledger.offset(),
        has_key=bool(context.wiring.control_key),
        **values,
    )


def print_json(text: str) -> str:
    """Return JSON with indentation and every digit of its numbers, and other text as it is."""
    try:
        return json_pretty(json_exact(text.encode())).decode().rstrip()
    except (ValueError, TypeError, RecursionError):  # also what is nested too deeply
        return text


def login() -> AnyResponse:
    """The form for the key; the console itself where no key is needed."""
    if may_control():
        return redirect(current().address)
    return render("login.html", None, problem=False)


def log_in() -> AnyResponse:
    if not wiring().control_key or not is_key(request.form.get("key", "")):
        return render("login.html", None, 403, problem=True)
    response = redirect(current().address, 303)
    remember_operator(response)
    return response


def log_out() -> AnyResponse:
    response = redirect(f"{current().address}/login", 303)
    forget_operator(response)
    return response


def asset(name: str) -> Response:
    """A style sheet or a script of the console, or what it shares with the payer's pages.

    At its own address the journal does not keep who asks for it.
    """
    folder = current_app.static_folder if name in SHARED else None
    return send_from_directory(folder or FOLDER / "static", name, max_age=300)
