"""The tab "Sessions": payers of one's own, each with its clock, tokens and journal."""

from __future__ import annotations

from flask import Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.apis.console.layout import render
from sandbox.core.errors import SandboxProblem
from sandbox.store.secret import new_secret
from sandbox.web.request import current


def home(problem: str = "", status: int = 200) -> Response:
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
        return home(refused.text, 400)
    origin = context.base.partition("/s/")[0]
    console = context.address.removeprefix(context.base)
    return redirect(f"{origin}/s/~{selection.session}{console}/sessions", 303)
