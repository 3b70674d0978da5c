"""Every band of every metric, from evidence built by hand; edges a hair apart."""

from __future__ import annotations

from typing import Any

import pytest
import transcripts

from sandbox.score.evidence import Evidence, Exchange, Observation, seen, unseen
from sandbox.score.rubric import check_of, load

EDITION = load("2025-05")
METRICS = {metric.id: metric for metric in EDITION.metrics}


def facts(accounts: dict[str, int] | None = None, **claims: Any) -> Observation:
    value = {"from": "file", "claims": claims, "instruments": {"accounts": accounts or {}}}
    return seen(value, source="declared")


def verdict_of(metric: str, **observations: Observation) -> Any:
    named = {name.replace("_", "-"): observation for name, observation in observations.items()}
    verdict = check_of(metric).judge(Evidence("http://payer", "", named))
    transcripts.note(verdict)
    return verdict


def points(metric: str, **observations: Observation) -> int:
    verdict = verdict_of(metric, **observations)
    assert verdict.metric == metric
    assert verdict.reason
    return 0 if verdict.source == "unseen" else METRICS[metric].award(verdict.value)[0]


def attempts(good: int, bad: int = 0) -> Observation:
    entry = {"who": "eligible 1", "line": "qhp", "error": "", "description": ""}
    won = [{**entry, "outcome": "AUTHORIZED", "reason": ""}] * good
    return seen(won + [{**entry, "outcome": "ERROR_PAGE", "reason": "a page"}] * bad)


def requests(good: int, bad: int, status: int = 500) -> Observation:
    made = [Exchange("GET", "u", 200, 1.0, "individual")] * good
    made += [Exchange("GET", "u", status, 1.0, "pagination")] * bad
    made += [Exchange("POST", "t", 400, 1.0, "token")]  # a renewal is no data request
    return seen({"members": [member()]}, made)


def member(
    seconds: float = 0.5, types: tuple[str, ...] = ("Patient",), own: tuple[str, ...] = ()
) -> dict[str, Any]:
    return {"seconds": seconds, "types": list(types), "ok_searches": list(own)}


def syncs(*members: dict[str, Any]) -> Observation:
    return seen({"members": list(members)})


@pytest.mark.parametrize(
    ("good", "bad", "earned"),
    [(100, 0, 14), (95, 5, 14), (9499, 501, 12), (90, 10, 12), (8999, 1001, 10), (80, 20, 10),
     (7999, 2001, 8), (70, 30, 8), (6999, 3001, 4), (50, 50, 4), (4999, 5001, 0), (0, 40, 0)],
)  # fmt: skip
def test_authorization_success(good: int, bad: int, earned: int) -> None:
    assert points("authorization-success", sign_ins=attempts(good, bad)) == earned


@pytest.mark.parametrize(
    ("good", "bad", "earned"),
    [(99, 1, 10), (989, 11, 8), (95, 5, 8), (9499, 501, 6), (90, 10, 6), (899, 101, 5), (80, 20, 5),
     (799, 201, 3), (70, 30, 3), (699, 301, 1), (50, 50, 1), (49, 51, 0)],
)  # fmt: skip
def test_request_success(good: int, bad: int, earned: int) -> None:
    assert points("request-success", sync=requests(good, bad)) == earned


@pytest.mark.parametrize(
    ("resolved", "read", "earned"),
    [(100, 100, 5), (95, 100, 5), (9499, 10000, 4), (80, 100, 4), (79, 100, 3), (60, 100, 3), (59, 100, 2),
     (40, 100, 2), (39, 100, 1), (20, 100, 1), (19, 100, 0), (0, 0, 0)],
)  # fmt: skip
def test_reference_resolution(resolved: int, read: int, earned: int) -> None:
    found = seen({"read": read, "resolved": resolved, "failures": {}})
    assert points("reference-resolution", references=found) == earned


@pytest.mark.parametrize(
    ("types", "earned"),
    [(("ExplanationOfBenefit", "Coverage", "Patient"), 6), (("ExplanationOfBenefit", "Coverage"), 5),
     (("Coverage", "Patient"), 3), (("Patient", "Observation"), 1), (("Observation",), 0)],
)  # fmt: skip
def test_carin_resources(types: tuple[str, ...], earned: int) -> None:
    assert points("carin-resources", sync=syncs(member(types=types))) == earned


@pytest.mark.parametrize("many", [0, 1, 2, 3, 4, 6])
def test_clinical_resources(many: int) -> None:
    own = ("Observation", "Condition", "Goal", "Encounter", "Device", "CarePlan")[:many]
    found = syncs(member(own=(*own, "Coverage", "Patient", "RelatedPerson")))
    assert points("clinical-resources", sync=found) == min(4, many)


@pytest.mark.parametrize(
    ("seconds", "earned"),
    [(0.999, 5), (1.0, 4), (4.999, 4), (5.0, 3), (9.999, 3), (10.0, 2), (29.999, 2), (30.0, 1), (60.0, 1),
     (60.001, 0)],
)  # fmt: skip
def test_sync_speed(seconds: float, earned: int) -> None:
    assert points("sync-speed", sync=syncs(member(seconds))) == earned


