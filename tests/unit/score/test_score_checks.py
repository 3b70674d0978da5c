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


def steps(*days: int, refused: int | None = None) -> Observation:
    made: list[dict[str, Any]] = [{"day": day, "works": True, "why": ""} for day in days]
    if refused is not None:
        made.append({"day": refused, "works": False, "why": "invalid_grant"})
    return seen({"refresh": True, "clock": True, "steps": made})


NO_CLOCK = seen({"refresh": True, "clock": False, "steps": [{"day": 0, "works": True, "why": ""}]})


LAPSES = (30, 200, 500, 1000, 2000, 4000)


def lapses(*works: int) -> Observation:
    return seen({str(d): {"works": d in works, "why": "" if d in works else "access_denied"} for d in LAPSES})


def refused(outcome: str, error: str = "", description: str = "") -> dict[str, Any]:
    entry = {"who": "ineligible 1", "line": None, "reason": f"ended as {outcome}"}
    return {**entry, "outcome": outcome, "error": error, "description": description}


ALL = ("medicare-advantage", "medicaid", "qhp", "commercial")


def walk(**changes: Any) -> dict[str, Any]:
    good = {"status": 200, "pages": 3, "unbroken": True, "first_page": 20, "searched": 45, "missing": 0}
    return {**good, "entries": 45, "missing_types": [], "note": "", **changes}


def walks(*tried: dict[str, Any]) -> dict[str, Observation]:
    return {"everything": seen(list(tried))}


def carin(*types: str) -> dict[str, Observation]:
    return {"sync": syncs(member(types=types))}


def ineligible(*words: str, outcome: str = "CALLBACK_ERROR", **more: str) -> dict[str, Observation]:
    return {"ineligible_sign_in": seen([{**refused(outcome, *words), **more}]), "sign_ins": attempts(39)}


def lines(offered: tuple[str, ...], supported: tuple[str, ...]) -> dict[str, Observation]:
    claims = facts(offered_lines=list(offered), mandated_lines=list(ALL[:3]))
    return {"lines": seen({line: line in supported for line in offered}), "facts": claims}


def portal(status: int, html: bool = True, login: bool = False) -> dict[str, Observation]:
    exchange = Exchange("GET", "p", status, 1.0, "portal", note="" if status else "no connection")
    opened = seen({"status": status, "html": html, "login": login}, [exchange])
    return {"developer_portal": opened, "facts": facts(developer_portal="https://payer.example/dev")}


def resolved(good: int, read: int) -> dict[str, Observation]:
    return {"references": seen({"read": read, "resolved": good, "failures": {}})}


def opted(works: bool) -> dict[str, Observation]:
    found = seen({"works": works, "why": "" if works else "an error page"})
    return {"opt_in": found, "facts": facts(portal_opt_in=False)}


