"""Every check's words, sources, differences and other readings: one line a verdict, kept to be read.

`transcripts/verdicts/METRIC.txt` has the expected lines. To accept a change: WRITE_TRANSCRIPTS=1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
import transcripts
from test_score_checks import (
    ALL,
    METRICS,
    NO_CLOCK,
    attempts,
    facts,
    lapses,
    member,
    refused,
    requests,
    steps,
    syncs,
    walk,
)

from sandbox.score.evidence import Evidence, Exchange, Observation, seen, unseen
from sandbox.score.rubric import check_of, load
from sandbox.score.traffic.log_file import LogReading
from sandbox.score.traffic.observations import observe

EDITION = load("2025-05")
Case = Callable[[str], str]


def line_of(metric: str, evidence: Evidence, rules: Any = EDITION) -> str:
    """Points, value, source, count, reason and difference of a verdict."""
    verdict = check_of(metric).judge(evidence)
    assert verdict.metric == metric
    earned = METRICS[metric].award(verdict.value, rules.chosen)[0] if verdict.source != "unseen" else 0
    value = f"{float(verdict.value):g}" if isinstance(verdict.value, Fraction) else verdict.value
    line = f"{earned} points for {value!r} ({verdict.source}, n {verdict.n}): {verdict.reason}"
    return line + (f" [{verdict.disagreement}]" if verdict.disagreement else "")


def given(reading: str = "", **observations: Observation) -> Case:
    """A case: what was observed, and a reading other than the edition's (`A8 2xx-or-304`)."""

    def judge(metric: str) -> str:
        named = {name.replace("_", "-"): observation for name, observation in observations.items()}
        if not reading:
            return line_of(metric, Evidence("http://payer", "", named))
        number, _, value = reading.partition(" ")
        rules = load("2025-05", [(number, value)])
        return f"{reading}: {line_of(metric, Evidence('p', '', named, readings=rules.chosen), rules)}"

    return judge


def log(value: Any) -> Observation:
    return seen(value, (), "traffic")


def document(present: bool, why: str = "answered 404", *flaws: str) -> Observation:
    return seen({"present": present, "why": why, "flaws": list(flaws)})


def outcomes(*names: str, reason: str = "a page") -> Observation:
    """Attempts that ended as `OUTCOME` or `OUTCOME:reason`."""
    base = {"who": "eligible 1", "line": "qhp", "error": "", "description": ""}
    ends = [name.partition(":") for name in names]
    return seen([{**base, "outcome": outcome, "reason": why or reason} for outcome, _, why in ends])


def exchanges(*made: Exchange) -> Observation:
    return seen({"members": [member()]}, made)


def exchange(status: int = 200, url: str = "u", **changes: Any) -> Exchange:
    return Exchange("GET", url, status, 1.0, "individual", **changes)


def portal(status: int, html: bool, login: bool, note: str = "") -> Case:
    value = {"status": status, "html": html, "login": login}
    opened = seen(value, [Exchange("GET", "p", status, 1.0, "portal", note=note)])
    return given(developer_portal=opened, facts=facts(developer_portal="https://payer.example/dev"))


def ineligible(*tried: dict[str, Any], others: Observation | None = None, reading: str = "") -> Case:
    return given(reading, ineligible_sign_in=seen([*tried]), sign_ins=others or attempts(3))


def callback(*words: str, **more: str) -> dict[str, Any]:
    return {**refused("CALLBACK_ERROR", *words), **more}


def refresh(observation: Observation, claim: int | None) -> Case:
    return given(refresh=observation, facts=facts(refresh_max_days=claim))


def lapsed(observation: Observation, claim: int | None) -> Case:
    return given(lapsed=observation, facts=facts(inactive_access_days=claim))


def in_log(*works: int, refused: int | None = None) -> Observation:
    return log({**steps(*works, refused=refused).value, "clock": False})


