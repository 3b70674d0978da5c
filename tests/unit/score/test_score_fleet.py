"""Many payers: who counts, who waits, what is kept, medians with their rule, movement, pictures."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any
from xml.etree import ElementTree as Xml

import httpx
import pytest
import transcripts

from sandbox.core.errors import FileProblem, UsageError
from sandbox.core.text import quantity
from sandbox.score.card import to_data
from sandbox.score.evidence import Evidence, seen
from sandbox.score.fleet import demo, report, results, roster, runner
from sandbox.score.fleet.results import EndpointResult
from sandbox.score.fleet.roster import Endpoint, Fleet
from sandbox.score.fleet.runner import GradingRules
from sandbox.score.fleet.survey import Before, survey
from sandbox.score.report.card_file import CardFile
from sandbox.score.report.pages import build_environment
from sandbox.score.rubric import load
from sandbox.score.run import regrade

EDITION = load("2025-05")
RULES = GradingRules("2025-05")


def card(good: int = 40, metadata: bool = True, status: str = "live") -> CardFile:
    """A card with so many good sign-ins of 40."""
    base = {"who": "e", "line": None, "reason": "", "error": "", "description": ""}
    tried = [{**base, "outcome": "AUTHORIZED" if n < good else "ERROR_PAGE"} for n in range(40)]
    claims = {"from": "file", "claims": {"status": status}, "instruments": {"accounts": {}}}
    found = {
        "facts": seen(claims, source="declared"),
        "sign-ins": seen(tried),
        "capability-statement": seen({"present": metadata, "why": "answered 404"}),
    }
    return CardFile.model_validate(to_data(regrade(Evidence("http://p/fhir", "", found))))


def result(payer: str, vendor: str, found: CardFile | None, **more: Any) -> EndpointResult:
    endpoint = Endpoint(payer=payer, vendor=vendor, url=f"http://127.0.0.1/{payer}", lives=1000)
    return EndpointResult(endpoint=endpoint, rules="2025-05", card=found, **more)


RESULTS = [
    result("Ann", "V", card(40)),  # 14 + 2
    result("Bob", "V", card(36, metadata=False)),  # 12 + 0
    result("Cat", "V", card(32)),  # 10 + 2
    result("Dan", "W", card(40)),
    result("Eve", "W", card(0, status="implementing")),  # not live: does not count for its vendor
    result("Fay", "W", None, error="cannot be reached"),
]


def test_vendors_are_medians_by_metric_and_of_totals() -> None:
    found = survey(EDITION, RESULTS)
    vendors = {v.vendor: v for v in found.vendors}
    assert vendors["V"].payers == 3
    assert vendors["V"].medians["authorization-success"] == 12
    assert vendors["V"].medians["capability-statement"] == 2
    assert vendors["V"].by_metric == 12 + 2  # sign-ins and metadata
    assert vendors["V"].by_totals == 12  # totals 16, 12, 12: another number than by metric
    assert (vendors["V"].lowest, vendors["V"].highest) == (12, 16)
    assert (vendors["W"].payers, vendors["W"].by_metric) == (1, 16)
    assert [v.vendor for v in found.vendors] == ["W", "V"]


def test_an_even_number_keeps_the_half() -> None:
    found = survey(EDITION, [result("a", "V", card(40)), result("b", "V", card(32, metadata=False))])
    assert found.vendors[0].medians["capability-statement"] == 1
    assert found.vendors[0].by_metric == 12 + 1


def test_a_metric_without_data_can_stay_out_of_the_median() -> None:
    said = {"from": "f", "claims": {"status": "live"}, "instruments": {"accounts": {}}}
    unseen = regrade(Evidence("http://p", "", {"facts": seen(said, source="declared")}))
    bare = CardFile.model_validate(to_data(unseen))
    pair = [result("a", "V", card(40)), result("b", "V", bare)]
    assert survey(EDITION, pair).vendors[0].medians["authorization-success"] == 7
    other = load("2025-05", [("A29", "left-out")])
    assert survey(other, pair).vendors[0].medians["authorization-success"] == 14


def test_payers_are_ranked_and_ties_share_a_rank() -> None:
    found = survey(EDITION, RESULTS)
    assert [(p.payer, p.rank) for p in found.payers[:2]] == [("Ann", 1), ("Dan", 1)]
    assert found.payers[2].rank == 3
    assert found.unreached == (("Fay", "cannot be reached"),)
    spread = next(m for m in found.metrics if m.id == "authorization-success")
    assert [(points, n) for _, points, n in spread.bands] == [(14, 2), (12, 1), (10, 1), (0, 1)]


def test_movement_since_the_last_report(tmp_path: Path) -> None:
    fleet = Fleet(endpoints=[r.endpoint for r in RESULTS])
    first = survey(EDITION, RESULTS)
    report.write(tmp_path, fleet, EDITION, first, "2026-01-01")
    before = report.previous(tmp_path / "report.json", "2025-05")
    assert before.payers["ann"] == first.payers[0].score
    again = survey(EDITION, [result("Ann", "V", card(0)), result("New", "V", card(40))], before)
    moved = {p.payer: p.moved for p in again.payers}
    assert (moved["Ann"], moved["New"]) == (-14, None)  # its accounts are all refused, its status stays live
    report.write(tmp_path, fleet, EDITION, again, "2026-02-01")
    assert "Changes since the last report" in (tmp_path / "report.html").read_text()
    with pytest.raises(UsageError, match="edition"):
        report.previous(tmp_path / "report.json", "ours")
    (tmp_path / "odd.json").write_text("{}")
    with pytest.raises(FileProblem):
        report.previous(tmp_path / "odd.json", "2025-05")
    assert report.previous(None, "2025-05") == Before({}, {})


def test_the_report_needs_nothing_from_anywhere(tmp_path: Path) -> None:
    nasty = [result("<script>x</script> | y", "V&W", card(40)), *RESULTS]
    fleet = Fleet(title="T", endpoints=[r.endpoint for r in nasty])
    report.write(tmp_path, fleet, EDITION, survey(EDITION, nasty), "2026-01-01")
    transcripts.note(*(file.read_text() for file in sorted(tmp_path.iterdir())))
    html = (tmp_path / "report.html").read_text()
    assert "<script" not in html
    assert not re.findall(r'(?:src|href)="(?!#)', html)
    assert html.count("<svg") == 2 + 17
    assert "<script" not in (tmp_path / "report.md").read_text()
    data = json.loads((tmp_path / "report.json").read_text())
    assert (len(data["payers"]), data["vendor_max"]) == (6, {"marked": 63, "stated": 70})
    assert not list(tmp_path.glob("*.part"))


def test_pictures_are_well_formed() -> None:
    found = survey(EDITION, [*RESULTS, result("a", "<V> & Co", card())])
    charts: Any = build_environment().get_template("charts.html").module
    bins, no_bins = report.count_bins(found.scores, 100), report.count_bins([], 100)
    assert (sum(bins), len(bins), sum(no_bins)) == (len(found.scores), 21, 0)
    for svg in (charts.histogram(bins, 100, 5), charts.histogram(no_bins, 100, 5),
                charts.vendors(found.vendors, 63), *map(charts.bands, found.metrics)):  # fmt: skip
        assert Xml.fromstring(svg).get("aria-label")


def test_results_resume_only_by_the_same_rules_and_address(tmp_path: Path) -> None:
    mine = RESULTS[0]
    results.keep(tmp_path, mine)
    assert results.kept(tmp_path, mine.endpoint, "2025-05") == mine
    assert results.kept(tmp_path, mine.endpoint, "2025-05 A8=2xx-or-304") is None
    moved = mine.endpoint.model_copy(update={"url": "http://elsewhere/fhir"})
    assert results.kept(tmp_path, moved, "2025-05") is None
    (tmp_path / "ann.json").write_text('{"endpoint": ')  # half a file: as if there were none
    assert results.kept(tmp_path, mine.endpoint, "2025-05") is None


def test_a_host_abroad_is_asked_by_one_at_a_time() -> None:
    urls = [
        "http://93.184.216.34/a",
        "http://127.0.0.1:1/b",
        "http://93.184.216.34/c",
        "http://127.0.0.1:2/d",
    ]
    found = runner.queues([Endpoint(payer=url, url=url) for url in urls])
    assert [[e.payer[-1] for e in queue] for queue in found] == [["a", "c"], ["b"], ["d"]]


def test_an_endpoint_that_does_not_answer_is_a_result_too() -> None:
    dead = Endpoint(payer="Dead", url="http://127.0.0.1:9/fhir")
    found = runner.grade_one(dead, Path(), RULES)
    assert found.card is None
    assert "cannot be reached" in found.error


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("endpoints: []\n", "endpoints"),
        ("endpoints: [{payer: A}]\n", "url"),
        ("endpoints: [{payer: A, url: u}, {payer: a, url: v}]\n", "two endpoints are called a"),
        ("endpoints: [{payer: A, url: u, live: 3}]\n", "live"),
        ("- 1\n", "the fleet"),
    ],
)
def test_a_malformed_fleet_is_one_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text(text)
    with pytest.raises(FileProblem, match=says) as raised:
        roster.read(path)
    assert "\n" not in str(raised.value)


def test_plans_under_500_lives_are_left_out() -> None:
    made = [Endpoint(payer=str(n), url="u", lives=n) for n in (499, 500)]
    fleet = Fleet(endpoints=[*made, Endpoint(payer="x", url="u")])
    assert [e.payer for e in fleet.counted] == ["500", "x"]
    assert fleet.left_out == 1


def test_the_demonstration_is_352_payers_over_30_vendors_and_repeats() -> None:
    pool = demo.ScenarioPool(["broken-references", "rate-limited", "opt-in-required"], ["account-locked"])
    fleet = demo.fleet("http://127.0.0.1:1", pool, 352, 1)
    assert (len(fleet.counted), fleet.left_out) == (352, demo.TOO_SMALL)
    assert len({e.vendor for e in fleet.counted}) == 30
    assert fleet == demo.fleet("http://127.0.0.1:1", pool, 352, 1)
    assert fleet != demo.fleet("http://127.0.0.1:1", pool, 352, 2)
    assert len({e.url for e in fleet.endpoints}) == len(fleet.endpoints)
    assert any("/s/baseline~" in e.url for e in fleet.endpoints)
    with pytest.raises(UsageError, match="not a payer sandbox"):
        demo.scenarios("http://127.0.0.1:9")


@pytest.mark.parametrize(("payers", "vendors"), [(1, 1), (7, 1), (8, 2), (20, 5), (119, 29), (120, 30)])
def test_a_small_demonstration_has_few_vendors_with_several_payers_each(payers: int, vendors: int) -> None:
    known = demo.ScenarioPool([f"scenario-{n}" for n in range(40)], ["hidden"])
    fleet = demo.fleet("http://127.0.0.1:1", known, payers, 1)
    assert f"over {quantity(vendors, 'vendor')}" in fleet.title
    theirs: dict[str, list[set[str]]] = defaultdict(list)
    for endpoint in fleet.counted:
        theirs[endpoint.vendor].append(set(endpoint.url.split("/s/")[1].partition("~")[0].split(".")))
    assert len(theirs) == vendors
    assert payers == 1 or min(map(len, theirs.values())) >= 2
    usual = {vendor: _usual(mixes) for vendor, mixes in theirs.items()}
    assert len({frozenset(habits) for habits in usual.values()}) > vendors * 0.7, "vendors differ"


def _usual(mixes: list[set[str]]) -> set[str]:
    """What half of a vendor's payers do."""
    return {name for mix in mixes for name in mix if 2 * sum(name in other for other in mixes) >= len(mixes)}


