"""Write the survey as report.json, report.md and report.html, and read the last report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from sandbox.core import files
from sandbox.core.errors import FileProblem, UsageError
from sandbox.core.text import quantity
from sandbox.score.editions.edition import Edition
from sandbox.score.fleet.roster import Fleet
from sandbox.score.fleet.survey import NOTHING_BEFORE, Before, Survey
from sandbox.score.lint.rules import RULES
from sandbox.score.report.markdown import cell
from sandbox.score.report.pages import build_environment

FORMAT = "payer-sandbox-report/1"
TOP = 10
MOST_TIED = 20
STEP = 5
"""Points in a bar of the histogram."""
RULE = (
    "A vendor's score is the sum, over the metrics marked for vendors, of the median of its live payers' "
    "points. The median of its payers' sub-totals stands beside it."
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
        raise UsageError(f"{path} is of the edition {kept.edition}, this report of {edition}")
    return Before({p.id: p.score for p in kept.payers}, {v.vendor: v.by_metric for v in kept.vendors})


def write(folder: Path, fleet: Fleet, rules: Edition, survey: Survey, taken: str) -> None:
    """Write report.json, report.md and report.html, each whole or not at all."""
    markdown = "\n".join(_markdown(fleet, rules, survey, taken)) + "\n"
    files.write_whole(folder / "report.json", files.json_pretty(to_data(fleet, rules, survey, taken)))
    files.write_whole(folder / "report.md", markdown.encode())
    files.write_whole(folder / "report.html", _html(fleet, rules, survey, taken).encode())


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


def _html(fleet: Fleet, rules: Edition, survey: Survey, taken: str) -> str:
    top, more = _top(survey)
    return (
        build_environment()
        .get_template("fleet.html")
        .render(
            fleet=fleet,
            rules=rules,
            survey=survey,
            taken=taken,
            top=top,
            more=more,
            middle=median(survey.scores) if survey.scores else 0,
            rule=RULE,
            titles={name: rule.title for name, rule in RULES.items()},
            bins=count_bins(survey.scores, rules.max),
            step=STEP,
            risen=sorted((p for p in survey.payers if p.moved), key=lambda p: -(p.moved or 0)),
        )
    )


def count_bins(scores: Sequence[int], most: int) -> list[int]:
    """Return how many scores lie in each step of STEP points, up to `most`."""
    counts = Counter(min(score // STEP, most // STEP) for score in scores)
    return [counts[place] for place in range(most // STEP + 1)]


def _top(survey: Survey) -> tuple[list[Any], int]:
    """Return the first ten and ties with the tenth (twenty at most), and the number of further ties."""
    top = [payer for payer in survey.payers if payer.rank <= TOP]
    return top[:MOST_TIED], len(top[MOST_TIED:])


def _markdown(fleet: Fleet, rules: Edition, survey: Survey, taken: str) -> Iterator[str]:
    yield f"# {cell(fleet.title)}\n"
    yield (
        f"{quantity(len(survey.payers), 'payer')} with {quantity(len(survey.vendors), 'vendor')}, "
        f"edition {rules.id}, {taken}. "
        f"{fleet.left_out} plans under {fleet.min_lives} lives are left out, "
        f"{len(survey.unreached)} were not reached."
    )
    if fleet.note:
        yield f"\n{cell(fleet.note)}"
    yield "\n## Top payers\n"
    yield "| rank | payer | vendor | points | since the last report |"
    yield "|---:|---|---|---:|---:|"
    top, more = _top(survey)
    for payer in top:
        who = f"{cell(payer.payer)} | {cell(payer.vendor)}"
        yield f"| {payer.rank} | {who} | {payer.score}/{rules.max} | {_moved(payer.moved)} |"
    if more:
        yield f"\nAnd {more} more with as many points as the last."
    yield "\n## Vendors\n"
    yield f"{RULE}\n"
    marked, stated = rules.vendor.max, rules.vendor.stated_max
    scores = f"by metric, of {marked} | of {stated} as stated | by totals"
    yield f"| vendor | payers | {scores} | lowest | highest | moved |"
    yield "|---|---:|---:|---:|---:|---:|---:|---:|"
    for v in survey.vendors:
        numbers = f"{v.by_metric:g} | {v.stated:g} | {v.by_totals:g} | {v.lowest} | {v.highest}"
        yield f"| {cell(v.vendor)} | {v.payers} | {numbers} | {_moved(v.moved)} |"
    yield "\n## Metrics\n"
    yield "| metric | max | mean | median | bands (points: payers) |"
    yield "|---|---:|---:|---:|---|"
    for metric in survey.metrics:
        bands = ", ".join(f"{words} ({points}): {n}" for words, points, n in metric.bands)
        if metric.unseen:
            bands += f", not seen: {metric.unseen}"
        yield f"| {metric.id} | {metric.max} | {metric.mean:.1f} | {metric.median:g} | {cell(bands)} |"
    if survey.lint:
        yield "\n## Beside the score\n"
        for rule, count in survey.lint:
            if rule in RULES:
                yield f"- {quantity(count, 'payer')}: {RULES[rule].title} ({rule})"
    if survey.unreached:
        yield "\n## Not reached\n"
        yield from (f"- {cell(payer)}: {cell(why)}" for payer, why in survey.unreached)


def _moved(by: float | None) -> str:
    return "new" if by is None else f"{by:+g}" if by else "0"
