"""A row of the report card and its finding: pass, fail or not exercised, with evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from sandbox.review.journal import JournalExchange
from sandbox.review.story import Story

Result = Literal["pass", "fail", "not exercised"]


@dataclass(frozen=True)
class ReviewFinding:
    """A result with its evidence. `reason` is one sentence about what the journal shows."""

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
    """One requirement. `fix` says in a sentence or two how to correct a failure; `cites` are its sources."""

    id: str
    title: str
    fix: str
    cites: tuple[str, ...]
    judge: Callable[[Story], ReviewFinding]
