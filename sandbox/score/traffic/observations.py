"""Makes observations from a log's records, with the names and shapes that `collect` uses.

What nobody used is an empty observation. What a log cannot show stays unseen: bodies, the refusal of a
refresh that nobody tried, the page of a developer portal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sandbox.score import requests
from sandbox.score.evidence import Exchange, Observation, seen, unseen
from sandbox.score.http.redaction import shown
from sandbox.score.http.statuses import TEMPORARY_FAILURES
from sandbox.score.requests import STEPS, Kind
from sandbox.score.signin import outcomes
from sandbox.score.traffic.address import names_type
from sandbox.score.traffic.attempts import Attempt, follow
from sandbox.score.traffic.log_file import LogReading
from sandbox.score.traffic.record import TrafficRecord

GAP = timedelta(seconds=60)
"""Requests of one member that are farther apart belong to different syncs, when no event says so."""

MOST_SHOWN = 20
STRAYS = 20
"""One record in so many may have a wrong time."""


@dataclass(frozen=True)
class LogWindow:
    """The window of a log: from `since` (excluded) until `until` (included)."""

    since: datetime
    until: datetime

    def holds(self, when: datetime) -> bool:
        return self.since < when <= self.until


def observe(reading: LogReading, days: int, as_of: datetime | None = None) -> dict[str, Observation]:
    """Return the observations of a log's window. Only live records count."""
    live = [record for record in reading.records if record.mode == "live"]
    length = timedelta(days=days)
    until = as_of or _last(live, length)
    span = LogWindow(until - length, until) if until else None
    inside = [record for record in live if span is not None and span.holds(record.when)]
    attempts_by_id = follow((r for r in live if span and r.when <= span.until), span.until) if span else {}
    attempts = [attempt for attempt in attempts_by_id.values() if span and span.holds(attempt.created)]
    fhir = [record for record in inside if record.kind == "fhir"]
    empty = {id(attempts_by_id[name]) for name in _shown_nothing(fhir) if name in attempts_by_id}
    about = {
        "since": span.since.isoformat() if span else "",
        "until": span.until.isoformat() if span else "",
        "records": len(inside),
        "outside": len(live) - len(inside),
        "late": sum(record.when > span.until for record in live) if span else 0,
        "impossible": sum(attempt.impossible for attempt in attempts),
        **{name: getattr(reading, name) for name in ("unread", "problems", "derived", "base")},
    }
    return {
        "log": seen(about, source="traffic"),
        **_sign_ins(attempts, inside, empty),
        "sync": _syncs(inside, fhir),
        "references": _references(fhir),
        "everything": _everything(fhir),
        "refresh": _refresh(live, span),
        **_documents(inside),
    }


def _last(records: Sequence[TrafficRecord], span: timedelta) -> datetime | None:
    """Return the time of the last record that counts; None for an empty log.

    Records come in order of time. A few at the end that are a `span` or more after all others do not count:
    a clock was wrong.
    """
    if not records:
        return None
    fewest = len(records) - len(records) // STRAYS
    for number in range(fewest, len(records)):
        if records[number].when - records[number - 1].when >= span:
            return records[number - 1].when
    return records[-1].when


def _shown_nothing(fhir: Iterable[TrafficRecord]) -> list[str]:
    """Return ids of attempts whose requests for data are in the log, and gave nothing."""
    shown: dict[str, bool] = {}
    for record in fhir:
        something = record.status == 200 and record.entries != 0
        shown[record.attempt_id] = shown.get(record.attempt_id, False) or something
    return [name for name, something in shown.items() if not something]


def _sign_ins(
    attempts: Sequence[Attempt], inside: Iterable[TrafficRecord], empty: Set[int]
) -> dict[str, Observation]:
    """Return the observations of attempts, with lapsed members, opt-in and lines where the log has them.

    Attempts whose `id()` is in `empty` got no data.
    """
    shown = _shown(r for r in inside if r.kind in ("authz_event", "token"))
    values = [(attempt, attempt.to_value(number)) for number, attempt in enumerate(attempts, 1)]
    observations = {
        "sign-ins": seen([v for a, v in values if a.state not in outcomes.INELIGIBLE], shown, "traffic"),
        "ineligible-sign-in": seen([v for a, v in values if a.state in outcomes.INELIGIBLE], (), "traffic"),
    }
    lapsed: dict[str, Any] = {}
    for attempt, value in values:
        if attempt.coverage_end and (gone := (attempt.created.date() - attempt.coverage_end).days) > 0:
            why = value["reason"] or ("signed in, but saw no data" if id(attempt) in empty else "")
            why = "" if lapsed.get(str(gone), {}).get("works", False) else why
            lapsed[str(gone)] = {"works": not why, "why": why}
    unopened = [value for attempt, value in values if attempt.portal_account is False]
    lines: dict[str, bool] = {}
    for attempt, value in values:
        if attempt.line and attempt.coverage_end is None:
            lines[attempt.line] = lines.get(attempt.line, False) or outcomes.entered(value)
    if lapsed:
        observations["lapsed"] = seen(lapsed, (), "traffic")
    if unopened:
        works = any(outcomes.entered(value) for value in unopened)
        observations["opt-in"] = seen({"works": works, "why": unopened[0]["reason"]}, (), "traffic")
    if lines:
        observations["lines"] = seen(lines, (), "traffic")
    return observations