def steps(*days: int, refused: int | None = None) -> Observation:
    made: list[dict[str, Any]] = [{"day": day, "works": True, "why": ""} for day in days]
    if refused is not None:
        made.append({"day": refused, "works": False, "why": "invalid_grant"})
    return seen({"refresh": True, "clock": True, "steps": made})


NO_CLOCK = seen({"refresh": True, "clock": False, "steps": [{"day": 0, "works": True, "why": ""}]})


@pytest.mark.parametrize(
    ("found", "value", "earned"),
    [(steps(0, 25, 350, 365), 365, 10), (steps(0, 350, refused=365), 350, 6),
     (steps(0, 175, 180, refused=200), 180, 6), (steps(0, 175, refused=180), 175, 4),
     (steps(0, 75, 90, refused=100), 90, 4), (steps(0, 75, refused=90), 75, 2),
     (steps(0, refused=25), 0, 2), (steps(refused=0), "none", 0),
     (seen({"refresh": False, "clock": True, "steps": []}), "none", 0), (NO_CLOCK, "unknown_max", 2)],
)  # fmt: skip
def test_refresh_token(found: Observation, value: object, earned: int) -> None:
    assert verdict_of("refresh-token", refresh=found).value == value
    assert points("refresh-token", refresh=found) == earned


def lapses(*works: int) -> Observation:
    tried = (30, 200, 500, 1000, 2000, 4000)
    return seen({str(d): {"works": d in works, "why": "" if d in works else "access_denied"} for d in tried})


@pytest.mark.parametrize(
    ("works", "earned"),
    [((), 0), ((30,), 1), ((30, 200), 1), ((30, 200, 500), 2), ((30, 200, 500, 1000), 4),
     ((30, 200, 500, 1000, 2000), 6), ((30, 200, 500, 1000, 2000, 4000), 8)],
)  # fmt: skip
def test_inactive_members(works: tuple[int, ...], earned: int) -> None:
    assert points("inactive-members", lapsed=lapses(*works)) == earned


@pytest.mark.parametrize(("claim", "earned"), [(None, 8), (1825, 6), (730, 4), (365, 2), (10, 1), (0, 0)])
def test_inactive_members_declared_where_no_account_is_lent(claim: int | None, earned: int) -> None:
    said = facts(inactive_access_days=claim)
    assert points("inactive-members", lapsed=unseen("none lent"), facts=said) == earned


@pytest.mark.parametrize(("works", "earned"), [(True, 6), (False, 0)])
def test_portal_opt_in(works: bool, earned: int) -> None:
    found = seen({"works": works, "why": "" if works else "an error page"})
    assert points("portal-opt-in", opt_in=found, facts=facts(portal_opt_in=False)) == earned
    assert (
        bool(verdict_of("portal-opt-in", opt_in=found, facts=facts(portal_opt_in=False)).disagreement)
        != works
    )


def refused(outcome: str, error: str = "", description: str = "") -> dict[str, Any]:
    entry = {"who": "ineligible 1", "line": None, "reason": f"ended as {outcome}"}
    return {**entry, "outcome": outcome, "error": error, "description": description}


@pytest.mark.parametrize(
    ("attempt", "earned"),
    [
        (refused("CALLBACK_ERROR", "access_denied", "Member is not Eligible"), 4),
        (refused("CALLBACK_ERROR", "access_denied", "no active coverage"), 4),
        (refused("CALLBACK_ERROR", "access_denied", "No membership found"), 4),
        (refused("CALLBACK_ERROR", "query_ineligible"), 4),
        (refused("CALLBACK_ERROR", "member_not_eligible"), 4),
        (refused("CALLBACK_ERROR", "access_denied", "declined"), 0),
        (refused("CALLBACK_ERROR", "server_error", "not eligible"), 4),
        (refused("CALLBACK_ERROR", "server_error", "an accident"), 0),
        (refused("CALLBACK_ERROR", "unauthorized_client", "member is not eligible"), 4),
        ({**refused("CALLBACK_ERROR", "access_denied"), "error_uri": "https://p/e/not-eligible"}, 4),
        (refused("ERROR_PAGE"), 0),
        (refused("LOGIN_FAILED"), 0),
        (refused("AUTHORIZED"), 0),
    ],
)
def test_eligibility_errors(attempt: dict[str, Any], earned: int) -> None:
    found = {"ineligible_sign_in": seen([attempt]), "sign_ins": attempts(39)}
    assert points("eligibility-errors", **found) == earned


ALL = ("medicare-advantage", "medicaid", "qhp", "commercial")


