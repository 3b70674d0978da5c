"""The operator's browser: it enters the control key once, where one is set."""

from __future__ import annotations

from flask import Response, redirect, request, send_from_directory
from werkzeug.wrappers import Response as AnyResponse

from sandbox.apis.console.layout import FOLDER, render
from sandbox.web.guard import forget_operator, is_key, may_control, remember_operator
from sandbox.web.request import current, wiring


def form() -> AnyResponse:
    """The form for the key; the console itself where no key is needed."""
    if may_control():
        return redirect(current().address)
    return render("login.html", "", problem=False)


def log_in() -> AnyResponse:
    if not wiring().control_key or not is_key(request.form.get("key", "")):
        return render("login.html", "", 403, problem=True)
    response = redirect(current().address, 303)
    remember_operator(response)
    return response


def log_out() -> AnyResponse:
    response = redirect(f"{current().address}/login", 303)
    forget_operator(response)
    return response


def asset(name: str) -> Response:
    """A style sheet or a script of the console."""
    return send_from_directory(FOLDER / "static", name, max_age=300)
