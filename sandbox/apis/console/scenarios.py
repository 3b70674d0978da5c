"""The tab "Scenarios": find them, switch them on for this payer, arm one-time faults."""

from __future__ import annotations

from flask import Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.apis.console.layout import render
from sandbox.web import operator
from sandbox.web.request import current


def home() -> Response:
    context = current()
    return render("scenarios.html", "scenarios", scenarios=context.wiring.catalog.by_id.values())


def switch() -> AnyResponse:
    operator.switch_scenarios(request.form.get("selection", "").strip())
    return redirect(f"{current().address}/scenarios", 303)


def fail_next() -> AnyResponse:
    return redirect(f"{current().address}/scenarios", 303)