AT_LEAST_10, LOWER_BOUND, MAJORITY = "A5 at-least-10", "A15 observed-lower-bound", "A19 majority"
FULL = (0, 180, 350, 365)
NO_REFRESH = seen({"refresh": False, "clock": True, "steps": []})
IN_LOG = log(
    {
        "refresh": True,
        "clock": False,
        "steps": [{"day": 0, "works": False, "why": "x"}, {"day": 40, "works": True, "why": ""}],
    }
)
BOUNCED = outcomes(*["EXCHANGED"] * 9, "BOUNCED:left")
ABSURD = facts(refresh_max_days=-5, inactive_access_days=-5)
ONLY_30 = seen({"30": {"works": True, "why": ""}})
UP_TO_2000 = seen({days: {"works": True, "why": ""} for days in ("30", "2000")})
EVER = lapses(30, 200, 500, 1000, 2000, 4000)
YES, NO = refused("INELIGIBLE_CALLBACK"), refused("INELIGIBLE_PAGE")
LINES = facts(offered_lines=list(ALL), mandated_lines=list(ALL[:3]), supported_lines=list(ALL))
MANDATED = facts(offered_lines=list(ALL[:3]), mandated_lines=list(ALL[:3]))
SOME, EVERY = seen({line: line != "medicaid" for line in ALL}), seen(dict.fromkeys(ALL, True))
NO_REFERENCES = seen({"read": 0, "resolved": 0, "failures": {}})
FAILURES = {"404 Practitioner": 4, "404 Organization": 4, "no answer Location": 1}
TRIES = seen({"read": 2, "resolved": 2, "tries": 4, "tries_resolved": 2, "failures": {}})
CARIN = ("ExplanationOfBenefit", "Coverage", "Patient")
CLINICAL = ("Observation", "Condition", "Goal", "Encounter", "Device", "CarePlan")
RETRIED = exchanges(exchange(429), exchange(200, retry=True), exchange(200, "v"), exchange(500, "w"))
FLAWED = exchanges(exchange(flaw="no JSON"), exchange(url="v"))

