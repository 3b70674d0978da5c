"""What is looked at so that a score can be believed: the locks, and the answers under another name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sandbox.core.text import quantity
from sandbox.score.collect.probes import Door
from sandbox.score.collect.roll import Given, Observations, Progress, Sessions
from sandbox.score.evidence import Observation, Reason, unseen
from sandbox.score.http.client import HttpClient
from sandbox.score.instruments.facts import Member, PayerFacts
from sandbox.score.trust import other_client
from sandbox.score.trust.locks import sequence as locks
from sandbox.score.trust.locks.records import Holder


def verify(
    http: HttpClient,
    base: str,
    given: Given,
    known: PayerFacts,
    door: Door | None,
    sessions: Sessions,
    holders: Sequence[Holder],
    why_none: Reason,
    progress: Progress,
    found: Observations,
) -> None:
    """`holders` are the members who were synced. Adds the observations `second-look` and `locks`."""
    for rule, text in _said(sessions, found):
        http.watch.note(rule, text, "sync")
    member = None if given.by_hand else _spare(sessions, holders)
    if not given.probes:
        found["second-look"] = unseen("no second look was taken: --no-probes")
        found["locks"] = unseen("no lock was tried: --no-probes")
        return
    progress("second look")
    signs_in = member if door is not None and door.driver is None else None
    found["second-look"] = other_client.look(http, base, holders, door, signs_in)
    found["locks"] = _locks(http, base, given, known, door, member, holders, why_none, progress)


def _said(sessions: Sessions, found: Observations) -> Iterator[tuple[str, str]]:
    """What the observations themselves say of members: shared patients, empty syncs, accounts that are lent
    as what they are not."""
    names = {session.patient: set[str]() for _, session in sessions if session.usable}
    for member, session in sessions:
        if session.usable:
            names[session.patient].add(member.username)
    shared = [members for members in names.values() if len(members) > 1]
    if shared:
        told = f"{sum(map(len, shared))} of {quantity(len(sessions), 'member')}"
        yield "same-patient", f"the tokens of {told} name {quantity(len(shared), 'patient')}"
    syncs = found["sync"].value["members"] if found["sync"].seen else []
    empty = [
        sync
        for sync in syncs
        if set(sync["ok_searches"]) - {"Patient"} and set(sync["filled"]) <= {"Patient"}
    ]
    if empty:
        told = f"{len(empty)} of {quantity(len(syncs), 'sync', 'syncs')}"
        yield "empty-records", f"{told} found no record beside the Patient, though searches answered 200"
    for entry in (found["lapsed"].value or {}).values():
        if entry.get("contradicts"):
            yield "instrument-lapsed-member", entry["contradicts"]


def _locks(
    http: HttpClient,
    base: str,
    given: Given,
    known: PayerFacts,
    door: Door | None,
    member: Member | None,
    holders: Sequence[Holder],
    why_none: Reason,
    progress: Progress,
) -> Observation:
    """Attempts to break in, on this machine and in private networks, and abroad where it was asked for."""
    if not (given.intrusive or http.guard.target_is_private()):
        return unseen("locks are tried on a host abroad only with --intrusive")
    if not holders:
        return unseen(why_none)
    return locks.run(http, base, holders, door, member, known.instruments, progress)


def _spare(sessions: Sessions, holders: Sequence[Holder]) -> Member | None:
    """A member who signs in once more: the last who got in and was not synced, else the last who got in."""
    synced = {holder.patient for holder in holders}
    entered = [(member, session) for member, session in sessions if session.usable]
    others = [(member, session) for member, session in entered if session.patient not in synced]
    return (others or entered)[-1][0] if entered else None
