"""A population of 100 on a fixed day, made once for all tests of the author."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from sandbox.synth.config.spec import Spec
from sandbox.synth.population import Dossier, generate, load_spec

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures"


@pytest.fixture(scope="session")
def today() -> date:
    return date(2025, 11, 1)


@pytest.fixture(scope="session")
def spec() -> Spec:
    return load_spec(FIXTURES)


@pytest.fixture(scope="session")
def dossiers(spec: Spec, today: date) -> list[Dossier]:
    return list(generate(spec, members=100, seed=1, today=today))


@pytest.fixture(scope="session")
def members(dossiers: list[Dossier]) -> list[Dossier]:
    return [d for d in dossiers if d.account]


@pytest.fixture(scope="session")
def resources(dossiers: list[Dossier]) -> list[dict[str, Any]]:
    return [r for d in dossiers for r in d.resources]


@pytest.fixture(scope="session")
def eobs(resources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [r for r in resources if r["resourceType"] == "ExplanationOfBenefit"]
