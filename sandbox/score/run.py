"""The front door: grade a target, or evidence that was kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from sandbox.core import clock
from sandbox.core.errors import UsageError
from sandbox.score import facts as facts_document
from sandbox.score import rubric
from sandbox.score.card import Card
from sandbox.score.client import Client
from sandbox.score.collect import collect
from sandbox.score.evidence import Evidence
from sandbox.score.guard import Guard, Resolve, addresses, origin
from sandbox.score.roll import Given, Progress

_SYSTEM = clock.SystemClock()
PACE_SECONDS = 0.1
"""Between requests to anything that is not on this machine or in its network."""


def grade(
    target: str,
    *,
    edition: str = "2025-05",
    facts: Path | None = None,
    token: str | None = None,
    patient: str | None = None,
    progress: Progress = lambda _: None,
    transport: httpx.BaseTransport | None = None,
    sleep: Callable[[float], None] = clock.sleep,
    stopwatch: Callable[[], float] = clock.stopwatch,
    now: Callable[[], datetime] = _SYSTEM.now,
    resolve: Resolve = addresses,
) -> tuple[Card, Evidence]:
    """Grade the FHIR base `target` from outside.

    `facts` is a facts file for a payer that serves none; `token` grades with one access token and no
    sign-in (`patient` says whose it is, when the token opens more than one). `progress` gets one line
    for each step. Raises UsageError: bad target, unknown edition, unreadable facts, unreachable target.
    """
    rules = rubric.load(edition)
    base = base_url(target)
    known = facts_document.read(facts) if facts else None
    guard = Guard(base, known.instruments.origins() if known else (), resolve)
    pace = 0.0 if guard.target_is_private() else PACE_SECONDS
    taken = now().astimezone(UTC).isoformat(timespec="seconds")
    with Client(guard, transport=transport, sleep=sleep, stopwatch=stopwatch, now=now, pace=pace) as http:
        found = collect(http, base, Given(known, token, patient), progress)
    evidence = Evidence(base, taken, found)
    return rubric.grade_evidence(rules, evidence), evidence


def regrade(evidence: Evidence, edition: str = "2025-05") -> Card:
    """Grade kept evidence again, without a network. Raises UsageError for an unknown edition."""
    return rubric.grade_evidence(rubric.load(edition), evidence)


def base_url(target: str) -> str:
    """The FHIR base without a trailing slash. Raises UsageError unless it is a plain http(s) URL."""
    if origin(target) is None:
        raise UsageError(f"not a FHIR base URL: {target!r} (it begins with http:// or https://)")
    parts = urlsplit(target)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise UsageError(f"a FHIR base URL has no user name, query or fragment: {target!r}")
    return target.rstrip("/")
