"""Which source scores a metric: observed beats traffic beats declared; where two differ is a finding."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from sandbox.score.editions.edition import Metric
from sandbox.score.editions.readings import Chosen
from sandbox.score.evidence import Value, Verdict

_RANK = {"observed": 0, "traffic": 1, "declared": 2, "unseen": 3}


def pick(metric: Metric, readings: Chosen, probe: Verdict, log: Verdict | None) -> Verdict:
    """The verdict that counts. A probe that counted nothing gives way to a log that did count.

    When both saw the metric and land in different bands, the difference joins the disagreement.
    """
    if log is None or log.source == "unseen":
        return probe
    if _rank(log, probe) < _rank(probe, log):
        return _with(log, probe.disagreement)
    if log.source != "traffic" or probe.source != "observed":
        return probe
    if metric.award(probe.value, readings) == metric.award(log.value, readings):
        return probe
    difference = f"probing shows {_told(metric, readings, probe)}, the log {_told(metric, readings, log)}"
    return _with(probe, difference)


def _rank(verdict: Verdict, other: Verdict) -> float:
    """The source's rank. Nothing seen to count, against something: that is no observation."""
    empty = verdict.source == "observed" and verdict.n == 0 and other.n > 0
    return 1.5 if empty else _RANK[verdict.source]


def _with(verdict: Verdict, more: str) -> Verdict:
    return replace(verdict, disagreement="; ".join(part for part in (verdict.disagreement, more) if part))


def _told(metric: Metric, readings: Chosen, verdict: Verdict) -> str:
    band = metric.award(verdict.value, readings)[1]
    return f"{band} ({_number(verdict.value)})" if _number(verdict.value) else band


def _number(value: Value) -> str:
    if isinstance(value, str | tuple):
        return ""
    return f"{int(value * 100) / 100:g}" if isinstance(value, Fraction) else f"{value:g}"
