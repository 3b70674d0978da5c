"""What a package index shows: project URLs, and the README with links that work outside the repository."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import sandbox

TOP = Path(__file__).parents[2]
PYPROJECT: dict[str, Any] = tomllib.loads((TOP / "pyproject.toml").read_text())
URLS = PYPROJECT["project"]["urls"]
LINK = re.compile(r"\]\(([^)]+)\)")


def check_links(text: str) -> None:
    """Raises AssertionError for a relative link, or one into the repository that leads nowhere."""
    inside = f"{URLS['Source']}/blob/v{sandbox.__version__}/"
    links = LINK.findall(text)
    assert sum(link.startswith(inside) for link in links) == len(
        [link for link in LINK.findall((TOP / "README.md").read_text()) if not urlsplit(link).scheme]
    )
    for link in links:
        assert urlsplit(link).scheme == "https"
        if link.startswith(inside):
            assert (TOP / link.removeprefix(inside).partition("#")[0]).exists(), link


def test_the_readme_of_the_package_has_absolute_links() -> None:
    (row,) = PYPROJECT["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]["substitutions"]
    replacement = row["replacement"].replace("$HFPR_VERSION", sandbox.__version__)
    check_links(re.sub(row["pattern"], replacement, (TOP / "README.md").read_text()))


def test_the_metadata_of_the_wheel_has_them() -> None:
    core = pytest.importorskip("hatchling.metadata.core", reason="needs hatchling")
    pytest.importorskip("hatch_fancy_pypi_readme", reason="needs hatch-fancy-pypi-readme")
    from hatchling.metadata.spec import get_core_metadata_constructors
    from hatchling.plugin.manager import PluginManager

    metadata = core.ProjectMetadata(str(TOP), PluginManager())
    head, _, description = get_core_metadata_constructors()["2.4"](metadata).partition("\n\n")
    check_links(description)
    assert [line.split(": ")[1] for line in head.splitlines() if line.startswith("Project-URL")] == [
        f"{name}, {url}" for name, url in URLS.items()
    ]
    assert "Requires-Dist: gunicorn>=25.0; sys_platform != 'win32'" in head.splitlines()


def test_project_urls_are_of_one_repository() -> None:
    assert {"Homepage", "Changelog", "Source", "Issues"} == set(URLS)
    assert all(url.startswith(URLS["Source"]) for url in URLS.values())
