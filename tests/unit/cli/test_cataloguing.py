"""The catalog for people: what a scenario costs in words, the listing, the results of a search, the page."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from sandbox.cli.main import run
from sandbox.cli.scenarios import format_rows, list_rows, match_rows, table
from sandbox.faults.catalog import Catalog
from sandbox.faults.listing import EDITION, compute_cost, load_metric_points
from sandbox.faults.scenario import Scenario
from sandbox.faults.search import search
from sandbox.score import rubric


def scenario(expect: Any, **more: Any) -> Scenario:
    fields = {"id": "a-b", "title": "What is seen", "story": "s", "area": "data", "reproduce": "x"}
    rules = [{"then": {"do": "omit_total"}}]
    return Scenario.model_validate(
        {**fields, "rules": rules, "shows": [{"get": "Patient"}], "expect": expect, **more}
    )


PARAMETER = {"seconds": {"kind": "number", "default": 5, "min": 1, "max": 9, "help": "how long"}}
NOBODY = {"authorization-success": 0, "refresh-token": 0, "request-success": 0, "carin-resources": 0}


def test_the_points_of_metrics_are_the_grader_s() -> None:
    edition = rubric.load(EDITION)
    assert load_metric_points() == {metric.id: metric.points for metric in edition.metrics}
    assert sum(load_metric_points().values()) == edition.max == 100


@pytest.mark.parametrize(
    ("expect", "left", "text"),
    [
        ({}, 100, "100 of 100: the rubric cannot see it"),
        ({"everything": 3}, 100, "100 of 100: the rubric cannot see it"),
        ({"everything": 1}, 98, "everything -2: 98 of 100 left"),
        ({"refresh-token": 4}, 94, "refresh token -6: 94 of 100 left"),
        ({"everything": 1, "status": 5}, 93, "status -5, everything -2: 93 of 100 left"),
        (
            {"everything": 2, "status": 8, "sandbox": 1, "sync-speed": 4, "refresh-token": 9},
            90,
            "sandbox -5, status -2, refresh token -1 and 2 more: 90 of 100 left",
        ),
        ({"sync-speed": 4.5}, 99.5, "sync speed -0.5: 99.5 of 100 left"),
        (NOBODY, 60, "nobody can sign in: 60 of 100 left"),
        ({"authorization-success": 0}, 86, "most sign-ins fail: 86 of 100 left"),
        ({"authorization-success": 4}, 90, "authorization success -10: 90 of 100 left"),
        ({"request-success": 0, "carin-resources": 0}, 84, "no data can be read: 84 of 100 left"),
        ({"request-success": 0}, 90, "request success -10: 90 of 100 left"),
        ({"a-metric-of-their-own": 1}, 100, "100 of 100: the rubric cannot see it"),
        (
            [{"points": {"sync-speed": 0}}, {"with": {"seconds": 2}, "points": {"sync-speed": 4}}],
            95,
            "sync speed -5: 95 of 100 left, 95 to 99 by seconds",
        ),
        (
            [{"with": {"seconds": 2}, "points": {"sync-speed": 0}}, {"points": {}}],
            100,
            "100 of 100 left, 95 to 100 by seconds",
        ),
    ],
)
def test_what_it_costs(expect: Any, left: float, text: str) -> None:
    cost = compute_cost(scenario(expect, parameters=PARAMETER))
    assert (cost.left, cost.text) == (left, text)


def test_a_payer_without_faults_costs_nothing() -> None:
    assert compute_cost(scenario({}, rules=[])).text == "100 of 100: no fault"


def test_the_table_has_a_row_in_its_area_with_keywords_cost_and_parameters() -> None:
    page = table(
        [
            scenario({"everything": 1}, parameters=PARAMETER, keywords=[401, "revoked"]),
            scenario({}, id="c", area="token"),
        ]
    )
    assert page.index("## token") < page.index("## data")
    assert (
        "| `a-b` | What is seen | everything -2: 98 of 100 left | 401, revoked |"
        " `seconds=5` how long (a number from 1 to 9) |" in page
    )
    assert "| `c` | What is seen | 100 of 100: the rubric cannot see it |  |  |" in page


def test_the_listing_has_area_title_cost_and_parameters() -> None:
    lines = format_rows(
        list_rows([scenario({"everything": 1}, parameters=PARAMETER), scenario({}, id="c")])
    ).splitlines()
    assert lines[0].split() == ["a-b", "data", "What", "is", "seen"]
    assert lines[1].strip() == "score: everything -2: 98 of 100 left"
    assert lines[2].strip() == "seconds=5: how long (a number from 1 to 9)"
    assert lines[-1].strip() == "score: 100 of 100: the rubric cannot see it"


def test_the_results_of_a_search_have_the_reason() -> None:
    catalog = Catalog([scenario({}, id=f"c{n}", keywords=["401"]) for n in range(5)])
    shown = format_rows(match_rows(search(catalog, "401 gone")[:2])).splitlines()
    assert [line.split()[0] for line in shown if not line.startswith(" ")] == ["c0", "c1"]
    assert shown[2].strip() == "matches: keyword 401, not gone"
    assert format_rows(match_rows(search(catalog, "401"))).count("matches: keyword 401") == 5


def test_the_commands_search_and_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["scenarios", "search", "token", "dies"]) == 0
    output = capsys.readouterr()
    assert output.out.startswith("token-dies-mid-sync ")
    assert "matches: name\n" in output.out
    assert output.err == ""

    assert run(["scenarios", "search", "token"]) == 0
    assert re.search(r"\nand \d+ more: add a word, or --all\n$", capsys.readouterr().out)
    assert run(["scenarios", "search", "token", "--all"]) == 0
    assert "--all" not in capsys.readouterr().out

    assert run(["scenarios", "search", "invalid_grant", "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    assert entries[0]["why"] == [{"word": "invalid_grant", "field": "keyword", "text": "invalid_grant"}]
    assert entries[0]["unmatched"] == []
    assert entries[0]["cost"]["left"] <= 100

    assert run(["scenarios", "list", "--json"]) == 0
    listed = {entry["id"]: entry for entry in json.loads(capsys.readouterr().out)}
    assert listed["aud-forbidden"]["cost"]["text"].startswith("nobody can sign in: ")
    assert "invalid_request" in listed["aud-forbidden"]["keywords"]
    assert listed["slow-responses"]["parameters"]["seconds"]["default"] == 5


def test_a_search_without_a_match_says_what_is_near(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["scenarios", "search", "pagnation"]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("no scenario matches pagnation\ndid you mean pagination")
    assert run(["scenarios", "search", "rate-limited", "xyzzy"]) == 0
    output = capsys.readouterr()
    assert output.out.startswith("rate-limited ")
    assert output.err == "no scenario matches every word; these match most of them\n"
    assert run(["scenarios", "search", "xyzzy", "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == []
    assert run(["scenarios", "search"]) == 2
