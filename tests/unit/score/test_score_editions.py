"""Editions: the report's 72 rows, readings that can be chosen, one's own weights, and what is refused."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from conftest import line_of

from sandbox.core.errors import FileProblem, UsageError
from sandbox.score.editions import readings
from sandbox.score.editions.catalog import EDITIONS
from sandbox.score.evidence import Evidence, seen
from sandbox.score.rubric import grade_evidence, load
from sandbox.score.run import regrade

EDITION = load("2025-05")
ROWS = {
    "status": 3, "sandbox": 2, "capability-statement": 2, "smart-configuration": 2,
    "authorization-success": 7, "refresh-token": 6, "inactive-members": 6, "portal-opt-in": 2,
    "eligibility-errors": 3, "lines-of-business": 4, "request-success": 7, "reference-resolution": 7,
    "carin-resources": 4, "clinical-resources": 5, "sync-speed": 6, "everything": 3, "developer-portal": 3,
}  # fmt: skip
"""How many scoring rows the report prints for each metric."""


def test_the_rows_are_the_reports_72() -> None:
    assert {metric.id: metric.rows for metric in EDITION.metrics} == ROWS
    assert sum(ROWS.values()) == 72


def test_every_reading_is_explained_and_its_others_are_taken_by_name() -> None:
    for name, reading in EDITION.readings.items():
        assert reading.note
        for value in reading.others:
            assert load("2025-05", [(name, value)]).chosen[readings.number(name)] == value
    assert sum(bool(reading.others) for reading in EDITION.readings.values()) == 18


@pytest.mark.parametrize("name", ["A8-success-status", "A8", "a8", "success-status"])
def test_a_reading_has_three_names(name: str) -> None:
    assert load("2025-05", [(name, "2xx-or-304")]).chosen["A8"] == "2xx-or-304"


@pytest.mark.parametrize(
    ("word", "says"),
    [("A8", "NAME=VALUE"), ("=x", "NAME=VALUE"), ("A99=x", "use one of A1"),
     ("A8=most", "exactly-200 or 2xx")],
)  # fmt: skip
def test_a_wrong_reading_is_refused(word: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        load("2025-05", readings.parse([word]))


def test_references_that_do_not_exist_can_be_left_out() -> None:
    found = {"references": seen({"read": 0, "resolved": 0, "failures": {}})}
    evidence = Evidence("p", "", found)
    assert regrade(evidence).max == 100
    card = regrade(evidence, readings=[("A6", "left-out")])
    line = line_of(card, "reference-resolution")
    assert (card.max, line.max, line.points, line.fix) == (95, 0, 0, "")
    assert line.band == "no references (left out)"


def test_an_edition_whose_bands_are_not_public_is_refused_with_the_reason() -> None:
    with pytest.raises(UsageError, match=r"2025-11 cannot be graded: its points are public .* bands are not"):
        load("2025-11")


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    whole = tmp_path / "whole.yaml"
    whole.write_text((EDITIONS / "2025-05.yaml").read_text())
    assert load(str(whole)) == EDITION
    mine = tmp_path / "mine.yaml"
    mine.write_text(
        'extends: "2025-05"\nid: ours\nweights: {status: 5, sync-speed: 20, carin-resources: 3}\n'
        "readings: {A8: 2xx-or-304}\n"
    )
    rules = load(str(mine))
    assert (rules.id, rules.max) == ("ours", 100 - 5 + 15 - 3)
    assert (rules.vendor.max, rules.vendor.stated_max) == (63 + 15, 70 + 15)
    by_id = {metric.id: metric for metric in rules.metrics}
    assert [by_id["sync-speed"].award(s)[0] for s in (0.5, 2.0, 8.0, 20.0, 50.0, 99.0)] == [
        20,
        16,
        12,
        8,
        4,
        0,
    ]
    assert by_id["status"].award("implementing")[0] == 3  # half of five, rounded up
    assert by_id["carin-resources"].award(("ExplanationOfBenefit", "Coverage", "Patient"))[0] == 3
    assert rules.chosen["A8"] == "2xx-or-304"
    assert grade_evidence(rules, Evidence("p")).edition == "ours"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('extends: "2025-05"\nid: x\nweights: {speed: 1}\n', "weights.speed"),
        ('extends: "2025-05"\nid: x\nweights: {status: -1}\n', "weights.status"),
        ('extends: "1999-01"\nid: x\n', "no edition"),
        ('extends: "2025-05"\nid: x\nreadings: {A8: no}\n', "exactly-200"),
        ('extends: "2025-05"\nid: x\nweight: {}\n', "weight"),
        ("id: x\n", "title"),
        ("- 1\n", "the edition"),
    ],
)
def test_a_malformed_file_is_one_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(FileProblem, match=says) as raised:
        load(str(path))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("\nmax: 100\n", "\nmax: 99\n", "add up to 100"),
        ("  max: 63\n", "  max: 64\n", "add up to 63"),
        ("stated_max: 70", "stated_max: 71", "give 70|not 70"),
        ("        points: 14\n", "        points: 13\n", "best band 14"),
        ("- id: sandbox\n", "- id: status\n", "twice"),
        ("- id: sandbox\n", "- id: playground\n", "no check of playground"),
    ],
)
def test_sums_that_do_not_fit_are_refused(tmp_path: Path, old: str, new: str, says: str) -> None:
    path = tmp_path / "mine.yaml"
    text = (EDITIONS / "2025-05.yaml").read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(FileProblem, match=says):
        load(str(path))


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(FileProblem):
        load("/nowhere/mine.yaml")


def test_rates_are_exact_at_a_hair() -> None:
    rate = next(m for m in EDITION.metrics if m.id == "request-success")
    assert rate.award(Fraction(98999999, 1000000))[0] == 8
    assert rate.award("no_data") == (0, "no data")
