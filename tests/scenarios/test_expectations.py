"""The flagship: every scenario earns exactly what it promises, and the baseline earns everything.

The scenarios are the scorer's mutants: a metric that a scenario names must notice it, and no other
metric may change. The claims are the baseline's under every scenario, so the grader reads no answers.
"""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from support.bands import landed
from support.flagship import standing_grade

from sandbox.core.clock import FrozenClock
from sandbox.faults.catalog import load
from sandbox.score import rubric
from sandbox.score.run import grade
from sandbox.settings import root

SCENARIOS = load(root() / "scenarios").by_id
METRICS = {metric.id: metric.points for metric in rubric.load("2025-05").metrics}


CASES = [
    (name + "".join(f",{parameter}={value}" for parameter, value in case.settings.items()), case.points)
    for name, scenario in SCENARIOS.items()
    for case in scenario.cases
]
"""Every selection that a file speaks of, and the points that it promises."""
LANDED = landed()
"""The bands that the matrix of bands says they land on."""


ALWAYS = {"rate-limited", "broken-references"}
"""Graded in every run of the suite; the rest of the catalogue takes minutes (`make catalogue`)."""


@pytest.mark.parametrize(
    ("selection", "points"),
    [
        pytest.param(name, points, id=name, marks=() if name in ALWAYS else pytest.mark.catalogue)
        for name, points in CASES
    ],
)
def test_a_scenario_earns_what_it_promises(
    still: tuple[str, FrozenClock], selection: str, points: dict[str, float]
) -> None:
    card = standing_grade(still, selection)
    earned = {line.id: line.points for line in card.lines}
    reasons = {line.id: line.reason for line in card.lines}
    wanted = METRICS | points
    assert earned == wanted, {k: reasons[k] for k in METRICS if earned[k] != wanted[k]}
    bands = {line.id: line.band for line in card.lines}
    for metric, band in LANDED.get(selection, {}).items():
        assert bands[metric] == band, reasons[metric]


def test_the_default_payer_scores_100_of_100(origin: str) -> None:
    card, _ = grade(f"{origin}/fhir")
    assert (card.score, card.max, card.range) == (100, 100, (100, 100))


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_never_edits_the_claims(still: tuple[str, FrozenClock], name: str) -> None:
    origin, facts = still[0], ".well-known/payer-facts"
    frozen = httpx.get(f"{origin}/fhir/{facts}").json()["claims"]
    claimed = httpx.get(f"{origin}/s/{name}~claims/fhir/{facts}").json()["claims"]
    assert claimed | {"developer_portal": None} == frozen | {"developer_portal": None}


def test_the_grader_leaves_no_trace_in_the_payer_it_grades(origin: str) -> None:
    """The refresh probe moves a clock: in a session of its own, not in the graded payer's."""
    base = f"{origin}/s/baseline~untouched"
    grade(f"{base}/fhir")
    assert httpx.get(f"{base}/_sandbox/clock").json()["ahead_seconds"] == 0


def test_the_grader_reads_neither_journal_nor_scenarios(origin: str) -> None:
    _, evidence = grade(f"{origin}/s/portal-opt-in-required~blind/fhir")
    text = str(evidence.to_json())
    assert "/_sandbox/journal" not in text
    assert "/_sandbox/scenarios" not in text
    assert "sandbox-effects" not in text.lower()


def test_the_metrics_of_the_edition_are_the_contracts() -> None:
    contract = (
        "status sandbox capability-statement smart-configuration authorization-success refresh-token"
        " inactive-members portal-opt-in eligibility-errors lines-of-business request-success"
        " reference-resolution carin-resources clinical-resources sync-speed everything developer-portal"
    )
    assert list(METRICS) == contract.split()
    assert sum(METRICS.values()) == 100
    assert Path(rubric.__file__).parent.joinpath("editions", "2025-05.yaml").is_file()
