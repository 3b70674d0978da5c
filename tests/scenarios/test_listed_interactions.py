"""The list of interactions: each is real, and the list excuses little."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest
from support.flagship import standing_grade
from support.interactions import INTERACTIONS, KINDS, MOST, Interaction, excused, lower, page

from sandbox.core.clock import FrozenClock
from sandbox.faults.catalog import load
from sandbox.faults.scenario import Scenario
from sandbox.settings import root

CATALOG = load(root() / "scenarios")
CASES = [
    scenario.with_settings({name: str(value) for name, value in case.settings.items()})
    for scenario in CATALOG.by_id.values()
    for case in scenario.cases
]
MOST_EXCUSED = 0.12
"""Of the metrics that a combination of two costs."""


@pytest.mark.catalogue
@pytest.mark.parametrize("row", INTERACTIONS, ids=lambda row: row.name)
def test_an_interaction_can_be_seen(still: tuple[str, FrozenClock], row: Interaction) -> None:
    card = standing_grade(still, row.shows)
    earned = next(line.points for line in card.lines if line.id == row.rises)
    assert earned > lower(CATALOG.parse(row.shows).scenarios)[row.rises]


@pytest.mark.parametrize("row", INTERACTIONS, ids=lambda row: row.name)
def test_the_list_knows_what_it_shows(row: Interaction) -> None:
    why = excused(CATALOG.parse(row.shows).scenarios)
    assert why[row.rises].startswith(row.name)


@pytest.mark.slow
def test_the_list_excuses_little() -> None:
    """Counted over all pairs of scenarios, at every setting their files speak of."""
    costs = loose = 0
    for pair in combinations(CASES, 2):
        bound = lower(pair)
        touched = {metric for metric, points in bound.items() if points < MOST[metric]}
        costs += len(touched)
        loose += len(touched & excused(pair).keys())
    assert loose / costs <= MOST_EXCUSED


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_has_some_of_the_scenarios_and_a_row(kind: str) -> None:
    of_it = [scenario.name for scenario in CASES if KINDS[kind](scenario)]
    assert 0 < len(of_it) < len(CASES) * 2 / 3
    assert any(kind in (row.hidden, row.by) for row in INTERACTIONS)


def test_scenarios_far_apart_do_not_excuse_each_other() -> None:
    far: tuple[Scenario, ...] = CATALOG.parse("developer-portal-retired.refresh-ends-early").scenarios
    assert excused(far) == {}
    assert lower(far)["refresh-token"] == 2
    assert lower(far)["developer-portal"] == 0


def test_the_page_of_interactions_is_the_list() -> None:
    written = Path(root() / "docs" / "interactions.md").read_text()
    assert written == page(CATALOG.by_id.values())