@pytest.mark.parametrize(
    ("offered", "supported", "value", "earned"),
    [(ALL, ALL, "all_offered", 3), (ALL, ALL[:3], "only_mandated_of_offered", 2),
     (ALL[:3], ALL[:3], "all_offered_are_mandated", 2), (ALL, ALL[1:], "partial", 0),
     (ALL[:3], ALL[:1], "partial", 0), (("commercial", "self-funded"), ("commercial",), "partial", 0),
     (("commercial", "self-funded"), ("commercial", "self-funded"), "all_offered", 3),
     ((*ALL, "self-funded"), ALL, "only_mandated_of_offered", 2), (ALL, (), "none", 0)],
)  # fmt: skip
def test_lines_of_business(
    offered: tuple[str, ...], supported: tuple[str, ...], value: str, earned: int
) -> None:
    said = facts(offered_lines=list(offered), mandated_lines=list(ALL[:3]))
    found = seen({line: line in supported for line in offered})
    assert verdict_of("lines-of-business", lines=found, facts=said).value == value
    assert points("lines-of-business", lines=found, facts=said) == earned


def walk(**changes: Any) -> dict[str, Any]:
    good = {"status": 200, "pages": 3, "unbroken": True, "first_page": 20, "searched": 45, "missing": 0}
    return {**good, "entries": 45, "missing_types": [], "note": "", **changes}


@pytest.mark.parametrize(
    ("walks", "earned"),
    [
        ([walk()], 3),
        ([walk(pages=1, first_page=9)], 3),
        ([walk(), walk(status=500, unbroken=False, pages=0)], 3),
        ([walk(), walk(unbroken=False, note="a page answered 429")], 3),
        ([walk(pages=1, first_page=45)], 3),
        ([walk(pages=45, first_page=1)], 3),
        ([walk(entries=0, searched=0)], 1),
        ([walk(entries=0, searched=0), walk()], 3),
        ([walk(entries=None)], 3),
        ([walk(pages=1), walk(unbroken=False, note="a page answered 414")], 1),
        ([walk(pages=2), walk(pages=1), walk(unbroken=False, note="a page answered 414")], 3),
        ([walk(pages=1), walk(status=500, unbroken=False, pages=0)], 3),
        ([walk(missing=7, missing_types=["Goal"])], 1),
        ([walk(unbroken=False, note="the next links never end")], 1),
        ([walk(status=404, unbroken=False, pages=0)], 0),
        ([walk(status=0, unbroken=False, pages=0)], 0),
    ],
)
def test_everything(walks: list[dict[str, Any]], earned: int) -> None:
    assert points("everything", everything=seen(walks)) == earned


@pytest.mark.parametrize(
    ("status", "html", "login", "earned"),
    [(200, True, False, 2), (200, True, True, 0), (200, False, False, 0), (404, True, False, 0),
     (0, False, False, 0)],
)  # fmt: skip
def test_developer_portal(status: int, html: bool, login: bool, earned: int) -> None:
    value = {"status": status, "html": html, "login": login}
    found = seen(value, [Exchange("GET", "p", status, 1.0, "portal", note="" if status else "no connection")])
    said = facts(developer_portal="https://payer.example/dev")
    assert points("developer-portal", developer_portal=found, facts=said) == earned
    assert bool(verdict_of("developer-portal", developer_portal=found, facts=said).disagreement) == (
        earned == 0
    )


@pytest.mark.parametrize(
    ("claims", "found", "earned", "source"),
    [
        ({"status": "live"}, attempts(3), 10, "observed"),
        ({"status": "implementing"}, attempts(3), 10, "observed"),
        ({"status": "live"}, attempts(0, 3), 10, "declared"),
        ({"status": "implementing"}, unseen("none"), 5, "declared"),
        ({"status": "Broken"}, unseen("none"), 10, "declared"),
        ({"status": "ready_to_configure"}, unseen("none"), 5, "declared"),
        ({"status": "not-available"}, unseen("none"), 0, "declared"),
        ({}, unseen("none"), 0, "unseen"),
    ],
)
def test_status(claims: dict[str, Any], found: Observation, earned: int, source: str) -> None:
    verdict = verdict_of("status", facts=facts(**claims), sign_ins=found)
    assert (points("status", facts=facts(**claims), sign_ins=found), verdict.source) == (earned, source)


@pytest.mark.parametrize(("claims", "earned"), [({"sandbox": True}, 6), ({"sandbox": False}, 0), ({}, 0)])
def test_sandbox(claims: dict[str, Any], earned: int) -> None:
    assert points("sandbox", facts=facts(**claims)) == earned


@pytest.mark.parametrize("metric", ["capability-statement", "smart-configuration"])
def test_presence(metric: str) -> None:
    name = metric.replace("-", "_")
    assert points(metric, **{name: seen({"present": True, "why": ""})}) == 2
    assert points(metric, **{name: seen({"present": False, "why": "answered 404"})}) == 0


@pytest.mark.parametrize("metric", METRICS)
def test_what_nobody_saw_is_unseen_under_its_own_name(metric: str) -> None:
    verdict = verdict_of(metric)
    assert (verdict.metric, verdict.source) == (metric, "unseen")
