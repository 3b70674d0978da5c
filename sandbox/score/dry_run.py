"""A dry run: one member signs in, and every step of it is told. Nothing is graded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from textwrap import wrap

import httpx

from sandbox.core.errors import UsageError
from sandbox.score import run
from sandbox.score.collect.examination import Approach, approach
from sandbox.score.collect.probes import Door
from sandbox.score.collect.roll import Progress, why_no_door
from sandbox.score.http.client import TIMEOUT_SECONDS, HttpClient
from sandbox.score.http.guard import Guard, Resolve, addresses
from sandbox.score.http.redaction import strike
from sandbox.score.instruments import facts as facts_document
from sandbox.score.instruments.facts import Member
from sandbox.score.signin.client_auth import method_of
from sandbox.score.signin.launch import SignInSession
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
    """Sign one eligible member in at the FHIR base `target`; whether it got in. `say` gets each line.

    Raises UsageError as `run.grade` does, and when there is no account or no way to sign in.
    """
    base = run.base_url(target)
    known = facts_document.read(facts) if facts else None
    guard = Guard(base, known.instruments.origins() if known else (), resolve)
    with ExitStack() as stack:
        given = replace(
            run.way_in(entry or run.SignInOptions(), stack, tell, guard), facts=known, intrusive=intrusive
        )
        http = stack.enter_context(
            HttpClient(guard, transport=transport, timeout=timeout, name=run.header_value(user_agent))
        )
        near = approach(http, base, given, progress)
        door, member = _who(near)
        for line in _before(base, near, door, member):
            say(line)
        progress("sign-in")
        session = door.sign_in(member)
        progress("")
        for line in _after(session):
            say(strike(line, http.secrets))
        return session.authorized


def _who(near: Approach) -> tuple[Door, Member]:
    """The first eligible member, or the person at the keyboard."""
    why = why_no_door(near.door, near.known, near.given, near.found).text
    if near.door is None or why:
        raise UsageError(WHEN_NOT + (why or "no way in was found"))
    if near.given.by_hand:
        return near.door, Member(username="", password="")
    eligible = near.known.instruments.of_role("eligible")
    if not eligible:
        raise UsageError(f"{WHEN_NOT}no account of an eligible member was lent")
    return near.door, eligible[0]


def _before(base: str, near: Approach, door: Door, member: Member) -> Iterator[str]:
    who = (
        f"{member.username} (eligible{', ' + member.line if member.line else ''})"
        if member.username
        else "you"
    )
    endpoints = door.endpoints
    yield f"Sign-in of {who} at {base}"
    yield f"  client     {door.app.client_id}, comes back to {door.app.redirect_uri}"
    yield f"  authorize  {endpoints.authorization} (named by {endpoints.said_by})"
    yield f"  token      {endpoints.token}, {method_of(door.app, endpoints.auth_methods)}"
    yield f"  scope      {door.scopes.current}"


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
