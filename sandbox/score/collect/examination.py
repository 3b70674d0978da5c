"""One examination: named observations, in order, over HTTP. Nothing is judged here.

Order: facts → discovery → sign-ins → sync → references → $everything → lapsed, opt-in and line probes →
second look and locks → refresh. The refresh probe moves a clock, so it is last and happens in a payer of
its own.

Observations: facts, capability-statement, smart-configuration, sample, sign-ins, ineligible-sign-in, sync,
references, everything, lapsed, opt-in, lines, developer-portal, second-look, locks,
refresh.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from sandbox.core.errors import FileProblem, UsageError
from sandbox.score.collect import probes
from sandbox.score.collect.discovery import Discovery, discover
from sandbox.score.collect.former_members import lapsed
from sandbox.score.collect.plan import SEARCHES
from sandbox.score.collect.probes import Door
from sandbox.score.collect.roll import (
    Given,
    Observations,
    Progress,
    Sessions,
    door_of,
    nobody,
    sign_ins,
    why_no_door,
)
from sandbox.score.collect.sync import MemberSync, Syncer, read_references
from sandbox.score.collect.wrong_address import require_fhir_base
from sandbox.score.evidence import Exchange, Observation, Reason, seen, unseen
from sandbox.score.fhir import lenient_json
from sandbox.score.http.client import HttpClient
from sandbox.score.instruments import facts, fresh_payer
from sandbox.score.instruments.facts import Instruments, PayerFacts
from sandbox.score.signin.patient_context import only_patient
from sandbox.score.signin.scopes import SCOPE
from sandbox.score.signin.tokens import Bearer
from sandbox.score.trust.locks.records import Holder
from sandbox.score.trust.verification import verify

SYNCS = 5


@dataclass(frozen=True)
class Syncing:
    """Somebody to sync: whose data, with which token, under which scope."""

    patient: str
    scope: str
    bearer: Bearer


def collect(http: HttpClient, base: str, given: Given, progress: Progress) -> Observations:
    """Everything one examination sees of the FHIR base (no trailing slash).

    Raises UsageError when the target gives no HTTP answer at all, or is no FHIR base.
    """
    near = approach(http, base, given, progress)
    given, known, described, door, found = near.given, near.known, near.described, near.door, near.found
    sessions = sign_ins(door, known, given, progress, found)
    if len(sessions) > 1:
        lent = len(known.instruments.of_role("eligible"))
        found["sample"] = seen({"seed": given.draw.seed, "lent": lent, "signed_in": len(sessions)})
    syncing = _who_syncs(http, base, door, sessions, given)
    why_none = nobody(sessions, why_no_door(door, known, given, found))
    registers = described.registration and not known.instruments.client_id
    if registers and why_none.cause not in ("sign-in-failed", "sign-in-not-walked"):
        more = "; the payer lets apps register themselves: --register makes a client"
        why_none = why_none._replace(text=why_none.text + more)
    _syncs(http, described, syncing, why_none, progress, found, given)
    _probe(door, known, sessions, why_none, progress, found)
    progress("developer portal")
    found["developer-portal"] = probes.portal(http, known.claims.developer_portal or "")
    holders = [Holder(one.patient, one.bearer) for one in syncing]
    verify(http, base, given, known, door, sessions, holders, why_none, progress, found)
    progress("refresh")
    newest = syncing[0].bearer.refresh_token if syncing and given.by_hand else ""
    found["refresh"] = fresh_payer.refresh(door, described, known, sessions, why_none, newest)
    return found


@dataclass(frozen=True)
class Approach:
    """What is known before anybody signs in, and the way in, if there is one."""

    given: Given
    known: PayerFacts
    described: Discovery
    door: Door | None
    found: Observations


def approach(http: HttpClient, base: str, given: Given, progress: Progress) -> Approach:
    """Facts, discovery and the way in. Raises UsageError when the target is no FHIR base."""
    progress("facts")
    known, found = _facts(http, base, given)
    if given.facts is None and not (given.intrusive or http.guard.target_is_private()):
        given = replace(given, held_back=bool(known.instruments.members))
        known = known.model_copy(update={"instruments": Instruments()})
    progress("discovery")
    described = discover(http, base)
    require_fhir_base(http, base, described, found["facts"].seen and given.facts is None)
    found["capability-statement"] = _presence(
        described.capability.missing, described.capability.exchanges, described.flaws
    )
    found["capability-statement"].value["types"] = described.offer().told()
    found["smart-configuration"] = _presence(described.smart.missing, described.smart.exchanges)
    door = door_of(http, described, known, given, found)
    return Approach(given, known, described, door, found)


def _facts(http: HttpClient, base: str, given: Given) -> tuple[PayerFacts, Observations]:
    """What the payer says of itself: the file if one was given, else the served document."""
    if given.facts is not None:
        http.watch.facts(given.facts.problems)
        return given.facts, {"facts": said(given.facts, "file", ())}
    answer = http.get(base + facts.PATH, step="discovery", headers={"Accept": "application/json"})
    exchanges = (answer.exchange,)
    if answer.status != 200:
        why = f"the payer serves no facts document ({answer.status or answer.exchange.note})"
        return facts.NO_FACTS, {"facts": unseen(why, exchanges)}
    document = answer.json() or lenient_json.read_object(answer.body)
    if not document:
        why = "the payer serves no facts document (200 without a JSON object)"
        return facts.NO_FACTS, {"facts": unseen(why, exchanges)}
    try:
        known = facts.parse(document, "the served facts document")
    except FileProblem as problem:
        return facts.NO_FACTS, {"facts": unseen(str(problem), exchanges)}
    http.watch.facts(known.problems)
    return known, {"facts": said(known, "served", exchanges)}


def said(known: PayerFacts, where: str, exchanges: tuple[Exchange, ...]) -> Observation:
    """Claims whole; of the instruments only what there is, never an account or a secret."""
    lent = known.instruments
    roles = sorted(m.role for m in lent.members)
    instruments = {
        "accounts": {role: roles.count(role) for role in dict.fromkeys(roles)},
        "clock": bool(lent.clock),
        "fresh_payer": bool(lent.fresh_payer),
    }
    problems = list(known.problems)
    value = {"from": where, "claims": known.claimed(), "instruments": instruments, "problems": problems}
    return seen(value, exchanges, source="declared")


def _presence(missing: str, exchanges: tuple[Exchange, ...], flaws: Iterable[str] = ()) -> Observation:
    return seen({"present": not missing, "why": missing, "flaws": list(flaws)}, exchanges)


def _who_syncs(
    http: HttpClient, base: str, door: Door | None, sessions: Sessions, given: Given
) -> list[Syncing]:
    """Five members, drawn with every line of business among them; or the one whose token was given."""
    if given.token:
        bearer = Bearer(given.token)
        http.secrets.add(given.token)
        patient = given.patient or _only_patient(http, base, bearer)
        return [Syncing(patient, SCOPE, bearer)]
    if door is None:
        return []
    usable = [(member, session) for member, session in sessions if session.usable]
    return [
        Syncing(session.patient, session.scope, session.bearer(http, door.endpoints, door.app))
        for _, session in given.draw.sync(usable, SYNCS)
    ]


def _only_patient(http: HttpClient, base: str, bearer: Bearer) -> str:
    """The one Patient a token opens. Raises UsageError when it opens none, or several."""
    ids, exchange = only_patient(http, base, bearer)
    if exchange.status == 401:
        why = "the payer does not accept this token (Patient answered 401)"
        raise UsageError(f"{why}: it takes another one, --patient does not help")
    if len(ids) != 1:
        what = f"answered {exchange.status or exchange.note}" if not ids else f"shows {len(ids)} patients"
        raise UsageError(f"cannot tell whose token this is (Patient {what}): say it with --patient")
    return ids[0]


def _syncs(
    http: HttpClient,
    described: Discovery,
    who: list[Syncing],
    why_none: Reason,
    progress: Progress,
    found: Observations,
    given: Given,
) -> None:
    """The syncs, then their references; `everything` is read from the syncs. The machine is timed between."""
    if not who:
        for name in ("sync", "references", "everything"):
            found[name] = unseen(why_none)
        return
    offer, done, in_vain = described.offer(), list[MemberSync](), False
    if given.every_type:
        offer = replace(offer, searched=frozenset(SEARCHES), patient="search")
    given.machine.sample()
    for number, one in enumerate(who, 1):
        progress(f"sync {number} of {len(who)}")
        http.watch.member(one.patient)
        syncer = Syncer(http, described.base, one.patient, one.bearer, offer)
        done.append(syncer.run(SCOPE if given.every_type else one.scope, everything=not in_vain))
        in_vain = in_vain or bool(done[-1].everything and done[-1].everything.in_vain)
        given.machine.sample()
    found["machine"] = seen(given.machine.to_value())
    renewals = [e for one in who for e in one.bearer.exchanges]
    exchanges = [e for sync in done for e in sync.exchanges]
    found["sync"] = seen({"members": [sync.to_value() for sync in done]}, exchanges + renewals)
    progress("references")
    found["references"] = _references(http, described.base, who, done)
    found["everything"] = _everything(done)


def _everything(done: list[MemberSync]) -> Observation:
    """What each `$everything` gave, with its pages; `exchange` is the place of the last of them."""
    value: list[dict[str, Any]] = []
    exchanges: list[Exchange] = []
    for sync in done:
        if sync.everything:
            exchanges += sync.whole
            value.append({**sync.to_value()["everything"], "exchange": len(exchanges) - 1})
    return seen(value, exchanges)


def _references(http: HttpClient, base: str, who: list[Syncing], done: list[MemberSync]) -> Observation:
    """Value: `{"read", "resolved", "tries", "tries_resolved": n, "failures": {"<status> <type>": n}}`."""
    read = resolved = tries = good = 0
    failures: dict[str, int] = {}
    exchanges: list[Exchange] = []
    for one, sync in zip(who, done, strict=True):
        reading = read_references(http, base, sync.references, one.bearer)
        read, resolved = read + reading.read, resolved + reading.resolved
        tries, good = tries + reading.tries, good + reading.tries_resolved
        exchanges += reading.exchanges
        for why, count in reading.failures.items():
            failures[why] = failures.get(why, 0) + count
    value = {"read": read, "resolved": resolved, "tries": tries, "tries_resolved": good}
    return seen({**value, "failures": failures}, exchanges)


def _probe(
    door: Door | None,
    known: PayerFacts,
    sessions: Sessions,
    why_none: Reason,
    progress: Progress,
    found: Observations,
) -> None:
    """Lapsed members, the member without a portal account, and the lines that got in.

    When no eligible member gets in, these would only show that fault again: they stay unseen.
    """
    if door is None or not any(session.usable for _, session in sessions):
        for name in ("lapsed", "opt-in", "lines"):
            found[name] = unseen(why_none)
        return
    lines: dict[str, Any] = {}
    for member, session in sessions:
        if member.line and session.walked:
            lines[member.line] = lines.get(member.line, False) or session.usable
    # members of a line that nobody gets in from would only show that again
    lent = tuple(m for m in known.instruments.members if lines.get(m.line or "", True))
    found["lapsed"] = lapsed(door, lent, _readable(found["sync"]), progress)
    progress("member without a portal account")
    found["opt-in"] = probes.opt_in(door, tuple(m for m in lent if m.role == "not-opted-in"))
    found["lines"] = seen(lines)


def _readable(sync: Observation) -> tuple[str, ...]:
    """What lapsed members are asked to show: claims and coverage, as far as eligible members see them."""
    answered = {kind for member in sync.value["members"] for kind in member["ok_searches"]}
    return tuple(kind for kind in ("ExplanationOfBenefit", "Coverage") if kind in answered) or ("Patient",)
