"""An edition applied to evidence: check → verdict × bands → card. Pure.

`checks/<metric>.py` is found by the metric's name.
"""

from __future__ import annotations

import importlib
from dataclasses import replace
from fractions import Fraction
from typing import Protocol, cast

from sandbox.score.advice import advise
from sandbox.score.card import Card, CardLine
from sandbox.score.causes.find import find_causes, select_exchanges
from sandbox.score.editions.catalog import known_editions, load
from sandbox.score.editions.edition import Edition, Metric
from sandbox.score.editions.readings import Chosen
from sandbox.score.evidence import Evidence, Verdict
from sandbox.score.findings import from_data, readable
from sandbox.score.notes import find_notes

__all__ = ["Card", "Check", "Edition", "check_of", "grade_evidence", "known_editions", "load"]


class Check(Protocol):
    """What a module in `checks` offers."""

    NEEDS: tuple[str, ...]

    def judge(self, evidence: Evidence) -> Verdict: ...


def check_of(metric: str) -> Check:
    """The check of a metric, found by its file's name."""
    module = importlib.import_module(f"sandbox.score.checks.{metric.replace('-', '_')}")
    return cast(Check, module)


def grade_evidence(edition: Edition, evidence: Evidence) -> Card:
    """Judge every metric of the edition on this evidence."""
    case = replace(evidence, readings=edition.chosen)
    lines = tuple(
        _line(edition, metric, area.title, case) for area in edition.areas for metric in area.metrics
    )
    top = sum(line.max for line in lines)
    lint = from_data(evidence.lint)
    drawn = evidence["sample"]
    seed = drawn.value["seed"] if drawn.seen else None
    return Card(
        edition.id,
        evidence.target,
        top,
        lines,
        edition.vendor,
        evidence.taken,
        lint,
        seed,
        find_notes(lines, evidence),
    )


def judged(metric: Metric, case: Evidence) -> Verdict:
    """The metric's verdict: by probing where that saw it, else by the log, else by what is claimed."""
    check = check_of(metric.id)
    log = check.judge(case.of_traffic()) if case.traffic else None
    return _pick(metric, case.readings, check.judge(case), log)


_RANK = {"observed": 0, "traffic": 1, "declared": 2, "unseen": 3}


def _pick(metric: Metric, readings: Chosen, probe: Verdict, log: Verdict | None) -> Verdict:
    """The verdict that counts: observed beats traffic beats declared.

    A probe that counted nothing gives way to a log that did count. When both saw the metric and land in
    different bands, the difference joins the disagreement.
    """
    if log is None or log.source == "unseen":
        return probe
    if _rank(log, probe) < _rank(probe, log):
        return _with_difference(log, probe.disagreement)
    if log.source != "traffic" or probe.source != "observed":
        return probe
    if metric.award(probe.value, readings) == metric.award(log.value, readings):
        return probe
    shown, logged = _describe_band(metric, readings, probe), _describe_band(metric, readings, log)
    return _with_difference(probe, f"probing shows {shown}, the log {logged}")


def _rank(verdict: Verdict, other: Verdict) -> float:
    """The source's rank. Nothing seen to count, against something: that is no observation."""
    empty = verdict.source == "observed" and verdict.n == 0 and other.n > 0
    return 1.5 if empty else _RANK[verdict.source]


def _with_difference(verdict: Verdict, difference: str) -> Verdict:
    return replace(verdict, disagreement="; ".join(filter(None, (verdict.disagreement, difference))))


def _describe_band(metric: Metric, readings: Chosen, verdict: Verdict) -> str:
    """The band, and the number that put the metric there."""
    value = verdict.value
    band = metric.award(value, readings)[1]
    if isinstance(value, str | tuple):
        return band
    return f"{band} ({int(value * 100) / 100 if isinstance(value, Fraction) else value:g})"


def _line(edition: Edition, metric: Metric, area: str, case: Evidence) -> CardLine:
    verdict = judged(metric, case)
    left_out = verdict.value == "no_references" and case.reads("A6", "left-out")
    points, band = (0, "unseen") if verdict.source == "unseen" else metric.award(verdict.value, case.readings)
    source = case.of_traffic() if verdict.source == "traffic" else case
    top = 0 if left_out else metric.points
    needs = check_of(metric.id).NEEDS
    causes = find_causes(verdict, source, needs)
    advice = advise(metric, causes, points < top, verdict.source == "unseen")
    return CardLine(
        metric.id,
        metric.title,
        area,
        points,
        top,
        f"{band} (left out)" if left_out else band,
        verdict.value,
        verdict.n,
        verdict.source,
        readable(verdict.reason),
        advice.fix,
        "vendor" in metric.audience,
        readable(verdict.disagreement),
        metric.unit,
        metric.why,
        tuple(metric.cites),
        select_exchanges(causes, needs, source),
        advice.next,
        advice.help,
        advice.causes,
    )
