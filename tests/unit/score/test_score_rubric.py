"""The edition: 100 points, one check a metric, and sums that never hide what was not seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.core.errors import UsageError
from sandbox.score import checks, report
from sandbox.score.editions.catalog import EDITIONS
from sandbox.score.evidence import Evidence, seen
from sandbox.score.rubric import check_of, grade_evidence, known_editions, load
from sandbox.score.run import regrade

EDITION = load("2025-05")
IDS = (
    *("status", "sandbox", "capability-statement", "smart-configuration", "authorization-success"),
    *("refresh-token", "inactive-members", "portal-opt-in", "eligibility-errors", "lines-of-business"),
    *("request-success", "reference-resolution", "carin-resources", "clinical-resources", "sync-speed"),
    *("everything", "developer-portal"),
)


def test_the_metrics_are_the_rubrics() -> None:
    assert {metric.id for metric in EDITION.metrics} == set(IDS)


def test_points_total_100_and_63_for_vendors() -> None:
    assert sum(metric.points for metric in EDITION.metrics) == EDITION.max == 100
    marked = [metric for metric in EDITION.metrics if "vendor" in metric.audience]
    assert sum(metric.points for metric in marked) == EDITION.vendor.max == 63
    added = [metric for metric in EDITION.metrics if metric.id in EDITION.vendor.stated_adds]
    assert 63 + sum(metric.points for metric in added) == EDITION.vendor.stated_max == 70
    assert not {metric.id for metric in marked} & set(EDITION.vendor.stated_adds)


def test_areas_total_20_45_35() -> None:
    assert [sum(m.points for m in area.metrics) for area in EDITION.areas] == [20, 45, 35]


def test_one_check_a_metric_and_one_metric_a_check() -> None:
    folder = Path(checks.__path__[0])
    names = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert names == {metric.id.replace("-", "_") for metric in EDITION.metrics}
    for metric in EDITION.metrics:
        check = check_of(metric.id)
        assert check.NEEDS
        assert check.__doc__


def test_an_unknown_edition_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match="use 2025-05"):
        load("1999-01")
    assert known_editions() == ("2025-05",)


def test_an_edition_cannot_be_a_path() -> None:
    with pytest.raises(UsageError):
        load("../editions/2025-05")
    assert EDITIONS.is_dir()


def test_every_ambiguity_has_a_reading() -> None:
    assert [int(name.split("-")[0][1:]) for name in EDITION.readings] == list(range(1, 33))


def test_unseen_earns_nothing_and_widens_the_range() -> None:
    card = grade_evidence(EDITION, Evidence("http://payer"))
    assert card.range == (0, 100)
    found = {"smart-configuration": seen({"present": True, "why": ""})}
    card = grade_evidence(EDITION, Evidence("http://payer", "", found))
    assert card.range == (2, 100)
    assert all(line.fix for line in card.lines if line.points < line.max)


def test_no_traffic_and_the_best_claims() -> None:
    claims = {"status": "live", "sandbox": True, "refresh_max_days": 365, "inactive_access_days": None}
    found = {
        "facts": seen({"from": "file", "claims": claims, "instruments": {"accounts": {}}}, source="declared"),
        "capability-statement": seen({"present": True, "why": ""}),
        "smart-configuration": seen({"present": True, "why": ""}),
    }
    card = regrade(Evidence("http://payer", "", found))
    assert card.score == 20 + 10 + 8
    assert card.range[1] == 38 + 14 + 6 + 4 + 3 + 33 == 98  # no portal named: that is known, not unseen


def test_the_json_has_the_agreed_shape() -> None:
    import json

    card = json.loads(report.render(grade_evidence(EDITION, Evidence("http://payer")), "json"))
    assert {"edition", "target", "score", "max", "range", "metrics", "vendor"} <= card.keys()
    assert card["vendor"].keys() == {"score", "max", "score_stated", "max_stated"}
    assert (card["vendor"]["max"], card["vendor"]["max_stated"]) == (63, 70)
    keys = {"id", "points", "max", "band", "value", "n", "source", "reason", "fix"}
    assert all(metric.keys() == keys for metric in card["metrics"])
