"""Grades a target, a log, or evidence that was kept: the public functions of the grader."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from sandbox.core import clock
from sandbox.core.errors import UsageError
from sandbox.core.urls import canonical_url
from sandbox.score import rubric
from sandbox.score.card import Card
from sandbox.score.collect.machine_load import Machine
from sandbox.score.collect.sample import Draw, seed_of
from sandbox.score.collect.target import REDIRECT, ExaminationOptions, Progress, describe_facts, open_target
from sandbox.score.editions.edition import Edition
from sandbox.score.evidence import Evidence, Observation
from sandbox.score.examination import examine
from sandbox.score.http.client import TIME_LIMIT, TIMEOUT_SECONDS, HttpClient
from sandbox.score.http.guard import Guard, Resolve, addresses, origin
from sandbox.score.http.redaction import struck
from sandbox.score.instruments import facts as facts_document
from sandbox.score.lint.watch import Watch
from sandbox.score.signin.client_auth import METHODS
from sandbox.score.signin.tokens import ClientApp
from sandbox.score.traffic.log_file import read as read_log
from sandbox.score.traffic.observations import observe

_SYSTEM = clock.SystemClock()
PACE_SECONDS = 0.5
"""Between requests to anything that is not on this machine or in its network: two a second."""


@dataclass(frozen=True)
class Log:
    """A traffic log. Its window ends at `as_of`, or else at its last record.

    `base` is the FHIR base of an HTTP Archive; it is found from the requests when it is not given.
    """

    path: Path
    as_of: datetime | None = None
    base: str = ""


@dataclass(frozen=True)
class SignInOptions:
    """How members sign in: with the app's own client, a browser, a script, a Chromium, or registration.

    `auth_method` is how the app authenticates at the token endpoint, and `scope` is what it asks for; both
    override what the payer lists.
    """

    client_id: str = ""
    client_secret: str = ""
    redirect_uri: str = ""
    browser: bool = False
    script: Path | None = None
    register: bool = False
    browser_driver: bool = False
    auth_method: str = ""
    scope: str = ""


def grade(
    target: str,
    *,
    edition: str = "2025-05",
    readings: Iterable[tuple[str, str]] = (),
    facts: Path | None = None,
    token: str | None = None,
    patient: str | None = None,
    log: Log | None = None,
    entry: SignInOptions | None = None,
    progress: Progress = lambda _: None,
    tell: Callable[[str], None] = lambda _: None,
    keep_bodies: bool = False,
    intrusive: bool = False,
    sample_seed: int | None = None,
    probes: bool = True,
    user_agent: str = "",
    pace: float | None = None,
    timeout: float = TIMEOUT_SECONDS,
    time_limit: float = TIME_LIMIT,
    transport: httpx.BaseTransport | None = None,
    sleep: Callable[[float], None] = clock.sleep,
    stopwatch: Callable[[], float] = clock.stopwatch,
    now: Callable[[], datetime] = _SYSTEM.now,
    resolve: Resolve = addresses,
    machine: Machine | None = None,
) -> tuple[Card, Evidence]:
    """Grade the FHIR base `target` from outside.

    `facts` is a facts file for a payer that serves none; `token` grades with one access token and no
    sign-in (`patient` says whose it is, when the token opens more than one). `progress` gets one line
    for each step, `tell` what a person must read. `intrusive`: on a public host too, sign in with the
    accounts that it lends by itself, move its clock and try to break in. `probes`: try to break in with what
    is lent. `user_agent` is the name that requests give (empty: our own). `sample_seed` draws the members
    (None: one of the target and the day). Raises UsageError: bad target, unknown edition or reading,
    unreadable facts or log, unreachable target.
    """
    rules = rubric.load(edition, readings)
    base = base_url(target)
    payer_facts = facts_document.read(facts) if facts else None
    traffic = _traffic(rules, log)
    guard = Guard(base, payer_facts.instruments.origins() if payer_facts else (), resolve)
    is_near = guard.target_is_private()
    taken = now().astimezone(UTC).isoformat(timespec="seconds")
    watch = Watch(base)
    with ExitStack() as stack:
        options = replace(
            way_in(entry or SignInOptions(), stack, tell, guard),
            facts=payer_facts,
            token=token,
            patient=patient,
            every_type=rules.chosen.get("A9") == "every-type",
            machine=machine or Machine(stopwatch),
            intrusive=intrusive,
            probes=probes,
            draw=Draw(seed_of(base, taken, is_near) if sample_seed is None else sample_seed),
        )
        http = stack.enter_context(
            HttpClient(
                guard,
                transport=transport,
                sleep=sleep,
                stopwatch=stopwatch,
                now=now,
                pace=(0.0 if is_near else PACE_SECONDS) if pace is None else pace,
                timeout=timeout,
                time_limit=time_limit,
                keep_bodies=keep_bodies,
                watch=watch,
                name=header_value(user_agent),
            )
        )
        observations = examine(open_target(http, watch, base, options, progress))
    evidence = struck(Evidence(base, taken, observations, traffic, watch.findings()), http.secrets)
    return rubric.grade_evidence(rules, evidence), evidence


def grade_log(
    log: Log,
    *,
    edition: str = "2025-05",
    readings: Iterable[tuple[str, str]] = (),
    facts: Path | None = None,
    now: Callable[[], datetime] = _SYSTEM.now,
) -> tuple[Card, Evidence]:
    """Grade a log alone, with a facts file. No request is sent. Raises UsageError."""
    rules = rubric.load(edition, readings)
    payer_facts = facts_document.read(facts) if facts else None
    claims = {"facts": describe_facts(payer_facts, "file", ())} if payer_facts else {}
    watch = Watch("")
    watch.facts(payer_facts.problems if payer_facts else ())
    taken = now().astimezone(UTC).isoformat(timespec="seconds")
    evidence = Evidence(log.path.name, taken, claims, _traffic(rules, log), watch.findings())
    return rubric.grade_evidence(rules, evidence), evidence


def regrade(
    evidence: Evidence,
    edition: str = "2025-05",
    readings: Iterable[tuple[str, str]] = (),
    log: Log | None = None,
) -> Card:
    """Grade kept evidence again, without a network. Raises UsageError for an unknown edition."""
    rules = rubric.load(edition, readings)
    if log is not None:
        evidence = replace(evidence, traffic=_traffic(rules, log))
    return rubric.grade_evidence(rules, evidence)


def header_value(user_agent: str) -> str:
    """Return a User-Agent as it may be sent. Raises UsageError."""
    if not user_agent.isascii() or not all(letter.isprintable() for letter in user_agent):
        raise UsageError("a User-Agent must be ASCII text on one line")
    return user_agent.strip()


def base_url(target: str) -> str:
    """Return the FHIR base without a trailing slash. Raises UsageError unless it is an http(s) URL."""
    if origin(target) is None:
        raise UsageError(f"not a FHIR base URL: {target!r} (it must start with http:// or https://)")
    parts = urlsplit(target)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise UsageError(f"a FHIR base URL must not have a user name, query or fragment: {target!r}")
    return canonical_url(target).rstrip("/")


def _traffic(rules: Edition, log: Log | None) -> dict[str, Observation]:
    return observe(read_log(log.path, log.base), rules.window_days, log.as_of) if log else {}


def way_in(
    entry: SignInOptions, stack: ExitStack, tell: Callable[[str], None], guard: Guard
) -> ExaminationOptions:
    """Return the client and the driver that were chosen. Raises UsageError for what is not installed."""
    if entry.auth_method and entry.auth_method not in METHODS:
        raise UsageError(
            f"the authentication method must be one of {', '.join(METHODS)}, not {entry.auth_method!r}"
        )
    redirect, driver = entry.redirect_uri, None
    if entry.browser:
        from sandbox.score.signin import browser

        callback = stack.enter_context(browser.Callback(redirect))
        redirect, driver = callback.redirect_uri, browser.driver(callback, tell)
    elif entry.script:
        redirect = redirect or REDIRECT
        from sandbox.score.signin import chromium, script

        driver = script.driver(script.load(entry.script), redirect, chromium.find_chromium())
    elif entry.browser_driver:
        from sandbox.score.signin import chromium

        redirect = redirect or REDIRECT
        driver = stack.enter_context(chromium.open_driver(redirect, guard))
    client = ClientApp(entry.client_id, redirect, entry.client_secret or None)
    return ExaminationOptions(
        client=client,
        driver=driver,
        by_hand=entry.browser,
        register=entry.register,
        auth_method=entry.auth_method,
        scope=entry.scope,
    )
