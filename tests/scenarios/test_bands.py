"""Every band of the edition can be had: by a scenario, or by a log where a live run cannot show it.

That a scenario lands on the band, and not only on its points, is asked where it is graded
(test_expectations).
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.bands import EDITION, TOP, Row, page, rows

from sandbox.core.files import read_yaml
from sandbox.faults.catalog import load
from sandbox.score.run import Log, grade_log
from sandbox.settings import root

ROWS = list(rows())
POINTS = {
    scenario.id + "".join(f",{name}={value}" for name, value in case.settings.items()): case.points
    for scenario in load(root() / "scenarios").by_id.values()
    for case in scenario.cases
}
CLAIMS = {"status": "live", "sandbox": True, "offered_lines": ["qhp"], "mandated_lines": ["qhp"]}


def name(row: Row) -> str:
    return f"{row.metric}: {row.band}"


def test_the_matrix_has_the_72_bands_of_the_edition_and_no_other() -> None:
    matrix = read_yaml(TOP / "tests" / "scenarios" / "bands.yaml")
    written = {(metric, band) for metric, found in matrix.items() for band in found}
    assert written == {(row.metric, row.band) for row in ROWS}
    assert len(ROWS) == sum(metric.rows for metric in EDITION.metrics) == 72


@pytest.mark.parametrize("row", [row for row in ROWS if row.scenario], ids=name)
def test_a_scenario_promises_the_points_of_the_band(row: Row) -> None:
    most = next(metric.points for metric in EDITION.metrics if metric.id == row.metric)
    assert POINTS[row.scenario].get(row.metric, most) == row.points


@pytest.mark.parametrize("row", [row for row in ROWS if row.log], ids=name)
def test_a_log_lands_on_the_band(row: Row, tmp_path: Path) -> None:
    facts = tmp_path / "facts.json"
    facts.write_text(json.dumps({"claims": CLAIMS | row.claims}))
    card, _ = grade_log(Log(row.path, None), facts=facts)
    found = next(line for line in card.lines if line.id == row.metric)
    assert (found.band, found.points) == (row.band, row.points), found.reason


def test_each_band_has_one_way_and_each_log_is_used() -> None:
    assert all(bool(row.scenario) is not bool(row.log) for row in ROWS)
    logs = {path.stem for path in (TOP / "examples" / "traffic").glob("*.ndjson")}
    assert logs == {row.log for row in ROWS if row.log}


def test_the_page_of_bands_is_the_matrix() -> None:
    assert (TOP / "docs" / "bands.md").read_text() == page()
