"""Two hundred combinations of scenarios: metric by metric no more than the lower, or the list says why.

Minutes: `make combinations`.
"""

from __future__ import annotations

import pytest
from support.combinations import MANY, SEED, drawn
from support.flagship import standing_grade
from support.interactions import excused, lower

from sandbox.core.clock import FrozenClock
from sandbox.faults.catalog import load
from sandbox.settings import root

CATALOG = load(root() / "scenarios")
COMBINATIONS = [".".join(names) for names in drawn()]


@pytest.mark.combinations
@pytest.mark.parametrize("selection", COMBINATIONS)
def test_together_they_earn_no_more_than_the_lower(still: tuple[str, FrozenClock], selection: str) -> None:
    card = standing_grade(still, selection, "combined")
    scenarios = CATALOG.parse(selection).scenarios
    bound, why = lower(scenarios), excused(scenarios)
    unlisted = {
        line.id: f"{line.points} instead of {bound[line.id]:g}: {line.reason}"
        for line in card.lines
        if line.points > bound[line.id] and line.id not in why
    }
    assert unlisted == {}


def test_the_draw_is_the_seeds_and_as_many_as_it_says() -> None:
    again = [".".join(names) for names in drawn(SEED)]
    assert again == COMBINATIONS
    assert len(set(COMBINATIONS)) == MANY == 200
    assert sum(selection.count(".") == 2 for selection in COMBINATIONS) >= 40
    assert [".".join(names) for names in drawn(SEED + 1)] != COMBINATIONS