def _syncs(inside: Iterable[TrafficRecord], fhir: Sequence[TrafficRecord]) -> Observation:
    """Count requests, and give for each sync its time and its resource types."""
    members = _timed(inside, fhir)
    counted = [record for record in fhir if record.extract_step in STEPS]
    kinds: Counter[Kind] = Counter()
    for record, after in zip(counted, [*counted[1:], None], strict=False):
        again = after is not None and after.extract_step == "retry" and after.url == record.url
        flawed = record.status == 200 and not record.readable
        kinds[Kind(record.extract_step, record.status, again, flawed)] += 1
    value = {"members": members, "requests": requests.to_value(kinds)}
    return seen(value, _shown(r for r in counted if r.status != 200), "traffic")


@dataclass
class _Sync:
    began: datetime
    ended: datetime
    requests: int = 1


def _timed(inside: Iterable[TrafficRecord], fhir: Sequence[TrafficRecord]) -> list[dict[str, Any]]:
    """Return syncs by their events; without events, by runs of requests without a long gap."""
    began: dict[str, datetime] = {}
    times: list[float | None] = []
    for record in inside:
        if record.kind == "sync_event" and record.outcome == "created":
            began[record.sync_id] = record.ts
        elif record.kind == "sync_event" and record.outcome == "completed" and record.sync_id in began:
            times.append((record.ts - began.pop(record.sync_id)).total_seconds())
    if not times and not began:
        times = _runs(fhir)
    searched = {r.rtype for r in fhir if _search(r)} - {""}
    good = [r for r in fhir if r.status == 200 and r.extract_step in STEPS]
    inside_everything = {kind for r in good for kind in r.types}
    filled = {r.rtype for r in fhir if _search(r) and r.entries != 0} - {""}
    what = {
        "ok_searches": sorted(searched),
        "types": sorted(searched | inside_everything),
        "filled": sorted(filled | inside_everything),
    }
    if not times and fhir:
        times = [None]
    timed_only = {} if fhir else {"timed_only": True}
    return [{"seconds": seconds, **what, **timed_only} for seconds in times]


def _search(record: TrafficRecord) -> bool:
    return record.status == 200 and record.extract_step in ("individual", "pagination", "retry")


def _runs(fhir: Sequence[TrafficRecord]) -> list[float | None]:
    runs: dict[str, list[_Sync]] = {}
    for record in fhir:
        if record.extract_step not in STEPS:
            continue
        ended = record.ts + timedelta(milliseconds=record.latency_ms or 0)
        mine = runs.setdefault(record.sync_id or record.attempt_id, [])
        if mine and record.ts - mine[-1].ended <= GAP:
            mine[-1].ended = max(ended, mine[-1].ended)
            mine[-1].requests += 1
        else:
            mine.append(_Sync(record.ts, ended))
    longer = [run for mine in runs.values() for run in mine if run.requests > 1]
    return [round((run.ended - run.began).total_seconds(), 4) for run in longer]


def _references(fhir: Iterable[TrafficRecord]) -> Observation:
    """Count each reference of a sync once, by its last read; and every read."""
    reads = [record for record in fhir if record.extract_step == "reference"]
    last = {
        (record.sync_id or record.attempt_id, record.url or number): record
        for number, record in enumerate(reads)
    }
    failures: Counter[str] = Counter()
    for record in last.values():
        if record.status != 200:
            failures[f"{record.status or 'no answer'} {record.rtype or 'other'}"] += 1
    value = {
        "read": len(last),
        "resolved": len(last) - failures.total(),
        "tries": len(reads),
        "tries_resolved": sum(record.status == 200 for record in reads),
        "failures": dict(failures),
    }
    return seen(value, _shown(r for r in reads if r.status != 200), "traffic")


