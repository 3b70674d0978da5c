"""Rules that no linter knows: where faults may be known, what is documented, what the wheel holds."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from sandbox.cataloguing import table
from sandbox.core.gates import Stage
from sandbox.faults.catalog import load
from sandbox.faults.scenario import VERBS
from sandbox.linting import schema, verbs
from sandbox.review.table import table as rows_of_the_card
from sandbox.settings import HELP, Settings, root

TOP = Path(__file__).parents[2]
SERVER = [
    p for room in ("auth", "core", "fhir", "store", "web") for p in (TOP / "sandbox" / room).rglob("*.py")
]
README = (TOP / "README.md").read_text()


def test_gates_are_passed_at_eight_places_only() -> None:
    """The complete list of lines in the server that know that accidents may exist."""
    rooms = [path for path in SERVER if path.name != "gates.py"]
    found = [path.name for path in rooms for line in path.read_text().splitlines() if "gates.run(" in line]
    assert sorted(found) == sorted(
        ["deciding.py", "describing.py", "exchange.py", "exchange.py", "interactions.py", "interactions.py",
         "interactions.py", "tokens.py"]
    )  # fmt: skip


def test_every_stage_has_a_verb() -> None:
    assert {verb.stage for verb in VERBS.values()} == set(Stage)


def test_only_web_knows_which_scenario_is_in_force() -> None:
    for path in SERVER:
        if path.parent.name not in ("web",):
            assert "faults" not in re.findall(r"^(?:from|import) sandbox\.(\w+)", path.read_text(), re.M), (
                path
            )


def test_every_room_has_a_door_plate() -> None:
    for room in ("core", "fhir", "store", "auth", "faults", "review", "web", "synth", "score"):
        plate = (TOP / "sandbox" / room / "__init__.py").read_text()
        assert plate.startswith('"""'), room
        assert "ay import" in plate, room
        assert plate.count("\n") <= 20, room


def test_every_setting_is_in_the_readme() -> None:
    for field in fields(Settings):
        assert field.name in HELP
        if field.name not in ("library", "ledger", "ahead_days"):
            assert f"PAYER_SANDBOX_{field.name.upper()}" in README, field.name


def test_the_schema_of_scenarios_is_the_code_s() -> None:
    assert (root() / "scenarios" / "schema.json").read_bytes() == schema()


def test_the_page_of_verbs_is_the_code_s() -> None:
    assert (TOP / "docs" / "verbs.md").read_text() == verbs()


def test_the_page_of_the_catalogue_is_the_scenarios() -> None:
    assert (TOP / "docs" / "catalogue.md").read_text() == table(load(TOP / "scenarios").by_id.values())


def test_the_page_of_the_report_card_has_its_rows() -> None:
    assert rows_of_the_card() in (TOP / "docs" / "review.md").read_text()


def test_every_scenario_is_in_the_catalogue_and_every_command_in_the_readme() -> None:
    from sandbox.cli import cli

    catalogue = (TOP / "docs" / "catalogue.md").read_text()
    for path in (TOP / "scenarios").glob("*.yaml"):
        assert f"`{path.stem}`" in catalogue, path.stem
    assert "docs/catalogue.md" in README
    for name in cli.commands:
        assert f"payer-sandbox {name}" in README, name


@pytest.mark.parametrize("word", ["sha" + "red/", "pypi" + ".org", "registry.np" + "mjs"])
def test_the_project_speaks_only_of_itself(word: str) -> None:
    skipped = {
        ".git",
        ".venv",
        "__pycache__",
        ".mypy_cache",
        ".ruff_cache",
        ".pytest_cache",
        ".hypothesis",
        "node_modules",
    }
    for path in TOP.rglob("*"):
        if (
            path.is_file()
            and not skipped & set(path.parts)
            and path.suffix in {".py", ".md", ".yaml", ".toml", ""}
        ):
            text = path.read_text(encoding="utf-8", errors="ignore")
            assert word not in text or "mark.guides" in text, path


def test_no_two_test_modules_share_a_name() -> None:
    """pytest collects modules by their bare names: two alike, and the whole suite stops."""
    names = [p.name for p in (TOP / "tests").rglob("test_*.py") if "node_modules" not in p.parts]
    assert sorted(names) == sorted(set(names))


def test_programs_that_tests_start_are_ended_by_the_one_fixture() -> None:
    """A child that a signal does not reach, or that outlives its test, spoils the tests after it."""
    alone = ("running.py", "rerun.py", Path(__file__).name)  # the second ends by itself
    found = [p.name for p in (TOP / "tests").rglob("*.py") if "Popen(" in p.read_text()]
    assert set(found) <= set(alone)