def test_the_demonstration_plays_mostly_what_the_rubric_sees_and_waits_for_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def offered(name: str, expect: Any, seconds: float | None = None) -> dict[str, Any]:
        dials = {} if seconds is None else {"seconds": {"kind": "number", "default": seconds}}
        return {"id": name, "parameters": dials, "expect": expect}

    listed = [
        offered("baseline", {}),
        offered("hangs", {"status": 0}, 30),
        offered("slow", [{"points": {"status": 0}}], 5),
        offered("quick", {"status": 0}, 0.1),
        offered("hidden", {}),
    ]
    monkeypatch.setattr(demo.httpx, "get", lambda *_, **__: httpx.Response(200, json={"scenarios": listed}))
    known = demo.scenarios("http://127.0.0.1:1")
    assert known == demo.ScenarioPool(["quick", "slow,seconds=0.25"], ["hidden"])
    drawn = Random(1)
    many = [known.draw(drawn) for _ in range(1000)]
    assert 0.2 < many.count("hidden") / 1000 < 0.3


@pytest.mark.slow
def test_a_fleet_is_graded_once_and_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing listens at these ports, which is a result too; the second run has nothing left to do."""
    endpoints = [Endpoint(payer=name, vendor="V", url=f"http://127.0.0.1:{port}/fhir", lives=1000)
                 for name, port in (("Ann", 1), ("Bob", 2))]  # fmt: skip
    fleet, rules = Fleet(title="T", endpoints=endpoints), GradingRules("2025-05", (("A9", "every-type"),))
    told: list[tuple[int, int, str]] = []

    def run(fresh: bool = False) -> list[tuple[int, int, str]]:
        told.clear()
        grading = runner.GradingRun(tmp_path, tmp_path / "cards", rules)
        runner.grade_fleet(fleet, grading, 1, fresh, lambda *step: told.append(step))
        return list(told)

    assert run() == [(0, 2, "starting"), (1, 2, "Ann"), (2, 2, "Bob")]
    monkeypatch.setattr(runner, "ProcessPoolExecutor", lambda jobs, *_, **__: ThreadPoolExecutor(jobs))
    kept = results.all_kept(tmp_path / "cards", fleet, str(rules))
    assert [(one.endpoint.payer, one.card) for one in kept] == [("Ann", None), ("Bob", None)]
    assert all("cannot be reached" in one.error for one in kept)
    assert run() == [(2, 2, "resuming")]
    (tmp_path / "cards" / next(f.name for f in (tmp_path / "cards").glob("*nn*.json"))).write_text("{")
    assert run() == [(1, 2, "resuming"), (2, 2, "Ann")]
    assert run(fresh=True)[0] == (0, 2, "starting")
    assert str(rules) == "2025-05 A9=every-type"
