"""Scenarios that an operator has switched on, and what several of them leave of the score."""

from __future__ import annotations

import pytest

from sandbox.core.errors import NotFound
from sandbox.faults.catalog import Catalog, load
from sandbox.faults.listing import compute_cost, compute_points_left
from sandbox.settings import root


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load(root() / "scenarios")


@pytest.mark.parametrize(
    ("path", "header", "pinned", "switched", "name"),
    [
        ("", None, "", "rate-limited", "rate-limited"),
        ("~t7", None, "", "rate-limited", "rate-limited"),
        ("slow-responses", None, "", "rate-limited", "slow-responses.rate-limited"),
        ("slow-responses,seconds=2", None, "", "slow-responses,seconds=9", "slow-responses,seconds=2"),
        ("slow-responses~t7", None, "", "", "slow-responses"),
        ("", "slow-responses", "", "rate-limited", "slow-responses"),
        ("", None, "slow-responses", "rate-limited", "slow-responses"),
        ("", None, "", "", "baseline"),
    ],
)
def test_what_is_switched_on_comes_beside_the_address_and_after_the_header(
    catalog: Catalog, path: str, header: str | None, pinned: str, switched: str, name: str
) -> None:
    selection = catalog.choose(path, header, "baseline", pinned, switched=switched)
    assert selection.name == name
    assert selection.session == ("t7" if "~t7" in path else "")


def test_what_is_switched_on_must_exist(catalog: Catalog) -> None:
    with pytest.raises(NotFound):
        catalog.choose("slow-responses", None, "baseline", switched="no-such")


def test_together_scenarios_leave_the_fewest_points_of_each_metric(catalog: Catalog) -> None:
    totals, limited = (catalog.parse(id).scenarios[0] for id in ("totals-missing", "rate-limited"))
    assert compute_points_left([]) == 100
    assert compute_points_left([limited]) == compute_cost(limited).left
    assert compute_points_left([limited, limited]) == compute_points_left([limited])
    assert compute_points_left([totals, limited]) <= min(
        compute_points_left([totals]), compute_points_left([limited])
    )


def test_every_scenario_alone_leaves_what_its_list_says(catalog: Catalog) -> None:
    for scenario in catalog.by_id.values():
        assert compute_points_left([scenario]) == compute_cost(scenario).left, scenario.id
