"""A dry run: one member signs in, and every step is printed. Nothing is graded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from textwrap import wrap

import httpx

from sandbox.core.errors import UsageError
from sandbox.score import run
from sandbox.score.collect.sign_ins import PERSON
from sandbox.score.collect.target import Progress, TargetPayer, open_target
from sandbox.score.http.client import TIMEOUT_SECONDS, HttpClient
from sandbox.score.http.guard import Guard, Resolve, addresses
from sandbox.score.http.redaction import strike
from sandbox.score.instruments import facts as facts_document
from sandbox.score.instruments.facts import Member
from sandbox.score.lint.watch import Watch
from sandbox.score.signin.client_auth import method_of
from sandbox.score.signin.launch import SignInSession, SmartApp
from sandbox.score.signin.pages.trace import Look

WIDTH = 100
WHEN_NOT = "nobody can sign in: "


def dry_run(
    target: str,
    *,
    say: Callable[[str], None],
    facts: Path | None = None,
    entry: run.SignInOptions | None = None,
    progress: Progress = lambda _: None,
    tell: Callable[[str], None] = lambda _: None,
    intrusive: bool = False,
    user_agent: str = "",
    timeout: float = TIMEOUT_SECONDS,
    transport: httpx.BaseTransport | None = None,
    resolve: Resolve = addresses,
) -> bool:
    """Sign in one eligible member at the FHIR base `target`, and return whether it worked.

    `say` gets each line.

    Raises UsageError as `run.grade` does, and when there is no account or no way to sign in.
    """
    base = run.base_url(target)
    payer_facts = facts_document.read(facts) if facts else None
    guard = Guard(base, payer_facts.instruments.origins() if payer_facts else (), resolve)
    with ExitStack() as stack:
        options = run.way_in(entry or run.SignInOptions(), stack, tell, guard)
        options = replace(options, facts=payer_facts, intrusive=intrusive)
        http = stack.enter_context(
            HttpClient(guard, transport=transport, timeout=timeout, name=run.header_value(user_agent))
        )
        app, member = _choose(open_target(http, Watch(base), base, options, progress))
        for line in _before(app, member):
            say(line)
        progress("sign-in")
        session = app.sign_in(member)
        progress("")
        for line in _after(session):
            say(strike(line, http.secrets))
        return session.authorized


def _choose(target: TargetPayer) -> tuple[SmartApp, Member]:
    """Return the app, and the first eligible member or the person at the keyboard."""
    why = target.explain_no_sign_in().text
    if target.app is None or why:
        raise UsageError(WHEN_NOT + (why or "no way to sign in was found"))
    eligible = [PERSON] if target.options.by_hand else target.instruments.of_role("eligible")
    if not eligible:
        raise UsageError(f"{WHEN_NOT}there is no account of an eligible member")
    return target.app, eligible[0]


def _before(app: SmartApp, member: Member) -> Iterator[str]:
    line = f", {member.line}" if member.line else ""
    who = f"{member.username} (eligible{line})" if member.username else "you"
    endpoints, client = app.endpoints, app.client
    yield f"Sign-in of {who} at {app.base}"
    yield f"  client     {client.client_id}, returns to {client.redirect_uri}"
    yield f"  authorize  {endpoints.authorization} (from {endpoints.said_by})"
    yield f"  token      {endpoints.token}, {method_of(client, endpoints.auth_methods)}"
    yield f"  scope      {app.scopes.current}"


def _after(session: SignInSession) -> Iterator[str]:
    for number, look in enumerate(session.looks, 1):
        yield from _page(number, look)
    if session.authorized:
        yield from _token(session)
        yield "The member is signed in."
    else:
        yield f"Not signed in: {session.reason}"


def _page(number: int, look: Look) -> Iterator[str]:
    title = f"  “{look.title}”" if look.title else ""
    yield f"{number}. {look.page}  {look.status}{title}"
    for form in look.forms:
        yield from wrap(form, WIDTH, initial_indent="     shows  ", subsequent_indent=" " * 12)
    for done in look.did:
        yield f"     did    {done}"


def _token(session: SignInSession) -> Iterator[str]:
    lasts = f"{session.expires_in} s" if session.expires_in is not None else "an unknown time"
    renews = "with" if session.refresh_token else "without"
    yield "  callback   a code, with our state"
    yield f"  token      lasts {lasts}, {renews} a refresh token"
    yield f"  scope      {session.scope}"
    yield f"  patient    {session.patient}"
