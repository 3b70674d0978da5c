"""The catalogue for people: what a scenario costs, by its dials, in words."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.cli.scenarios import cost, listing, table
from sandbox.faults.scenario import Scenario


def made(expect: Any, **more: Any) -> Scenario:
    said = {"id": "a-b", "title": "What is seen", "story": "s", "area": "data", "reproduce": "x"}
    return Scenario.model_validate({**said, "shows": [{"get": "Patient"}], "expect": expect, **more})


DIAL = {"seconds": {"kind": "number", "default": 5, "min": 1, "max": 9, "help": "how long"}}


@pytest.mark.parametrize(
    ("expect", "told"),
    [
        ({}, ""),
        ({"everything": 1}, "everything 1 of 3"),
        ({"everything": 1, "status": 5}, "status 5 of 10, everything 1 of 3"),
        (
            [{"points": {"sync-speed": 0}}, {"with": {"seconds": 2}, "points": {"sync-speed": 4}}],
            "sync-speed 4 to 0 of 5",
        ),
        ([{"points": {"sync-speed": 0}}, {"with": {"seconds": 2}, "points": {}}], "sync-speed 5 to 0 of 5"),
    ],
)
def test_what_it_costs(expect: Any, told: str) -> None:
    assert cost(made(expect, parameters=DIAL)) == told


def test_the_table_has_a_row_in_its_area_with_cost_and_dials() -> None:
    page = table([made({"everything": 1}, parameters=DIAL), made({}, id="c", area="token")])
    assert page.index("## token") < page.index("## data")
    assert "| `a-b` | What is seen | everything 1 of 3 | `seconds=5` (a number from 1 to 9) |" in page
    assert "| `c` | What is seen | nothing |  |" in page


def test_the_listing_has_area_title_cost_and_dials() -> None:
    lines = listing([made({"everything": 1}, parameters=DIAL), made({}, id="c")]).splitlines()
    assert lines[0].split() == ["a-b", "data", "What", "is", "seen"]
    assert lines[1].strip() == "score: everything 1 of 3"
    assert lines[2].strip() == "seconds=5: how long (a number from 1 to 9)"
    assert lines[-1].strip() == "score: unchanged"
