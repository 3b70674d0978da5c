"""The tab "Scenarios": find them, switch them on for this payer, arm one-time faults."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.apis.console.layout import render
from sandbox.core.errors import SandboxProblem
from sandbox.faults import one_shot
from sandbox.faults.listing import Cost, compute_cost, compute_points_left
from sandbox.faults.scenario import Scenario
from sandbox.faults.search import QUERY_LENGTH_MAX, search, suggest
from sandbox.faults.selection import Selection
from sandbox.web import operator
from sandbox.web.request import current

STATUSES = (503, 429, 500, 502, 504, 401, 403, 404, 400)
"""Statuses that a one-time fault can have, the usual one first."""


@dataclass(frozen=True)
class ListedScenario:
    """A scenario as the page lists it. `why`: what of it the words of the search match."""

    scenario: Scenario
    cost: Cost
    why: str = ""


def home(problem: str = "", status: int = 200) -> Response:
    """What is in force, one-time faults, and the scenarios that match a search."""
    context, words = current(), request.values.get("q", "").strip()[:QUERY_LENGTH_MAX]
    catalog = context.wiring.catalog
    listed: Iterable[ListedScenario]
    if words:
        listed = [ListedScenario(m.scenario, compute_cost(m.scenario), m.why) for m in search(catalog, words)]
    else:
        listed = [ListedScenario(scenario, compute_cost(scenario)) for scenario in catalog.by_id.values()]
    in_force = [s for s in context.selection.scenarios if s.rules or s.payer]
    switched = {scenario.id for scenario in _switched().scenarios}
    return render(
        "scenarios.html",
        "scenarios",
        status,
        problem=problem,
        words=words,
        listed=listed,
        suggestions=suggest(catalog, words) if words and not listed else (),
        in_force=in_force,
        switched_ids=switched,
        points_left=compute_points_left(in_force),
        armed=[fault for fault in context.ledger.armed() if fault.left > 0],
        places=list(one_shot.TARGETS),
        types=context.types(),
        statuses=STATUSES,
    )


def switch() -> AnyResponse:
    """Switch a scenario on with its parameters, or off."""
    form = request.form
    others = [s.name for s in _switched().scenarios if s.id != form.get("id")]
    if form.get("action") != "off":
        others.append(_written(form))
    try:
        operator.switch_scenarios(".".join(others))
    except SandboxProblem as refused:
        return home(refused.text, refused.status)
    words = form.get("q", "").strip()[:QUERY_LENGTH_MAX]
    query = f"?{urlencode({'q': words})}" if words else ""
    return redirect(f"{current().address}/scenarios{query}", 303)


def _switched() -> Selection:
    context = current()
    switched = context.ledger.tenant_state().switched
    return context.wiring.catalog.parse(switched) if switched else Selection()


def _written(form: Mapping[str, str]) -> str:
    """The scenario of a form, with the parameters that were filled in."""
    parameters = {
        name.removeprefix("p-"): value.strip() for name, value in form.items() if name.startswith("p-")
    }
    settings = "".join(f",{name}={value}" for name, value in parameters.items() if value)
    return form.get("id", "") + settings


def fail_next() -> AnyResponse:
    """Arm a fault for the next calls of a place, or forget all that are armed."""
    context, form = current(), request.form
    if form.get("action") == "disarm":
        context.ledger.disarm()
    else:
        text = f"{form.get('place', '')}={form.get('times', '')}:{form.get('status', '')}"
        try:
            operator.arm_fault(one_shot.parse_header(text)[0], "console")
        except SandboxProblem as refused:
            return home(refused.text, refused.status)
    return redirect(f"{context.address}/scenarios#one-time", 303)
