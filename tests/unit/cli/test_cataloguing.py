"""The catalog for people: the points that a scenario leaves, for the values of its parameters."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.cli.scenarios import cost, listing, table
from sandbox.faults.scenario import Scenario


def scenario(expect: Any, **more: Any) -> Scenario:
    fields = {"id": "a-b", "title": "What is seen", "story": "s", "area": "data", "reproduce": "x"}
    return Scenario.model_validate({**fields, "shows": [{"get": "Patient"}], "expect": expect, **more})


PARAMETER = {"seconds": {"kind": "number", "default": 5, "min": 1, "max": 9, "help": "how long"}}


@pytest.mark.parametrize(
    ("expect", "words"),
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
def test_what_it_costs(expect: Any, words: str) -> None:
    assert cost(scenario(expect, parameters=PARAMETER)) == words


def test_the_table_has_a_row_in_its_area_with_cost_and_parameters() -> None:
    page = table([scenario({"everything": 1}, parameters=PARAMETER), scenario({}, id="c", area="token")])
    assert page.index("## token") < page.index("## data")
    assert (
        "| `a-b` | What is seen | everything 1 of 3 | `seconds=5` how long (a number from 1 to 9) |" in page
    )
    assert "| `c` | What is seen | unchanged |  |" in page


def test_the_listing_has_area_title_cost_and_parameters() -> None:
    lines = listing([scenario({"everything": 1}, parameters=PARAMETER), scenario({}, id="c")]).splitlines()
    assert lines[0].split() == ["a-b", "data", "What", "is", "seen"]
    assert lines[1].strip() == "score: everything 1 of 3"
    assert lines[2].strip() == "seconds=5: how long (a number from 1 to 9)"
    assert lines[-1].strip() == "score: unchanged"
