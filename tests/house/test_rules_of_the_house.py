"""Rules that no linter knows: where faults may be known, what is documented, what the wheel holds."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from sandbox.cli.scenario_lint import schema, verbs
from sandbox.cli.scenarios import table
from sandbox.core.gates import Stage
from sandbox.faults.catalog import load
from sandbox.faults.lint import find_real_hosts
from sandbox.faults.scenario import VERBS
from sandbox.review.table import table as rows_of_the_card
from sandbox.settings import SETTINGS, root
from sandbox.store.ledger.quota import QUOTAS
from sandbox.store.ledger.retention import RULES

TOP = Path(__file__).parents[2]
SERVER = [
    p
    for room in ("apis", "auth", "core", "fhir", "store", "web")
    for p in (TOP / "sandbox" / room).rglob("*.py")
]
README = (TOP / "README.md").read_text()


def test_gates_are_passed_at_ten_places_only() -> None:
    """The complete list of lines in the server that know that accidents may exist."""
    rooms = [path for path in SERVER if path.name != "gates.py"]
    found = [path.name for path in rooms for line in path.read_text().splitlines() if "gates.run(" in line]
    assert sorted(found) == sorted(
        ["decision.py", "metadata.py", "dispatch.py", "dispatch.py", "reader.py", "reader.py", "reader.py",
         "reader.py", "access_token.py", "id_token.py"]
    )  # fmt: skip


def test_every_stage_has_a_verb() -> None:
    assert {verb.stage for verb in VERBS.values()} == set(Stage)


def test_only_web_knows_which_scenario_is_in_force() -> None:
    for path in SERVER:
        if path.relative_to(TOP / "sandbox").parts[0] not in ("apis", "web"):
            assert "faults" not in re.findall(r"^(?:from|import) sandbox\.(\w+)", path.read_text(), re.M), (
                path
            )


def test_every_room_has_a_door_plate() -> None:
    for room in (
        "core",
        "fhir",
        "store",
        "auth",
        "faults",
        "review",
        "web",
        "apis",
        "population",
        "server",
        "cli",
        "synth",
        "score",
    ):
        plate = (TOP / "sandbox" / room / "__init__.py").read_text()
        assert plate.startswith('"""'), room
        assert "ay import" in plate, room
        assert plate.count("\n") <= 20, room


def test_every_setting_is_in_the_readme() -> None:
    for name in SETTINGS.keys() - {"library", "ledger", "ahead_days"}:
        assert f"PAYER_SANDBOX_{name.upper()}" in README, name


def test_the_schema_of_scenarios_is_the_code_s() -> None:
    assert (root() / "scenarios" / "schema.json").read_bytes() == schema()


def test_the_page_of_verbs_is_the_code_s() -> None:
    assert (TOP / "docs" / "verbs.md").read_text() == verbs()


def test_the_page_of_the_catalogue_is_the_scenarios() -> None:
    assert (TOP / "docs" / "catalogue.md").read_text() == table(load(TOP / "scenarios").by_id.values())


def test_the_page_of_the_report_card_has_its_rows() -> None:
    assert rows_of_the_card() in (TOP / "docs" / "review.md").read_text()


def test_every_scenario_is_in_the_catalogue_and_every_command_in_the_readme() -> None:
    from sandbox.cli.main import cli

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


def test_the_page_of_limits_has_every_quota_and_number() -> None:
    page = (TOP / "docs" / "limits.md").read_text()
    numbers = [(rule.most, rule.per_payer) for rule in RULES if rule.most != rule.per_payer]
    for most, per_payer in numbers:
        assert f"| {most:,} · {per_payer:,} |" in page
    for quota in QUOTAS.values():
        row = " | ".join(f"{n:,}" if n else "–" for n in (quota.both, quota.address, quota.payer))
        assert any(line.startswith(f"| {quota.what}") and row in line for line in page.splitlines()), (
            quota.what
        )


def test_programs_that_tests_start_are_ended_by_the_one_fixture() -> None:
    """A child that a signal does not reach, or that outlives its test, spoils the tests after it."""
    alone = ("running.py", "rerun.py", Path(__file__).name)  # the second ends by itself
    found = [p.name for p in (TOP / "tests").rglob("*.py") if "Popen(" in p.read_text()]
    assert set(found) <= set(alone)


def test_nothing_sends_an_app_to_an_address_that_may_exist() -> None:
    for scenario in load(root() / "scenarios").by_id.values():
        written = [scenario.payer, *(rule.then.model_dump(mode="json") for rule in scenario.rules)]
        assert not list(find_real_hosts(written)), scenario.id
    defaults = [f.default for verb in VERBS.values() for f in verb.model_fields.values()]
    assert not list(find_real_hosts([default for default in defaults if isinstance(default, str)]))
    fixtures = [p for p in (TOP / "fixtures").rglob("*.yaml") if "source:" not in p.read_text()]
    assert len(fixtures) >= 3
    for path in fixtures:
        assert not list(find_real_hosts(path.read_text())), path.name


def test_no_page_names_a_private_address_as_if_it_were_nobodys() -> None:
    private = re.compile(r"(?<![\d.])(10\.\d{1,3}|192\.168|172\.(1[6-9]|2\d|3[01]))(\.\d{1,3}){2}(?!\.?\d)")
    pages = [TOP / "README.md", *(TOP / "docs").rglob("*.md"), *(TOP / "scenarios").iterdir()]
    pages += [*(TOP / "fixtures").rglob("*.yaml"), *(TOP / "sandbox" / "faults").rglob("*.py")]
    for path in pages:
        found = private.search(path.read_text())
        assert found is None or path.name == "names.yaml", (path.name, found)


PRINTS = re.compile(r"\b(print|secho|echo|echo_via_pager)$|^sys\.(stdout|stderr)\.write(lines)?$|\.print$")
MAY_PRINT = {
    "core/text.py": {"Console(file=out, width=width, color_system=None, force_terminal=False,"
                     " highlight=False).print"},
    "cli/review.py": {"Console().print"},  # a card whose fields are escaped
    "cli/score.py": {"Console(width=None if sys.stdout.isatty() else 80).print"},
    "cli/terminal.py": {"Console(highlight=False, emoji=False).print"},  # fields are escaped
    "synth/config/faker_pools.py": {"sys.stdout.write"},  # what a developer runs
}  # fmt: skip


def test_only_one_module_prints() -> None:
    """Everything that strangers wrote reaches a terminal through `say`, which escapes it."""
    for path in (TOP / "sandbox").rglob("*.py"):
        calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        printing = {name for call in calls if PRINTS.search(name := ast.unparse(call.func))}
        allowed = MAY_PRINT.get(str(path.relative_to(TOP / "sandbox")), set())
        assert printing <= allowed, (path, printing - allowed)
