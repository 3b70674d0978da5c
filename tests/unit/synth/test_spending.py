"""What care costs is of the size of what it costs real people, and the table that says so can be made."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sandbox.synth.config.spec import AGE_BANDS, Spec

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
MEMBERS = 400

BOUNDS = {
    # line of business → least and most USD allowed in a member-year, with room for chance
    "commercial": (3200, 7000),
    "medicare-advantage": (7000, 14500),
    "medicaid": (2500, 8500),
    "chip": (500, 5000),
    "qhp": (2200, 7000),
}


@pytest.fixture(scope="module")
def realism() -> ModuleType:
    """The benchmark, which is no package."""
    found = importlib.util.spec_from_file_location("realism", ROOT / "benchmarks" / "realism.py")
    assert found
    assert found.loader
    module = importlib.util.module_from_spec(found)
    sys.modules["realism"] = module  # dataclasses look their module up
    found.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def measured(realism: ModuleType, spec: Spec) -> dict[str, Any]:
    found: dict[str, Any] = realism.measure(spec, MEMBERS)
    return found


@pytest.mark.parametrize("line", BOUNDS)
def test_a_member_year_costs_about_as_much_as_a_real_one(
    realism: ModuleType, measured: dict[str, Any], line: str
) -> None:
    of = measured[line]
    least, most = BOUNDS[line]
    assert least <= float(sum(of.allowed.values())) * realism.YEAR / of.days <= most


def test_the_old_cost_more_than_workers_and_these_more_than_children(measured: dict[str, Any]) -> None:
    cost = {line: sum(of.allowed.values()) / of.days for line, of in measured.items()}
    assert cost["medicare-advantage"] > cost["commercial"] > cost["chip"]


def test_no_part_of_care_is_all_of_it(measured: dict[str, Any]) -> None:
    allowed = measured["commercial"].allowed
    shares = {kind: float(usd / sum(allowed.values())) for kind, usd in allowed.items()}
    for kind in ("inpatient", "outpatient", "professional", "pharmacy"):
        assert 0.08 <= shares[kind] <= 0.45, kind


def test_there_is_a_row_for_every_line_of_business(
    realism: ModuleType, spec: Spec, measured: dict[str, Any]
) -> None:
    heading, rule, *rows = realism.table(spec, measured)
    assert [row.split("|")[1].strip() for row in rows] == list(spec.lines)
    assert {row.count("|") for row in (heading, rule, *rows)} == {heading.count("|")}


def test_what_is_frequent_goes_by_age_and_line_of_business(spec: Spec) -> None:
    young, old = (spec.rates("commercial", age)["inpatient-stay"] for age in (AGE_BANDS[0], AGE_BANDS[2]))
    assert young < old
    assert spec.rates("medicaid", 30)["emergency-visit"] > spec.rates("commercial", 30)["emergency-visit"]
    assert spec.rates("commercial", 30).keys() == spec.stories.keys()


def test_plans_allow_a_part_of_the_same_fees(spec: Spec) -> None:
    assert not spec.lines["commercial"].plan.fees
    assert all(0 < part < 1 for line in spec.lines.values() for part in line.plan.fees.values())
