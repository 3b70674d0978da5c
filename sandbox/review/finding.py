"""What a row comes to: pass, fail or not exercised, with the exchanges that show it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from sandbox.review.journal import JournalExchange
from sandbox.review.story import Story

Result = Literal["pass", "fail", "not exercised"]


@dataclass(frozen=True)
class ReviewFinding:
    """`reason` is one sentence on what was seen."""

    result: Result
    reason: str
    evidence: tuple[JournalExchange, ...] = ()


def passed(reason: str, evidence: Iterable[JournalExchange] = ()) -> ReviewFinding:
    return ReviewFinding("pass", reason, tuple(evidence))


def failed(reason: str, evidence: Iterable[JournalExchange]) -> ReviewFinding:
    return ReviewFinding("fail", reason, tuple(evidence))


def unseen(reason: str, evidence: Iterable[JournalExchange] = ()) -> ReviewFinding:
    return ReviewFinding("not exercised", reason, tuple(evidence))


@dataclass(frozen=True)
class ReviewRow:
    """One thing that is asked of an app. `fix` says in a sentence or two what to do about a failure,
    `cites` where that is written."""

    id: str
    title: str
    fix: str
    cites: tuple[str, ...]
    judge: Callable[[Story], ReviewFinding]


def times(count: int, what: str, many: str = "") -> str:
    """A number with its noun: "1 request", "3 requests", "2 searches"."""
    return f"{count} {what}" if count == 1 else f"{count} {many or what + 's'}"
