"""CONTRIBUTING.md, decision records, Makefile, hooks and workflow name what is there, and agree."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from datetime import date
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

import sandbox
from sandbox.cli.main import cli

TOP = Path(__file__).parents[2]
CONTRIBUTING = (TOP / "CONTRIBUTING.md").read_text()
MAKEFILE = (TOP / "Makefile").read_text()
PROJECT: dict[str, Any] = tomllib.loads((TOP / "pyproject.toml").read_text())
RECORDS = sorted(path for path in (TOP / "docs" / "adr").glob("*.md") if path.name != "README.md")
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.M))
USUAL = {"diff", "mkdir", "pip", "pre-commit"}
"""Programs in CONTRIBUTING.md that do not come with the project."""

BLOCKS = [
    (match["language"], match["text"], CONTRIBUTING[: match.start()])
    for match in re.finditer(r"^ *```(?P<language>\w+)\n(?P<text>.*?)^ *```$", CONTRIBUTING, re.M | re.S)
]
COMMANDS = sorted(
    {line.strip() for language, text, _ in BLOCKS if language == "sh" for line in text.splitlines()}
)
EXCERPTS = [(text, before) for language, text, before in BLOCKS if language != "sh"]
PATH = re.compile(r"`((?:\.ci|\.github|benchmarks|deploy|docs|fixtures|sandbox|scenarios|tests)/[\w./-]*)`")


def check_program(words: list[str]) -> None:
    """Raises AssertionError for a program, make target or subcommand that does not exist."""
    name = words[0].removeprefix(".venv/bin/")
    if name == "make":
        named = [word for word in words[1:] if "=" not in word]
        assert set(named) <= TARGETS
    elif name == "payer-sandbox":
        command: click.Command = cli
        for word in words[1:]:
            if not isinstance(command, click.Group):
                break
            command = command.commands[word]
    elif name != words[0]:
        assert (Path(sys.executable).parent / name).exists()
    else:
        assert name in USUAL


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_contributing_page_names_what_exists(line: str) -> None:
    words = shlex.split(line, comments=True)
    while re.match(r"[A-Z_]+=", words[0]):
        del words[0]
    check_program(words)
    paths = [word for word in words[1:] if "/" in word and "=" not in word and not word.startswith("out/")]
    assert all((TOP / path).exists() for path in paths)


def test_there_are_commands_and_excerpts() -> None:
    assert len(COMMANDS) > 15
    assert len(EXCERPTS) >= 4


@pytest.mark.parametrize(("text", "before"), EXCERPTS)
def test_an_excerpt_of_the_contributing_page_stands_in_its_file(text: str, before: str) -> None:
    """The file is the last one that is named in backticks before the excerpt."""
    file = TOP / PATH.findall(before)[-1]
    lines = {line.strip() for line in file.read_text().splitlines()}
    assert [line for line in text.splitlines() if line.strip() not in lines] == []


@pytest.mark.parametrize("page", [TOP / "CONTRIBUTING.md", *RECORDS], ids=lambda path: path.name)
def test_every_path_in_backticks_exists(page: Path) -> None:
    assert [path for path in PATH.findall(page.read_text()) if not (TOP / path).exists()] == []


def test_the_contributing_page_runs_what_ci_runs() -> None:
    ends = re.findall(r"^make [a-z-]+$", (TOP / ".ci" / "run").read_text(), re.M)
    assert "```sh\n" + "\n".join(ends) + "\n```" in CONTRIBUTING


def test_decision_records_have_unique_numbers_and_one_form() -> None:
    numbers = [path.name[:4] for path in RECORDS]
    assert numbers == [f"{number:04}" for number in range(1, len(RECORDS) + 1)]
    index = (TOP / "docs" / "adr" / "README.md").read_text()
    for path in RECORDS:
        text = path.read_text()
        number, title = re.fullmatch(r"# (\d+)\. (.+)", text.splitlines()[0]).groups()  # type: ignore[union-attr]
        assert int(number) == int(path.name[:4]), path.name
        assert f"| [{path.name[:4]}]({path.name}) | {title} |" in index
        assert "**Status:**" in text, path.name
        headings = re.findall(r"^## (.+)$", text, re.M)
        assert {"Context", "Decision", "Consequences"} <= set(headings), path.name


def test_make_help_lists_every_target() -> None:
    command = ["make", "--no-print-directory", "help"]  # make test, which runs this, would print folders
    lines = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=True).stdout.splitlines()
    rows = dict(line.split(maxsplit=1) for line in lines)
    phony = re.search(r"^\.PHONY:((?:.*\\\n)*.*)$", MAKEFILE, re.M)
    assert phony
    assert set(rows) == TARGETS == set(phony[1].replace("\\", "").split())


def test_hooks_call_what_make_lint_calls() -> None:
    recipe = re.search(r"^lint:.*\n((?:\t.*\n)+)", MAKEFILE, re.M)
    assert recipe
    wanted = [line.strip().removeprefix("$(BIN)/").removesuffix(" .") for line in recipe[1].splitlines()]
    hooks = yaml.safe_load((TOP / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    called = [
        hook["entry"].removeprefix("bash -c '").removesuffix("'").removeprefix(".venv/bin/") for hook in hooks
    ]
    assert [line.removesuffix(" --force-exclude") for line in called] == wanted


def test_the_workflow_runs_ci_from_the_oldest_python_on() -> None:
    job = yaml.safe_load((TOP / ".github" / "workflows" / "ci.yml").read_text())["jobs"]["checks"]
    versions = job["strategy"]["matrix"]["python"]
    assert f">={versions[0]}" == PROJECT["project"]["requires-python"]
    assert versions == sorted(set(versions), key=lambda version: int(version.split(".")[1]))
    assert job["steps"][-1]["run"] == ".ci/run"


def test_the_wheel_says_that_it_is_typed() -> None:
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["packages"] == ["sandbox"]
    assert not {"exclude", "include", "only-include"} & set(wheel)
    assert (TOP / "sandbox" / "py.typed").read_bytes() == b""
    ignored = [line for line in (TOP / ".gitignore").read_text().split() if not line.startswith("!")]
    assert not [pattern for pattern in ignored if fnmatch("py.typed", pattern)]


def test_the_version_is_in_one_place() -> None:
    assert "version" not in PROJECT["project"]
    assert PROJECT["tool"]["hatch"]["version"]["path"] == "sandbox/__init__.py"
    quoted = re.compile(rf"""["']{re.escape(sandbox.__version__)}["']""")
    files = [*(TOP / "sandbox").rglob("*.py"), TOP / "pyproject.toml", TOP / "Dockerfile", TOP / "Makefile"]
    assert [path.name for path in files if quoted.search(path.read_text())] == ["__init__.py"]


def test_the_changelog_has_one_dated_line_a_change() -> None:
    lines = (TOP / "CHANGELOG.md").read_text().partition("## Unreleased\n")[2].splitlines()
    kinds = {"### Added", "### Changed", "### Deprecated", "### Removed", "### Fixed", "### Security"}
    released = re.compile(r"## \d+\.\d+\.\d+ - \d{4}-\d\d-\d\d")
    assert lines
    for line in lines:
        if line.startswith("- "):
            date.fromisoformat(line[2:12])
            assert line[12:14] == ": ", line
            assert len(line) <= 220, line
        else:
            assert not line or line in kinds or released.fullmatch(line), line