def _everything(fhir: Iterable[TrafficRecord]) -> Observation:
    """Return what each `$everything` gave: its pages follow it in the same sync."""
    walks: list[dict[str, Any]] = []
    current: dict[str, dict[str, Any]] = {}
    for record in fhir:
        if record.extract_step == "everything":
            walk = _walk(record)
            walks.append(walk)
            current[record.sync_id] = walk
        elif _further(record) and record.sync_id in current:
            walk = current[record.sync_id]
            walk["pages"] += 1
            walk["entries"] = _sum(walk["entries"], record.entries)
            if record.status != 200:
                walk.update(unbroken=False, note=f"a page answered {record.status}")
        elif record.extract_step in STEPS:
            current.pop(record.sync_id, None)
    for walk in walks:
        if walk["unbroken"] and walk["pages"] < 2 and walk.pop("complete") is None:
            walk.update(unbroken=False, note="no further page was requested")
        walk.pop("complete", None)
    return seen(walks, _shown(r for r in fhir if r.extract_step == "everything"), "traffic")


def _further(record: TrafficRecord) -> bool:
    """Return whether a request is a further page of the `$everything` before it.

    Servers have URLs of their own for pages, which name no type.
    """
    return record.extract_step == "pagination" and (
        "$everything" in record.url or (bool(record.url) and not names_type(record.url))
    )


def _walk(record: TrafficRecord) -> dict[str, Any]:
    good = record.status == 200
    short = record.complete is False
    return {
        "status": record.status,
        "pages": int(good),
        "unbroken": good,
        "first_page": 0,
        "entries": (len(record.types) or None) if record.entries is None else record.entries,
        "complete": record.complete,
        "searched": int(short),
        "missing": int(short),
        "missing_types": ["the app's own comparison"] if short else [],
        "note": "" if good else f"a page answered {record.status}",
    }


def _sum(total: int | None, more: int | None) -> int | None:
    """Add numbers of entries; None while no record has one."""
    return more if total is None else total if more is None else total + more


def _refresh(live: Sequence[TrafficRecord], span: LogWindow | None) -> Observation:
    """Return renewals by days since their grant. Without a clock, a log shows a lower bound.

    A temporary failure is no refusal, and a refusal of a grant of unknown age does not say when refreshing
    ends.
    """
    granted: dict[str, datetime] = {}
    steps = []
    for record in live:
        if record.kind != "token":
            continue
        if record.grant_type == "authorization_code" and record.status == 200:
            granted.setdefault(record.attempt_id, record.when)
        elif record.grant_type == "refresh_token" and span and span.holds(record.when):
            since = granted.get(record.attempt_id) if record.attempt_id else None
            works = record.status == 200
            if not works and (record.status in TEMPORARY_FAILURES or since is None):
                continue
            why = "" if works else f"the token endpoint answered {record.status}"
            day = max(0, (record.when - since).days) if since else 0
            steps.append({"day": day, "works": works, "why": why})
    if not steps:
        return unseen("no refresh in the log shows how long a grant lasts", cause="not-in-log")
    value = {"refresh": True, "clock": False, "no_clock": "a log has no clock", "steps": steps}
    return seen(value, (), "traffic")


def _documents(inside: Iterable[TrafficRecord]) -> dict[str, Observation]:
    """Return the observations of the two well-known documents, where an app requested them."""
    observations = {}
    for name, end in (("capability-statement", "/metadata"), ("smart-configuration", "/smart-configuration")):
        reads = [r for r in inside if r.kind == "discovery" and r.url.partition("?")[0].endswith(end)]
        if reads:
            there = any(record.status == 200 for record in reads)
            value = {"present": there, "why": "" if there else f"answered {reads[-1].status}"}
            observations[name] = seen(value, _shown(reads), "traffic")
    return observations


def _shown(records: Iterable[TrafficRecord]) -> list[Exchange]:
    """Return a few exchanges to show, their URLs without secrets."""
    exchanges: list[Exchange] = []
    for record in islice(records, MOST_SHOWN):
        step = {"authz_event": "sign-in", "token": "token", "discovery": "discovery"}.get(
            record.kind, record.extract_step
        )
        url = shown(record.url, step)
        exchanges.append(
            Exchange(
                record.method, url, record.status, record.latency_ms or 0.0, step, record.rtype,
                request_id=record.request_id,
            )
        )  # fmt: skip
    return exchanges
