"""What the table of bands leaves open in the checks: wording, sources, disagreements, other readings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from test_score_checks import (
    ALL,
    NO_CLOCK,
    attempts,
    facts,
    lapses,
    member,
    points,
    refused,
    requests,
    steps,
    syncs,
    verdict_of,
    walk,
)

from sandbox.score.evidence import Evidence, Exchange, Observation, seen, unseen
from sandbox.score.rubric import check_of, load

WHOLE = load("2025-05")


def read_as(metric: str, reading: str, value: str, **observations: Observation) -> tuple[int, Any]:
    """Points and verdict of a metric under another reading."""
    rules = load("2025-05", [(reading, value)])
    named = {name.replace("_", "-"): found for name, found in observations.items()}
    verdict = check_of(metric).judge(Evidence("p", "", named, readings=rules.chosen))
    assert verdict.metric == metric
    assert verdict.source in {found.source for found in observations.values()} | {"unseen"}
    entry = next(m for m in rules.metrics if m.id == metric)
    return entry.award(verdict.value, rules.chosen)[0], verdict


def log(value: Any) -> Observation:
    return seen(value, (), "traffic")


# -- ecosystem


def test_status_words_and_differences() -> None:
    both = verdict_of("status", facts=facts(status="implementing"), sign_ins=attempts(3))
    assert both.disagreement == "the payer says implementing, yet members sign in"
    assert verdict_of("status", facts=facts(status="live"), sign_ins=attempts(3)).disagreement == ""
    assert verdict_of("status", sign_ins=attempts(3)).disagreement == ""
    alone = verdict_of("status", facts=facts(status="live"), sign_ins=attempts(0, 3))
    assert alone.disagreement == "the payer says live, yet no member could sign in"
    assert alone.n == 0
    untried = verdict_of("status", facts=facts(status="live"), sign_ins=unseen("none"))
    assert untried.disagreement == ""
    planned = verdict_of("status", facts=facts(status="applied"), sign_ins=attempts(0, 3))
    assert planned.disagreement == ""
    assert verdict_of("status", sign_ins=log(attempts(3).value)).source == "traffic"


def test_sandbox_words() -> None:
    assert (
        verdict_of("sandbox", facts=facts(sandbox=True)).reason == "the payer says it has a test environment"
    )
    none = verdict_of("sandbox", facts=facts(sandbox=False))
    assert none.reason == "the payer says it has no test environment"


def test_capability_statement_presence_and_accuracy() -> None:
    there = seen({"present": True, "why": "", "flaws": ["fhirVersion is 3.0.1"]})
    assert verdict_of("capability-statement", capability_statement=there).n == 1
    gone = verdict_of("capability-statement", capability_statement=seen({"present": False, "why": "x"}))
    assert (gone.n, gone.reason) == (1, "metadata x")
    assert points("capability-statement", capability_statement=there) == 2
    earned, verdict = read_as("capability-statement", "A23", "accuracy", capability_statement=there)
    assert (earned, verdict.n) == (0, 1)
    assert verdict.reason == "metadata answered 200, but fhirVersion is 3.0.1"
    right = seen({"present": True, "why": "", "flaws": []})
    assert read_as("capability-statement", "A23", "accuracy", capability_statement=right)[0] == 2
    lost = seen({"present": False, "why": "answered 404", "flaws": ["x"]})
    absent = read_as("capability-statement", "A23", "accuracy", capability_statement=lost)[1]
    assert absent.reason == "metadata answered 404"


def test_smart_configuration_counts_one() -> None:
    for present in (True, False):
        found = seen({"present": present, "why": "answered 404"})
        assert verdict_of("smart-configuration", smart_configuration=found).n == 1


# -- patient experience


def attempt(outcome: str, reason: str = "a page") -> dict[str, Any]:
    base = {"who": "eligible 1", "line": "qhp", "error": "", "description": ""}
    return {**base, "outcome": outcome, "reason": reason}


def test_authorization_success_words() -> None:
    tried = [attempt("AUTHORIZED", "")] * 3
    good = verdict_of("authorization-success", sign_ins=seen(tried))
    assert good.reason == "3 of 3 sign-ins ended with a usable token"
    bad = [attempt("ERROR_PAGE", cause) for cause in ("a", "a", "b", "b", "c", "d")]
    verdict = verdict_of("authorization-success", sign_ins=seen(tried + bad))
    assert verdict.reason == "3 of 9 sign-ins ended with a usable token; 2 × a, 2 × b, 1 × c"


def test_authorization_success_leaves_out_who_bounced() -> None:
    tried = seen([attempt("EXCHANGED", "")] * 9 + [attempt("BOUNCED", "left")])
    verdict = verdict_of("authorization-success", sign_ins=tried)
    assert (verdict.value, verdict.n) == (100, 9)
    said = "9 of 9 sign-ins ended with a usable token; 1 left before they logged in and are left out"
    assert verdict.reason == said
    earned, other = read_as("authorization-success", "A13", "failure", sign_ins=tried)
    assert (earned, other.value, other.n) == (12, 90, 10)
    assert other.reason == "9 of 10 sign-ins ended with a usable token; 1 × left"


def test_authorization_success_without_data() -> None:
    verdict = verdict_of("authorization-success", sign_ins=log([]))
    assert (verdict.value, verdict.n, verdict.source) == ("no_data", 0, "traffic")
    assert verdict.reason == "nobody tried to sign in"
    assert points("authorization-success", sign_ins=log([])) == 0
    nine = attempts(9)
    assert points("authorization-success", sign_ins=nine) == 14
    earned, few = read_as("authorization-success", "A5", "at-least-10", sign_ins=nine)
    assert (earned, few.reason, few.n) == (0, "9 attempts are not enough data", 9)
    for n, told in ((1, "1 attempt is"), (2, "2 attempts are")):
        few = read_as("authorization-success", "A5", "at-least-10", sign_ins=attempts(n))[1]
        assert few.reason == f"{told} not enough data"
    assert read_as("authorization-success", "A5", "at-least-10", sign_ins=attempts(10))[0] == 14


@pytest.mark.parametrize("outcome", ["AUTHORIZED", "EXCHANGED", "REVOKED"])
def test_authorization_success_counts_the_reports_three_states(outcome: str) -> None:
    assert points("authorization-success", sign_ins=seen([attempt(outcome)])) == 14


@pytest.mark.parametrize(
    ("rate", "reading", "earned"),
    [
        ((95, 5), ("A1", "upper-edge-inclusive"), 12),
        ((96, 4), ("A1", "upper-edge-inclusive"), 14),
        ((0, 5), ("A1", "upper-edge-inclusive"), 0),
        ((9499, 501), ("A3", "whole-percent"), 14),
        ((945, 55), ("A3", "whole-percent"), 14),
        ((944, 56), ("A3", "whole-percent"), 12),
    ],
)
def test_authorization_success_read_otherwise(
    rate: tuple[int, int], reading: tuple[str, str], earned: int
) -> None:
    assert read_as("authorization-success", *reading, sign_ins=attempts(*rate))[0] == earned


@pytest.mark.parametrize(
    ("days", "earned"), [(365, 10), (364, 6), (180, 6), (179, 4), (90, 4), (89, 2), (0, 0)]
)
def test_refresh_token_declared_to_the_day(days: int, earned: int) -> None:
    verdict = verdict_of("refresh-token", refresh=unseen("none"), facts=facts(refresh_max_days=days))
    assert points("refresh-token", refresh=unseen("none"), facts=facts(refresh_max_days=days)) == earned
    said = "the payer says there is no refreshing" if not days else "the payer says"
    assert verdict.reason.startswith(said)


def test_refresh_token_differences() -> None:
    def differs(found: Observation, claim: int | None) -> str:
        return verdict_of("refresh-token", refresh=found, facts=facts(refresh_max_days=claim)).disagreement

    whole = (0, 180, 350, 365)
    assert differs(steps(*whole), 364) == "the payer says 364 days, yet it still worked at 365"
    assert differs(steps(*whole), 365) == ""
    assert differs(steps(*whole), 400) == ""
    assert differs(steps(*whole), None) == ""
    assert differs(steps(*whole[:3], refused=365), 364) == ""
    refused = "the payer says 365 days, yet it was refused 365 days after the grant"
    assert differs(steps(*whole[:3], refused=365), 365) == refused
    assert (
        differs(steps(*whole[:3], refused=365), 349) == "the payer says 349 days, yet it still worked at 350"
    )
    none = seen({"refresh": False, "clock": True, "steps": []})
    assert differs(none, 30) == "the payer says 30 days, yet there is no refreshing"
    assert differs(none, 0) == ""
    assert verdict_of("refresh-token", refresh=none).n == 1
    stopped = verdict_of("refresh-token", refresh=steps(0, 89, refused=179))
    assert stopped.value == 89
    assert stopped.reason == "works 89 days after the grant, refused at 179: invalid_grant"
    assert verdict_of("refresh-token", refresh=steps(*whole)).reason == "still works 365 days after the grant"


def test_refresh_token_in_a_log() -> None:
    tried = [{"day": 0, "works": False, "why": "x"}, {"day": 40, "works": True, "why": ""}]
    found = log({"refresh": True, "clock": False, "steps": tried})
    verdict = verdict_of("refresh-token", refresh=found)
    assert (verdict.value, verdict.source, verdict.n) == ("unknown_max", "traffic", 2)
    said = verdict_of("refresh-token", refresh=found, facts=facts(refresh_max_days=30))
    assert said.disagreement == "the payer says 30 days, yet it still worked at 40"
    assert (said.value, said.source, said.reason) == (40, "traffic", "works 40 days after the grant at least")
    assert verdict.reason == "works, for an unknown time (no clock)"
    assert verdict_of("refresh-token", refresh=found, facts=facts(refresh_max_days=40)).disagreement == ""
    earned, bound = read_as(
        "refresh-token", "A15", "observed-lower-bound", refresh=found, facts=facts(refresh_max_days=365)
    )
    assert (earned, bound.value, bound.source) == (2, 40, "traffic")
    assert read_as("refresh-token", "A15", "observed-lower-bound", refresh=NO_CLOCK)[1].value == 0


@pytest.mark.parametrize(
    ("days", "earned"), [(1825, 6), (1824, 4), (730, 4), (729, 2), (365, 2), (364, 1), (1, 1)]
)
def test_inactive_members_declared_to_the_day(days: int, earned: int) -> None:
    said = facts(inactive_access_days=days)
    assert points("inactive-members", lapsed=unseen("none"), facts=said) == earned
    word = "1 day" if days == 1 else f"{days} days"
    reason = verdict_of("inactive-members", lapsed=unseen("none"), facts=said).reason
    assert reason == f"the payer says: for {word}; no account to try"


def test_inactive_members_words_and_differences() -> None:
    def judged(found: Observation, **claims: Any) -> Any:
        return verdict_of("inactive-members", lapsed=found, facts=facts(**claims))

    ever = judged(unseen("none"), inactive_access_days=None)
    assert ever.reason == "the payer says: for ever; no account to try"
    whole = lapses(30, 200, 500, 1000, 2000, 4000)
    assert judged(whole, inactive_access_days=4000).disagreement == ""
    assert judged(whole, inactive_access_days=None).disagreement == ""
    assert judged(whole).disagreement == ""
    assert "still works" in judged(whole, inactive_access_days=3999).disagreement
    assert judged(lapses(), inactive_access_days=0).disagreement == ""
    assert judged(lapses()).disagreement == ""
    nobody = judged(lapses(), inactive_access_days=None)
    assert nobody.disagreement == "the payer says for ever, yet no lapsed member gets in"
    assert nobody.reason == "a member 30 days after coverage is refused: access_denied"
    assert judged(lapses(), inactive_access_days=9).disagreement.startswith("the payer says 9 days")
    part = judged(lapses(30, 200), inactive_access_days=None)
    assert part.disagreement == "the payer says for ever, yet a member 500 days after coverage is refused"
    assert part.reason == "works 200 days after coverage, not 500: access_denied"
    assert judged(lapses(30, 200)).disagreement == ""
    for claim, finds in ((199, True), (200, False), (499, False), (500, True)):
        assert bool(judged(lapses(30, 200), inactive_access_days=claim).disagreement) == finds


def test_inactive_members_beyond_what_could_be_tried() -> None:
    found = seen({"30": {"works": True, "why": ""}})
    alone = verdict_of("inactive-members", lapsed=found)
    assert (alone.value, alone.reason, alone.source) == (30, "works 30 days after coverage", "observed")
    for claim, value in ((30, 30), (31, 31), (10, 30)):
        verdict = verdict_of("inactive-members", lapsed=found, facts=facts(inactive_access_days=claim))
        assert verdict.value == value
        assert bool(verdict.disagreement) == (claim == 10)
        assert verdict.source == ("declared" if claim == 31 else "observed")
    said = verdict_of("inactive-members", lapsed=found, facts=facts(inactive_access_days=31))
    assert said.source == "declared"
    assert said.reason.endswith("the longest that could be tried; the payer says: for 31 days")
    ever = verdict_of("inactive-members", lapsed=found, facts=facts(inactive_access_days=None))
    assert ever.reason.endswith("the payer says: for ever")


def test_portal_opt_in_counts_one_and_differs() -> None:
    for works in (True, False):
        found = seen({"works": works, "why": "x"})
        assert verdict_of("portal-opt-in", opt_in=found).n == 1
        assert verdict_of("portal-opt-in", opt_in=found).disagreement == ""
    easy = verdict_of(
        "portal-opt-in", opt_in=seen({"works": True, "why": ""}), facts=facts(portal_opt_in=True)
    )
    assert easy.disagreement == "the payer says an opt-in is required, yet it was not"


def test_eligibility_errors_words() -> None:
    def judged(*tried: dict[str, Any], others: Observation | None = None) -> Any:
        return verdict_of(
            "eligibility-errors", ineligible_sign_in=seen([*tried]), sign_ins=others or attempts(3)
        )

    said = judged(refused("CALLBACK_ERROR", "access_denied", "not eligible"))
    assert said.reason == "the callback said access_denied: not eligible"
    bare = judged(refused("CALLBACK_ERROR", "ineligible"))
    assert bare.reason == "the callback said ineligible: no description"
    address = {**refused("CALLBACK_ERROR", "ineligible"), "error_uri": "https://p/e/4"}
    assert judged(address).reason == "the callback said ineligible: https://p/e/4"
    token = judged(refused("AUTHORIZED"))
    assert token.reason == "an ineligible member got a token and no error on the callback"
    other = judged(refused("CALLBACK_ERROR", "server_error"))
    assert other.reason == "the callback said server_error without a word of eligibility"
    mute = judged(refused("CALLBACK_ERROR"))
    assert mute.reason == "the callback said nothing without a word of eligibility"
    page = judged(refused("ERROR_PAGE"))
    assert page.reason == "no error on the callback: ended as ERROR_PAGE"
    alone = judged(refused("ERROR_PAGE"), others=seen([]))
    assert alone.value == "no"
    nobody = judged(refused("ERROR_PAGE"), others=attempts(0, 3))
    assert nobody.reason.startswith("nobody can sign in")
    none = verdict_of("eligibility-errors", ineligible_sign_in=log([]))
    assert (none.value, none.source, none.n) == ("unknown", "traffic", 0)


def test_eligibility_errors_when_they_are_mixed() -> None:
    yes, no = refused("INELIGIBLE_CALLBACK"), refused("INELIGIBLE_PAGE")
    found = {"sign_ins": attempts(3)}
    assert points("eligibility-errors", ineligible_sign_in=seen([yes, no, no]), **found) == 4
    for tried, earned in (([yes, no], 0), ([yes, yes, no], 4), ([yes, no, no], 0), ([no], 0)):
        had = read_as("eligibility-errors", "A19", "majority", ineligible_sign_in=seen(tried), **found)
        assert had[0] == earned
    lost = read_as("eligibility-errors", "A19", "majority", ineligible_sign_in=seen([yes, no]), **found)[1]
    assert lost.reason == "only 1 of 2 ineligible attempts heard so on the callback"


def test_lines_of_business_words_and_readings() -> None:
    said = facts(offered_lines=list(ALL), mandated_lines=list(ALL[:3]), supported_lines=list(ALL))
    some = seen({line: line != "medicaid" for line in ALL})
    verdict = verdict_of("lines-of-business", lines=some, facts=said)
    assert verdict.reason == (
        "members of commercial, medicare-advantage, qhp get in; nobody of medicaid does"
    )
    assert verdict.disagreement == "the payer says it supports medicaid, yet nobody of it gets in"
    assert verdict.n == 4
    assert read_as("lines-of-business", "A21", "one-point", lines=some, facts=said)[0] == 1
    every = seen(dict.fromkeys(ALL, True))
    full = verdict_of("lines-of-business", lines=every, facts=said)
    assert (full.disagreement, full.reason.endswith("get in")) == ("", True)
    assert read_as("lines-of-business", "A21", "one-point", lines=every, facts=said)[0] == 3
    mandated = facts(offered_lines=list(ALL[:3]), mandated_lines=list(ALL[:3]))
    only = seen(dict.fromkeys(ALL[:3], True))
    assert points("lines-of-business", lines=only, facts=mandated) == 2
    assert read_as("lines-of-business", "A20", "three-points", lines=only, facts=mandated)[0] == 3
    assert read_as("lines-of-business", "A20", "three-points", lines=some, facts=said)[0] == 0
    none = verdict_of("lines-of-business", lines=seen(dict.fromkeys(ALL, False)), facts=said)
    assert none.reason.startswith("members of no line get in")


def test_lines_of_business_without_mandated_lines() -> None:
    said = facts(offered_lines=["commercial", "self-funded"], mandated_lines=[])
    found = seen({"commercial": True, "self-funded": False})
    assert verdict_of("lines-of-business", lines=found, facts=said).value == "partial"


# -- developer experience


def exchange(status: int = 200, **changes: Any) -> Exchange:
    step = changes.pop("step", "individual")
    return Exchange("GET", changes.pop("url", "u"), status, 1.0, step, **changes)


def made(*exchanges: Exchange) -> Observation:
    return seen({"members": [member()]}, exchanges)


def test_request_success_words_and_data() -> None:
    assert verdict_of("request-success", sync=requests(3, 0)).reason == "all 3 requests answered 200"
    none = verdict_of("request-success", sync=log({"members": [], "requests": []}))
    assert (none.value, none.reason, none.source) == ("no_data", "no request was made", "traffic")
    earned, few = read_as("request-success", "A5", "at-least-10", sync=requests(9, 0))
    assert (earned, few.reason) == (0, "9 requests are not enough data")
    for n, told in ((1, "1 request is"), (2, "2 requests are")):
        few = read_as("request-success", "A5", "at-least-10", sync=requests(n, 0))[1]
        assert few.reason == f"{told} not enough data"
    assert read_as("request-success", "A5", "at-least-10", sync=requests(10, 0))[0] == 10


@pytest.mark.parametrize(
    ("status", "good"), [(199, 0), (200, 1), (201, 1), (299, 1), (300, 0), (303, 0), (304, 1), (305, 0)]
)
def test_request_success_of_any_2xx_and_304(status: int, good: int) -> None:
    found = made(exchange(status))
    assert read_as("request-success", "A8", "2xx-or-304", sync=found)[1].value == 100 * good
    assert verdict_of("request-success", sync=found).value == (100 if status == 200 else 0)


def test_request_success_of_flawed_bodies() -> None:
    found = made(exchange(flaw="no JSON"), exchange(url="v"))
    assert verdict_of("request-success", sync=found).value == 100
    assert read_as("request-success", "A10", "failure", sync=found)[1].value == 50


def test_request_success_of_last_tries() -> None:
    found = made(exchange(429), exchange(200, retry=True), exchange(200, url="v"), exchange(500, url="w"))
    assert verdict_of("request-success", sync=found).value == 50
    earned, verdict = read_as("request-success", "A11", "last-try-only", sync=found)
    assert (verdict.n, round(float(verdict.value), 2)) == (3, 66.67)
    assert earned == 1


@pytest.mark.parametrize(
    ("good", "bad", "reading", "earned"),
    [
        (99, 1, ("A1", "upper-edge-inclusive"), 8),
        (99, 1, ("A2", "exactly"), 10),
        (100, 0, ("A2", "exactly"), 8),
        (985, 15, ("A3", "whole-percent"), 10),
        (984, 16, ("A3", "whole-percent"), 8),
    ],
)
def test_request_success_read_otherwise(good: int, bad: int, reading: tuple[str, str], earned: int) -> None:
    assert read_as("request-success", *reading, sync=requests(good, bad))[0] == earned


def test_reference_resolution_words_and_every_read() -> None:
    found = seen({"read": 2, "resolved": 2, "tries": 4, "tries_resolved": 2, "failures": {}})
    verdict = verdict_of("reference-resolution", references=found)
    assert (verdict.reason, verdict.n) == ("all 2 references resolved", 2)
    earned, every = read_as("reference-resolution", "A7", "every-read", references=found)
    assert (earned, every.n) == (2, 4)


def test_carin_resources_words_and_empty_bundles() -> None:
    every = ("ExplanationOfBenefit", "Coverage", "Patient")
    assert verdict_of("carin-resources", sync=syncs(member(types=every))).reason == "all three answered 200"
    lost = verdict_of("carin-resources", sync=syncs(member(types=every[1:])))
    assert lost.reason == "never answered 200: ExplanationOfBenefit"
    empty = syncs({**member(types=every), "filled": ["Patient"]})
    assert points("carin-resources", sync=empty) == 6
    assert read_as("carin-resources", "A27", "needs-an-entry", sync=empty)[0] == 1


def test_clinical_resources_words_and_empty_bundles() -> None:
    own = ("Observation", "Condition", "Goal", "Encounter", "Device", "CarePlan")
    six = verdict_of("clinical-resources", sync=syncs(member(own=own)))
    assert six.value == 4
    told = "6 clinical types answered 200: CarePlan, Condition, Device, Encounter, Goal, Observation"
    assert six.reason == told
    seven = verdict_of("clinical-resources", sync=syncs(member(own=(*own, "Procedure"))))
    assert seven.reason == told.replace("6 clinical", "7 clinical") + " …"
    none = verdict_of("clinical-resources", sync=syncs(member()))
    assert none.reason == "0 clinical types answered 200"
    empty = syncs({**member(own=own), "filled": ["Goal", "Patient"]})
    assert points("clinical-resources", sync=empty) == 4
    assert read_as("clinical-resources", "A27", "needs-an-entry", sync=empty)[0] == 1


def test_sync_speed_words() -> None:
    none = verdict_of("sync-speed", sync=syncs())
    assert none.reason == "there was no sync"
    nothing = verdict_of("sync-speed", sync=syncs(member(types=())))
    assert nothing.reason == "none of 1 syncs found anything"
    untimed = syncs({**member(), "seconds": None})
    assert verdict_of("sync-speed", sync=untimed).value == "no_data"


def test_everything_words() -> None:
    nobody = verdict_of("everything", everything=log([]))
    assert (nobody.value, nobody.reason, nobody.source) == ("none", "nobody asked for it", "traffic")
    refused_ = walk(status=404, unbroken=False, pages=0)
    assert verdict_of("everything", everything=seen([refused_])).reason == "answered 404"
    silent = walk(status=0, unbroken=False, pages=0)
    assert verdict_of("everything", everything=seen([silent])).reason == "answered nothing"
    unnamed = walk(status=405, unbroken=False, pages=0, offered=False)
    told = "metadata does not name it, and it answered 405"
    assert verdict_of("everything", everything=seen([unnamed])).reason == told
    empty = verdict_of("everything", everything=seen([walk(entries=0, searched=0)]))
    assert empty.reason == "it answers 200, and nothing is in it"
    short = walk(missing=7, missing_types=["Goal"])
    assert verdict_of("everything", everything=seen([short])).reason == (
        "7 of 45 resources of the searches are missing: Goal"
    )


def test_developer_portal_words() -> None:
    said = facts(developer_portal="https://payer.example/dev")

    def opened(status: int, html: bool, login: bool, note: str = "") -> Any:
        value = {"status": status, "html": html, "login": login}
        found = seen(value, [Exchange("GET", "p", status, 1.0, "portal", note=note)])
        return verdict_of("developer-portal", developer_portal=found, facts=said)

    good = opened(200, True, False)
    assert (good.reason, good.n) == ("https://payer.example/dev opens without a login", 1)
    asks = opened(200, True, True)
    assert (asks.reason, asks.n) == ("the portal asks for a login", 1)
    assert asks.disagreement == "the payer names https://payer.example/dev, yet it asks for a login"
    assert opened(200, False, False).reason == "the portal answers 200, but not with a page"
    assert opened(404, True, False).reason == "the portal answers 404"
    gone = opened(0, False, False, "no connection")
    assert gone.disagreement == "https://payer.example/dev: no connection"
    mail = verdict_of(
        "developer-portal", developer_portal=unseen("x"), facts=facts(developer_email="api@payer.example")
    )
    assert (mail.value, mail.reason) == (
        "email_only",
        "no portal; the payer gives an e-mail address for developers",
    )
    wordless = verdict_of(
        "developer-portal", developer_portal=unseen("x"), facts=facts(developer_portal="ask us")
    )
    assert wordless.value == "unknown"


@pytest.mark.parametrize("metric", [metric.id for metric in WHOLE.metrics])
def test_a_log_without_anything_is_judged_too(metric: str) -> None:
    from sandbox.score.traffic.log_file import LogReading
    from sandbox.score.traffic.observations import observe

    case = replace(Evidence("p", traffic=observe(LogReading(), 182)), readings=WHOLE.chosen).of_traffic()
    verdict = check_of(metric).judge(case)
    entry = next(m for m in WHOLE.metrics if m.id == metric)
    earned = 0 if verdict.source == "unseen" else entry.award(verdict.value, WHOLE.chosen)[0]
    assert earned == (2 if metric == "eligibility-errors" else 0)
    assert verdict.reason
