"""The control API: its calls, each with what it takes and answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response
from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from sandbox.apis.control import models, reports, routes
from sandbox.apis.control.openapi import ControlOperation
from sandbox.faults.one_shot import OneShot
from sandbox.web.api import Api, Audience, ErrorShape
from sandbox.web.request import RequestContext

FILTERS = {
    "limit": "maximum number of entries, 1 to 10000 (default 100)",
    "after": "entries with a higher number, oldest first",
    "wait": "with `after`: seconds to wait for an entry, 30 at most",
    "status": "a status such as 401, or a class such as 4xx",
    "method": "HTTP method, such as GET",
    "path": "the start of the path below the prefix",
    "member": "a member's user name",
    "client": "a client id",
    "scenario": "the start of the selection",
    "effect": "part of the name of an effect that fired",
    "request": "the X-Request-Id of a response",
    "token": "the start of the SHA-256 of a bearer token, as in entries",
    "since": "a date and time with time zone",
    "refused": "true for refused requests only",
    "format": "ndjson: one entry per line (the same as Accept: application/x-ndjson)",
}


def _facts(context: RequestContext) -> dict[str, Any]:
    """What a grader may use: the clock, and the same payer in a session of its own."""
    below = context.fhir.removeprefix(context.base)
    return {
        "instruments": {
            "clock": f"{context.address_of(CONTROL.name)}/clock",
            "fresh_payer": f"{context.origin}/s/{context.selection.written}~{{session}}{below}",
        }
    }


def _call(
    method: str,
    path: str,
    view: Callable[..., Response],
    summary: str,
    answer: type[BaseModel] | None = None,
    **more: Any,
) -> ControlOperation:
    """A call. Its operationId is the name of its view: `move_clock` → `moveClock`."""
    return ControlOperation(method, path, to_camel(view.__name__), view, summary, answer=answer, **more)


CONTROL = Api(
    name="control",
    prefix="/_sandbox",
    title="Control API",
    cites=(),
    audience=Audience.OPERATOR,
    errors=ErrorShape.JSON,
    operations=(
        _call("GET", "/health", routes.health, "Return whether the payer works. No key is needed.",
              models.Health, audience=Audience.PUBLIC),
        _call("GET", "/openapi.json", routes.openapi, "Return this document."),
        _call("GET", "/clock", routes.clock, "Return the payer's time.", models.ClockState),
        _call("POST", "/clock", routes.move_clock, "Move the clock of this payer.", models.ClockState,
              body=models.ClockMove),
        _call("GET", "/journal", routes.journal,
              "Return requests and responses, with the faults that fired.", models.Journal, query=FILTERS),
        _call("GET", "/sessions/<name>", reports.session, "List the payers of a session that were used.",
              models.Session),
        _call("GET", "/review", reports.review, "Review how an app behaved. A browser gets a page.",
              models.ReportCard, query={"client": "client id of the app, if several apps used this payer"}),
        _call("POST", "/reset", routes.reset,
              "Delete tokens, opt-ins, registrations, counters, armed faults and journal, "
              "and reset the clock.", models.Reset),
        _call("GET", "/scenarios", routes.scenarios, "Return the catalog, and the scenarios in effect.",
              models.Scenarios, query={"q": "only the scenarios that match these words, best first"}),
        _call("POST", "/scenarios", routes.switch_scenarios,
              "Switch scenarios on for this payer, whatever address its clients use.",
              models.SwitchedScenarios, body=models.ScenarioSwitch),
        _call("POST", "/sign-in", routes.sign_in, "Sign a member in; the answer is the token endpoint's.",
              body=models.SignIn),
        _call("GET", "/fail-next", routes.armed,
              "List the armed faults, and how often each will still happen.", models.FailNext),
        _call("POST", "/fail-next", routes.fail_next,
              "Arm a fault that happens a limited number of times.", models.FailNext, body=OneShot),
        _call("DELETE", "/fail-next", routes.disarm, "Remove all armed faults.", models.FailNext),
        _call("GET", "/reports/patient-access-metrics", reports.usage_report,
              "Return the yearly usage report.", models.Usage, query={"year": "a calendar year (required)"}),
        _call("GET", "/members", routes.members,
              "List members, with their passwords and why they may not connect.", models.Members,
              query={"q": "only members whose name, role or purpose contains these words"}),
        _call("GET", "/members/<username>", routes.member, "Return the decisions about a member.",
              models.Standing),
        _call("POST", "/members/<username>", routes.decide_member, "Lock, approve or opt out a member.",
              models.Standing, body=models.StandingChange),
        _call("POST", "/members/<username>/revoke", routes.revoke_grants,
              "End what a member has granted to an app, or to every app.", models.Revoked,
              body=models.Revocation),
        _call("GET", "/clients", routes.clients,
              "List the apps, and the criteria for denying or suspending one.", models.Apps),
        _call("GET", "/clients/<id>", routes.client, "Return an app.", models.App),
        _call("POST", "/clients/<id>", routes.decide_client,
              "Approve, deny or suspend an app, or rotate its secret.", models.App, body=models.AppChange),
        _call("POST", "/keys/rotate", routes.rotate_keys, "Sign id_tokens with a new key.", models.Keys),
    ),
    facts=_facts,
)  # fmt: skip

APIS = (CONTROL,)