CASES: dict[str, list[Case]] = {
    "status": [
        given(facts=facts(status="implementing"), sign_ins=attempts(3)),
        given(facts=facts(status="live"), sign_ins=attempts(3)),
        given(sign_ins=attempts(3)),
        given(facts=facts(status="live"), sign_ins=attempts(0, 3)),
        given(facts=facts(status="live"), sign_ins=unseen("none")),
        given(facts=facts(status="applied"), sign_ins=attempts(0, 3)),
        given(sign_ins=log(attempts(3).value)),
    ],
    "sandbox": [given(facts=facts(sandbox=True)), given(facts=facts(sandbox=False))],
    "capability-statement": [
        given(capability_statement=document(False, "x")),
        *(
            given(reading, capability_statement=statement)
            for reading in ("", "A23 accuracy")
            for statement in (document(True, "", "fhirVersion is 3.0.1"), document(True, ""),
                              document(False, "answered 404", "x"))
        ),
    ],
    "smart-configuration": [given(smart_configuration=document(present)) for present in (True, False)],
    "authorization-success": [
        given(sign_ins=outcomes(*["AUTHORIZED"] * 3)),
        given(sign_ins=outcomes(*["AUTHORIZED"] * 3, *[f"ERROR_PAGE:{cause}" for cause in "aabbcd"])),
        given(sign_ins=BOUNCED),
        given("A13 failure", sign_ins=BOUNCED),
        given(sign_ins=log([])),
        given(sign_ins=attempts(9)),
        *(given(AT_LEAST_10, sign_ins=attempts(n)) for n in (1, 2, 9, 10)),
        *(given(sign_ins=outcomes(end)) for end in ("AUTHORIZED", "EXCHANGED", "REVOKED")),
        *(given("A1 upper-edge-inclusive", sign_ins=attempts(*n)) for n in ((95, 5), (96, 4), (0, 5))),
        *(given("A3 whole-percent", sign_ins=attempts(*n)) for n in ((9499, 501), (945, 55), (944, 56))),
        given(sign_ins=attempts(39), ineligible_sign_in=seen([refused("CALLBACK_ERROR")])),
        given(sign_ins=unseen("no accounts")),
    ],
    "refresh-token": [
        *(refresh(unseen("none"), days) for days in (365, 364, 180, 179, 90, 89, 0)),
        *(refresh(steps(*FULL), claim) for claim in (364, 365, 400, None)),
        *(refresh(steps(*FULL[:3], refused=365), claim) for claim in (364, 365, 349)),
        *(refresh(NO_REFRESH, claim) for claim in (30, 0)),
        *(given(refresh=tried) for tried in (NO_REFRESH, steps(0, 89, refused=179), steps(*FULL), IN_LOG)),
        *(refresh(IN_LOG, claim) for claim in (30, 40)),
        given(LOWER_BOUND, refresh=IN_LOG, facts=facts(refresh_max_days=365)),
        given(LOWER_BOUND, refresh=NO_CLOCK),
        refresh(NO_CLOCK, 200),
        refresh(unseen("no account"), 365),
        given(refresh=unseen("no account"), facts=facts({"eligible": 39}, refresh_max_days=365)),
        refresh(steps(0, 75, refused=90), 365),
        refresh(steps(0, 350, 365), 365),
        *(refresh(in_log(0, 181), claim) for claim in (30, 365, None)),
        *(refresh(in_log(0, last), None) for last in (89, 90)),
        refresh(in_log(0, 90), 90),
        *(refresh(in_log(40, refused=100), claim) for claim in (365, 99, 100, None)),
        *(refresh(in_log(200, refused=day), 365) for day in (100, 200)),
        refresh(in_log(0), 0),
        *(given(refresh=tried, facts=ABSURD) for tried in (unseen("none"), NO_CLOCK)),
    ],
    "inactive-members": [
        *(lapsed(unseen("none"), days) for days in (1825, 1824, 730, 729, 365, 364, 1, None)),
        *(lapsed(EVER, claim) for claim in (4000, 3999, None)),
        *(lapsed(lapses(), claim) for claim in (0, 9, None)),
        *(lapsed(lapses(30, 200), claim) for claim in (199, 200, 499, 500, None)),
        *(given(lapsed=tried, facts=facts()) for tried in (EVER, lapses(), lapses(30, 200))),
        given(lapsed=ONLY_30),
        *(lapsed(ONLY_30, claim) for claim in (30, 31, 10, None)),
        *(given(lapsed=tried, facts=ABSURD) for tried in (unseen("none"), lapses(30))),
        given(lapsed=unseen("sign-in broke"), facts=facts({"lapsed-30": 1}, inactive_access_days=None)),
        given(lapsed=UP_TO_2000),
        lapsed(UP_TO_2000, None),
        lapsed(lapses(30), None),
        lapsed(lapses(30, 200), 365),
    ],
    "portal-opt-in": [
        *(given(opt_in=seen({"works": works, "why": "x"})) for works in (True, False)),
        given(opt_in=seen({"works": True, "why": ""}), facts=facts(portal_opt_in=True)),
    ],
    "eligibility-errors": [
        ineligible(callback("access_denied", "not eligible")),
        ineligible(callback("ineligible")),
        ineligible(callback("ineligible", error_uri="https://p/e/4")),
        ineligible(callback("server_error")),
        ineligible(callback()),
        ineligible(refused("AUTHORIZED")),
        *(ineligible(refused("ERROR_PAGE"), others=o) for o in (attempts(3), seen([]), attempts(0, 3))),
        given(ineligible_sign_in=log([])),
        ineligible(YES, NO, NO),
        *(ineligible(*n, reading=MAJORITY) for n in ([YES, NO], [YES, YES, NO], [YES, NO, NO], [NO])),
        given(ineligible_sign_in=unseen("no account")),
        ineligible(refused("ERROR_PAGE"), others=attempts(0, 39)),
    ],
    "lines-of-business": [
        given(lines=SOME, facts=LINES),
        given("A21 one-point", lines=SOME, facts=LINES),
        given("A20 three-points", lines=SOME, facts=LINES),
        given(lines=EVERY, facts=LINES),
        given("A21 one-point", lines=EVERY, facts=LINES),
        given(lines=seen(dict.fromkeys(ALL[:3], True)), facts=MANDATED),
        given("A20 three-points", lines=seen(dict.fromkeys(ALL[:3], True)), facts=MANDATED),
        given(lines=seen(dict.fromkeys(ALL, False)), facts=LINES),
        given(lines=seen({"commercial": True, "self-funded": False}),
              facts=facts(offered_lines=["commercial", "self-funded"], mandated_lines=[])),
        given(lines=seen({"qhp": True}), facts=facts(offered_lines=list(ALL), mandated_lines=[])),
        given(lines=seen({"qhp": True})),
    ],
    "request-success": [
        given(sync=requests(3, 0)),
        given(sync=log({"members": [], "requests": []})),
        *(given(AT_LEAST_10, sync=requests(n, 0)) for n in (1, 2, 9, 10)),
        *(
            given(reading, sync=exchanges(exchange(status)))
            for status in (199, 200, 201, 299, 300, 303, 304, 305)
            for reading in ("", "A8 2xx-or-304")
        ),
        *(given(reading, sync=FLAWED) for reading in ("", "A10 failure")),
        *(given(reading, sync=RETRIED) for reading in ("", "A11 last-try-only")),
        *(given(r, sync=requests(99, 1)) for r in ("A1 upper-edge-inclusive", "A2 exactly")),
        given("A2 exactly", sync=requests(100, 0)),
        *(given("A3 whole-percent", sync=requests(*n)) for n in ((985, 15), (984, 16))),
        given(sync=requests(119, 12, 401)),
        given(sync=seen({"members": []})),
    ],
    "reference-resolution": [
        *(given(reading, references=TRIES) for reading in ("", "A7 every-read")),
        given(references=NO_REFERENCES, sync=unseen("nobody signed in")),
        *(
            given(references=NO_REFERENCES, sync=seen({"members": members}))
            for members in (
                [],
                [{"types": []}],
                [{"types": ["Coverage"]}],
                [{"types": ["Coverage"], "filled": []}],
                [{"types": ["Coverage"], "filled": []}, {"types": [], "filled": ["Coverage"]}],
            )
        ),
        given(references=seen({"read": 31, "resolved": 22, "failures": FAILURES})),
    ],
    "carin-resources": [
        *(given(sync=syncs(member(types=types))) for types in (CARIN, CARIN[1:])),
        *(
            given(reading, sync=syncs({**member(types=CARIN), "filled": ["Patient"]}))
            for reading in ("", "A27 needs-an-entry")
        ),
    ],
    "clinical-resources": [
        *(given(sync=syncs(member(own=own))) for own in (CLINICAL, (*CLINICAL, "Procedure"), ())),
        *(
            given(reading, sync=syncs({**member(own=CLINICAL), "filled": ["Goal", "Patient"]}))
            for reading in ("", "A27 needs-an-entry")
        ),
    ],
    "sync-speed": [
        given(sync=syncs()), given(sync=syncs(member(types=()))),
        given(sync=syncs({**member(), "seconds": None})),
        given(sync=syncs(member(0.2), member(0.4), member(7.0), member(0.0, types=()))),
        given(sync=syncs(member(0.1, types=()))),
    ],
    "everything": [
        given(everything=log([])),
        *(
            given(everything=seen([tried]))
            for tried in (
                walk(status=404, unbroken=False, pages=0),
                walk(status=0, unbroken=False, pages=0),
                walk(status=405, unbroken=False, pages=0, offered=False),
                walk(entries=0, searched=0),
                walk(missing=7, missing_types=["Goal"]),
            )
        ),
    ],
    "developer-portal": [
        portal(200, True, False),
        portal(200, True, True),
        portal(200, False, False),
        portal(404, True, False),
        portal(0, False, False, "no connection"),
        given(developer_portal=unseen("x"), facts=facts(developer_email="api@payer.example")),
        *(given(developer_portal=unseen("x"), facts=facts(developer_portal=portal))
          for portal in ("ask us", "mailto:a@b.c", None)),
        given(developer_portal=unseen("no address")),
    ],
}  # fmt: skip


@pytest.mark.parametrize("metric", METRICS)
def test_the_verdicts_of_a_check(metric: str) -> None:
    lines = "\n".join(case(metric) for case in CASES[metric])
    transcripts.check_whole(f"verdicts/{metric}", {"verdicts": lines})


@pytest.mark.parametrize("metric", METRICS)
def test_a_log_without_anything_is_judged_too(metric: str) -> None:
    evidence = Evidence("p", traffic=observe(LogReading(), 182), readings=EDITION.chosen)
    line = line_of(metric, replace(evidence.of_traffic(), readings=EDITION.chosen))
    assert line.startswith("2 points" if metric == "eligibility-errors" else "0 points")
