"""Runs the checks of trust: members' data, answers under another User-Agent, attempts to break in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sandbox.core.text import quantity
from sandbox.score.collect.sign_ins import Sessions
from sandbox.score.collect.sync import TokenHolder
from sandbox.score.collect.target import Observations, TargetPayer
from sandbox.score.evidence import Reason, unseen
from sandbox.score.instruments.facts import Member
from sandbox.score.trust import other_client
from sandbox.score.trust.locks.sequence import LockSequence


def verify(target: TargetPayer, sessions: Sessions, holders: Sequence[TokenHolder], why_none: Reason) -> None:
    """Make the observations `second-look` and `locks`. `holders` are the members who were synced."""
    http, app, observations = target.http, target.app, target.observations
    for rule, text in _check_members(sessions, observations):
        http.watch.note(rule, text, "sync")
    member = None if target.options.by_hand else _choose_member(sessions, holders)
    if not target.options.probes:
        observations["second-look"] = unseen("not compared: --no-probes")
        observations["locks"] = unseen("security was not tested: --no-probes")
        return
    target.progress("comparison under another User-Agent")
    signs_in = member if app is not None and app.driver is None else None
    observations["second-look"] = other_client.look(http, target.base, holders, app, signs_in)
    if not (target.options.intrusive or http.guard.target_is_private()):
        observations["locks"] = unseen("security is tested on a public host only with --intrusive")
    elif not holders:
        observations["locks"] = unseen(why_none)
    else:
        sequence = LockSequence(http, target.base, holders, app, member, target.instruments)
        observations["locks"] = sequence.run(target.progress)


def _check_members(sessions: Sessions, observations: Observations) -> Iterator[tuple[str, str]]:
    """Yield rules that the observations of members break, with a text.

    They are about shared patients, empty syncs, and accounts whose role is wrong.
    """
    names = {session.patient: set[str]() for _, session in sessions if session.usable}
    for member, session in sessions:
        if session.usable:
            names[session.patient].add(member.username)
    shared = [members for members in names.values() if len(members) > 1]
    if shared:
        count = f"{sum(map(len, shared))} of {quantity(len(sessions), 'member')}"
        yield "same-patient", f"the tokens of {count} name {quantity(len(shared), 'patient')}"
    syncs = observations["sync"].value["members"] if observations["sync"].seen else []
    empty = [
        sync
        for sync in syncs
        if set(sync["ok_searches"]) - {"Patient"} and set(sync["filled"]) <= {"Patient"}
    ]
    if empty:
        count = f"{len(empty)} of {quantity(len(syncs), 'sync', 'syncs')}"
        yield (
            "empty-records",
            f"{count} returned no record except the Patient, although the searches answered 200",
        )
    for entry in (observations["lapsed"].value or {}).values():
        if entry.get("contradicts"):
            yield "instrument-lapsed-member", entry["contradicts"]


def _choose_member(sessions: Sessions, holders: Sequence[TokenHolder]) -> Member | None:
    """Choose who signs in again: the last who could and was not synced, else the last who could."""
    synced = {holder.patient for holder in holders}
    entered = [(member, session) for member, session in sessions if session.usable]
    others = [(member, session) for member, session in entered if session.patient not in synced]
    return (others or entered)[-1][0] if entered else None
