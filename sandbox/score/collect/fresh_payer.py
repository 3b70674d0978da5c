"""Observes refreshing in the fresh payer that is lent, if that answers like the payer under test.

The lender decides how a fresh payer behaves, so it is compared with the payer under test: their documents,
the result of signing in with the same account, and whether an immediate renewal works. Where they differ,
the result without a clock, at the payer under test, counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sandbox.score.collect import refresh_probe
from sandbox.score.collect.discovery import Discovery
from sandbox.score.collect.refresh_probe import RefreshGrant
from sandbox.score.collect.sign_ins import Sessions
from sandbox.score.collect.target import TargetPayer
from sandbox.score.evidence import Exchange, Observation, Reason, unseen
from sandbox.score.http.answers import texts
from sandbox.score.http.guard import origin
from sandbox.score.instruments import lent_clock
from sandbox.score.instruments.facts import Member
from sandbox.score.signin.launch import SignInSession, SmartApp

RULE = "instrument-fresh-payer"
LISTS = (
    *("capabilities", "scopes_supported", "grant_types_supported", "response_types_supported"),
    "code_challenge_methods_supported",
)
"""Fields that are equal in two smart-configurations of one payer, in any order."""


def refresh(target: TargetPayer, sessions: Sessions, why_none: Reason, newest: str) -> Observation:
    """Probe in a fresh payer with a clock where one is lent; else renew a new session here once.

    `newest` is the refresh token of the session that a person made by hand: nobody is asked twice.
    """
    app, watch = target.app, target.http.watch
    members = [member for member, session in sessions if session.usable]
    if app is None or not members:
        return unseen(why_none)
    if newest:
        by_hand = replace(sessions[0][1], refresh_token=newest)
        return refresh_probe.probe(RefreshGrant(by_hand, app))
    driver = app.driver if members[0].username else None  # nobody is asked twice
    grant, exchanges = refresh_probe.fresh_grant(app, target.instruments, members, driver)
    if grant is None or grant.payer is None:
        why = lent_clock.NOWHERE if target.instruments.clock else lent_clock.NONE
        fresh = target.instruments.fresh_payer
        if fresh and origin(fresh) != origin(app.base):
            why = "the fresh payer has another origin than the payer under test"
            watch.note(RULE, why, "refresh")
        return _here(app, members[0], why, exchanges)
    there = refresh_probe.probe(grant)
    seen_there = (*exchanges, *there.exchanges)
    member = next(member for member in members if member.username == grant.username)
    session = app.sign_in_with_retries(member)
    if not session.usable:
        return replace(there, exchanges=(*session.exchanges, *seen_there))
    here = refresh_probe.probe(RefreshGrant(session, app))
    seen_here = (*session.exchanges, *here.exchanges)
    why = unlike(target.discovery, grant.payer) or _otherwise(session, grant.session) or _renews(here, there)
    if not why:  # what decides comes last
        return replace(there, exchanges=(*seen_here, *seen_there))
    watch.note(RULE, why, "refresh")
    return replace(here, value={**here.value, "no_clock": why}, exchanges=(*seen_there, *seen_here))


def _here(app: SmartApp, member: Member, why: str, before: Sequence[Exchange]) -> Observation:
    """Renew a new session once: a synced one may have used its refresh token."""
    session = app.sign_in_with_retries(member)
    exchanges = (*before, *session.exchanges)
    if not session.usable:
        return unseen(
            f"no sign-in whose token could be refreshed: {session.reason}", exchanges, "sign-in-failed"
        )
    here = refresh_probe.probe(RefreshGrant(session, app, no_clock=why))
    return replace(here, exchanges=(*exchanges, *here.exchanges))


def unlike(tested: Discovery, fresh: Discovery) -> str:
    """Return how the documents of two payers differ; empty when they do not, or are missing."""
    if tested.smart.present and fresh.smart.present:
        for name in LISTS:
            if set(texts(tested.smart.body.get(name))) != set(texts(fresh.smart.body.get(name))):
                return f"the smart-configuration of the fresh payer differs in {name}"
    if tested.capability.present and fresh.capability.present:
        if tested.capability.body.get("fhirVersion") != fresh.capability.body.get("fhirVersion"):
            return "the fresh payer serves another FHIR version"
        if replace(tested.offer(), names=()) != replace(fresh.offer(), names=()):
            return "the fresh payer serves other resource types than the payer under test"
    return ""


def _otherwise(here: SignInSession, there: SignInSession) -> str:
    """Return how the same account's token response differs in the fresh payer."""
    if here.patient != there.patient:
        return "the same account gets another patient at the fresh payer"
    if there.refresh_token and not here.refresh_token:
        return "the fresh payer issues a refresh token, but the payer under test does not"
    if here.refresh_token and not there.refresh_token:
        return "the fresh payer issues no refresh token, but the payer under test does"
    if set(here.response) != set(there.response):
        return "the token responses of the fresh payer have other fields"
    return ""


def _renews(here: Observation, there: Observation) -> str:
    """Return how an immediate renewal differs in the fresh payer."""
    ends = [bool(seen_.value["steps"] and seen_.value["steps"][0]["works"]) for seen_ in (here, there)]
    if ends[0] == ends[1]:
        return ""
    return f"a renewal at once works {'here and not' if ends[0] else 'not here and does'} in the fresh payer"
