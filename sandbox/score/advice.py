"""Advice on lost points: what the payer can do and what the person who grades can do, by cause."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sandbox.score.card import LostTo
from sandbox.score.causes.model import LossCause
from sandbox.score.editions.edition import Metric
from sandbox.score.guidance.entries import Advice, read_guidance
from sandbox.score.guidance.links import link_metric

MOST_CAUSES = 3
"""Causes whose advice the card shows; the others are in the details."""
MOST_NAMED = 4
"""Types and the like that an advice names."""


@dataclass(frozen=True)
class LineAdvice:
    """`fix` for the payer, `next` for the person who grades, and the page with more."""

    fix: str = ""
    next: str = ""
    help: str = ""
    causes: tuple[LostTo, ...] = ()


def advise(metric: Metric, causes: Iterable[LossCause], is_lost: bool, is_unseen: bool) -> LineAdvice:
    """Return the advice for a metric. What was not seen is addressed to the person who grades."""
    if not is_lost:
        return LineAdvice(help=link_metric(metric.id))
    losses = tuple(_tell(metric.id, cause) for cause in causes if cause.id)
    fixes = [] if is_unseen else [_phrase(cause.fix, cause.about) for cause in losses if cause.fix]
    nexts = [_phrase(cause.next, cause.about) for cause in losses if cause.next]
    fix = _join(fixes) or _join(nexts) or metric.fix
    return LineAdvice(fix, _join(nexts), losses[0].help if losses else link_metric(metric.id), losses)


def _tell(metric: str, cause: LossCause) -> LostTo:
    guidance = read_guidance(metric)
    advice = guidance.all_causes.get(cause.id) if guidance else None
    anchor = cause.id if advice else ""
    advice = advice or Advice(means=cause.id, fix="Look at the requests shown.")
    return LostTo(
        cause.id, cause.count, cause.about, advice.means, advice.fix, advice.next, link_metric(metric, anchor)
    )


def _phrase(text: str, about: tuple[str, ...]) -> str:
    """Return the advice; its first sentence names what it is about: `Serve it (Coverage, Patient).`"""
    if not about:
        return text
    more = " …" if len(about) > MOST_NAMED else ""
    first, stop, others = text.removesuffix(".").partition(". ")
    return f"{first} ({', '.join(about[:MOST_NAMED])}{more}){stop}{others}."


def _join(texts: Iterable[str]) -> str:
    return " ".join(list(dict.fromkeys(texts))[:MOST_CAUSES])