CLINICAL = ("Observation", "Condition", "Goal", "Encounter", "Device", "CarePlan")
NO_PAGE = {"status": 404, "unbroken": False, "pages": 0}
BROKEN = {"unbroken": False, "note": "a page answered 414"}
PRESENT, ABSENT = seen({"present": True, "why": ""}), seen({"present": False, "why": "answered 404"})
EARNED: dict[str, list[tuple[dict[str, Observation], int]]] = {
    "authorization-success": [
        ({"sign_ins": attempts(good, bad)}, earned)
        for good, bad, earned in (
            (100, 0, 14), (95, 5, 14), (9499, 501, 12), (90, 10, 12), (8999, 1001, 10), (80, 20, 10),
            (7999, 2001, 8), (70, 30, 8), (6999, 3001, 4), (50, 50, 4), (4999, 5001, 0), (0, 40, 0))
    ],
    "request-success": [
        ({"sync": requests(good, bad)}, earned)
        for good, bad, earned in (
            (99, 1, 10), (989, 11, 8), (95, 5, 8), (9499, 501, 6), (90, 10, 6), (899, 101, 5), (80, 20, 5),
            (799, 201, 3), (70, 30, 3), (699, 301, 1), (50, 50, 1), (49, 51, 0))
    ],
    "reference-resolution": [
        (resolved(good, read), earned)
        for good, read, earned in (
            (100, 100, 5), (95, 100, 5), (9499, 10000, 4), (80, 100, 4), (79, 100, 3), (60, 100, 3),
            (59, 100, 2), (40, 100, 2), (39, 100, 1), (20, 100, 1), (19, 100, 0), (0, 0, 0))
    ],
    "carin-resources": [
        (carin("ExplanationOfBenefit", "Coverage", "Patient"), 6),
        (carin("ExplanationOfBenefit", "Coverage"), 5), (carin("Coverage", "Patient"), 3),
        (carin("Patient", "Observation"), 1), (carin("Observation"), 0),
    ],
    "clinical-resources": [
        ({"sync": syncs(member(own=(*CLINICAL[:many], "Coverage", "Patient", "RelatedPerson")))}, earned)
        for many, earned in ((0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (6, 4))
    ],
    "sync-speed": [
        ({"sync": syncs(member(seconds))}, earned)
        for seconds, earned in (
            (0.999, 5), (1.0, 4), (4.999, 4), (5.0, 3), (9.999, 3), (10.0, 2), (29.999, 2), (30.0, 1),
            (60.0, 1), (60.001, 0))
    ],
    "refresh-token": [
        ({"refresh": tried}, earned)
        for tried, earned in (
            (steps(0, 25, 350, 365), 10), (steps(0, 350, refused=365), 6),
            (steps(0, 175, 180, refused=200), 6), (steps(0, 175, refused=180), 4),
            (steps(0, 75, 90, refused=100), 4), (steps(0, 75, refused=90), 2), (steps(0, refused=25), 2),
            (steps(refused=0), 0), (seen({"refresh": False, "clock": True, "steps": []}), 0), (NO_CLOCK, 2))
    ],
    "inactive-members": [
        *(({"lapsed": lapses(*LAPSES[:n])}, earned) for n, earned in enumerate((0, 1, 1, 2, 4, 6, 8))),
        *(({"lapsed": unseen("none lent"), "facts": facts(inactive_access_days=claim)}, earned)
          for claim, earned in ((None, 8), (1825, 6), (730, 4), (365, 2), (10, 1), (0, 0))),
    ],
    "portal-opt-in": [(opted(True), 6), (opted(False), 0)],
    "eligibility-errors": [
        (ineligible("access_denied", "Member is not Eligible"), 4), (ineligible("query_ineligible"), 4),
        (ineligible("access_denied", "declined"), 0), (ineligible("server_error", "an accident"), 0),
        (ineligible("access_denied", error_uri="https://p/e/not-eligible"), 4),
        *((ineligible(outcome=outcome), 0) for outcome in ("ERROR_PAGE", "LOGIN_FAILED", "AUTHORIZED")),
    ],
    "lines-of-business": [
        (lines(ALL, ALL), 3), (lines(ALL, ALL[:3]), 2), (lines(ALL[:3], ALL[:3]), 2),
        (lines(ALL, ALL[1:]), 0), (lines(ALL[:3], ALL[:1]), 0),
        (lines(("commercial", "self-funded"), ("commercial",)), 0),
        (lines(("commercial", "self-funded"), ("commercial", "self-funded")), 3),
        (lines((*ALL, "self-funded"), ALL), 2), (lines(ALL, ()), 0),
    ],
    "everything": [
        (walks(walk()), 3),
        (walks(walk(pages=1, first_page=9)), 3),
        (walks(walk(), walk(status=500, unbroken=False, pages=0)), 3),
        (walks(walk(), walk(unbroken=False, note="a page answered 429")), 3),
        (walks(walk(pages=1, first_page=45)), 3),
        (walks(walk(pages=45, first_page=1)), 3),
        (walks(walk(entries=0, searched=0)), 1),
        (walks(walk(entries=0, searched=0), walk()), 3),
        (walks(walk(entries=None)), 3),
        (walks(walk(pages=1), walk(**BROKEN)), 1),
        (walks(walk(pages=2), walk(pages=1), walk(**BROKEN)), 3),
        (walks(walk(pages=1), walk(status=500, unbroken=False, pages=0)), 3),
        (walks(walk(missing=7, missing_types=["Goal"])), 1),
        (walks(walk(unbroken=False, note="the next links never end")), 1),
        (walks(walk(**NO_PAGE)), 0),
        (walks(walk(**{**NO_PAGE, "status": 0})), 0),
    ],
    "developer-portal": [
        (portal(200), 2), (portal(200, login=True), 0), (portal(200, html=False), 0), (portal(404), 0),
        (portal(0, html=False), 0),
    ],
    "sandbox": [
        ({"facts": said}, earned)
        for said, earned in ((facts(sandbox=True), 6), (facts(sandbox=False), 0), (facts(), 0))
    ],
    "capability-statement": [({"capability_statement": PRESENT}, 2), ({"capability_statement": ABSENT}, 0)],
    "smart-configuration": [({"smart_configuration": PRESENT}, 2), ({"smart_configuration": ABSENT}, 0)],
}  # fmt: skip


@pytest.mark.parametrize(
    ("metric", "observations", "earned"),
    [
        pytest.param(metric, observations, earned, id=f"{metric} {number} earns {earned}")
        for metric, rows in EARNED.items()
        for number, (observations, earned) in enumerate(rows)
    ],
)
def test_what_evidence_earns(metric: str, observations: dict[str, Observation], earned: int) -> None:
    assert points(metric, **observations) == earned


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


@pytest.mark.parametrize("metric", METRICS)
def test_what_nobody_saw_is_unseen_under_its_own_name(metric: str) -> None:
    verdict = verdict_of(metric)
    assert (verdict.metric, verdict.source) == (metric, "unseen")
