"""One fault at a time: the points that it costs, and the cause, the advice and the exchange that show it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from conftest import Grade, line_of, lost
from fake_payer import HOST, Before, FakePayer, answer

from sandbox.score.guidance.entries import read_guidance

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Fault:
    """A payer with a fault.

    `points`: the metrics that are not full; None where the fault hides most of them. `causes`: metric,
    cause, exchange shown.
    """

    name: str
    switches: dict[str, Any]
    points: dict[str, int] | None
    causes: tuple[tuple[str, str, str], ...]


def fault(name: str, points: dict[str, int] | None, *causes: tuple[str, str, str], **switches: Any) -> Fault:
    return Fault(name, switches, points, causes)


def cut(n: int) -> Before:
    """Each n-th answer is 200 with half a body: a success to the rubric, and no reason to blame paging."""

    def before(request: httpx.Request, number: int) -> httpx.Response | None:
        is_intact = number % n or "/Organization/" in request.url.path
        return None if is_intact else httpx.Response(200, content=b'{"resourceType": "Bun')

    return before


def second_page_fails(request: httpx.Request, number: int) -> httpx.Response | None:
    is_page = "$everything" in request.url.path and "_at" in request.url.params
    return httpx.Response(502, headers={"x-request-id": f"page-{number}"}) if is_page else None


def first(how: str) -> Callable[[str, int], str]:
    """Sign-ins of the first members, and of those that are not among the forty, end so."""
    return lambda name, attempt: how if name < "m2" else ""


DENIED = "302 (the callback returned access_denied"
LOGIN = '<form method="post"><input name="u"><input type="password" name="p"></form>'
FAULTS = [
    fault("no metadata", {"capability-statement": 0},
          ("capability-statement", "not-found", "GET /fhir/metadata 404"), metadata=False),
    fault("no smart-configuration", {"smart-configuration": 0},
          ("smart-configuration", "not-found", "smart-configuration 404"), smart=False),
    fault("every first sign-in fails", {"eligibility-errors": 0},
          refuse_sign_in=lambda u, n: "server_error" if n == 1 and not u.startswith("m") else ""),
    fault("sign-ins are declined", {"authorization-success": 4, "inactive-members": 0},
          ("authorization-success", "declined", DENIED), refuse_sign_in=first("access_denied")),
    fault("scopes are refused", {"authorization-success": 4, "inactive-members": 0},
          ("authorization-success", "invalid-scope", "302 (the callback returned invalid_scope"),
          refuse_sign_in=first("invalid_scope")),
    fault("logins are refused", {"authorization-success": 4, "inactive-members": 0},
          ("authorization-success", "login-refused", "(the payer did not accept"),
          refuse_sign_in=first("login")),
    fault("sign-ins end on a page", {"authorization-success": 4, "inactive-members": 0},
          ("authorization-success", "dead-end", "200 (sign-in ended on a page"),
          refuse_sign_in=first("page")),
    fault("one line only", {"authorization-success": 0, "portal-opt-in": 0, "lines-of-business": 0},
          ("authorization-success", "ineligible", f"{DENIED} (no coverage))"), lines=("medicaid",)),
    fault("no state comes back", {"authorization-success": 0},
          ("authorization-success", "state-lost", "200 (the callback had no state"), drop_state=True),
    fault("no patient", None,
          ("authorization-success", "no-patient", "GET /fhir/Patient 403"),
          patient_in_token=False, before_fhir=answer(403, "Patient", has_id=True)),
    fault("no refresh tokens", {"refresh-token": 0},
          ("refresh-token", "no-refresh-token", "/auth/token 200"), refresh_days=None),
    fault("refresh for 100 days", {"refresh-token": 4},
          ("refresh-token", "ends-early", "token 400 (the token endpoint answered 400"), refresh_days=100),
    fault("lapsed members for 400 days", {"inactive-members": 1},
          ("inactive-members", "refused", DENIED), inactive_days=400),
    fault("opt-in", {"portal-opt-in": 0}, ("portal-opt-in", "opt-in-required", DENIED), opt_in=True),
    fault("ineligible page", {"eligibility-errors": 0},
          ("eligibility-errors", "no-callback", "403 (sign-in ended"), ineligible_answer="page"),
    fault("mandated lines only", {"lines-of-business": 2, "authorization-success": 8},
          ("lines-of-business", "line-closed", DENIED), lines=("medicare-advantage", "medicaid", "qhp")),
    *(
        fault(f"one type answers {status}, with an id", {"request-success": 8},
              ("request-success", cause, f"GET /fhir/Goal {status}"),
              before_fhir=answer(status, "Goal", has_id=True))
        for status, cause in ((500, "server-error"), (502, "bad-gateway"), (403, "forbidden"),
                              (404, "not-found"))
    ),
    fault("a type that no metadata lists answers 404", {"capability-statement": 0, "request-success": 8},
          ("request-success", "type-not-listed", "GET /fhir/Goal 404"),
          metadata=False, before_fhir=answer(404, "Goal", has_id=True)),
    fault("everything answers 500", None,
          ("sync-speed", "server-error", "$everything 500"),
          ("reference-resolution", "searches-fail", "GET /fhir/Patient 500"),
          before_fhir=answer(500, path="/fhir/", has_id=True)),
    fault("half the references dangle", {"reference-resolution": 2},
          ("reference-resolution", "not-found", "Organization/o-0 404"), broken_references=0.5),
    fault("everything contained", {"reference-resolution": 0},
          ("reference-resolution", "no-references", "GET"), contained_only=True),
    fault("no coverage", {"request-success": 8, "carin-resources": 4},
          ("carin-resources", "not-found", "GET /fhir/Coverage 404"), withheld=("Coverage",)),
    fault("coverage answers 502", {"request-success": 8, "carin-resources": 4},
          ("carin-resources", "bad-gateway", "GET /fhir/Coverage 502"),
          withheld=("Coverage",), before_fhir=answer(502, "Coverage", has_id=True)),
    fault("every seventh answer is cut", {}, before_fhir=cut(7)),
    fault("$everything absent", {"request-success": 8, "everything": 0},
          ("request-success", "everything-not-there", "$everything 404"),
          ("everything", "not-supported", "$everything 404"), everything="none"),
    fault("$everything answers 501", {"request-success": 8, "everything": 0},
          ("request-success", "everything-not-there", "$everything 501"),
          everything="none", everything_status=501),
    fault("$everything is forbidden", {"request-success": 8, "everything": 0},
          ("request-success", "everything-forbidden", "$everything 403"),
          everything="none", everything_status=403, names_everything=False),
    fault("$everything cut short", {"everything": 1},
          ("everything", "incomplete", "$everything 200"), everything="truncated"),
    fault("$everything breaks after a page", {"request-success": 8, "everything": 1},
          ("everything", "page-fails", "$everything 502"), before_fhir=second_page_fails),
    fault("very slow", {"sync-speed": 3}, ("sync-speed", "slow-answers", "GET"), latency=0.4),
    fault("portal gone", {"developer-portal": 0},
          ("developer-portal", "not-found", "GET /developer 404"), portal_status=404),
    fault("portal behind a login", {"developer-portal": 0},
          ("developer-portal", "asks-for-login", "GET /developer 200"), portal_page=LOGIN),
    fault("not live yet", None,
          ("status", "implementing", "payer-facts 200"), claims={"status": "implementing"}, lines=()),
    fault("no sandbox", {"sandbox": 0},
          ("sandbox", "no-test-environment", "payer-facts 200"), claims={"sandbox": False}),
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_costs_what_it_should_and_shows_its_cause(fault: Fault, grade_fake: Grade) -> None:
    card, _ = grade_fake(FakePayer(**fault.switches))
    assert fault.points is None or lost(card) == fault.points
    for metric, cause, exchange in fault.causes:
        line = line_of(card, metric)
        assert line.causes[0].id == cause
        guidance = read_guidance(metric)
        assert guidance
        sentences = guidance.all_causes[cause].fix.removesuffix(".").split(". ")
        assert all(sentence in line.fix for sentence in sentences)
        assert line.help == f"docs/checks/{metric}.md#{cause}"
        shown = line.evidence[0]
        text = f"{shown.method} {shown.url.removeprefix(HOST).partition('?')[0]} {shown.status or shown.note}"
        assert exchange in text + (f" ({shown.note})" if shown.note else "")
