"""The control API: its calls, each with what it takes and answers."""

from __future__ import annotations

from typing import Any

from sandbox.apis.control import reports, routes
from sandbox.apis.control.models import (
    App,
    AppChange,
    Apps,
    ClockMove,
    ClockState,
    FailNext,
    Health,
    Journal,
    Keys,
    ReportCard,
    Reset,
    Revocation,
    Revoked,
    Scenarios,
    ScenarioSwitch,
    Session,
    SignIn,
    Standing,
    StandingChange,
    SwitchedScenarios,
    Usage,
)
from sandbox.apis.control.openapi import ControlOperation
from sandbox.faults.one_shot import OneShot
from sandbox.web.api import Api, Audience, ErrorShape
from sandbox.web.request import RequestContext

FILTERS = {
    "limit": "at most so many entries, 1 to 10000 (100)",
    "after": "entries after this number, oldest first",
    "wait": "with `after`: wait up to so many seconds (30 at most) until there is one",
    "status": "401, or a class such as 4xx",
    "method": "GET, POST",
    "path": "the beginning of the path below the prefix",
    "member": "a member's user name",
    "client": "a client id",
    "scenario": "the beginning of the selection",
    "effect": "a part of the name of an effect that fired",
    "request": "the X-Request-Id of an answer",
    "token": "the beginning of the SHA-256 of a bearer token, as entries have it",
    "since": "an instant with its zone",
    "refused": "true: only what was refused",
    "format": "ndjson: one entry a line (the same as Accept: application/x-ndjson)",
}


def _facts(context: RequestContext) -> dict[str, Any]:
    """What a grader may use: the clock, and the same payer in a session of its own."""
    origin, below = context.base.partition("/s/")[0], context.fhir.removeprefix(context.base)
    return {
        "instruments": {
            "clock": f"{context.address_of(CONTROL.name)}/clock",
            "fresh_payer": f"{origin}/s/{context.selection.written}~{{session}}{below}",
        }
    }


_call = ControlOperation

CONTROL = Api(
    name="control",
    prefix="/_sandbox",
    title="Control API",
    cites=(),
    audience=Audience.OPERATOR,
    errors=ErrorShape.JSON,
    operations=(
        _call(
            "GET",
            "/health",
            "health",
            routes.health,
            "Whether the payer runs. No key is needed.",
            Audience.PUBLIC,
            answer=Health,
        ),
        _call("GET", "/openapi.json", "openapi", routes.openapi, "This document."),
        _call("GET", "/clock", "clock", routes.clock, "The payer's time.", answer=ClockState),
        _call(
            "POST",
            "/clock",
            "moveClock",
            routes.move_clock,
            "Move the clock of this payer.",
            answer=ClockState,
            body=ClockMove,
        ),
        _call(
            "GET",
            "/journal",
            "journal",
            routes.journal,
            "The exchanges, with what fired.",
            answer=Journal,
            query=FILTERS,
        ),
        _call(
            "GET",
            "/sessions/<name>",
            "session",
            reports.session,
            "The payers of a session that were used.",
            answer=Session,
        ),
        _call(
            "GET",
            "/review",
            "review",
            reports.review,
            "How an app behaved; a page for a browser.",
            answer=ReportCard,
            query={"client": "the app, where several used this payer"},
        ),
        _call(
            "POST",
            "/reset",
            "reset",
            routes.reset,
            "Forget tokens, opt-ins, counters, journal and clock.",
            answer=Reset,
        ),
        _call(
            "GET",
            "/scenarios",
            "scenarios",
            routes.scenarios,
            "The catalogue, and what is in force.",
            answer=Scenarios,
            query={"q": "only the scenarios that match these words, best first"},
        ),
        _call(
            "POST",
            "/scenarios",
            "switchScenarios",
            routes.switch_scenarios,
            "Switch scenarios on for this payer, whatever address its clients use.",
            answer=SwitchedScenarios,
            body=ScenarioSwitch,
        ),
        _call(
            "GET",
            "/fail-next",
            "armed",
            routes.armed,
            "The faults that were armed, and what is left.",
            answer=FailNext,
        ),
        _call(
            "POST",
            "/fail-next",
            "failNext",
            routes.fail_next,
            "Arm a fault that happens a number of times and is over.",
            answer=FailNext,
            body=OneShot,
        ),
        _call("DELETE", "/fail-next", "disarm", routes.disarm, "Forget every armed fault.", answer=FailNext),
        _call(
            "GET",
            "/reports/patient-access-metrics",
            "usageReport",
            reports.usage_report,
            "The yearly usage report.",
            answer=Usage,
            query={"year": "a calendar year (required)"},
        ),
        _call(
            "GET",
            "/members/<username>",
            "member",
            routes.member,
            "What is decided about a member.",
            answer=Standing,
        ),
        _call(
            "POST",
            "/members/<username>",
            "decideMember",
            routes.decide_member,
            "Lock, approve or opt out a member.",
            answer=Standing,
            body=StandingChange,
        ),
        _call(
            "POST",
            "/members/<username>/revoke",
            "revokeGrants",
            routes.revoke_grants,
            "End what a member has granted to an app, or to every app.",
            answer=Revoked,
            body=Revocation,
        ),
        _call(
            "POST",
            "/sign-in",
            "signIn",
            routes.sign_in,
            "Sign a member in; the answer is the token endpoint's.",
            body=SignIn,
        ),
        _call(
            "GET",
            "/clients",
            "clients",
            routes.clients,
            "The apps, and the criteria against them.",
            answer=Apps,
        ),
        _call("GET", "/clients/<id>", "client", routes.client, "One app.", answer=App),
        _call(
            "POST",
            "/clients/<id>",
            "decideClient",
            routes.decide_client,
            "Approve, deny or suspend an app; rotate its secret.",
            answer=App,
            body=AppChange,
        ),
        _call(
            "POST",
            "/keys/rotate",
            "rotateKeys",
            routes.rotate_keys,
            "Sign id_tokens with a new key.",
            answer=Keys,
        ),
    ),
    facts=_facts,
)

APIS = (CONTROL,)
