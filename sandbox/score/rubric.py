"""Applies an edition to evidence: check → verdict × bands → card. No I/O.

`checks/<metric>.py` is found by the metric's name.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Protocol, cast

from sandbox.core.text import quantity
from sandbox.score.advice import advise
from sandbox.score.card import Card, CardLine
from sandbox.score.causes.find import find_causes, select_exchanges
from sandbox.score.collect.machine_load import is_busy, share_of_processor
from sandbox.score.editions.catalog import known_editions, load
from sandbox.score.editions.edition import Edition, Metric
from sandbox.score.editions.readings import Chosen
from sandbox.score.evidence import Evidence, Verdict
from sandbox.score.findings import readable

__all__ = ["Card", "Check", "Edition", "check_of", "grade_evidence", "known_editions", "load"]


MOST_PAGES = 8
"""Pages of a sign-in that notes describe."""


class Check(Protocol):
    """What a module in `checks` offers."""

    NEEDS: tuple[str, ...]

    def judge(self, evidence: Evidence) -> Verdict: ...


def check_of(metric: str) -> Check:
    """Return the check of a metric, found by the name of its file."""
    module = importlib.import_module(f"sandbox.score.checks.{metric.replace('-', '_')}")
    return cast(Check, module)


def grade_evidence(edition: Edition, evidence: Evidence) -> Card:
    """Judge every metric of the edition on this evidence."""
    case = replace(evidence, readings=edition.chosen)
    lines = tuple(
        _line(edition, metric, area.title, case) for area in edition.areas for metric in area.metrics
    )
    top = sum(line.max for line in lines)
    drawn = evidence["sample"]
    seed = drawn.value["seed"] if drawn.seen else None
    return Card(
        edition.id,
        evidence.target,
        top,
        lines,
        edition.vendor,
        evidence.taken,
        evidence.lint,
        seed,
        tuple(readable(note) for note in (*_unwalked(evidence), *_slowness(lines, evidence))),
    )


def judged(metric: Metric, case: Evidence) -> Verdict:
    """Return the verdict: by probing where that saw it, else by the log, else by what is claimed."""
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


def _slowness(lines: Sequence[CardLine], evidence: Evidence) -> Iterator[str]:
    speed = next((line for line in lines if line.id == "sync-speed"), None)
    if speed is not None and speed.lost and speed.source == "observed" and is_busy(evidence):
        share = round(100 * share_of_processor(evidence))
        yield (
            f"This machine was busy while the syncs were timed: the scorer got {share} % of the processor"
            " time that it needed. The real sync-speed may be better. Grade again on an idle machine."
        )


def _unwalked(evidence: Evidence) -> Iterator[str]:
    """Describe sign-ins that the scorer could not complete, with the pages of the first."""
    value = evidence["unwalked"].value
    if not value:
        return
    why = "; ".join(value["reasons"])
    yield (
        f"{quantity(value['count'], 'sign-in')} could not be completed by the scorer. That says nothing about"
        f" the payer, and {'it counts' if value['count'] == 1 else 'they count'} in no rate: {why}."
        " Sign in yourself with --browser, automate the pages with --sign-in-script, or pass --token."
    )
    for number, page in enumerate(value["trace"][:MOST_PAGES], 1):
        title = f' "{page["title"]}"' if page["title"] else ""
        shown = f" shows {' | '.join(page['forms'])};" if page["forms"] else ""
        yield f"Page {number}: {page['page']} ({page['status']}){title}{shown} {', '.join(page['did'])}"
