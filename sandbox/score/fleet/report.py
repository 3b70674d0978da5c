"""Write the survey as report.json, report.md and report.html, and read the last report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from sandbox.core import files
from sandbox.core.errors import FileProblem, UsageError
from sandbox.score.editions.edition import Edition
from sandbox.score.fleet.roster import Fleet
from sandbox.score.fleet.survey import NOTHING_BEFORE, Before, Survey
from sandbox.score.lint.rules import RULES
from sandbox.score.report.pages import render_page

FORMAT = "payer-sandbox-report/1"
TOP = 10
MOST_TIED = 20
STEP = 5
"""Points in a bar of the histogram."""
RULE = (
    "A vendor's score is the sum, over the metrics marked for vendors, of the median of its live payers' "
    "points. The median of its payers' sub-totals is shown next to it."
)


class _Row(BaseModel):
    model_config = ConfigDict(extra="ignore")
    id: str = ""
    vendor: str = ""
    score: int = 0
    by_metric: float = 0.0


class _Kept(BaseModel):
    model_config = ConfigDict(extra="ignore")
    format: str
    edition: str
    payers: list[_Row]
    vendors: list[_Row]


def previous(path: Path | None, edition: str) -> Before:
    """Read the last report's scores. Raises FileProblem, and UsageError for another edition."""
    if path is None:
        return NOTHING_BEFORE
    try:
        kept = _Kept.model_validate(files.read_json(path))
    except ValidationError:
        raise FileProblem(f"{path}: not the report.json of an earlier report") from None
    if kept.format != FORMAT:
        raise FileProblem(f"{path}: not the report.json of an earlier report")
    if kept.edition != edition:
        raise UsageError(f"{path} uses edition {kept.edition}, but this report uses {edition}")
    return Before({p.id: p.score for p in kept.payers}, {v.vendor: v.by_metric for v in kept.vendors})


def write(folder: Path, fleet: Fleet, rules: Edition, survey: Survey, taken: str) -> None:
    """Write report.json, report.md and report.html, each whole or not at all."""
    files.write_whole(folder / "report.json", files.json_pretty(to_data(fleet, rules, survey, taken)))
    for form in ("md", "html"):
        page = _render(form, fleet, rules, survey, taken)
        files.write_whole(folder / f"report.{form}", page.encode())


def to_data(fleet: Fleet, rules: Edition, survey: Survey, taken: str) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "title": fleet.title,
        "edition": rules.id,
        "taken": taken,
        "max": rules.max,
        "vendor_max": {"marked": rules.vendor.max, "stated": rules.vendor.stated_max},
        "left_out_too_small": fleet.left_out,
        "rule": RULE,
        **asdict(survey),
    }


def _render(form: str, fleet: Fleet, rules: Edition, survey: Survey, taken: str) -> str:
    """Return the report as `html` or `md`. It shows the first ten and ties with the tenth, twenty at most."""
    top = [payer for payer in survey.payers if payer.rank <= TOP]
    return render_page(
        f"fleet.{form}",
        fleet=fleet,
        rules=rules,
        survey=survey,
        taken=taken,
        top=top[:MOST_TIED],
        more=len(top[MOST_TIED:]),
        middle=median(survey.scores) if survey.scores else 0,
        rule=RULE,
        titles={name: rule.title for name, rule in RULES.items()},
        bins=count_bins(survey.scores, rules.max),
        step=STEP,
        risen=sorted((p for p in survey.payers if p.moved), key=lambda p: -(p.moved or 0)),
    )


def count_bins(scores: Sequence[int], most: int) -> list[int]:
    """Return how many scores lie in each step of STEP points, up to `most`."""
    counts = Counter(min(score // STEP, most // STEP) for score in scores)
    return [counts[place] for place in range(most // STEP + 1)]
