"""The golden scores, by real HTTP where a live payer can show them.

Exact percentages and the empty window are shown by traffic files: tests/unit/score/test_score_traffic.py.
"""

from __future__ import annotations

import pytest
from support.flagship import standing_grade

from sandbox.core.clock import FrozenClock

pytestmark = pytest.mark.slow

NO_CLINICAL_NO_EVERYTHING = "claims-only-odd-tokens"
"""A payer of claims alone, as Blue Button 2.0 is one: no clinical types, no $everything."""


@pytest.mark.parametrize(
    ("selection", "score"),
    [("baseline", 100), ("references-contained", 95), ("portal-opt-in-required", 94)],
)
def test_the_golden_scores(still: tuple[str, FrozenClock], selection: str, score: int) -> None:
    card = standing_grade(still, selection, "golden")
    assert (card.score, card.range) == (score, (score, score))
    marked, stated = card.vendor.max, card.vendor.stated_max
    lost = 100 - score if selection == "references-contained" else 0  # opting in is the payer's own affair
    assert (card.vendor_score, marked, card.vendor_score_stated, stated) == (63 - lost, 63, 70 - lost, 70)


def test_nothing_is_found_beside_the_score_of_baseline(still: tuple[str, FrozenClock]) -> None:
    card = standing_grade(still, "baseline", "findings")
    assert [(found.rule, found.text, found.where) for found in card.lint] == []


def test_a_payer_of_claims_alone_has_no_more_than_92(still: tuple[str, FrozenClock]) -> None:
    card = standing_grade(still, NO_CLINICAL_NO_EVERYTHING, "golden")
    points = {line.id: line.points for line in card.lines}
    assert (points["clinical-resources"], points["everything"], points["carin-resources"]) == (0, 0, 6)
    assert card.score <= 92
