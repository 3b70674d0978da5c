"""Examines a payer over HTTP: makes the named observations in order. Nothing is judged here.

Order: facts → discovery → sign-ins → sync → references → $everything → lapsed, opt-in and line probes →
second look and locks → refresh. The refresh probe moves a clock, so it is last and runs in a fresh payer.

Observations: facts, capability-statement, smart-configuration, sample, sign-ins, ineligible-sign-in, sync,
references, everything, lapsed, opt-in, lines, developer-portal, second-look, locks, refresh.
"""

from __future__ import annotations

from typing import Any

from sandbox.score.collect import fresh_payer
from sandbox.score.collect.former_members import observe_former_members
from sandbox.score.collect.member_syncs import choose_members, sync_members
from sandbox.score.collect.sign_ins import Sessions, explain_no_member, sign_in_members
from sandbox.score.collect.target import Observations, TargetPayer
from sandbox.score.evidence import Observation, Reason, seen, unseen
from sandbox.score.http.client import HttpClient
from sandbox.score.instruments.facts import Member
from sandbox.score.signin.launch import SmartApp
from sandbox.score.signin.page_flow import text_of
from sandbox.score.signin.pages.forms.login import asks_password
from sandbox.score.signin.pages.reader import read
from sandbox.score.trust.verification import verify


def examine(target: TargetPayer) -> Observations:
    """Make all observations of one examination.

    Raises UsageError when a token was given and nothing tells whose it is.
    """
    observations, progress = target.observations, target.progress
    sessions = sign_in_members(target)
    if len(sessions) > 1:
        lent = len(target.instruments.of_role("eligible"))
        seed = target.options.draw.seed
        observations["sample"] = seen({"seed": seed, "lent": lent, "signed_in": len(sessions)})
    holders = choose_members(target, sessions)
    why_none = explain_no_member(target, sessions)
    can_register = target.discovery.registration and not target.instruments.client_id
    if can_register and why_none.cause not in ("sign-in-failed", "sign-in-not-walked"):
        more = "; the payer supports dynamic registration: pass --register to register a client"
        why_none = why_none._replace(text=why_none.text + more)
    sync_members(target, holders, why_none)
    _probe(target, sessions, why_none)
    progress("developer portal")
    observations["developer-portal"] = _portal(target.http, target.facts.claims.developer_portal or "")
    verify(target, sessions, holders, why_none)
    progress("refresh")
    newest = holders[0].bearer.refresh_token if holders and target.options.by_hand else ""
    observations["refresh"] = fresh_payer.refresh(target, sessions, why_none, newest)
    return observations


def _probe(target: TargetPayer, sessions: Sessions, why_none: Reason) -> None:
    """Observe lapsed members, the member without a portal account, and the lines that can sign in.

    When no eligible member gets in, these would only show that fault again: they stay unseen. None of them
    enters a rate. A probe that fails is tried again, so that one fault of a payer costs one metric; a clear
    refusal is not.
    """
    observations = target.observations
    if target.app is None or not any(session.usable for _, session in sessions):
        for name in ("lapsed", "opt-in", "lines"):
            observations[name] = unseen(why_none)
        return
    lines: dict[str, Any] = {}
    for member, session in sessions:
        if member.line and session.walked:
            lines[member.line] = lines.get(member.line, False) or session.usable
    # members of a line of which nobody can sign in would only show that again
    lent = tuple(m for m in target.instruments.members if lines.get(m.line or "", True))
    answered = {kind for sync in observations["sync"].value["members"] for kind in sync["ok_searches"]}
    kinds = [kind for kind in ("ExplanationOfBenefit", "Coverage") if kind in answered] or ["Patient"]
    observations["lapsed"] = observe_former_members(target.app, lent, kinds, target.progress)
    target.progress("member without a portal account")
    observations["opt-in"] = _opt_in(target.app, [m for m in lent if m.role == "not-opted-in"])
    observations["lines"] = seen(lines)


def _opt_in(app: SmartApp, members: list[Member]) -> Observation:
    """Observe whether a member who never opened the portal can sign in. Value: `{"works", "why"}`."""
    if not members:
        return unseen("there is no account of a member without a portal account", cause="no-unopened")
    session = app.sign_in_with_retries(members[0])
    if not session.walked:
        return unseen(session.reason, session.exchanges, cause="sign-in-not-walked")
    return seen({"works": session.usable, "why": session.reason}, session.exchanges)


def _portal(http: HttpClient, url: str) -> Observation:
    """Observe whether a developer portal opens without a login. Value: `{"status", "html", "login"}`."""
    if "@" in url or not url.startswith(("http://", "https://")):
        return unseen("there is no address of a developer portal", cause="no-portal-address")
    answer = http.get(url, step="portal", reach="page", headers={"Accept": "text/html"})
    html = "html" in answer.headers.get("content-type", "")
    login = html and asks_password(read(text_of(answer), answer.url))
    return seen({"status": answer.status, "html": html, "login": login}, [answer.exchange])
