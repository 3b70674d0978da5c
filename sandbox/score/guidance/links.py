"""Where the pages of the documentation are: one a metric, one for the findings.

The address is the one that the package's metadata publishes as its documentation; while it publishes none,
the path inside the project, as the README writes its links.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

CHECKS = "docs/checks"
FINDINGS = f"{CHECKS}/findings.md"
_PROJECT = Path(__file__).parents[3]
_INSTALLED = Path(__file__).parents[2] / "_data"


def link_metric(metric: str, cause: str = "") -> str:
    """Return the link to a metric's page, at a cause."""
    return _link(f"{CHECKS}/{metric}.md", cause)


def link_finding(rule: str) -> str:
    """Return the link to a rule on the page of findings."""
    return _link(FINDINGS, rule)


def locate(link: str) -> str:
    """Return the link as an absolute URI: the published address, else the packaged file."""
    if "://" in link:
        return link
    path, _, fragment = link.partition("#")
    top = _PROJECT if (_PROJECT / path).is_file() else _INSTALLED
    return (top / path).as_uri() + (f"#{fragment}" if fragment else "")


def _link(path: str, anchor: str) -> str:
    base = _published()
    return f"{base}{path}#{anchor}" if anchor else f"{base}{path}"


@cache
def _published() -> str:
    """Return `[project.urls] Documentation` with a slash at its end; empty without one."""
    try:
        urls = metadata("payer-sandbox").get_all("Project-URL") or []
    except PackageNotFoundError:
        return ""
    for entry in urls:
        label, _, url = entry.partition(",")
        if label.strip().lower() == "documentation":
            return f"{url.strip().rstrip('/')}/"
    return ""
