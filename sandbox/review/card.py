"""The report card of one app: each row with its finding."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox.core.errors import UsageError
from sandbox.core.text import quantity
from sandbox.review.finding import Result, ReviewFinding, ReviewRow
from sandbox.review.journal import JournalExchange
from sandbox.review.rows import recovery
from sandbox.review.story import Story
from sandbox.review.table import ROWS

EVIDENCE_MOST = 20


@dataclass(frozen=True)
class ReviewLine:
    """A row with its finding."""

    row: ReviewRow
    finding: ReviewFinding

    def to_json(self) -> dict[str, Any]:
        row, finding = self.row, self.finding
        entry = {
            "id": row.id,
            "title": row.title,
            "result": finding.result,
            "reason": finding.reason,
            "evidence": [shown(e) for e in finding.evidence[:EVIDENCE_MOST]],
        }
        return entry if finding.result != "fail" else {**entry, "fix": row.fix, "cites": list(row.cites)}


@dataclass(frozen=True)
class ReviewCard:
    """The findings about one app. `source` is the address or file of its journal."""

    source: str
    client: str
    exchanges: int
    lines: tuple[ReviewLine, ...]
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Exchanges that are not the app's, by who made them."""

    @property
    def left_out_words(self) -> str:
        """`left_out` in words; empty where there are none."""
        return "; ".join(f"{quantity(count, 'exchange')} of {who}" for who, count in self.left_out.items())

    def select(self, result: Result) -> Sequence[ReviewLine]:
        return [line for line in self.lines if line.finding.result == result]

    @property
    def rows(self) -> Sequence[ReviewLine]:
        """The rows that apply to every app."""
        return [line for line in self.lines if ":" not in line.row.id]

    @property
    def scenarios(self) -> Sequence[ReviewLine]:
        """The rows of scenarios that the app met."""
        return [line for line in self.lines if ":" in line.row.id]

    @property
    def failed(self) -> Sequence[ReviewLine]:
        return self.select("fail")

    def __getitem__(self, row: str) -> ReviewFinding:
        """Return the finding of a row. Raises KeyError that names the rows of the card."""
        findings = {line.row.id: line.finding for line in self.lines}
        if row not in findings:
            raise KeyError(f"the card has no row {row!r}; its rows are {', '.join(findings)}")
        return findings[row]

    def to_json(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "client": self.client,
            "exchanges": self.exchanges,
            "left_out": dict(self.left_out),
            "passed": len(self.select("pass")),
            "failed": len(self.failed),
            "not_exercised": len(self.select("not exercised")),
            "rows": [line.to_json() for line in self.lines],
        }


def shown(exchange: JournalExchange) -> dict[str, Any]:
    """Return the fields by which an exchange can be found in the journal."""
    return {
        "number": exchange.number,
        "request": exchange.request,
        "at": exchange.at.isoformat(timespec="milliseconds"),
        "method": exchange.method,
        "path": exchange.path,
        "status": exchange.status,
    }


TOOLS = "payer-sandbox's own grader and commands"
PERSON = "a person who opened an address in a browser"
NOBODY = "requests to authorize that name no app"
_TOOL = re.compile(r"payer-sandbox(?:-|/|\Z)")


def _name_other_maker(exchange: JournalExchange) -> str | None:
    """Return who made an exchange that is not the app's. None means that it may be the app's.

    Many clients use the default payer: the grader and `token` sign in as its apps, and people open its
    addresses in a browser. Such requests say nothing about the app under review.
    """
    if _TOOL.match(exchange.agent):
        return TOOLS
    if exchange.client or exchange.token:
        return None
    if exchange.auth_endpoint == "authorize":
        return NOBODY
    is_page = exchange.method == "GET" and "text/html" in exchange.accept
    return PERSON if is_page and (exchange.server == "fhir" or exchange.is_discovery) else None


def _split_by_maker(
    exchanges: Iterable[JournalExchange],
) -> tuple[tuple[JournalExchange, ...], Counter[str]]:
    """Return the exchanges that may be the app's, and the number of others by who made them."""
    makers = [(exchange, _name_other_maker(exchange)) for exchange in exchanges]
    return tuple(e for e, maker in makers if not maker), Counter(maker for _, maker in makers if maker)


def clients(exchanges: Iterable[JournalExchange]) -> Sequence[str]:
    """Return the apps in a journal in order of appearance. An app that only registered is left out."""
    theirs, _ = _split_by_maker(exchanges)
    acted = (e for e in theirs if e.server in ("fhir", "auth") and e.auth_endpoint != "register")
    return list(dict.fromkeys(e.client for e in acted if e.client))


@dataclass(frozen=True)
class ReviewRecord:
    """The journal of one payer. `now` is its time at the review, in seconds; None: the last exchange's."""

    exchanges: tuple[JournalExchange, ...]
    now: float | None = None
    source: str = ""


def review(records: Sequence[ReviewRecord], client: str | None = None, source: str = "") -> ReviewCard:
    """Judge the app `client`, or the only app in the journals.

    Each payer is judged by itself, since it has its own clock and tokens. A row fails when it fails at one
    payer. Raises UsageError when several apps share the journals.
    """
    app_records, left_out = [], Counter[str]()
    for record in records:
        theirs, others = _split_by_maker(record.exchanges)
        app_records.append(replace(record, exchanges=_attributed(theirs)))
        left_out += others
    names = clients(e for record in app_records for e in record.exchanges)
    if client is None:
        if len(names) > 1:
            raise UsageError(
                f"several apps are in this journal: choose one with --client {' | '.join(names)}"
            )
        client = names[0] if names else ""
    elif client not in names:
        alternatives = (
            f", only of {', '.join(names)}" if names else ", only those of others" if left_out else ""
        )
        raise UsageError(f"this journal has no requests of {client!r}{alternatives}")
    stories = [(_story(record, client), record.source) for record in app_records]
    lines: dict[str, list[ReviewLine]] = defaultdict(list)
    for story, where in stories:
        for row in (*ROWS, *recovery.rows(story)):
            finding = row.judge(story)
            if len(stories) > 1:
                finding = replace(finding, reason=f"{finding.reason} ({where})")
            lines[row.id].append(ReviewLine(row, finding))
    count = sum(len(story.exchanges) for story, _ in stories)
    worst = tuple(min(row, key=lambda line: _RANKS[line.finding.result]) for row in lines.values())
    return ReviewCard(source, client, count, worst, dict(left_out))


_RANKS: Mapping[Result, int] = {"fail": 0, "pass": 1, "not exercised": 2}


def _story(record: ReviewRecord, client: str) -> Story:
    mine = tuple(e for e in record.exchanges if e.client in ("", client))
    return Story(mine, record.now if record.now is not None else max((e.left for e in mine), default=0.0))


def _attributed(exchanges: tuple[JournalExchange, ...]) -> tuple[JournalExchange, ...]:
    """Add app and member to exchanges that lack them (refusals), by their token."""
    owners = {e.token: e for e in exchanges if e.token and e.client}
    issued = {token: e.client for e in exchanges for token in e.issued.values() if e.client}
    return tuple(_owned(e, owners.get(e.token), issued.get(e.token, "")) if e.token else e for e in exchanges)


def _owned(exchange: JournalExchange, owner: JournalExchange | None, client: str) -> JournalExchange:
    if exchange.client:
        return exchange
    fields = (
        {"client": owner.client, "member": exchange.member or owner.member} if owner else {"client": client}
    )
    return exchange.model_copy(update=fields)
